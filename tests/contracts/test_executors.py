# SPDX-License-Identifier: Apache-2.0
"""What every executor promises."""

import threading

import pytest
import threadpoolctl

from modelward.compute import EXECUTORS, ExecutorClosedError, Job, JobCancelledError


@pytest.fixture(params=EXECUTORS.names())
def executor(request):
    with EXECUTORS.load(request.param)(workers=2) as opened:
        yield opened


def test_a_ticket_brings_the_result_of_its_own_job(executor):
    tickets = [executor.submit(Job(f"square-{n}", lambda report, n=n: n * n)) for n in range(20)]
    assert [ticket.result() for ticket in tickets] == [n * n for n in range(20)]
    assert [ticket.name for ticket in tickets] == [f"square-{n}" for n in range(20)]
    assert all(ticket.is_done for ticket in tickets)


@pytest.mark.parametrize("fault", [ValueError("seven"), MemoryError(), KeyboardInterrupt(), SystemExit(3)])
def test_a_job_that_fails_raises_at_its_own_ticket_and_touches_no_other(executor, fault):
    def fail(report):
        raise fault

    before, broken, after = (executor.submit(Job("j", call)) for call in (lambda r: 1, fail, lambda r: 2))
    with pytest.raises(type(fault)) as seen:
        broken.result()
    assert seen.value is fault
    assert (before.result(), after.result()) == (1, 2)


def test_jobs_run_side_by_side(executor):
    meeting = threading.Barrier(2, timeout=30)
    tickets = [executor.submit(Job("meet", lambda report: meeting.wait())) for _ in range(2)]
    assert sorted(ticket.result() for ticket in tickets) == [0, 1]


def test_progress_is_heard_and_stays_between_nothing_and_all(executor):
    heard = []

    def work(report):
        for share in (-1, 0.25, 7):
            report(share, "working")

    executor.submit(Job("work", work), heard=lambda share, word: heard.append((share, word))).result()
    assert heard == [(0.0, "working"), (0.25, "working"), (1.0, "working")]


def test_a_cancelled_job_ends_at_its_next_report(executor):
    started, go = threading.Event(), threading.Event()

    def work(report):
        started.set()
        assert go.wait(30)
        assert report.is_cancelled
        report(0.5)
        return "not stopped"

    ticket = executor.submit(Job("work", work))
    assert started.wait(30)
    ticket.cancel()
    go.set()
    with pytest.raises(JobCancelledError, match="'work' was stopped"):
        ticket.result()


def test_a_job_that_was_not_cancelled_is_told_nothing(executor):
    assert executor.submit(Job("work", lambda report: report.is_cancelled)).result() is False


def test_a_job_cancelled_in_the_queue_never_starts(executor):
    go, ran = threading.Event(), []
    busy = [executor.submit(Job("busy", lambda report: go.wait(30))) for _ in range(2)]
    waiting = executor.submit(Job("waiting", lambda report: ran.append(1)))
    waiting.cancel()
    go.set()
    assert [ticket.result() for ticket in busy] == [True, True]
    with pytest.raises(JobCancelledError):
        waiting.result()
    assert ran == []


def test_cancelling_what_is_done_leaves_its_result(executor):
    ticket = executor.submit(Job("work", lambda report: 5))
    assert ticket.result() == 5
    ticket.cancel()
    assert ticket.result() == 5


@pytest.mark.parametrize("name", EXECUTORS.names())
def test_a_closed_executor_stops_its_jobs_and_takes_no_more(name):
    executor = EXECUTORS.load(name)(workers=1)
    started = threading.Event()

    def work(report):
        started.set()
        while True:
            report(0.5)

    running, waiting = executor.submit(Job("running", work)), executor.submit(Job("waiting", lambda report: 1))
    assert started.wait(30)
    executor.close()
    executor.close()
    assert running.is_done
    assert waiting.is_done
    with pytest.raises(JobCancelledError):
        running.result()
    with pytest.raises(ExecutorClosedError, match="'late'"):
        executor.submit(Job("late", lambda report: 1))


def test_a_numeric_library_uses_one_thread_inside_a_job(executor):
    import numpy

    numpy.ones((2, 2)) @ numpy.ones((2, 2))
    seen = executor.submit(Job("look", lambda report: [pool["num_threads"] for pool in threadpoolctl.threadpool_info()])).result()
    assert seen, "a pool to look at"
    assert set(seen) == {1}
