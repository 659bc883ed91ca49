# SPDX-License-Identifier: Apache-2.0
"""A password is typed at a terminal: it is not shown, and comes from nowhere else."""

import os
import pty
import subprocess
import sys

import pytest

from modelward.app import create_home, open_platform
from modelward.settings import Settings

PASSWORD = "seven brass herons at dusk"


@pytest.fixture
def made(home):
    create_home(Settings(home=home))
    return home


def at_terminal(home, *typed: str) -> tuple[int, str]:
    """The exit code, and all that the terminal showed: each line is typed once it is asked for."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "modelward", "users", "password", "admin", "--home", str(home)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown, left = "", list(typed)
        while True:
            try:
                shown += os.read(ours, 4096).decode()
            except OSError:  # the terminal of a process that left
                break
            if left and shown.count(": ") > len(typed) - len(left):
                os.write(ours, f"{left.pop(0)}\n".encode())
    os.close(ours)
    return process.returncode, shown


def test_a_password_is_typed_twice_unseen_and_opens(made):
    code, shown = at_terminal(made, PASSWORD, PASSWORD)
    assert code == 0, shown
    assert PASSWORD not in shown
    platform = open_platform(Settings(home=made))
    try:
        assert platform.access.accounts.sign_in("admin", PASSWORD, address="192.0.2.1").actor.name == "admin"
    finally:
        platform.close()


@pytest.mark.parametrize(
    ("typed", "said"), [((PASSWORD, "another one"), "same way twice"), (("Password1234!",) * 2, "anybody tries")]
)
def test_what_cannot_be_is_said_and_changes_nothing(made, typed, said):
    code, shown = at_terminal(made, *typed)
    assert code == 2
    assert said in " ".join(shown.split())


def test_a_password_does_not_come_through_a_pipe(made):
    command = [sys.executable, "-m", "modelward", "users", "password", "admin", "--home", str(made)]
    done = subprocess.run(command, input=f"{PASSWORD}\n{PASSWORD}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "typed at a terminal" in " ".join(done.stderr.split())
