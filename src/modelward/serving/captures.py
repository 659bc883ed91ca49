# SPDX-License-Identifier: Apache-2.0
"""Captures for people: what is to be kept is ruled, what is kept is shown to who may see it, and destroyed, each on record."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from modelward.access import Actor, Permission, check_name
from modelward.audit import Ledger, LoggedEntry, checked_reason
from modelward.digest import sha256_hex
from modelward.registry import Registry
from modelward.serving import store
from modelward.serving.answer import INFERENCE_ANSWERED, INFERENCE_EXPLAINED
from modelward.serving.capture import (
    CAPTURE_READ,
    CAPTURE_SHREDDED,
    CAPTURES_RULED,
    SHOWN,
    SHOWN_LIMIT,
    SHREDDED_AT_ONCE,
    Capture,
    CaptureAlteredError,
    CapturedExchange,
    CaptureRule,
    CaptureShreddedError,
    CapturesOffError,
    InvalidCaptureRuleError,
    Kept,
    Sealed,
    ShreddedCaptures,
    SweptCaptures,
    checked_rule,
    label_of,
    missing,
)
from modelward.serving.capture_rules import CaptureRules
from modelward.serving.capturing import remove_expired
from modelward.storage import Connection, Database, DataKeyDestroyedError, Vault

_MAY_SEE_RULES = (Permission.MODELS_READ, Permission.MODELS_PREDICT, Permission.CAPTURES_RULE, Permission.CAPTURES_READ)
_TELLS = (INFERENCE_ANSWERED.name, INFERENCE_EXPLAINED.name)


class Captures:
    """Rules of what is kept, and what is kept by them."""

    def __init__(self, database: Database, ledger: Ledger, vault: Vault, registry: Registry) -> None:
        self._database = database
        self._ledger = ledger
        self._vault = vault
        self._registry = registry
        self.rules_in_force = CaptureRules(ledger)

    def rule(self, model: str, *, share: float, days: int, reason: str, by: Actor) -> CaptureRule:
        """Have that `share` of the questions to `model` kept with their answers, each for so many `days`, from within a second on;
        in place of the rule before.

        Raises:
            NotPermittedError: `by` lacks captures:rule. ModelMissingError: there is no such model. InvalidCaptureRuleError.
            ReasonError: there is no reason.
        """
        by.require(Permission.CAPTURES_RULE, model=check_name("model", model))
        checked_rule(share, days)
        reason = checked_reason(reason)
        self._registry.versions(model, by=by)
        self._write(model, share=share, days=days, reason=reason, by=by)
        return CaptureRule(model, share, days, reason, ruled=datetime.now(UTC), by=by.id)

    def end(self, model: str, *, reason: str, by: Actor) -> CaptureRule:
        """Keep nothing of `model` any more; the rule that was in force. What is kept stays for its time.

        Raises:
            NotPermittedError: `by` lacks captures:rule. CapturesOffError: nothing is. ReasonError: there is no reason.
        """
        by.require(Permission.CAPTURES_RULE, model=check_name("model", model))
        reason = checked_reason(reason)
        before = self.rules_in_force.now().get(model)
        if before is None:
            raise CapturesOffError(f"Nothing is kept of {model}: no rule says so. See `modelward captures rules`.")
        self._write(model, share=0.0, days=before.days, reason=reason, by=by)
        return before

    def rules(self, *, by: Actor) -> list[CaptureRule]:
        """What is kept of each model that `by` may see or ask: who asks a model may know that it is kept."""
        rules = self.rules_in_force.now()
        return [rules[model] for model in sorted(rules) if any(by.may(each, model=model) for each in _MAY_SEE_RULES)]

    def list(self, *, model: str = "", caller: str = "", limit: int = SHOWN, by: Actor) -> list[Capture]:
        """What is kept, the newest first, at most `limit`: of one model, of one caller, or all that `by` may read. What it says is
        not told.

        Raises:
            NotPermittedError: `by` lacks captures:read.
        """
        by.require(Permission.CAPTURES_READ, model=check_name("model", model) if model else None)
        with self._database.look() as connection:
            reached = [each for each in store.models(connection) if by.may(Permission.CAPTURES_READ, model=each)]
            wanted = [each for each in reached if model in ("", each)]
            return store.newest(connection, wanted, caller=caller, limit=max(1, min(limit, SHOWN_LIMIT)))

    def read(self, request: str, *, reason: str, by: Actor) -> CapturedExchange:
        """The question of that request and its answer, but for what named persons in them, once it is on record that they were
        read, and why.

        Raises:
            NotPermittedError: `by` lacks captures:read. CaptureMissingError: nothing is kept of it, or its time is over.
            CaptureShreddedError: it was shredded. CaptureAlteredError, SealBrokenError: it is not what was kept, or not what the
            ledger says. ReasonError: there is no reason.
        """
        by.require(Permission.CAPTURES_READ)
        capture, sealed = self._found(request, Permission.CAPTURES_READ, by=by)
        reason = checked_reason(reason)
        kept = self._opened(capture, sealed)
        entry = self._entry_of(kept)
        with self._database.change() as connection:
            self._ledger.record(connection, CAPTURE_READ, actor=by.id, subject=capture.version, facts=_facts(capture, reason))
        return CapturedExchange(capture, kept.question, kept.answer, kept.media, entry, kept.hidden)

    def shred(self, requests: Sequence[str], *, reason: str, by: Actor) -> ShreddedCaptures:
        """Destroy the keys of what is kept of these requests, all or none: nobody reads it again. That they were kept stays told,
        for its time. Shredding what was shredded before changes nothing.

        Raises:
            NotPermittedError: `by` lacks captures:rule. CaptureMissingError: nothing is kept of one of them.
            ReasonError: there is no reason. InvalidCaptureRuleError: there is no request, or too many.
            DatabaseBusyError: they are shredded, and what was deleted could not be overwritten yet; shred them again.
        """
        by.require(Permission.CAPTURES_RULE)
        reason = checked_reason(reason)
        wanted = tuple(dict.fromkeys(requests))
        if not 1 <= len(wanted) <= SHREDDED_AT_ONCE:
            raise InvalidCaptureRuleError(f"There are {len(wanted)} requests; 1 to {SHREDDED_AT_ONCE} are shredded at once.")
        now, keys, traces = datetime.now(UTC), [], list[bytes]()
        with self._database.change() as connection:
            found = [self._row(connection, request, Permission.CAPTURES_RULE, by=by) for request in wanted]
            there = {sealed.digest: capture for capture, sealed in found if capture.shredded is None}
            labels = {digest: label_of(capture.request) for digest, capture in there.items()}
            for key in self._vault.keys_of(labels):
                keys.append(sha256_hex(key.id.encode()))
                capture = there[key.object]
                facts = _facts(capture, reason) | {"key": keys[-1]}
                self._ledger.record(connection, CAPTURE_SHREDDED, actor=by.id, subject=capture.version, facts=facts)
            traces += self._vault.shred(connection, labels)
            store.shred(connection, [capture.request for capture in there.values()], now=now)
        self._vault.clear(traces if there else None)
        return ShreddedCaptures(wanted, tuple(keys), now, by.id, reason)

    def sweep(self, *, by: Actor) -> SweptCaptures:
        """Remove what was kept for as long as its rule said, as servers do by themselves once a minute.

        Raises:
            NotPermittedError: `by` lacks captures:rule.
        """
        by.require(Permission.CAPTURES_RULE)
        by.require_house()
        return SweptCaptures(remove_expired(self._database, self._ledger, self._vault, by=by.id))

    def _write(self, model: str, *, share: float, days: int, reason: str, by: Actor) -> None:
        facts = {"share": share, "days": days, "reason": reason}
        with self._database.change() as connection:
            self._ledger.record(connection, CAPTURES_RULED, actor=by.id, subject=model, facts=facts)

    def _found(self, request: str, permission: Permission, *, by: Actor) -> tuple[Capture, Sealed]:
        with self._database.look() as connection:
            return self._row(connection, request, permission, by=by)

    def _row(self, connection: Connection, request: str, permission: Permission, *, by: Actor) -> tuple[Capture, Sealed]:
        found = store.find(connection, request)
        # To who may not, it is not there.
        if found is None or not by.may(permission, model=found[0].model):
            raise missing(request)
        return found

    def _opened(self, capture: Capture, sealed: Sealed) -> Kept:
        if capture.shredded is not None or sealed.content is None:
            raise _shredded(capture)
        try:
            plain = self._vault.unpack(sealed.content, digest=sealed.digest, label=label_of(capture.request))
        except DataKeyDestroyedError as gone:
            raise _shredded(capture) from gone
        kept = msgspec.msgpack.decode(plain, type=Kept)
        if not kept.speaks_of(capture):
            raise _altered(capture, "the row says something else than what was sealed")
        if kept.until <= datetime.now(UTC):
            raise missing(capture.request)
        return kept

    def _entry_of(self, kept: Kept) -> int:
        """The index of the entry that commits to what was kept."""
        for logged in self._ledger.entries(request=kept.request):
            if self._tells(logged, kept) and self._ledger.proves(logged):
                return logged.index
        raise CaptureAlteredError(
            f"What is kept of {kept.request} is not shown: the ledger has no entry that commits to it. Where answers leave before "
            "they are on record, try again in a moment; else somebody else than Modelward wrote it: run `modelward audit verify`."
        )

    def _tells(self, logged: LoggedEntry, kept: Kept) -> bool:
        entry, key = logged.entry, self._ledger.request_key(kept.request)
        if entry.event not in _TELLS or (entry.actor, entry.subject) != (kept.caller, kept.version):
            return False
        said = str(entry.facts.get("input")), str(entry.facts.get("output"))
        meant = (kept.input, kept.output) if kept.input else (key.commitment(kept.question), key.commitment(kept.answer))
        return all(hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(said, meant, strict=True))


def _facts(capture: Capture, reason: str) -> dict[str, str]:
    # Not the entry's own request, for the receipt of a request is that of its last entry.
    return {"captured": capture.request, "caller": capture.caller, "reason": reason}


def _shredded(capture: Capture) -> CaptureShreddedError:
    when = f" on {capture.shredded:%Y-%m-%d}" if capture.shredded else ""
    return CaptureShreddedError(
        f"What was kept of {capture.request} was shredded{when}, and nothing opens it again. "
        "`modelward audit log --event capture.shredded` says who did it, and why."
    )


def _altered(capture: Capture, how: str) -> CaptureAlteredError:
    return CaptureAlteredError(
        f"What is kept of {capture.request} is not shown: {how}. Somebody else than Modelward wrote into the database; run "
        "`modelward audit verify`."
    )
