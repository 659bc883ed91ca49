# SPDX-License-Identifier: Apache-2.0
"""Keeps policies: each text word for word, under its name, with who put it there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from modelward.access import Actor, NotPermittedError, Permission
from modelward.audit import Ledger
from modelward.digest import sha256_hex
from modelward.releases.policy import (
    DEFAULT_POLICY,
    ModelGovernedError,
    Policy,
    PolicyMissingError,
    PolicyNotGoverningError,
    PolicyText,
    builtin_policy,
    governing,
    parse_policy,
    unrecorded_policy,
    with_lacks,
)
from modelward.releases.record import Record
from modelward.releases.release import POLICY_CHANGED
from modelward.releases.store import ReleaseStore
from modelward.storage import Connection, Database


class Policies:
    """The policies in place. A policy is never edited: a new text under its name takes over, and earlier ones stay on record."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._record = Record(ledger)
        self._store = ReleaseStore()

    def put(self, text: str, *, by: Actor) -> PolicyText:
        """Put a policy in place under the name it says. What is live stays live; what the policy governs and is not live yet has to
        be proposed again. The answer says which rules it `lacks` of the policy that comes with Modelward.

        Raises:
            InvalidPolicyError: the text is not a policy. ModelGovernedError: it names a model that another policy names.
            NotPermittedError: `by` may not decide releases, or not of every model.
        """
        by.require(Permission.RELEASES_DECIDE)
        by.require_house()
        if by.models is not None:
            raise NotPermittedError(
                f"{by.id} is limited to some models, and a policy decides over all of them. "
                "Ask an administrator for a key without the limit: `modelward keys create`."
            )
        policy = parse_policy(text)
        with self._database.change() as connection:
            present = self._store.policy(connection, policy.name)
            if present and present.text == text:
                return with_lacks(present)
            self._must_not_overlap(connection, policy)
            return with_lacks(self._put(connection, policy, text, number=present.number + 1 if present else 1, by=by))

    def list(self, *, by: Actor) -> tuple[PolicyText, ...]:
        """Every policy in place, by name; the one that comes with Modelward among them."""
        by.require(Permission.RELEASES_READ)
        return tuple(with_lacks(each) for each in self._in_place().values() if _is_shown(each, by))

    def show(self, name: str, *, by: Actor) -> PolicyText:
        """The policy in place under `name`.

        Raises:
            PolicyMissingError: there is none.
        """
        by.require(Permission.RELEASES_READ)
        return with_lacks(_named({each.name: each for each in self._in_place().values() if _is_shown(each, by)}, name))

    def open_to(self, model: str, *, by: Actor) -> tuple[PolicyText, ...]:
        """The policies that a proposal of `model` may name: the one that governs it, or every one where none does."""
        found = self.list(by=by)
        one = governing(found, model)
        return (one,) if one else found

    def governing(self, model: str) -> PolicyText | None:
        """The policy that governs `model` now; None where a proposal chooses. For the gate itself."""
        return governing(self._in_place().values(), model)

    def deciding(self, model: str, named: str | None) -> PolicyText:
        """The policy that decides over a proposal of `model` that named one, or none. For the gate itself.

        Raises:
            PolicyNotGoverningError: another policy governs the model. PolicyMissingError: nobody put that one in place.
        """
        found = self._in_place()
        one = governing(found.values(), model)
        if one is not None and named not in (None, one.name):
            raise PolicyNotGoverningError(
                f"The policy {one.name} governs {model}, and {named[:80]!r} does not decide over it. Name none: "
                f"`modelward release propose {model}:V`. `modelward release policy show {one.name}` has what it asks."
            )
        return one or _named(found, named or DEFAULT_POLICY)

    def _in_place(self) -> dict[str, PolicyText]:
        """The newest text under each name, sorted; the built-in one unless somebody put another in its place.

        Raises:
            UnrecordedPolicyError: a row is not what the ledger says was put in place, or is gone.
        """
        kept, said = self._kept(), self._record.policies()
        while forged := next((name for name in said if name not in kept or said[name] != _told(kept[name])), None):
            # Rows and ledger are read one after the other: what was put between the two is not a forgery.
            before, (kept, said) = (kept, said), (self._kept(), self._record.policies())
            if (kept, said) == before:
                raise unrecorded_policy(forged)
        return dict(sorted(({DEFAULT_POLICY: builtin_policy()} | kept).items()))

    def _kept(self) -> dict[str, PolicyText]:
        with self._database.look() as connection:
            return {policy.name: policy for policy in self._store.policies(connection)}

    def _must_not_overlap(self, connection: Connection, policy: Policy) -> None:
        for other in self._store.policies(connection):
            shared = [name for name in policy.models if name in other.models]
            if shared and other.name != policy.name:
                raise ModelGovernedError(
                    f"The policy {other.name} names {', '.join(shared)} already, and one policy governs a model. Put {other.name} "
                    f"in place without that first: `modelward release policy show {other.name}` has its text."
                )

    def _put(self, connection: Connection, policy: Policy, text: str, *, number: int, by: Actor) -> PolicyText:
        kept = PolicyText(
            name=policy.name,
            number=number,
            digest=sha256_hex(text.encode()),
            approvals=policy.approvals,
            text=text,
            by=by.id,
            at=datetime.now(UTC),
            models=policy.models,
        )
        facts = {
            "digest": kept.digest,
            "number": number,
            "approvals": policy.approvals,
            "models": list(policy.models),
            "rules": [words for words, _ in policy.rules],
        }
        self._ledger.record(connection, POLICY_CHANGED, actor=by.id, subject=policy.name, facts=facts)
        self._store.add_policy(connection, kept)
        return kept


def _is_shown(policy: PolicyText, by: Actor) -> bool:
    """Whether a policy names no model that `by` must not know of."""
    return all(model == "*" or by.sees(model) for model in policy.models)


def _told(policy: PolicyText) -> tuple[str, int, int, tuple[str, ...]]:
    """What the ledger should tell of it."""
    return sha256_hex(policy.text.encode()), policy.number, policy.approvals, policy.models


def _named(policies: Mapping[str, PolicyText], name: str) -> PolicyText:
    if name in policies:
        return policies[name]
    raise PolicyMissingError(
        f"No policy is called {name[:80]!r}. Put one in place with `modelward release policy put FILE`, "
        "or see what there is with `modelward release policy list`."
    )
