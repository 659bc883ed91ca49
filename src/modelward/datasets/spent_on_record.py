# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of privacy budgets. It is the one record of them, and nobody who edits the database alters it unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import msgspec

from modelward.audit import Ledger, LoggedEntry, Tail
from modelward.datasets import store
from modelward.datasets.budget import (
    BUDGET_SET,
    PRIVACY_RESERVED,
    PRIVACY_SETTLED,
    PRIVACY_SPENT,
    BudgetAlteredError,
    Limit,
    Spending,
)
from modelward.datasets.dataset import DATASET_REGISTERED
from modelward.privacy import Mechanism
from modelward.storage import Database


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that is on record: limits by dataset, spendings by id, in order, and the fingerprints that names ever had."""

    limits: Mapping[str, Limit]
    spendings: Mapping[str, Spending]
    prints: Mapping[str, frozenset[str]]

    def limit(self, name: str) -> Limit | None:
        """The limit that was set for that dataset.

        Raises:
            BudgetAlteredError: the ledger does not prove it.
        """
        found = self.limits.get(name)
        if found and not found.by:
            raise BudgetAlteredError(
                f"The ledger tells of a privacy budget of dataset {name!r} and does not prove it: something other than Modelward "
                f"altered it. Nothing is answered from it. Set it again: `modelward data budget {name} --epsilon NUMBER`; and run "
                "`modelward audit verify`."
            )
        return found


class SpentOnRecord:
    """Reads the ledger for budgets and what was spent of them, and reads on from there."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._lock = Lock()
        self._limited, self._settled = Tail(ledger, BUDGET_SET), Tail(ledger, PRIVACY_SETTLED)
        self._reserved, self._spent = Tail(ledger, PRIVACY_RESERVED), Tail(ledger, PRIVACY_SPENT)
        self._registered = Tail(ledger, DATASET_REGISTERED)
        self._limits: dict[str, Limit] = {}
        self._spendings: dict[str, Spending] = {}
        self._ended: dict[str, tuple[Mechanism, ...]] = {}
        self._prints: dict[str, set[str]] = {}

    def read(self) -> Recorded:
        """All that is on record by now, and nothing less than the rows of the database witness.

        Raises:
            LedgerBrokenError: what was read before is gone from the ledger. BudgetAlteredError: what it says cannot be read.
        """
        with self._database.look() as connection:
            witnessed = store.spending_ids(connection)
        with self._lock:
            try:
                self._read_on()
            except (msgspec.ValidationError, KeyError, TypeError, ValueError) as wrong:
                raise BudgetAlteredError(
                    "An entry of the ledger about a privacy budget is not as Modelward writes them. Nothing is answered. Run "
                    "`modelward audit verify`."
                ) from wrong
            if missing := sorted(witnessed - self._spendings.keys()):
                raise BudgetAlteredError(
                    f"The ledger does not tell of {len(missing)} spendings of privacy that the database has rows of: something "
                    "other than Modelward altered one of them. Nothing is answered. Restore the home from a backup, and run "
                    "`modelward audit verify`."
                )
            spendings = {
                each.id: replace(each, mechanisms=ended, is_settled=True)
                if (ended := self._ended.get(each.id)) is not None
                else each
                for each in sorted(self._spendings.values(), key=lambda one: one.at)
            }
            return Recorded(dict(self._limits), spendings, {name: frozenset(known) for name, known in self._prints.items()})

    def _read_on(self) -> None:
        for each in self._registered.further():
            self._note(each.entry.subject, [each.entry.facts.get("fingerprint")])
        for each in self._limited.further():
            # A limit without whoever set it is one that is not proved.
            by = each.entry.actor if self._ledger.proves(each) else ""
            facts = each.entry.facts
            self._limits[each.entry.subject] = Limit(
                epsilon=float(facts["epsilon"]),
                delta=float(facts["delta"]),
                is_required=bool(facts.get("required", False)),
                set=each.entry.at,
                by=by,
            )
        for each in self._reserved.further():
            self._spend(each, is_settled=False)
        for each in self._spent.further():
            self._spend(each, is_settled=True)
        for each in self._settled.further():
            # What is not proved takes nothing off what was reserved.
            if self._ledger.proves(each):
                self._ended.setdefault(str(each.entry.facts["spending"]), _mechanisms(each.entry.facts))

    def _spend(self, logged: LoggedEntry, *, is_settled: bool) -> None:
        entry, facts = logged.entry, logged.entry.facts
        self._note(entry.subject, facts.get("fingerprints", []))
        spending = Spending(
            id=str(facts["spending"]),
            dataset=entry.subject,
            purpose=str(facts["use"]),
            by=entry.actor,
            at=entry.at,
            epsilon=float(facts["epsilon"]),
            delta=float(facts["delta"]),
            mechanisms=_mechanisms(facts),
            is_settled=is_settled,
        )
        self._spendings.setdefault(spending.id, spending)

    def _note(self, name: str, prints: Any) -> None:
        known = self._prints.setdefault(name, set())
        known.update(each for each in prints if isinstance(each, str))


def _mechanisms(facts: Mapping[str, Any]) -> tuple[Mechanism, ...]:
    return msgspec.convert(facts["mechanisms"], tuple[Mechanism, ...])
