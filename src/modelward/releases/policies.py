# SPDX-License-Identifier: Apache-2.0
"""Keeps policies: each text word for word, under its name, with who put it there."""

from __future__ import annotations

from datetime import UTC, datetime

from modelward.access import Actor, NotPermittedError, Permission
from modelward.audit import Ledger
from modelward.digest import sha256_hex
from modelward.releases.policy import DEFAULT_POLICY, Policy, PolicyMissingError, PolicyText, builtin_policy, parse_policy
from modelward.releases.release import POLICY_CHANGED
from modelward.releases.store import ReleaseStore
from modelward.storage import Connection, Database


class Policies:
    """The policies in place. A policy is never edited: a new text under its name takes over, and earlier ones stay on record."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._store = ReleaseStore()

    def put(self, text: str, *, by: Actor) -> PolicyText:
        """Put a policy in place under the name it says. What was decided before keeps the text it was decided under.

        Raises:
            InvalidPolicyError: the text is not a policy. NotPermittedError: `by` may not decide releases, or not of every model.
        """
        by.require(Permission.RELEASES_DECIDE)
        if by.models is not None:
            raise NotPermittedError(
                f"{by.id} is limited to some models, and a policy decides over all of them. "
                "Ask an administrator for a key without the limit: `modelward keys create`."
            )
        policy = parse_policy(text)
        with self._database.change() as connection:
            present = self._store.policy(connection, policy.name)
            if present and present.text == text:
                return present
            return self._put(connection, policy, text, number=present.number + 1 if present else 1, by=by)

    def list(self, *, by: Actor) -> tuple[PolicyText, ...]:
        """Every policy in place, by name; the one that comes with Modelward among them."""
        by.require(Permission.RELEASES_READ)
        with self._database.look() as connection:
            found = {policy.name: policy for policy in (builtin_policy(), *self._store.policies(connection))}
        return tuple(sorted(found.values(), key=lambda policy: policy.name))

    def show(self, name: str, *, by: Actor) -> PolicyText:
        """The policy in place under `name`.

        Raises:
            PolicyMissingError: there is none.
        """
        by.require(Permission.RELEASES_READ)
        return self.in_place(name)

    def in_place(self, name: str) -> PolicyText:
        """`show`, for the gate itself."""
        with self._database.look() as connection:
            found = self._store.policy(connection, name)
        if found is None and name == DEFAULT_POLICY:
            return builtin_policy()
        if found is None:
            raise PolicyMissingError(
                f"No policy is called {name[:80]!r}. Put one in place with `modelward release policy put FILE`, "
                "or see what there is with `modelward release policy list`."
            )
        return found

    def _put(self, connection: Connection, policy: Policy, text: str, *, number: int, by: Actor) -> PolicyText:
        kept = PolicyText(
            name=policy.name,
            number=number,
            digest=sha256_hex(text.encode()),
            approvals=policy.approvals,
            text=text,
            by=by.id,
            at=datetime.now(UTC),
        )
        facts = {
            "digest": kept.digest,
            "number": number,
            "approvals": policy.approvals,
            "rules": [words for words, _ in policy.rules],
        }
        self._ledger.record(connection, POLICY_CHANGED, actor=by.id, subject=policy.name, facts=facts)
        self._store.add_policy(connection, kept)
        return kept
