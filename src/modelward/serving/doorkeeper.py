# SPDX-License-Identifier: Apache-2.0
"""The doorkeeper: what a policy asks to be done with persons in questions, before the version sees them, and on the way out.

what came in -> commitment -> the texts without identifiers -> the engine -> pseudonyms turned back, all else hidden -> out
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from modelward.digest import KeyedDigest
from modelward.errors import RefusedError
from modelward.privacy import Book, Plan, deidentify, find_spans, give_back
from modelward.registry import Interface, Table
from modelward.serving.answer import Written
from modelward.serving.computed import Computed
from modelward.serving.question import Asking

if TYPE_CHECKING:
    from modelward.releases import Door
    from modelward.serving.explanations import Explanation

HEADER = b"x-modelward-hidden"


class PersonsRefusedError(RefusedError):
    """The policy refuses questions that name persons, and this one does."""


class Doorkeeper:
    """Looks at the texts of one question of `caller`. `counts` says how many identifiers of each kind were hidden so far.

    Pseudonyms are made with a key of the house and the caller, so that one caller's are the same in every question and no other
    caller's; nothing of them is kept.
    """

    def __init__(
        self, door: Door, secret: KeyedDigest, *, caller: str, tell: Callable[[Mapping[str, int]], None] | None = None
    ) -> None:
        """`tell` is told the counts of a question that is answered, where anything was hidden."""
        self._is_refusing = door.persons == "refuse"
        self._plan = Plan(otherwise="redact" if self._is_refusing else door.persons)
        self._book = Book(secret.raw(f"pseudonyms\0{caller}".encode()))
        self._tell = tell
        self.counts: Counter[str] = Counter()

    def asking(self, asking: Asking, interface: Interface) -> Asking:
        """The question as the version is to see it, answered as the caller is to see that.

        Raises:
            PersonsRefusedError: it names persons, and the policy refuses that.
        """
        return msgspec.structs.replace(
            asking, table=self.table(asking.table, interface), render=partial(self._rendered, asking.render)
        )

    def table(self, table: Table, interface: Interface) -> Table:
        """Rows without identifiers in their texts. Raises: as `asking`."""
        places = interface.text_places
        if not places:
            return table
        others = [list(row) for row in table.others]
        for number, row in enumerate(others, 1):
            for name, place in places.items():
                row[place] = self._without(row[place], f"Row {number}, {name!r}")
        return Table(table.rows, table.numbers, others)

    def rows(self, rows: Sequence[Mapping[str, Any]], interface: Interface) -> list[dict[str, Any]]:
        """`table`, of rows that are not read yet."""
        texts = interface.text_places
        return [
            {
                name: self._without(value, f"Row {number}, {name!r}") if name in texts and isinstance(value, str) else value
                for name, value in row.items()
            }
            for number, row in enumerate(rows, 1)
        ]

    def answer(self, text: str) -> str:
        """What the version said, as the caller may see it: pseudonyms turned back, and whatever else is found hidden."""
        given = give_back(text, self._book)
        self.counts.update(given.counts)
        return given.text

    def explanation(self, explanation: Explanation) -> Explanation:
        """What is explained, as the caller may see it."""
        told = (
            replace(
                each,
                feature=self.answer(each.feature),
                value=self.answer(each.value) if isinstance(each.value, str) else each.value,
            )
            for each in explanation.contributions
        )
        return replace(explanation, contributions=tuple(told))

    @property
    def header(self) -> tuple[tuple[bytes, bytes], ...]:
        """The line of the head that says how many identifiers of each kind were hidden; none where none was."""
        if not self.counts:
            return ()
        return ((HEADER, ", ".join(f"{kind}={count}" for kind, count in sorted(self.counts.items())).encode()),)

    def _without(self, text: str, where: str) -> str:
        if self._is_refusing:
            if found := sorted({span.kind for span in find_spans(text)}):
                raise PersonsRefusedError(
                    f"{where} names persons ({', '.join(found)}), which the policy refuses that this version was released under. "
                    "Leave them out and ask again."
                )
            return text
        hidden = deidentify(text, self._plan, self._book)
        self.counts.update(hidden.counts)
        return hidden.text

    def _rendered(self, render: Any, computed: Computed) -> Written:
        if computed.interface.answer == "text":
            computed.listed = [self.answer(text) for text in computed.listed]
        written: Written = render(computed)
        if not self.counts:
            return written
        if self._tell is not None:
            self._tell(self.counts)
        return msgspec.structs.replace(written, headers=(*written.headers, *self.header))
