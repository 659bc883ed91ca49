# SPDX-License-Identifier: Apache-2.0
"""A version that answers: verified, decrypted in memory, one ONNX Runtime session.

Assessment, offline prediction and the serving engine all ask this one class, so that their numbers are identical.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelward.errors import InvalidError, ModelwardError, UnavailableError
from modelward.registry.graph import OUTPUTS, check_ends, check_graph
from modelward.registry.interface import Interface
from modelward.registry.joining import join_columns
from modelward.registry.table import Columns
from modelward.registry.version import Version
from modelward.registry.watchdog import WATCHDOG

if TYPE_CHECKING:
    import onnxruntime

_FATAL_ONLY = 4
_ROUNDING = 1e-3
# Texts are written side by side until the longest of them has ended, and what they need meanwhile is to stay near the processor.
_TEXTS_AT_ONCE = 64
# What an honest graph stays far below, and one that loops without end does not.
_BOUND_SECONDS = 30.0
_BOUND_SECONDS_A_ROW = 0.1


class VersionClosedError(UnavailableError):
    """The version was closed; open it again."""


class PredictionFailedError(ModelwardError):
    """The graph could not compute an answer to columns that fit its interface."""


class UnrunnableGraphError(InvalidError):
    """ONNX Runtime does not accept the graph."""


class OpenVersion:
    """One loaded version. `predict` may be called from many threads at once."""

    def __init__(self, version: Version, graph: bytes) -> None:
        model = check_graph(graph)
        check_ends(model, version.interface)
        joined = join_columns(model, graph)
        self.version = version
        self.interface: Interface = version.interface
        self.size_bytes = len(graph)
        self._matrices = joined.matrices
        limits = [one.sort.rows_at_once for one in self.interface.features]
        limits += [_TEXTS_AT_ONCE] if self.interface.answer == "text" else []
        self._rows_at_once = min((most for most in limits if most), default=None)
        self._session: onnxruntime.InferenceSession | None = _session(version.name, joined.graph)

    def predict(self, columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """The answers to the columns that `Interface.columns` makes: probabilities, float32 [n, K], in the order of
        `interface.classes`; or code points, int32 [n, length], or values, float32 [n, …shape], see `OUTPUTS`.

        Raises:
            PredictionFailedError: the graph could not compute, gave another shape, or did not end.
            VersionClosedError: it was closed.
        """
        session = self._session
        if session is None:
            raise VersionClosedError(f"{self.version.name} was closed. Open it again.")
        name, interface, joined = self.version.name, self.interface, self._joined(columns)
        if self._rows_at_once is None:
            return _answer(session, joined, interface, name=name)
        return np.concatenate([_answer(session, part, interface, name=name) for part in _parts(joined, self._rows_at_once)])

    def _joined(self, columns: Mapping[str, npt.NDArray[Any]]) -> Mapping[str, npt.NDArray[Any]]:
        """The columns as the graph takes them: side by side, where it would put them there."""
        if isinstance(columns, Columns):
            if len(self._matrices) == 1 and self._matrices.get(name := next(iter(self._matrices))) == columns.number_names:
                return {name: columns.numbers, **columns.others}
            columns = columns.apart()
        if not self._matrices:
            return columns
        left = dict(columns)
        for name, names in self._matrices.items():
            left[name] = np.concatenate([left.pop(column) for column in names], axis=1)
        return left

    def close(self) -> None:
        """Let go of the session; calls that are inside `predict` finish."""
        self._session = None


def try_out(graph: bytes, interface: Interface) -> None:
    """Load a graph from outside and ask it one plain row.

    Raises:
        UnrunnableGraphError: ONNX Runtime does not accept it. PredictionFailedError: its answer is none, or does not come.
    """
    session = _session("the graph", graph)
    answer = _answer(session, interface.columns([interface.plain_row]), interface, name="The graph")
    if interface.answer == "text":
        return
    if interface.answer == "values":
        if not np.isfinite(answer).all():
            raise PredictionFailedError("The graph gave values that are not finite. Export it so that a plain row has an answer.")
        return
    if not np.isfinite(answer).all() or answer.min() < 0 or answer.max() > 1 + _ROUNDING:
        raise PredictionFailedError(
            "The graph gave numbers that are no probabilities. Export it with probabilities, not with scores."
        )


def _parts(columns: Mapping[str, npt.NDArray[Any]], most: int) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """The rows in parts of about one size, at most so many each; none of them a lone row, unless there is only one."""
    rows = len(next(iter(columns.values())))
    count = max(1, -(-rows // most))
    bounds = [rows * part // count for part in range(count + 1)]
    for start, stop in pairwise(bounds):
        yield {name: values[start:stop] for name, values in columns.items()}


def _answer(
    session: onnxruntime.InferenceSession,
    columns: Mapping[str, npt.NDArray[Any]],
    interface: Interface,
    *,
    name: str,
) -> npt.NDArray[Any]:
    rows, output = len(next(iter(columns.values()))), OUTPUTS[interface.answer]
    bound = _BOUND_SECONDS + rows * _BOUND_SECONDS_A_ROW
    options = WATCHDOG.watch(bound)
    try:
        answer: npt.NDArray[Any] = session.run([output], columns, options)[0]
    # ONNX Runtime's exceptions have no common base, and their texts may quote what was asked.
    except Exception as fault:  # noqa: BLE001
        if options.terminate:
            raise PredictionFailedError(
                f"{name} gave no answer to {rows} rows within {bound:g} s, so it was ended. Export its graph without the loop that "
                "does not end."
            ) from None
        raise PredictionFailedError(
            f"{name} could not compute its answer ({type(fault).__name__}). Assess the version again."
        ) from None
    finally:
        WATCHDOG.release(options)
    wanted = (rows, *interface.answer_shape)
    if answer.shape != wanted:
        raise PredictionFailedError(f"{name} gave {output} of shape {answer.shape}, not {wanted}.")
    return answer


def _session(name: str, graph: bytes) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Requests are parallel already; threads inside one answer would only fight over the cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The runtime's own log lines may quote what was asked.
    options.log_severity_level = _FATAL_ONLY
    try:
        return onnxruntime.InferenceSession(graph, sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as fault:
        raise UnrunnableGraphError(
            f"ONNX Runtime {onnxruntime.__version__} does not accept the graph of {name}: {type(fault).__name__}. "
            "Export it again with opset 21 and ai.onnx.ml 3."
        ) from fault
