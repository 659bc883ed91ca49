# SPDX-License-Identifier: Apache-2.0
"""Rooms elsewhere in which versions are made and kept: data, training, the shelf, assessment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from modelward.access import Actor
from modelward.assessment import Comparison, Erasure, Language, Objective, Trace, TrustReport, VersionErased
from modelward.client.archive import unpack
from modelward.client.budgeting import RemoteBudgets, RemoteStatistics
from modelward.client.connection import Connection, Room, part, plain, refuse_folder
from modelward.datasets import Dataset, Profile, RecordedErasure, Sharding, Shards, Split, SplitSummary, Task
from modelward.errors import NotFoundError
from modelward.registry import Dossier, ModelSummary, Verification, Version, parse_version_name
from modelward.training import SILENT, Candidate, Progress, Run, Spec, Status, render

_POLL_SECONDS = 0.3
_LONG_SECONDS = 600.0


class RemoteDatasets(Room):
    """See `modelward.datasets.Datasets`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.budgets = RemoteBudgets(connection)
        self.statistics = RemoteStatistics(connection)

    def add(
        self,
        name: str,
        files: Sequence[Path],
        *,
        target: str = "",
        positive: str = "",
        sensitive: Sequence[str] = (),
        purpose: str,
        owner: str,
        license: str = "",
        task: Task = "classes",
        user: str = "",
        time: str = "",
        by: Actor | None = None,
    ) -> Dataset:
        """Send the files and register them."""
        for file in files:
            refuse_folder(file)
        fields = {
            "name": name,
            "target": target,
            "positive": positive,
            "purpose": purpose,
            "owner": owner,
            "license": license,
            "task": task,
            "user": user,
            "time": time,
            "sensitive": list(sensitive),
        }
        with ExitStack() as stack:
            parts = [("files", (plain(file.name), stack.enter_context(file.open("rb")))) for file in files]
            return self._connection.fetch(Dataset, "POST", "/api/v1/datasets", data=fields, files=parts, timeout=_LONG_SECONDS)

    def list(self, *, by: Actor | None = None) -> list[Dataset]:
        """List datasets."""
        return self._connection.fetch(list[Dataset], "GET", "/api/v1/datasets")

    def show(self, name: str, *, by: Actor | None = None) -> Dataset:
        """Show a dataset."""
        return self._connection.fetch(Dataset, "GET", f"/api/v1/datasets/{part(name)}")

    def profile(self, name: str, *, by: Actor | None = None) -> Profile:
        """Show what was found in the data."""
        return self._connection.fetch(Profile, "GET", f"/api/v1/datasets/{part(name)}/profile")

    def split(self, name: str, split: Split, *, by: Actor | None = None) -> SplitSummary:
        """See how a split would divide the data."""
        return self._connection.fetch(SplitSummary, "POST", f"/api/v1/datasets/{part(name)}/split", body=split)

    def shard(self, name: str, sharding: Sharding, *, by: Actor | None = None) -> Shards:
        """Divide the data into datasets of their own."""
        path = f"/api/v1/datasets/{part(name)}/shards"
        return self._connection.fetch(Shards, "POST", path, body=sharding, timeout=_LONG_SECONDS)


class RemoteTraining(Room):
    """See `modelward.training.Training`."""

    def train(self, spec: Spec, *, by: Actor | None = None, progress: Progress = SILENT) -> Run:
        """Carry a spec out, and wait for its end.

        Raises:
            RunFailedError: no candidate became a version; the message says why of each.
        """
        return self._watch(
            self._connection.fetch(Run, "POST", "/api/v1/runs", body={"spec": render(spec)}, timeout=_LONG_SECONDS), progress
        )

    def resume(self, id: str, *, by: Actor | None = None, progress: Progress = SILENT) -> Run:
        """Go on with a run, and wait for its end."""
        return self._watch(self._connection.fetch(Run, "POST", f"/api/v1/runs/{part(id)}/resume", timeout=_LONG_SECONDS), progress)

    def runs(self, *, by: Actor | None = None) -> list[Run]:
        """List runs."""
        return self._connection.fetch(list[Run], "GET", "/api/v1/runs")

    def show(self, id: str, *, by: Actor | None = None) -> Run:
        """Show a run."""
        return self._connection.fetch(Run, "GET", f"/api/v1/runs/{part(id)}")

    def _watch(self, run: Run, progress: Progress) -> Run:
        progress.started(run)
        told: dict[str, tuple[str, float, str]] = {}
        while True:
            for candidate in run.candidates:
                if told.get(candidate.name) != (heard := _heard(candidate)):
                    told[candidate.name] = heard
                    _, share, word = heard
                    progress.candidate(candidate.name, share, word)
            if run.status is Status.FAILED:
                raise run.failure()
            if run.status is not Status.RUNNING:
                return run
            time.sleep(_POLL_SECONDS)
            run = self.show(run.id)


class RemoteRegistry(Room):
    """See `modelward.registry.Registry`."""

    def models(self, *, by: Actor | None = None) -> list[ModelSummary]:
        """List models."""
        return self._connection.fetch(list[ModelSummary], "GET", "/api/v1/models")

    def versions(self, model: str, *, by: Actor | None = None) -> list[Version]:
        """List a model's versions."""
        return self._connection.fetch(list[Version], "GET", f"/api/v1/models/{part(model)}/versions")

    def find(self, name: str, *, by: Actor | None = None) -> Version:
        """Show a version."""
        return self._connection.fetch(Version, "GET", _version_path(name))

    def read(self, version: Version, path: str, *, sequence: int | None = None) -> bytes:
        """One file of a version's latest signed directory, or of the one numbered `sequence`."""
        place = f"{_version_path(version.name)}/files/{quote(path)}"
        return self._connection.send("GET", place, params=_numbered(sequence)).content

    def dossier(self, version: Version, *, sequence: int | None = None) -> Dossier:
        """A version's latest signed directory, or the one numbered `sequence`."""
        return self._connection.fetch(Dossier, "GET", f"{_version_path(version.name)}/dossier", params=_numbered(sequence))

    def verify(self, name: str, *, by: Actor | None = None) -> Verification:
        """Check a version there."""
        return self._connection.fetch(Verification, "POST", f"{_version_path(name)}/verify")

    def export(self, name: str, folder: Path, *, by: Actor | None = None) -> Dossier:
        """Fetch a version's signed directory into a new folder."""
        unpack(self._connection.send("GET", f"{_version_path(name)}/export", timeout=_LONG_SECONDS).content, folder)
        return self.dossier(self.find(name))

    def import_folder(
        self,
        path: Path,
        name: str,
        *,
        purpose: str = "",
        owner: str = "",
        public_key: bytes | None = None,
        by: Actor | None = None,
    ) -> Version:
        """Send a model made elsewhere."""
        fields = {"name": name, "purpose": purpose, "owner": owner, "public_key": (public_key or b"").decode()}
        found = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
        named = {file: plain(file.name) if path.is_file() else file.relative_to(path).as_posix() for file in found}
        with ExitStack() as stack:
            parts = [("files", (name, stack.enter_context(file.open("rb")))) for file, name in named.items()]
            return self._connection.fetch(Version, "POST", "/api/v1/models", data=fields, files=parts, timeout=_LONG_SECONDS)


class RemoteAssessment(Room):
    """See `modelward.assessment.Assessment`."""

    def assess(
        self,
        name: str,
        *,
        only: Sequence[str] = (),
        by: Actor | None = None,
        progress: object = None,
    ) -> TrustReport:
        """Measure a version there."""
        body = {"only": list(only)}
        return self._connection.fetch(TrustReport, "POST", f"{_version_path(name)}/assessments", body=body, timeout=_LONG_SECONDS)

    def report(self, name: str, *, by: Actor | None = None) -> TrustReport | None:
        """A version's trust report, if it has one."""
        try:
            return self._connection.fetch(TrustReport, "GET", f"{_version_path(name)}/report")
        except NotFoundError:
            self._must_exist(name)
            return None

    def page(self, name: str, *, language: Language = "en", by: Actor | None = None) -> bytes | None:
        """A version's trust report as one HTML file in that language, if it has one."""
        try:
            return self._connection.send("GET", f"{_version_path(name)}/report/page", params={"language": language}).content
        except NotFoundError:
            self._must_exist(name)
            return None

    def compare(
        self,
        names: Sequence[str],
        *,
        objective: Objective,
        by: Actor | None = None,
        progress: object = None,
    ) -> Comparison:
        """Weigh versions there."""
        body = {"versions": list(names), "objective": objective}
        return self._connection.fetch(Comparison, "POST", "/api/v1/comparisons", body=body, timeout=_LONG_SECONDS)

    def trace(self, dataset: str, *, column: str, value: str, by: Actor | None = None) -> Trace:
        """Which versions ever saw somebody's records."""
        path, body = f"/api/v1/datasets/{part(dataset)}/trace", {"column": column, "value": value}
        return self._connection.fetch(Trace, "POST", path, body=body, timeout=_LONG_SECONDS)

    def erase(self, dataset: str, *, rows: str, reason: str, is_trial: bool = False, by: Actor | None = None) -> Erasure:
        """Take rows out of a dataset for good."""
        path, body = f"/api/v1/datasets/{part(dataset)}/erase", {"rows": rows, "reason": reason, "is_trial": is_trial}
        return self._connection.fetch(Erasure, "POST", path, body=body, timeout=_LONG_SECONDS)

    def erasures(self, version: Version, *, by: Actor | None = None) -> tuple[RecordedErasure, ...]:
        """The erasures of rows that a version may have learned from."""
        return self._connection.fetch(tuple[RecordedErasure, ...], "GET", f"{_version_path(version.name)}/erasures")

    def erased_versions(self, model: str, *, by: Actor | None = None) -> tuple[VersionErased, ...]:
        """The versions of a model that may have learned from rows that were erased since."""
        return self._connection.fetch(tuple[VersionErased, ...], "GET", f"/api/v1/models/{part(model)}/erasures")

    def _must_exist(self, name: str) -> None:
        """Nothing, where there is such a version: then it is its report that was not found."""
        self._connection.fetch(Version, "GET", _version_path(name))


def _heard(candidate: Candidate) -> tuple[str, float, str]:
    """The status of a candidate, the share of its work that is done, and a word about it."""
    status = candidate.status.value
    if status == "running":
        return status, min(candidate.standing.share, 0.99), candidate.standing.word or status
    return status, 1.0 if status in {"done", "refused", "failed"} else 0.0, candidate.message or status


def _version_path(name: str) -> str:
    model, number = parse_version_name(name)
    return f"/api/v1/models/{part(model)}/versions/{number}"


def _numbered(sequence: int | None) -> dict[str, int]:
    return {} if sequence is None else {"sequence": sequence}
