# SPDX-License-Identifier: Apache-2.0
"""What a model is granted, told to who asks why something is allowed. The filter of rows is not told, for it may quote values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from modelward.access import Condition
from modelward.datasets.grant import Grant, command_for


def conditions_of(held: Sequence[Grant], *, model: str, dataset: str, purpose: str = "", now: datetime) -> Iterator[Condition]:
    """One of each grant in force to `model`; or one that says that there is none, of that `dataset` where one is named. `purpose`
    is what that may be used for, where it is known.
    """
    standing = [each for each in held if each.stands(now)]
    for each in standing:
        yield Condition("grant", _told(each), is_met=True)
    if standing:
        return
    ended = f" any more: {held[0].id} of {held[0].dataset} is over" if held else ""
    yield Condition(
        "grant",
        f"nothing{f' of {dataset}' if dataset else ''} is granted to model {model}{ended}",
        is_met=False,
        change=f"Who owns the data grants it: `{command_for(model, dataset or 'DATASET', purpose or 'TEXT')}`.",
    )


def _told(grant: Grant) -> str:
    columns = "every column" if grant.columns is None else f"{len(grant.columns)} column{'' if len(grant.columns) == 1 else 's'}"
    rows = "of the rows that its filter keeps" if grant.rows else "of every row"
    ends = f"until {grant.until:%Y-%m-%d %H:%M} UTC" if grant.until else "until it is revoked"
    return f"{grant.id} gives model {grant.model} {columns} {rows} of {grant.dataset}, for {grant.purpose!r}, {ends}"
