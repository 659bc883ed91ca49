# SPDX-License-Identifier: Apache-2.0
"""What several workers counted, added up: nothing twice, nothing lost with one that ended, and never less than before."""

import itertools
import os
import subprocess
import sys

import msgspec
import pytest

from modelward.entrances.api.tally import Sheet, Tally
from modelward.serving import Counter, Panel, Reading


class Worker:
    """The instruments of one worker, and its tally."""

    def __init__(self, file) -> None:
        self.counter = Counter("asked_total", "asked")
        self.open = 0
        self.panel = Panel([self.counter, Reading("open", "open", lambda: self.open)])
        self.tally = Tally(file, self.panel)

    def sums(self) -> tuple[float, float]:
        """Questions ever asked, and those open now, of all workers."""
        whole = {name: dict(samples) for name, samples in self.tally.whole().items()}
        return whole["asked_total"][()][0], whole["open"].get((), [0])[0]


@pytest.fixture
def workers(tmp_path):
    return [Worker(tmp_path / f"{number}.json") for number in range(3)]


@pytest.fixture(scope="module")
def gone() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def end(worker, gone):
    """The worker's process has ended; what it wrote last stays."""
    left = msgspec.json.decode(worker.tally._file.read_bytes(), type=Sheet)
    worker.tally._file.write_bytes(msgspec.json.encode(Sheet(gone, left.numbers)))


def test_whichever_worker_is_asked_says_what_all_did(workers):
    for number, worker in enumerate(workers, 1):
        worker.counter.add(number=number)
        worker.open = number
        worker.tally.whole()
    assert [worker.sums() for worker in workers] == [(6, 6)] * 3


def test_what_one_told_the_next_one_asked_knows(workers):
    first, second, _ = workers
    first.counter.add(number=5)
    assert first.sums()[0] == 5
    assert second.sums()[0] == 5, "though the first wrote nothing since"


def test_the_sum_never_goes_down_whoever_is_asked_whoever_ends(workers, tmp_path, gone):
    told = 0
    for step, number in enumerate(itertools.islice(itertools.cycle((0, 2, 1, 1, 0)), 40)):
        for worker in workers:
            worker.counter.add()
        found = workers[number].sums()[0]
        assert found >= told
        told = found
        if step % 7 == 3:
            place = step % 3
            end(workers[place], gone)
            survivor = workers[(place + 1) % 3].sums()[0]
            assert survivor >= told
            workers[place] = Worker(tmp_path / f"{place}.json")
            assert workers[place].tally.is_successor
            told = survivor
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_what_was_open_ends_with_its_worker_and_what_was_counted_does_not(workers, gone):
    first, second, _ = workers
    first.counter.add(number=4)
    first.open = 9
    assert first.sums() == (4, 9)
    end(first, gone)
    assert second.sums() == (4, 0)


def test_the_first_in_a_place_succeeds_nobody(workers):
    assert not any(worker.tally.is_successor for worker in workers)


def test_a_folder_that_cannot_be_written_is_told_once_and_no_sum_is_refused(workers, tmp_path, caplog, monkeypatch):
    def full(self, _data):
        raise OSError(28, os.strerror(28))

    first = workers[0]
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "write_bytes", full)
        first.counter.add()
        assert [first.sums()[0], first.sums()[0]] == [1, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "the other workers cannot be told what this one counts: No space left on device"
    ]
    assert (first.sums()[0], workers[1].sums()[0]) == (1, 1), "with room it is told"


def test_a_worker_writes_without_being_asked(workers):
    workers[0].counter.add()
    workers[0].tally.begin()
    assert workers[1].sums()[0] == 1
