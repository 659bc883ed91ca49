# SPDX-License-Identifier: Apache-2.0
"""Who follows each question on its way, if anybody does. With nobody there, a question costs not a look-up more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelward.serving.batcher import Call
    from modelward.serving.pending import Pending


class Tracing(Protocol):
    """Is told, in the event loop's thread, what becomes of questions, by the call and by the bunch.

    It MUST be quick, and MUST NOT raise. What it knows of a question it keeps in its `trail`, and never the question itself, which
    holds what a caller sent. Each question that was asked is `answered`, `failed` or `dropped` once in the end.
    """

    def asked(self, pending: Pending) -> None:
        """A coroutine asks; it is part of what that coroutine does."""
        ...

    def computed(self, call: Call) -> None:
        """An engine was asked these questions together."""
        ...

    def submitted(self, written: Sequence[Pending]) -> None:
        """These answers are written, and the ledger has them."""
        ...

    def answered(self, answered: Sequence[Pending], *, entries: int) -> None:
        """These answers leave. They were made durable together with others, `entries` in all; 0 where nobody waited for that."""
        ...

    def failed(self, pending: Pending, fault: Exception) -> None:
        """A question gets a fault in place of an answer."""
        ...

    def dropped(self, pending: Pending) -> None:
        """The caller left, and gets nothing."""
        ...
