# SPDX-License-Identifier: Apache-2.0
"""What serving counts of itself: exact from any thread, added up over processes, bounded in its labels."""

import itertools
import sys
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.errors import ModelwardError, NotFoundError, UnavailableError
from modelward.serving import (
    Counter,
    Distribution,
    Distributions,
    Kind,
    LedgerUnavailableError,
    Meters,
    NotServedError,
    OverloadedError,
    Panel,
    Reading,
    ShuttingDownError,
    Snapshot,
    TooManyRowsError,
    TooSlowError,
)
from modelward.serving.meters import REASONS, reason_of

BOUNDS = (1.0, 2.0, 4.0)
finite = st.floats(min_value=0, max_value=10, allow_nan=False)


def numbers(instrument) -> dict:
    return dict(instrument.samples())


@given(values=st.lists(finite))
def test_a_distribution_counts_what_lies_under_each_bound(values):
    one, many = Distribution(BOUNDS), Distribution(BOUNDS)
    for value in values:
        one.add(value)
    many.add_many(iter(values))
    edges = (float("-inf"), *BOUNDS, float("inf"))
    expected = [sum(low < value <= high for value in values) for low, high in itertools.pairwise(edges)]
    assert one.numbers[:-1] == many.numbers[:-1] == expected
    assert one.numbers[-1] == pytest.approx(sum(values)) == many.numbers[-1]


def test_each_combination_of_labels_has_numbers_of_its_own_and_keeps_them():
    counter = Counter("x_total", "x", labels=("model",))
    counter.add(("a",))
    counter.add(("b",), 3)
    counter.add(("a",))
    assert numbers(counter) == {("a",): [2], ("b",): [3]}
    seconds = Distributions("x_seconds", "x", bounds=BOUNDS, labels=("model",))
    assert seconds.of("a") is seconds.of("a") is not seconds.of("b")


def test_what_has_no_labels_is_there_before_anything_happened():
    assert numbers(Counter("x_total", "x")) == {(): [0]}
    assert numbers(Counter("x_total", "x", labels=("model",))) == {}


def test_a_reading_that_fails_is_left_out_and_hides_no_other():
    broken, well = Reading("a", "a", lambda: 1 / 0), Reading("b", "b", lambda: 7)
    assert Panel([broken, well]).snapshot() == {"a": [], "b": [((), [7])]}


def test_no_count_is_lost_when_many_threads_add_while_others_read():
    counter, distribution = Counter("x_total", "x", labels=("model",)), Distributions("y", "y", bounds=BOUNDS)
    panel, each, threads = Panel([counter, distribution]), 50_000, 4
    held = distribution.of()

    def add():
        for at in range(each):
            counter.add(("a",))
            held.add(at % 5)

    adding = [threading.Thread(target=add) for _ in range(threads)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in adding:
            thread.start()
        while any(thread.is_alive() for thread in adding):
            panel.snapshot()
    finally:
        sys.setswitchinterval(interval)
    assert numbers(counter) == {("a",): [each * threads]}
    assert sum(held.numbers[:-1]) == each * threads
    assert held.numbers[-1] == threads * sum(at % 5 for at in range(each))


def shown(seed: int) -> tuple[Panel, Snapshot]:
    """A panel of every kind of instrument, and a snapshot that differs from seed to seed."""
    counter, seconds = Counter("a_total", "a", labels=("model",)), Distributions("b_seconds", "b", bounds=BOUNDS, labels=("model",))
    for at in range(seed):
        counter.add((f"m{at}",), at)
        seconds.of(f"m{at % 2}").add(at)
    read = Reading("c", "c", lambda: seed)
    panel = Panel(
        [
            counter,
            seconds,
            read,
            Reading("d", "d", lambda: seed, is_greatest=True),
            Reading("e_total", "e", lambda: seed, kind=Kind.COUNTER),
        ]
    )
    return panel, panel.snapshot()


def test_snapshots_are_json_and_say_the_same_when_they_come_back():
    panel, snapshot = shown(4)
    back = msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot)
    assert panel.merged([back]) == panel.merged([snapshot])


@given(seeds=st.lists(st.integers(min_value=0, max_value=6), min_size=1, max_size=4))
def test_what_processes_say_together_is_the_sum_and_of_some_gauges_the_greatest(seeds):
    panel, _ = shown(0)
    whole = panel.merged([shown(seed)[1] for seed in seeds])
    assert dict(whole["c"]) == {(): [sum(seeds)]}
    assert dict(whole["d"]) == {(): [max(seeds)]}
    assert dict(whole["e_total"]) == {(): [sum(seeds)]}
    assert sum(numbers[0] for _, numbers in whole["a_total"]) == sum(sum(range(seed)) for seed in seeds)
    assert sum(sum(numbers[:-1]) for _, numbers in whole["b_seconds"]) == sum(seeds)
    assert whole == panel.merged([panel.merged([shown(seed)[1]]) for seed in seeds]), "in whatever steps"


def test_merging_changes_none_of_the_snapshots():
    panel, snapshot = shown(5)
    before = msgspec.json.encode(snapshot)
    panel.merged([snapshot, snapshot])
    assert msgspec.json.encode(snapshot) == before


def test_of_a_process_that_ended_the_counters_last_and_the_gauges_do_not():
    panel, snapshot = shown(3)
    assert set(panel.lasting(snapshot)) == {"a_total", "b_seconds", "e_total"}
    assert "unheard_of" not in panel.merged([snapshot | {"unheard_of": [((), [1])]}])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (OverloadedError("x", retry_after_seconds=1), "overload"),
        (TooSlowError("x"), "deadline"),
        (ShuttingDownError("x"), "draining"),
        (LedgerUnavailableError("x"), "ledger"),
        (TooManyRowsError("x"), "too_large"),
        (NotServedError("x"), "not_found"),
        (UnavailableError("x"), "unavailable"),
        (ModelwardError("x"), "fault"),
        (KeyError("x"), "fault"),
    ],
)
def test_a_rejection_is_counted_under_the_nearest_reason(fault, reason):
    meters = Meters()
    meters.note_rejection(fault)
    said = Panel(meters.instruments).snapshot()
    assert said["modelward_rejections_total"] == [((reason,), [1])]
    assert said["modelward_questions_total"] == [(("rejected",), [1])]


def test_reasons_are_a_bounded_set():
    class OfSomeRoomError(NotFoundError):
        """As rooms have them."""

    assert {reason_of(kind("x")) for kind in (OfSomeRoomError, ValueError, OSError)} <= set(REASONS.values())


def test_meters_tell_what_was_noted():
    meters = Meters()
    meters.inflight.follow(lambda: 2)
    meters.note_answers(("income", "3"), questions=2, rows=7)
    meters.note_drop()
    meters.note_load("income", 0.3, is_loaded=True)
    meters.note_load("income", 0.1, is_loaded=False)
    meters.note_commit(0.002, 40)
    of = meters.of_batches("income")
    of.queue.add_many([0.001, 0.002])
    of.rows.add(7)
    of.engine.add(0.004)
    said = Panel(meters.instruments).snapshot()
    assert dict(said["modelward_questions_total"]) == {("answered",): [2], ("dropped",): [1]}
    assert dict(said["modelward_predictions_total"]) == {("income", "3"): [7]}
    assert dict(said["modelward_inflight_requests"]) == {(): [2]}
    assert dict(said["modelward_model_loads_total"]) == {("income", "loaded"): [1], ("income", "failed"): [1]}
    for name, of_what, count, total in (
        ("modelward_model_load_duration_seconds", ("income",), 2, 0.4),
        ("modelward_ledger_commit_duration_seconds", (), 1, 0.002),
        ("modelward_ledger_commit_entries", (), 1, 40),
        ("modelward_queue_duration_seconds", ("income",), 2, 0.003),
        ("modelward_batch_rows", ("income",), 1, 7),
        ("modelward_engine_duration_seconds", ("income",), 1, 0.004),
    ):
        *counts, summed = dict(said[name])[of_what]
        assert (sum(counts), summed) == (count, pytest.approx(total)), name
