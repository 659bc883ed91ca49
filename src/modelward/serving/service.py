# SPDX-License-Identifier: Apache-2.0
"""Serving: what answers, for programs over the gateway and for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelward.access import Access, Actor, Permission, Role
from modelward.audit import Ledger
from modelward.digest import KeyedDigest
from modelward.registry import OpenVersion, Registry, TamperedVersionError
from modelward.releases import Release, Releases
from modelward.serving.admission import Admission
from modelward.serving.answer import INFERENCE_EXPLAINED, NotServedError
from modelward.serving.captures import Captures
from modelward.serving.capturing import Capturing
from modelward.serving.deployments import Deployments
from modelward.serving.doorkeeper import Doorkeeper
from modelward.serving.explanations import Explanation, Explanations
from modelward.serving.gateway import Gateway
from modelward.serving.keychain import TRUSTED_SECONDS, Keychain
from modelward.serving.meters import Meters
from modelward.serving.offline import Batch, FileFormat, answer_file
from modelward.serving.outage import Outage
from modelward.serving.quotas import Quotas
from modelward.serving.recording import form_of
from modelward.serving.request_id import new_request_id
from modelward.serving.tracing import Tracing
from modelward.settings import Settings
from modelward.storage import Database, Keyring, Vault

# The server reads the shelf on its own account; what it may read it for is checked caller by caller.
_SERVER = Actor(id="service:modelward-serving", name="modelward-serving", role=Role.OPERATOR)


class Serving:
    """Answers with what is live, and with nothing else."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        *,
        access: Access,
        registry: Registry,
        releases: Releases,
        vault: Vault,
        keyring: Keyring,
        settings: Settings,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._access = access
        self._registry = registry
        self._releases = releases
        self._settings = settings
        self._explanations = Explanations(registry)
        self._quotas = Quotas(settings.home)
        self._vault = vault
        self._pseudonyms = KeyedDigest(keyring.secret("digests"))
        self.captures = Captures(database, ledger, vault, registry)
        self._meters = Meters()
        self._outage = Outage(database, ledger, meters=self._meters, actor=_SERVER.id)
        self.deployments = Deployments(releases, self._open, meters=self._meters)

    def gateway(self, *, tracing: Tracing | None = None) -> Gateway:
        """The way in for a server's requests: `async with serving.gateway() as gateway`. `tracing` follows questions."""
        return Gateway(
            self._ledger,
            admission=Admission(self._access.terms),
            deployments=self.deployments,
            keychain=Keychain(self._access, trusted_seconds=TRUSTED_SECONDS + self._settings.refresh_seconds),
            explanations=self._explanations,
            quotas=Quotas(self._settings.home),
            capturing=Capturing(
                self._database,
                self._ledger,
                self._vault,
                rules=self.captures.rules_in_force,
                meters=self._meters,
                actor=_SERVER.id,
            ),
            pseudonyms=self._pseudonyms,
            meters=self._meters,
            settings=self._settings,
            tracing=tracing,
        )

    def can_record(self) -> bool:
        """Whether answers can be put on record, as far as is known. After one that could not, an entry is tried, once a second at
        most; then this may take as long as the database waits for others.
        """
        try:
            self._ledger.head()
        except Exception:  # noqa: BLE001  # whatever is wrong with the ledger, no answer could leave
            return False
        return self._outage.is_over()

    def predict_file(self, name: str, file: Path, *, form: FileFormat = "csv", by: Actor) -> Batch:
        """Answer every row of a file (a table or JSON) with the live version of a model: the numbers are those it gives
        online. One ledger entry speaks of the whole file.

        Raises:
            NotPermittedError: `by` may not ask this model. PurposeNotAgreedError, TermsNotAcceptedError: not for that, or not
            before. NotReleasedError, NotServedError: it is not live. ModelMissingError: there is no such model.
            QuotaUsedUpError: that is more than the quota of `by`.
            InvalidError: the file is no table of this model's rows; row and column are named, never a value.
        """
        by.require(Permission.MODELS_PREDICT, model=name.partition(":")[0])
        deployment = self.deployments.deploy(self._live(name, by=by))
        try:
            Admission(self._access.terms).check(by, deployment.version)
            return answer_file(
                deployment,
                file,
                form=form,
                limit_bytes=self._settings.upload_limit_bytes,
                database=self._database,
                ledger=self._ledger,
                quotas=self._quotas,
                pseudonyms=self._pseudonyms,
                by=by,
            )
        finally:
            deployment.engine.close()

    def explain(self, name: str, rows: Sequence[Mapping[str, Any]], *, label: str | None = None, by: Actor) -> list[Explanation]:
        """Explain the live version's answer to each row; recorded before it is handed out.

        Raises:
            NotPermittedError: `by` may not have this model explained. NotReleasedError, NotServedError: it is not
            live. ModelMissingError: there is no such model. InvalidError: the rows do not fit. PrerequisiteError: the
            version brings no background, or a library is missing.
        """
        model = name.partition(":")[0]
        by.require(Permission.MODELS_EXPLAIN, model=model)
        release = self._live(name, by=by)
        opened, request, door = self._open(release), new_request_id(), self._releases.door(release)
        doorkeeper = None if door.persons == "keep" else Doorkeeper(door, self._pseudonyms, caller=by.credential or by.id)
        try:
            Admission(self._access.terms).check(by, opened.version)
            self._quotas.take(by, requests=1, rows=len(rows))
            seen = doorkeeper.rows(rows, opened.interface) if doorkeeper else rows
            found = self._explanations.explain(opened, seen, label=label, request=request)
            if doorkeeper:
                found = list(map(doorkeeper.explanation, found))
        finally:
            opened.close()
        form = form_of(self._ledger, INFERENCE_EXPLAINED, opened.version, by=by)
        draft = form.draft(request, msgspec.json.encode(rows), msgspec.json.encode(found), b"%d" % len(rows))
        with self._database.change() as connection:
            self._ledger.record_all(connection, [draft])
        return found

    def _live(self, name: str, *, by: Actor) -> Release:
        """The live release that `income`, or `income:3`, speaks of."""
        model = name.partition(":")[0]
        release = self._releases.live_one(model, by=by)
        if name not in (model, release.version):
            raise NotServedError(f"{name[:80]!r} is not released; {release.version} is. `modelward release list` shows what is.")
        return release

    def _open(self, release: Release) -> OpenVersion:
        """The version of `release`, verified and decrypted: the very bytes that were decided, once the ledger says they were."""
        self._releases.must_be_on_record(release)
        version = self._registry.find(release.version, by=_SERVER)
        if version.digest != release.digest:
            raise TamperedVersionError(
                f"{version.name} is not opened: its digest is {version.digest[:12]}, and {release.id} released "
                f"{release.digest[:12]}. Run `modelward audit verify`."
            )
        return self._registry.open(version)
