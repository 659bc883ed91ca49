# SPDX-License-Identifier: Apache-2.0
"""Several processes write one ledger, and one of them may be killed at any moment."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audit.opened import close, draft, open_ledger

WRITER = Path(__file__).with_name("writer.py")


def start(home, name, count):
    return subprocess.Popen([sys.executable, str(WRITER), str(home), name, str(count)], stdout=subprocess.PIPE, text=True)


def kill(writer):
    """Kill it, and return what it acknowledged and was not read yet. The last line may have been cut off in the pipe."""
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read()
    assert writer.wait(30) == -signal.SIGKILL
    writer.stdout.close()
    return rest.splitlines()[: rest.count("\n")]


def check(ledger, acknowledged):
    """Every acknowledged entry is there, under the index that was told, and the whole is sound."""
    assert ledger.verify().faults == ()
    found = {}
    while page := ledger.entries(since=len(found) + 1, limit=10_000, newest_first=False):
        found |= {one.index: one.entry.request for one in page}
    for line in acknowledged:
        index, _, request = line.partition(" ")
        assert found[int(index)] == request
    return found


def test_two_processes_writing_at_once_lose_nothing(tmp_path):
    ledger = open_ledger(tmp_path)
    writers = [start(tmp_path, name, 400) for name in ("left", "right")]
    acknowledged = [line for writer in writers for line in writer.communicate(timeout=60)[0].splitlines()]
    assert [writer.returncode for writer in writers] == [0, 0]
    found = check(ledger, acknowledged)
    assert sorted(found) == list(range(1, 801))
    assert sorted(found.values()) == sorted(f"{name}-{number}" for name in ("left", "right") for number in range(400))
    close(ledger)


def test_a_ledger_is_verified_while_others_write_to_it(tmp_path):
    ledger = open_ledger(tmp_path)
    writer = start(tmp_path, "busy", 1_000_000)
    sizes = []
    while len(sizes) < 15 or sizes[-1] == sizes[0]:
        assert writer.stdout.readline(), "the writer died"
        found = ledger.verify()
        assert found.faults == ()
        sizes.append(found.size)
    kill(writer)
    assert sizes == sorted(sizes)
    close(ledger)


@pytest.mark.parametrize("after", [1, 60, 333])
def test_a_writer_killed_at_any_moment_leaves_a_sound_ledger_with_every_acknowledged_entry(tmp_path, after):
    writer = start(tmp_path, "doomed", 1_000_000)
    acknowledged = [writer.stdout.readline().strip() for _ in range(after)]
    acknowledged += kill(writer)
    ledger = open_ledger(tmp_path)
    found = check(ledger, acknowledged)
    assert len(found) >= len(acknowledged) >= after
    assert ledger.commit(lambda: [draft(1)]) == max(found) + 1
    assert ledger.verify().is_sound
    close(ledger)


def test_writers_killed_again_and_again_in_each_others_midst_leave_one_order_without_a_gap(tmp_path):
    ledger = open_ledger(tmp_path)
    steady = start(tmp_path, "steady", 1_000_000)
    acknowledged = [steady.stdout.readline().strip()]
    for life in range(4):
        doomed = start(tmp_path, f"doomed-{life}", 1_000_000)
        acknowledged += [doomed.stdout.readline().strip() for _ in range(40 * life + 1)]
        acknowledged += kill(doomed)
        # Who lives goes on.
        acknowledged += [steady.stdout.readline().strip() for _ in range(10)]
    acknowledged += kill(steady)
    found = check(ledger, acknowledged)
    assert sorted(found) == list(range(1, len(found) + 1))
    assert len(found) >= len(acknowledged)
    close(ledger)
