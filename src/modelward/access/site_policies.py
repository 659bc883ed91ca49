# SPDX-License-Identifier: Apache-2.0
"""The site's policy files: what administrators put in force beside the table of roles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from modelward.access.actor import Actor
from modelward.access.judging import HouseJudge, Statements, in_force
from modelward.access.name import check_name
from modelward.access.permission import Permission, Role
from modelward.access.seal import Seal
from modelward.access.site_policy import (
    FILES_LIMIT,
    POLICIES_LIMIT,
    SITE_POLICY_PUT,
    SITE_POLICY_REMOVED,
    TEXT_LIMIT_BYTES,
    InvalidSitePolicyError,
    LockedOutError,
    SitePolicy,
    SitePolicyChangedError,
    SitePolicyMissingError,
    SitePolicyTooLargeError,
)
from modelward.access.store import keys as key_rows
from modelward.access.store import people as person_rows
from modelward.access.store import policies as policy_rows
from modelward.access.store import sealed as sealed_rows
from modelward.audit import Ledger
from modelward.digest import sha256_hex
from modelward.storage import Connection, Database

if TYPE_CHECKING:
    from modelward.access.cedar import CompiledPolicies

_NEEDED = (Permission.POLICIES_MANAGE, Permission.USERS_MANAGE)
_TIMES: Final = 5


class _OvertakenError(Exception):
    """Another file was changed while this one was made ready."""


class SitePolicies:
    """Policy files in force, each under a name. A file with any fault in it changes nothing: the one before it stays in force."""

    def __init__(self, database: Database, ledger: Ledger, seal: Seal, judge: HouseJudge) -> None:
        self._database = database
        self._ledger = ledger
        self._seal = seal
        self._judge = judge

    def put(self, name: str, text: str, *, revision: int = 0, by: Actor) -> SitePolicy:
        """Put a text in force under `name`. `revision` is that of the text which it takes the place of; 0 where there is none.

        Raises:
            NotPermittedError: `by` lacks policies:manage. InvalidNameError. InvalidSitePolicyError: the text is no Cedar, or speaks
            of what the schema does not have; line and column are told. SitePolicyTooLargeError, TooManyBearError: a limit.
            SitePolicyChangedError: the file has another revision by now, or others are changed again and again meanwhile.
            LockedOutError: no administrator who comes as `by` does could change it again.
        """
        from modelward.access.cedar import check

        by.require(Permission.POLICIES_MANAGE)
        _checked_name(name)
        if (size := len(text.encode("utf-8", "surrogatepass"))) > TEXT_LIMIT_BYTES:
            raise SitePolicyTooLargeError(f"The file has {size:,} bytes; {TEXT_LIMIT_BYTES:,} is the most. Make two of it.")
        statements = check(text)
        policy = SitePolicy(
            name=name,
            revision=revision + 1,
            digest=sha256_hex(text.encode()),
            policies=len(statements),
            text=text,
            by=by.id,
            at=datetime.now(UTC),
        )
        for _ in range(_TIMES):
            with suppress(_OvertakenError):
                self._put(policy, statements, by=by)
                self._judge.refreshed()
                return policy
        raise SitePolicyChangedError(
            f"Other policy files were changed {_TIMES} times while {name} was made ready. Nothing was changed. Send it again."
        )

    def _put(self, policy: SitePolicy, statements: Statements, *, by: Actor) -> None:
        """Put a checked file in force. All of them together are made ready before anything is written, for whoever else writes
        would wait.

        Raises:
            _OvertakenError: another file was changed meanwhile.
        """
        with self._database.look() as connection:
            self._must_be_at(connection, policy.name, policy.revision - 1)
            others = [each for each in policy_rows.policies(connection, seal=self._seal) if each.name != policy.name]
        expected = in_force([*others, policy])
        files = sorted([*others, policy], key=_name)
        _must_not_be_too_many(files)
        compiled = self._judge.compiled(files, checked={policy.name: statements})
        with self._database.change() as connection:
            self._must_be_at(connection, policy.name, policy.revision - 1)
            policy_rows.put_policy(connection, policy, seal=self._seal)
            if in_force(policy_rows.policies(connection, seal=self._seal)) != expected:
                raise _OvertakenError
            self._must_not_lock_out(connection, compiled, by=by)
            facts = {"digest": policy.digest, "revision": policy.revision, "policies": policy.policies, "in_force": expected}
            self._record(connection, SITE_POLICY_PUT, policy.name, facts, by=by)
            marks = policy_rows.marks(connection)
        self._judge.prepare(marks, compiled)

    def list(self, *, by: Actor) -> list[SitePolicy]:
        """Every file, by name; the built-in one, which the table of roles is, first.

        Raises:
            NotPermittedError: `by` lacks policies:manage. AlteredRowError: one was altered, and is named.
        """
        by.require(Permission.POLICIES_MANAGE)
        with self._database.look() as connection:
            return [built_in(), *policy_rows.policies(connection, seal=self._seal)]

    def show(self, name: str, *, by: Actor) -> SitePolicy:
        """The file of that name; `built-in` is the one that comes with Modelward.

        Raises:
            NotPermittedError: `by` lacks policies:manage. SitePolicyMissingError: there is none. AlteredRowError: it was altered.
        """
        by.require(Permission.POLICIES_MANAGE)
        if name == built_in().name:
            return built_in()
        with self._database.look() as connection:
            policy = policy_rows.policy_named(connection, name, seal=self._seal)
        if policy is None:
            raise _missing(name)
        return policy

    def remove(self, name: str, *, revision: int | None = None, by: Actor) -> str:
        """Take a file out of force, also one whose row was altered; its name. Where a `revision` is given it must have that one.

        Raises:
            NotPermittedError: `by` lacks policies:manage. SitePolicyMissingError: there is none. SitePolicyChangedError: it has
            another revision by now.
        """
        by.require(Permission.POLICIES_MANAGE)
        with self._database.change() as connection:
            if name not in policy_rows.names(connection):
                raise _missing(name)
            if revision is not None:
                self._must_be_at(connection, name, revision)
            policy_rows.drop_policy(connection, name)
            # Of what else was altered the ledger is told nothing: it stays at fault until it is removed, too.
            kept = policy_rows.genuine(connection, seal=self._seal)
            self._record(connection, SITE_POLICY_REMOVED, name, {"in_force": in_force(kept)}, by=by)
        self._judge.refreshed()
        return name

    def _record(self, connection: Connection, event: Any, name: str, facts: dict[str, Any], *, by: Actor) -> None:
        self._ledger.record(connection, event, actor=by.id, subject=f"access policy {name}", facts=facts)
        sealed_rows.advance_revision(connection)

    def _must_be_at(self, connection: Connection, name: str, revision: int) -> None:
        present = policy_rows.policy_named(connection, name, seal=self._seal)
        now = present.revision if present else 0
        if now == revision:
            return
        there = f"has revision {now}, by {present.by}" if present else "is not there"
        raise SitePolicyChangedError(
            f"The policy file {name} {there}, and what was sent takes the place of revision {revision}. Nothing was changed. "
            f"See `modelward access policies show {name}`, put your change into that text, and send it with `--revision {now}`."
        )

    def _must_not_lock_out(self, connection: Connection, compiled: CompiledPolicies | None, *, by: Actor) -> None:
        """Nothing, where some administrator could change the policies again, or there is none but the owner of the home."""
        trial, is_any = self._judge.trial(compiled), False
        for actor in self._administrators(connection):
            is_any = True
            if all(trial.decide(actor.at(by.origin), needed).is_allowed for needed in _NEEDED):
                return
        if is_any:
            raise LockedOutError(
                "With this policy no administrator could change policies or people again, so it is not put in force. Have it "
                'except somebody: `unless { principal in Role::"administrator" }`.'
            )

    def _administrators(self, connection: Connection) -> Iterator[Actor]:
        """Those of the house, people first: all keys are looked at only where nobody else can do it."""
        now = datetime.now(UTC)
        yield from (
            user.actor("")
            for user in person_rows.users(connection, seal=self._seal)
            if user.role is Role.ADMINISTRATOR and not user.removed and not user.tenant
        )
        yield from (
            key.actor
            for key in key_rows.keys(connection, seal=self._seal)
            if key.role is Role.ADMINISTRATOR and key.models is None and not key.tenant and key.is_valid(now)
        )


def built_in() -> SitePolicy:
    """The table of roles, as policies."""
    from modelward.access.cedar.vocabulary import BUILT_IN, built_in_text

    text = built_in_text()
    return SitePolicy(name=BUILT_IN, revision=0, digest=sha256_hex(text.encode()), policies=len(Role), text=text, by="modelward")


def _must_not_be_too_many(files: Sequence[SitePolicy]) -> None:
    count = sum(file.policies for file in files)
    if len(files) > FILES_LIMIT or count > POLICIES_LIMIT:
        raise SitePolicyTooLargeError(
            f"There would be {len(files):,} files with {count:,} policies; {FILES_LIMIT:,} and {POLICIES_LIMIT:,} are the most. "
            "Remove some: `modelward access policies remove NAME`."
        )


def _name(file: SitePolicy) -> str:
    return file.name


def _checked_name(name: str) -> None:
    if check_name("policy file", name) == built_in().name:
        raise InvalidSitePolicyError(f"{name} is the table of roles, which comes with Modelward. Choose another name.")


def _missing(name: str) -> SitePolicyMissingError:
    return SitePolicyMissingError(f"No policy file is called {name[:80]!r}. `modelward access policies list` shows all.")
