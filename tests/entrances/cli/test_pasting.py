# SPDX-License-Identifier: Apache-2.0
"""What `access explain` recommends is pasted into a shell, as it stands in the terminal, and does what it says."""

import os
import re
import subprocess
import sys

import pytest


@pytest.fixture
def shell(fresh, tmp_path):
    """Runs a line in a shell that knows `modelward`, over the home of the terminal."""
    place = tmp_path / "bin"
    place.mkdir()
    command = place / "modelward"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modelward "$@"\n')
    command.chmod(0o755)
    known = os.environ | {"PATH": f"{place}:{os.environ['PATH']}", "MODELWARD_HOME": str(fresh.home)}

    def run(line):
        return subprocess.run(["sh", "-c", line], env=known, capture_output=True, text=True, check=False)

    return run


def recommended(terminal, *asked):
    """Whether it is allowed, and the commands that would change it."""
    told = terminal("access", "explain", *asked)
    assert told.code == 0, told.err
    return "allowed: yes" in " ".join(told.out.split()).replace("allowed yes", "allowed: yes"), re.findall(
        r"To change it: [^`]*`([^`]+)`", told.out
    )


def test_what_is_recommended_can_be_pasted(fresh, shell):
    assert fresh("keys", "create", "--name", "till", "--role", "caller").code == 0
    assert fresh("users", "add", "ada", "--role", "caller").code == 0
    for asked in (("till", "models:predict", "income"), ("ada", "audit:read"), ("ada", "data:read", "dataset:adult")):
        allowed, commands = recommended(fresh, *asked)
        done = shell(commands[-1])
        assert done.returncode == 0, (commands, done.stderr)
        assert recommended(fresh, *asked)[0] is not allowed
    allowed, commands = recommended(fresh, "ada", "releases:propose", "income")
    assert not allowed
    assert shell(commands[0]).returncode == 0
    assert recommended(fresh, "ada", "releases:propose", "income")[0]
