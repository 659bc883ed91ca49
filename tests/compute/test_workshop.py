# SPDX-License-Identifier: Apache-2.0
"""A workshop does what it is started for in a process of its own, and says so when it cannot."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from modelward.compute import Wire, Workshop, WorkshopLostError, landlock_version

HERE = __name__


def answer(wire):
    """Say back what is said, from where it was heard."""
    while (frame := wire.receive()) is not None:
        wire.send({"said": frame.head["say"], "process": os.getpid(), "folder": str(Path.cwd())}, frame.body[::-1])


def open_to_others(wire):
    path = wire.receive().head["path"]
    ways = (
        lambda: Path(path).chmod(0o666),
        lambda: os.chown(path, os.getuid(), os.getgid()),
        lambda: os.setxattr(path, "user.a", b""),
    )
    refused = []
    for way in ways:
        try:
            way()
        except PermissionError:
            refused.append(True)
    wire.send({"refused": len(refused)})


def leave(wire):
    """End without a word."""


def break_down(wire):
    raise ValueError("Ada Example, 3 Mill Lane")


def crash(wire):
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.fixture
def begin(tmp_path, monkeypatch):
    def start(function, **given):
        return Workshop(f"{HERE}:{function.__name__}", folder=tmp_path / "scratch", hidden=[], is_required=False, **given)

    return start


def test_what_is_sent_is_heard_and_answered_elsewhere(begin, tmp_path):
    with begin(answer) as workshop:
        body = os.urandom(3_000_000)
        workshop.wire.send({"say": "Grüße"}, body)
        head, back, _ = workshop.wire.receive()
        assert (head["said"], back) == ("Grüße", body[::-1])
        assert head["process"] == workshop.number != os.getpid()
        assert head["folder"].startswith(str(tmp_path / "scratch"))
    assert not (tmp_path / "scratch").exists()


def test_it_is_closed_in_where_the_kernel_can(begin):
    with begin(answer) as workshop:
        assert workshop.isolation == (f"landlock-{landlock_version()}" if landlock_version() else "process")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says it")
def test_the_system_ends_it_before_any_other_once_memory_runs_out(begin):
    with begin(answer) as workshop:
        told = [Path(f"/proc/{number}/oom_score_adj").read_text().strip() for number in (workshop.number, os.getpid())]
    assert told[0] == "1000" != told[1]


@pytest.mark.skipif(not landlock_version(), reason="no Landlock here")
def test_it_opens_no_file_of_others_to_anybody(begin, tmp_path):
    (key := tmp_path / "key").write_text("secret")
    key.chmod(0o600)
    with begin(open_to_others) as workshop:
        workshop.wire.send({"path": str(key)})
        assert workshop.wire.receive().head == {"refused": 3}
    assert key.stat().st_mode & 0o777 == 0o600


def test_one_that_ends_by_itself_is_lost(begin):
    with begin(leave) as workshop:
        assert workshop.wire.receive() is None
        assert str(workshop.lost()) == "The process that trained ended before it was done."


def test_one_that_crashes_is_lost_and_the_signal_is_told(begin):
    with begin(crash) as workshop:
        assert workshop.wire.receive() is None
        assert str(workshop.lost()) == "The process that trained was ended by SIGSEGV. It crashed."


def test_what_breaks_is_told_by_its_kind_and_never_by_its_text(begin):
    with begin(break_down) as workshop:
        head = workshop.wire.receive().head
    assert (head["kind"], head["fault"]) == ("broken", "ValueError")
    assert "Ada" not in str(head)


def test_one_that_cannot_be_found_breaks(tmp_path):
    with Workshop("modelward.nowhere:serve", folder=tmp_path / "s", hidden=[], is_required=False) as workshop:
        head = workshop.wire.receive().head
    assert head["fault"] == "ModuleNotFoundError"


# More brackets than anything should have within one another.
DEEP = (20_000).to_bytes(4, "big") + bytes(8) + b'{"a":' + b"[" * 19_995


@pytest.mark.parametrize("sent", [b"", b"\0\0\0\2", b"\0\0\0\2" + bytes(8) + b"{]", b"\xff" * 12 + b"{}", bytes(12), DEEP])
def test_what_is_no_frame_ends_the_conversation(sent):
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(sent)
    wire = Wire(ours)
    assert wire.receive() is None
    wire.close()


def test_a_workshop_that_cannot_start_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("modelward.compute.workshop._PROGRAM", "modelward.nowhere")
    with pytest.raises(WorkshopLostError, match="ended before it was done"):
        Workshop("x:y", folder=tmp_path / "s", hidden=[], is_required=False)
    assert not (tmp_path / "s").exists()
