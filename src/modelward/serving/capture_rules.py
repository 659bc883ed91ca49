# SPDX-License-Identifier: Apache-2.0
"""Which questions are kept, by the ledger's word alone: no row says so, and so nobody who edits rows can have anything kept."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

import msgspec

from modelward.audit import Ledger, LoggedEntry, Tail
from modelward.serving.capture import CAPTURES_RULED, CaptureRule, InvalidCaptureRuleError, checked_rule


class _Facts(msgspec.Struct):
    share: float
    days: int
    reason: str


class CaptureRules:
    """The rules in force. What was read of the ledger is remembered, and read on from there; safe from any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._rules: dict[str, CaptureRule] = {}
        self._ruled = Tail(ledger, CAPTURES_RULED)

    def now(self) -> Mapping[str, CaptureRule]:
        """The rules, by model.

        Raises:
            LedgerBrokenError: what was read of them before is gone from the ledger.
        """
        with self._lock:
            if newest := {each.entry.subject: each for each in self._ruled.further()}:
                told = {model: self._rule(each) for model, each in newest.items()}
                self._rules = {model: rule for model, rule in {**self._rules, **told}.items() if rule is not None}
            return self._rules

    def _rule(self, logged: LoggedEntry) -> CaptureRule | None:
        """What an entry rules; nothing where it ends a rule, or is not proved: what is in doubt is not kept."""
        entry = logged.entry
        try:
            facts = msgspec.convert(entry.facts, _Facts)
            checked_rule(facts.share, facts.days)
        except (msgspec.ValidationError, InvalidCaptureRuleError):
            return None
        if not self._ledger.proves(logged):
            return None
        return CaptureRule(entry.subject, facts.share, facts.days, facts.reason, ruled=entry.at, by=entry.actor)
