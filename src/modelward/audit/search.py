# SPDX-License-Identifier: Apache-2.0
"""Searching the ledger's rows. It is all SQL, and belongs to `store`, which says how entries are searched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import cache

from modelward.audit.store import BLOCK, Row, word_of
from modelward.storage import RawConnection


def find(
    connection: RawConnection, *, columns: Mapping[str, str], since: int, limit: int, newest_first: bool, until: int | None = None
) -> list[Row]:
    """Entries whose columns have the values given, from index `since` on and before `until`, at most `limit`."""
    (last,) = connection.execute(_READ_LAST).fetchone()
    size = 0 if last is None else last + 1
    until = size if until is None else min(until, size)
    order = "DESC" if newest_first else "ASC"
    names = tuple(columns)

    def look(where: str, first: int, stop: int) -> list[Row]:
        place = {"since": first, "until": stop, "limit": limit, **columns}
        place |= {f"word_{name}": word_of(name, value) for name, value in columns.items()}
        return [Row(*row) for row in connection.execute(where, place)]

    # Hardly two entries belong to one request, and there is an index of requests.
    if not names or "request" in names:
        return look(_search(names, order), since, until)
    # What came after the last complete block is under no word yet.
    settled = max(since, min(until, size // BLOCK * BLOCK))
    recent = look(_search(names, order), settled, until)
    if newest_first and len(recent) >= limit:
        return recent
    answers, changes = look(_search_words(names, order), since, settled), look(_search_changes(names, order), since, settled)
    older = sorted([*answers, *changes], key=lambda row: int(row.idx), reverse=newest_first)
    return [*recent, *older][:limit] if newest_first else [*older, *recent][:limit]


_FOUND = "SELECT e.idx, e.entry, e.leaf, e.event, e.actor, e.subject, e.request FROM "


@cache
def _search(names: tuple[str, ...], order: str) -> str:
    """Entries that have these columns."""
    # Said because the partial index is used only for a query that says so.
    asked = " AND e.request != ''" if "request" in names else ""
    wanted = f"{asked}{_having(names)}"
    return f"{_FOUND} ledger_entries e WHERE e.idx >= :since AND e.idx < :until{wanted} ORDER BY e.idx {order} LIMIT :limit"


@cache
def _search_changes(names: tuple[str, ...], order: str) -> str:
    """Entries that have these columns and belong to no request: by the index of one of them."""
    return (
        f"{_FOUND} ledger_entries e WHERE e.request = ''{_having(names)} AND e.idx >= :since AND e.idx < :until "
        f"ORDER BY e.idx {order} LIMIT :limit"
    )


@cache
def _search_words(names: tuple[str, ...], order: str) -> str:
    """Entries that have these columns and belong to a request: in the blocks in which all these words occur."""
    first, *others = names
    together = "".join(
        f" AND EXISTS (SELECT 1 FROM ledger_words o WHERE o.word = :word_{name} AND o.block = w.block)"  # noqa: S608  # our own names
        for name in others
    )
    return (
        f"{_FOUND} ledger_words w CROSS JOIN ledger_entries e ON e.idx >= MAX(w.block * {BLOCK}, :since) "
        f"AND e.idx < MIN((w.block + 1) * {BLOCK}, :until) WHERE w.word = :word_{first} AND w.block >= :since / {BLOCK} "
        f"AND w.block < (:until + {BLOCK - 1}) / {BLOCK}{together} AND e.request != ''{_having(names)} "
        f"ORDER BY w.block {order}, e.idx {order} LIMIT :limit"
    )


def _having(names: Iterable[str]) -> str:
    return "".join(f" AND e.{name} = :{name}" for name in names)


def missing_words(connection: RawConnection, block: int, words: Iterable[str]) -> list[str]:
    """Those of `words` under which a block should be found, and is not."""
    try:
        return [word for word in words if connection.execute(_READ_WORD, (word, block)).fetchone() is None]
    except sqlite3.Error:
        return sorted(words)


_READ_LAST = "SELECT MAX(idx) FROM ledger_entries"
_READ_WORD = "SELECT 1 FROM ledger_words WHERE word = ? AND block = ?"
