# SPDX-License-Identifier: Apache-2.0
"""A load report tells what a service did: a slow one looks slow, and what waits is seen to wait."""

import itertools
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.slow_service import Says, Service
from entrances.api.house import ROW
from modelward.client import PROTOCOLS, Client, NoAnswerError, Plan, traffic
from modelward.client.latencies import LEAST_BEYOND, summarise
from modelward.client.load import notes_of
from modelward.client.measuring import _arrivals
from modelward.errors import ModelwardError, UnavailableError

FAST, SLOW, EVERY = 0.01, 0.2, 50


def now_and_then():
    """Fast, and every fiftieth time slow."""
    return (Says(seconds=SLOW if at % EVERY == EVERY - 1 else FAST) for at in itertools.count())


def measured(service, **plan):
    with Client(service.url, key="mw_x") as client:
        return client.measure("income", plan=Plan(**{"seconds": 1.0, "warm_up_seconds": 0.0} | plan))


def percentile(step, percent):
    return step.latencies.at(percent).milliseconds


def test_a_service_that_is_slow_now_and_then_looks_so():
    with Service(now_and_then) as service:
        (step,) = measured(service, connections=(16,)).steps
    assert (step.failed, step.refused, step.unanswered) == (0, 0, 0)
    assert step.requests > 100
    assert 1000 * FAST <= percentile(step, 50) < 1000 * SLOW <= percentile(step, 99) <= step.latencies.max_ms


def test_an_open_loop_shows_the_waiting_that_a_closed_loop_hides():
    """One at a time is answered. While it stalls, a closed loop asks nothing, and so meets the stall once."""
    with Service(now_and_then, is_serial=True) as service:
        (closed,) = measured(service, connections=(1,), seconds=2.0).steps
        (opened,) = measured(service, connections=(8,), rates=(60.0,), arrivals="constant", seconds=2.0).steps
    assert percentile(closed, 90) < 1000 * SLOW
    # Twelve questions come during a stall and wait for what is left of it, which is more than a tenth of the fifty.
    assert percentile(opened, 90) > percentile(closed, 90)
    waited = sum(count for milliseconds, count in opened.latencies.bins if milliseconds > 5000 * FAST)
    assert waited > 2 * sum(count for milliseconds, count in closed.latencies.bins if milliseconds > 5000 * FAST)


def test_what_is_due_while_every_connection_is_busy_is_timed_from_then():
    with Service(itertools.repeat(Says(seconds=0.1))) as service:
        (step,) = measured(service, connections=(1,), rates=(40.0,), arrivals="constant").steps
    assert step.waited > 0
    assert percentile(step, 90) > 3 * 100
    assert any("due while every connection was busy" in note for note in step.notes)
    assert any("questions were answered well in time" in note for note in step.notes)


def test_who_finds_a_free_connection_did_not_wait_for_one():
    """However late this client sends it: that is told for itself."""
    with Service(itertools.repeat(Says(seconds=0.002))) as service:
        (step,) = measured(service, connections=(200,), rates=(200.0,), warm_up_seconds=0.5, seconds=2.0).steps
    assert step.requests > 300
    assert step.waited == 0
    assert step.late_ms is not None


def test_each_number_of_connections_and_each_rate_is_a_step():
    with Service(itertools.repeat(Says())) as service:
        load = measured(service, connections=(1, 2), rates=(50.0, 100.0), seconds=0.5)
    assert [(step.connections, step.rate) for step in load.steps] == [(1, 50), (2, 50), (1, 100), (2, 100)]
    assert (load.service, load.versions, load.url) == ("slow 7", ("income:7",), service.url)
    assert load.notes == ("The service and this client shared one machine.",)
    assert load.machine["python"]


def test_refusals_are_counted_by_when_to_come_back():
    answers = [
        Says(),
        Says("503 Service Unavailable", headers=("Retry-After: 1",)),
        Says("429 Too Many Requests", headers=("retry-after: 7",)),
        Says("503 Service Unavailable"),
    ]
    with Service(itertools.cycle(answers)) as service:
        (step,) = measured(service, connections=(1,), seconds=0.5).steps
    assert set(step.statuses) == {"200", "503, Retry-After 1 s", "429, Retry-After 7 s", "503 without Retry-After"}
    assert step.refused == sum(count for told, count in step.statuses.items() if told != "200")
    assert (step.failed, step.latencies.answers) == (0, step.requests)


def test_what_fails_is_counted_and_is_no_latency():
    answers = [Says(), Says("500 Internal Server Error"), Says(has_length=False), Says(headers=("connection: close",))]
    with Service(itertools.cycle(answers)) as service:
        (step,) = measured(service, connections=(2,), seconds=0.5).steps
    assert step.statuses["500"] > 0
    assert step.failed > step.statuses["500"], "an answer of unknown length is none"
    assert step.latencies.answers == step.requests == step.statuses["200"]
    assert any(note.endswith(" failed.") for note in step.notes)


def test_what_is_never_answered_counts_with_the_time_that_it_waited(monkeypatch):
    monkeypatch.setattr(traffic, "_PATIENCE_SECONDS", 0.2)
    with Service([*[Says()] * 20, *[Says(seconds=60.0)] * 20]) as service:
        (step,) = measured(service, connections=(3,), seconds=0.5).steps
    assert step.unanswered == step.failed == 3
    assert step.latencies.max_ms > 200
    assert any("never answered" in note for note in step.notes)


def test_what_is_met_while_it_warms_up_is_not_kept():
    with Service(itertools.repeat(Says())) as service:
        (step,) = measured(service, connections=(2,), warm_up_seconds=0.5, seconds=0.5).steps
    assert step.requests < service.asked - 10
    assert all(0 <= moment.second < 0.5 for moment in step.latencies.moments)


def test_a_service_that_only_fails_is_not_asked_for_long():
    with Service([Says(), *[Says("500 Internal Server Error")] * 10_000]) as service:
        with pytest.raises(NoAnswerError, match=r"100 500"):
            measured(service, connections=(1,), seconds=60.0)
        assert service.asked < 200


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable", "500 Internal Server Error"])
def test_whoever_is_refused_the_first_question_is_told_so_at_once(status):
    with Service(itertools.repeat(Says(status))) as service, pytest.raises(ModelwardError):
        measured(service, seconds=60.0)
    assert service.asked == 1


def test_nobody_at_the_address_is_said_so():
    with Service([]) as service:
        url = service.url
    with Client(url, key="mw_x") as client, pytest.raises(UnavailableError, match="Nothing answers at"):
        client.measure("income", plan=Plan(seconds=0.5))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("examples", [(), ({**ROW, "age": None}, {**ROW, "sector": "private"})], ids=["made up", "given"])
def test_a_real_service_answers_in_every_protocol(remote, protocol, examples):
    plan = Plan(connections=(2,), seconds=0.3, warm_up_seconds=0.0, rows=3, protocol=protocol)
    load = remote.measure("income", plan=plan, examples=examples)
    (step,) = load.steps
    assert set(step.statuses) == {"200"}
    assert step.rows_per_second == pytest.approx(3 * step.requests_per_second)
    assert load.versions == ("income:1",)
    assert load.service.startswith("modelward ")


def test_arrivals_come_at_their_rate():
    constant = list(itertools.islice(_arrivals(200.0, "constant"), 401))
    assert constant[400] == pytest.approx(2.0)
    poisson = list(itertools.islice(_arrivals(200.0, "poisson"), 20_000))
    assert poisson == sorted(poisson)
    # The sum of 20,000 gaps of 5 ms has a standard deviation of 0.7 %; the draw is seeded.
    assert poisson[-1] == pytest.approx(100.0, rel=0.03)


@given(st.lists(st.floats(0.0001, 10.0), min_size=1, max_size=300))
def test_a_percentile_is_the_least_latency_that_so_many_did_not_exceed(took):
    found = summarise([0.0] * len(took), took, seconds=1.0)
    ranked = sorted(1000 * each for each in took)
    for one in found.percentiles:
        assert one.milliseconds in ranked
        within = sum(each <= one.milliseconds for each in ranked)
        assert within >= one.percent / 100 * len(ranked) - 1e-6
        below = sum(each < one.milliseconds for each in ranked)
        assert below < one.percent / 100 * len(ranked)
        assert one.is_accidental == (one.beyond < LEAST_BEYOND)
    assert found.max_ms == ranked[-1]
    assert [milliseconds for _, milliseconds in found.curve] == sorted(milliseconds for _, milliseconds in found.curve)
    assert sum(count for _, count in found.bins) == found.answers == len(took)
    assert all(low <= ranked[-1] * 1.0001 for low, _ in found.bins)


def test_a_percentile_with_too_few_answers_behind_it_is_called_accidental():
    few, many = (summarise([0.0] * n, [random.Random(at).random() for at in range(n)], seconds=1.0) for n in (900, 1100))
    assert [one.percent for one in few.percentiles if one.is_accidental] == [99.0, 99.9]
    assert [one.percent for one in many.percentiles if one.is_accidental] == [99.9]
    assert summarise([], [], seconds=1.0) is None


def test_moments_part_the_time_in_which_answers_were_asked():
    began = [at / 100 for at in range(1000)]
    found = summarise(began, [0.001 if at < 5 else 0.1 for at in began], seconds=10.0)
    assert len(found.moments) == 60
    assert sum(moment.answers for moment in found.moments) == 1000
    assert {moment.p50_ms for moment in found.moments if moment.second < 4.8} == {1.0}
    assert {moment.p50_ms for moment in found.moments if moment.second >= 5} == {100.0}


def test_a_client_that_is_the_slower_side_says_so():
    with Service(itertools.repeat(Says())) as service:
        (step,) = measured(service, connections=(1,), seconds=0.5).steps
    assert any("slower side" in note for note in notes_of(replace(step, generator_share=0.95)))
    assert not any("slower side" in note for note in notes_of(replace(step, generator_share=0.5)))
    assert math.isfinite(step.generator_share)
