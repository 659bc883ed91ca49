# SPDX-License-Identifier: Apache-2.0
"""How fast the version answers on this machine, alone, in this process, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelward.assessment.assessor import Findings, Sample
from modelward.assessment.clause import Clause, Measure
from modelward.assessment.intervals import Estimate, Floats, quantile
from modelward.assessment.machine import describe_machine

if TYPE_CHECKING:
    from modelward.registry import Answered, Interface, OpenVersion

TIMINGS = "evidence/latency.timings.json"
P50 = Measure(assessor="latency", key="p50_ms", title="Median time of one row", meaning="half the calls take less", unit="ms")
P99 = Measure(
    assessor="latency", key="p99_ms", title="99th percentile of one row", meaning="one call in a hundred takes more", unit="ms"
)
RATE = Measure(
    assessor="latency",
    key="rows_per_second",
    title="Rows a second",
    meaning="in batches of 256 rows, one after the other, by the median batch",
    unit="rows/s",
)

BATCH_ROWS = 256
_CALLS, _BATCHES, _WARM_UP = 1000, 40, 20
_BUDGET_SECONDS = 1.0
# The fewest observations whose order statistics hold the quantile with 95 %.
_NEEDED = {P50.key: 6, P99.key: 368, RATE.key: 6}


class Latency:
    """Median and 99th percentile of single-row calls, and rows a second in batches: a measurement, different at every run."""

    title = "Speed"
    answers: ClassVar[tuple[Answered, ...]] = ("classes", "items", "text", "values")
    needs_sample = False
    is_repeatable = False
    measures = (P50, P99, RATE)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Three clauses, with the quantiles of the timings and the machine as evidence."""
        pool = sample.cut(_some_rows(sample)) if sample is not None and sample.rows else _made_up_rows(version.interface)
        ones = [{name: values[at : at + 1] for name, values in pool.items()} for at in range(BATCH_ROWS)]
        single = _timed(lambda call: version.predict(ones[call % BATCH_ROWS]), calls=_CALLS, least=_NEEDED[P50.key])
        batch = _timed(lambda _: version.predict(pool), calls=_BATCHES)
        method = f"{single.size} calls in this process on one thread, interval between order statistics"
        told = {"machine": describe_machine(), "single_row_ms": _quantiles(single), "batch_256_ms": _quantiles(batch)}
        clauses = (
            _or_too_few(P50, quantile(single, 0.5, method=method), single.size),
            _or_too_few(P99, quantile(single, 0.99, method=method), single.size),
            _or_too_few(RATE, _rate(batch), batch.size),
        )
        return Findings(clauses, {TIMINGS: msgspec.json.encode(told)})


def _timed(call: Callable[[int], object], *, calls: int, least: int = 1) -> Floats:
    """Sorted milliseconds of up to `calls` calls, down to `least` where the budget ends first; first calls are not counted."""
    start = perf_counter()
    for at in range(_WARM_UP):
        call(at)
        if perf_counter() - start > _BUDGET_SECONDS / 10:
            break
    taken: list[float] = []
    begun = perf_counter()
    while len(taken) < calls and (perf_counter() - begun < _BUDGET_SECONDS or len(taken) < least):
        before = perf_counter()
        call(len(taken))
        taken.append(1000 * (perf_counter() - before))
    return np.sort(np.array(taken))


def _rate(batch: Floats) -> Estimate | None:
    found = quantile(batch, 0.5, method=f"{batch.size} batches of {BATCH_ROWS} rows in this process on one thread, median")
    if found is None:
        return None
    rows = 1000 * BATCH_ROWS
    return Estimate(rows / found.value, rows / found.high, rows / found.low, found.n, found.method)


def _or_too_few(measure: Measure, estimate: Estimate | None, calls: int) -> Clause:
    if estimate is not None:
        return measure.clause(estimate, evidence=TIMINGS)
    note = f"{calls} calls fitted into {_BUDGET_SECONDS:g} s; an interval needs {_NEEDED[measure.key]}. Assess on a faster machine."
    return measure.not_measurable(note, n=calls, evidence=TIMINGS)


def _quantiles(ordered: Floats) -> dict[str, float]:
    return {f"p{share}": round(float(np.quantile(ordered, share / 100)), 6) for share in (1, 10, 50, 90, 99)} | {
        "calls": ordered.size
    }


def _some_rows(sample: Sample) -> NDArray[np.int64]:
    return np.random.default_rng(sample.seed).integers(0, sample.rows, size=BATCH_ROWS)


def _made_up_rows(interface: Interface) -> dict[str, NDArray[Any]]:
    """Rows that the interface allows, for a version that came without data."""
    return interface.columns([interface.plain_row] * BATCH_ROWS)
