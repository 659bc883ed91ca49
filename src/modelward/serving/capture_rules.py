# SPDX-License-Identifier: Apache-2.0
"""Which questions are kept, by the ledger's word alone: no row says so, and so nobody who edits rows can have anything kept."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Final

import msgspec

from modelward.audit import Ledger, LoggedEntry
from modelward.serving.capture import CAPTURES_RULED, CaptureRule, InvalidCaptureRuleError, checked_rule

_AT_ONCE: Final = 1000


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
        self._read = 0

    def now(self) -> Mapping[str, CaptureRule]:
        """The rules, by model."""
        with self._lock:
            begin = self._read
            while found := self._ledger.entries(event=CAPTURES_RULED.name, since=begin, limit=_AT_ONCE, newest_first=False):
                rules = dict(self._rules)
                for model, each in {each.entry.subject: each for each in found}.items():
                    rules.pop(model, None)
                    if (rule := self._rule(each)) is not None:
                        rules[model] = rule
                self._rules = rules
                begin = found[-1].index + 1
                # What nobody proves does not say how far the ledger goes, or it would hide what comes before it.
                proved = next((each for each in reversed(found) if self._ledger.proves(each)), None)
                self._read = max(self._read, proved.index + 1 if proved else 0)
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
