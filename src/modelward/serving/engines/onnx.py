# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime in this process: the session that assessment measured is the one that answers."""

from __future__ import annotations

import time
from typing import Any

import numpy.typing as npt

from modelward.registry import Columns, Interface, OpenVersion
from modelward.serving.engine import Cost

_PROBES = 3
_MANY = 16


class OnnxEngine:
    """One session, one thread in each answer; many answers at once."""

    def __init__(self, version: OpenVersion) -> None:
        self._version = version
        one, many = (self._seconds(version.interface, rows) for rows in (1, _MANY))
        row_seconds = max(0.0, (many - one) / (_MANY - 1))
        self.cost = Cost(version.size_bytes, max(0.0, one - row_seconds), row_seconds)

    def answers(self, columns: Columns) -> npt.NDArray[Any]:
        """See `Engine.answers`. A lone row is asked twice over: for one row the runtime adds products up in another order (its
        linear classifier does), and the last bits would tell how many rows came together.
        """
        if columns.rows > 1:
            return self._version.predict(columns)
        return self._version.predict(columns.twice())[:1]

    def close(self) -> None:
        """See `Engine.close`."""
        self._version.close()

    def _seconds(self, interface: Interface, rows: int) -> float:
        """The fastest of a few answers to plain rows."""
        columns = interface.encode([interface.table_of_rows([interface.plain_row] * min(rows, interface.most_rows))]).columns
        taken = []
        for _ in range(_PROBES):
            began = time.thread_time()
            self.answers(columns)
            taken.append(time.thread_time() - began)
        return min(taken)
