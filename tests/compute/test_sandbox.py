# SPDX-License-Identifier: Apache-2.0
"""Who is closed in lays no hand on another process, makes none, and changes nothing about a file of others."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from modelward.compute import landlock_version
from modelward.compute.calls import CALLS

needs_filter = pytest.mark.skipif(
    not landlock_version() or platform.machine() not in CALLS, reason="no Landlock, or no filter for this processor"
)
HARMLESS = {"own signal", "own thread", "a thread", "reading limits", "own affinity", "looking"}


@pytest.fixture
def outcomes(tmp_path):
    (file := tmp_path / "letter").write_text("private")
    program = Path(__file__).with_name("closed.py")
    # Of the same user, and in a group of its own.
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)

    def tried(how):
        command = [sys.executable, str(program), str(other.pid), str(file), how]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)

    yield tried
    assert other.poll() is None, "nobody ended it"
    other.kill()
    other.wait()


@needs_filter
def test_no_hand_is_laid_on_another_process_where_landlock_does_not_know_signals(outcomes):
    free, closed = outcomes("open"), outcomes("closed")
    assert set(free.values()) == {"done"}, "who is free can do all of it"
    assert {name for name, how in closed.items() if how == "refused"} == set(closed) - HARMLESS


@needs_filter
def test_what_libraries_need_of_their_own_process_stays(outcomes):
    closed = outcomes("closed")
    assert {name: closed[name] for name in HARMLESS} == dict.fromkeys(HARMLESS, "done")


def test_the_numbers_of_the_calls_are_each_there_once():
    for calls in CALLS.values():
        single = (calls.clone, calls.clone3, calls.prctl, calls.prlimit)
        every = [*calls.never, *calls.to_itself, *calls.of_itself, *single]
        assert len(every) == len(set(every))
