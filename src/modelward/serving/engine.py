# SPDX-License-Identifier: Apache-2.0
"""An engine is one loaded version that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt

    from modelward.registry import Columns, OpenVersion


@dataclass(frozen=True, slots=True)
class Cost:
    """What an engine costs here, measured when it was opened: bytes of its graph, seconds of work for a call, and
    for each row in it.
    """

    size_bytes: int
    call_seconds: float
    row_seconds: float


class Engine(Protocol):
    """Answers for one version that was verified and decrypted before.

    `answers` MUST be safe to call from many threads at once, MUST give a row the same answer, to the last bit, whatever rows
    come with it, MUST keep nothing of what it was asked, and MUST compute in the thread that calls, for what that thread works
    tells what a call costs. An engine MUST have answered once before `cost` is read, so that the first caller does not wait for
    what is prepared on first use.
    """

    def __init__(self, version: OpenVersion) -> None: ...

    @property
    def cost(self) -> Cost:
        """What it takes."""
        ...

    def answers(self, columns: Columns) -> npt.NDArray[Any]:
        """As `OpenVersion.predict`, for columns as `Interface.encode` makes them: probabilities, float32 [n, K] in the order of the
        interface's classes, or what else the version answers with.

        Raises:
            ModelwardError: it could not compute; the message holds no value.
        """
        ...

    def close(self) -> None:
        """Let go of the version. Answers under way finish."""
        ...
