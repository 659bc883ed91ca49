# SPDX-License-Identifier: Apache-2.0
"""A guarded keyring opens for who has the means, and for nobody else; programs that fail at it lose nothing and leak nothing."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from modelward.errors import NotFoundError, RefusedError, UnavailableError
from modelward.storage import GuardClosedError, GuardRefusedError, Keyring, KeyringUnreadableError, Means
from modelward.storage.guards import passphrase
from storage.programs import HONEST, program

SECRET = b"a secret of thirty-two bytes ..."
WORDS = "six words drawn at random"
SAYS = "import sys; sys.stdout.write('{}'); "


@pytest.fixture(autouse=True)
def _light(monkeypatch):
    monkeypatch.setattr(passphrase, "_MEMORY_KIB", 8 << 10)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def words(tmp_path, text: str = WORDS, *, mode: int = 0o600) -> Means:
    file = tmp_path / "words"
    file.write_text(text)
    file.chmod(mode)
    return Means(passphrase_file=file)


def test_a_keyring_moves_from_guard_to_guard_and_keeps_what_is_in_it(path, tmp_path):
    ring = Keyring.create(path, secrets={"pepper": SECRET})
    master, wrapped = ring.wrap(b"k" * 32, label="data")
    plain = path.read_bytes()
    secret, kms = words(tmp_path), Means(command=program(tmp_path))
    for guard, means in [("passphrase", secret), ("command", kms), ("passphrase", secret), ("file", Means())]:
        ring.move(guard, means)
        opened = Keyring.open(path, means)
        assert (ring.guard_name, opened.guard_name) == (guard, guard)
        assert opened.secret("pepper") == SECRET
        assert opened.unwrap(master, wrapped, label="data") == b"k" * 32
        assert path.stat().st_mode & 0o777 == 0o600
        assert (path.read_bytes() == plain) == (guard == "file")


def test_who_changes_the_passphrase_shuts_the_old_one_and_its_key_out(path, tmp_path):
    ring = Keyring.create(path, secrets={"pepper": SECRET}, guard="passphrase", means=words(tmp_path))
    old = ring.handed_key
    ring.move("passphrase", words(tmp_path, "another passphrase of five words"))
    assert ring.handed_key != old
    with pytest.raises(GuardRefusedError, match="does not open the keyring"):
        Keyring.open(path, words(tmp_path))
    with pytest.raises(GuardClosedError):
        Keyring.open(path, Means(key=old))


def test_a_passphrase_is_the_same_with_and_without_the_end_of_its_line_and_however_accents_are_written(path, tmp_path):
    Keyring.create(path, secrets={}, guard="passphrase", means=words(tmp_path, "caf\u00e9 caf\u00e9 caf\u00e9"))
    for text in ("caf\u00e9 caf\u00e9 caf\u00e9\n", "cafe\u0301 cafe\u0301 cafe\u0301\r\n"):
        assert Keyring.open(path, words(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "mode", "error", "says"),
    [
        ("too short", 0o600, GuardRefusedError, "at least 12 characters"),
        ("", 0o600, GuardClosedError, "empty"),
        ("x" * 5000, 0o600, GuardRefusedError, "at most 4096 bytes"),
        (WORDS, 0o640, GuardRefusedError, "chmod 600"),
    ],
)
def test_a_passphrase_that_guards_nothing_is_refused(path, tmp_path, text, mode, error, says):
    with pytest.raises(error, match=says) as caught:
        Keyring.create(path, secrets={}, guard="passphrase", means=words(tmp_path, text, mode=mode))
    assert not path.exists()
    assert not text or text not in str(caught.value)


def test_one_comes_by_an_inherited_descriptor_once(path, tmp_path):
    Keyring.create(path, secrets={"pepper": SECRET}, guard="passphrase", means=words(tmp_path))
    reading, writing = os.pipe()
    os.write(writing, WORDS.encode())
    os.close(writing)
    assert Keyring.open(path, Means(passphrase_descriptor=reading)).secret("pepper") == SECRET
    with pytest.raises(GuardClosedError, match="It is read once"):
        Keyring.open(path, Means(passphrase_descriptor=reading))


def test_who_is_asked_types_a_new_one_twice(path):
    Keyring.create(path, secrets={"pepper": SECRET}, guard="passphrase", means=Means(ask=lambda _question: WORDS))
    assert Keyring.open(path, Means(ask=lambda _question: WORDS)).secret("pepper") == SECRET
    typed = iter([WORDS, WORDS + "?"])
    with pytest.raises(GuardRefusedError, match="not the same"):
        Keyring.open(path, Means(ask=lambda _question: WORDS)).move("passphrase", Means(ask=lambda _question: next(typed)))
    assert Keyring.open(path, Means(ask=lambda _question: WORDS)).secret("pepper") == SECRET


def test_a_file_that_asks_for_all_memory_is_refused(path, tmp_path):
    """Its writer would have every start of the server take a terabyte."""
    import msgspec

    Keyring.create(path, secrets={}, guard="passphrase", means=words(tmp_path))
    held = msgspec.json.decode(path.read_bytes())
    note = msgspec.json.decode(msgspec.convert(held["note"], bytes, strict=False, builtin_types=()))
    held["note"] = msgspec.to_builtins(msgspec.json.encode(note | {"memory_kib": 1 << 30}))
    path.write_bytes(msgspec.json.encode(held))
    with pytest.raises(GuardRefusedError, match="changed"):
        Keyring.open(path, words(tmp_path))


def test_a_guard_that_nobody_knows_is_refused(path):
    path.write_text('{"version": 2, "guard": "moat", "note": "", "sealed": ""}')
    path.chmod(0o600)
    with pytest.raises(KeyringUnreadableError):
        Keyring.open(path)
    ring = Keyring.create(path.with_name("other.json"), secrets={})
    with pytest.raises(NotFoundError, match="No guard is called 'moat'"):
        ring.move("moat", Means())


BROKEN = {
    "fails": ("import sys; sys.exit(7)", UnavailableError, "ended with code 7"),
    "dies": ("import os; os.kill(os.getpid(), 9)", UnavailableError, "ended by signal 9"),
    "says nothing": ("", RefusedError, "into nothing"),
    "says the key itself": ("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())", RefusedError, "as it was, unwrapped"),
    "says another thing each time": (
        "import os, sys; sys.stdout.buffer.write(os.urandom(32))",
        RefusedError,
        "does not unwrap what it wrapped",
    ),
    "says too little": ("import sys; sys.stdout.write('canary')", RefusedError, "6 bytes for a key of 32"),
    "never stops talking": (
        "import os\ntry:\n    while True: os.write(1, b'canary' * 9999)\nexcept OSError: pass",
        RefusedError,
        "more than the 16384 bytes",
    ),
    "hangs": ("import time; time.sleep(600)", UnavailableError, "did not answer within 1 s"),
    "closes its output and hangs": ("import os, time; os.close(1); time.sleep(600)", UnavailableError, "did not answer within 1 s"),
    "ends before it listens": ("import os; os.close(0); print('x' * 40)", RefusedError, "more than the 32 bytes|40 bytes|41 bytes"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_program_that_fails_changes_nothing_and_is_not_quoted(path, tmp_path, kind):
    source, error, says = BROKEN[kind]
    ring = Keyring.create(path, secrets={"pepper": SECRET})
    before = path.read_bytes()
    with pytest.raises(error, match=says) as caught:
        ring.move("command", Means(command=program(tmp_path, source), timeout_seconds=1))
    assert "canary" not in str(caught.value)
    assert (path.read_bytes(), ring.guard_name) == (before, "file")
    assert Keyring.open(path).secret("pepper") == SECRET


def test_one_that_is_late_is_ended_with_all_that_it_started(path, tmp_path):
    started = tmp_path / "started"
    source = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(started)!r} + '~', 'w').write(str(child.pid))\n"
        f"import os; os.rename({str(started)!r} + '~', {str(started)!r})\n"
        "time.sleep(600)"
    )
    ring = Keyring.create(path, secrets={})
    with pytest.raises(UnavailableError, match="did not answer"):
        ring.move("command", Means(command=program(tmp_path, source), timeout_seconds=3))
    child = int(started.read_text())
    until = time.monotonic() + 30
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "what the program started goes on"
        time.sleep(0.02)


@pytest.mark.parametrize(("command", "says"), [((), "names none"), (("kms",), "whole path"), (("/nowhere/kms",), "cannot be run")])
def test_a_program_that_is_not_there_is_said_so(path, tmp_path, command, says):
    Keyring.create(path, secrets={}, guard="command", means=Means(command=program(tmp_path)))
    with pytest.raises(Exception, match=says):
        Keyring.open(path, Means(command=command))


def test_no_shell_reads_the_command(path, tmp_path):
    from modelward.settings import Settings

    marker = tmp_path / "marker"
    words = " ".join(program(tmp_path))
    means = Means.of(Settings(keys_command=f"{words} '; touch {marker}' $(touch {marker})"))
    Keyring.create(path, secrets={"pepper": SECRET}, guard="command", means=means)
    assert Keyring.open(path, means).secret("pepper") == SECRET
    assert not marker.exists()


def test_the_program_does_not_get_a_persons_api_key(path, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELWARD_KEY", "mw_canary")
    told = tmp_path / "told"
    source = f"import os; open({str(told)!r}, 'w').write(repr(dict(os.environ)))\n" + HONEST
    Keyring.create(path, secrets={}, guard="command", means=Means(command=program(tmp_path, source)))
    assert "PATH" in told.read_text()
    assert "canary" not in told.read_text()


# A child moves a keyring to and fro and is killed before the first, second, … call of the system in it.
KILLED = """
import os, signal, sys
from pathlib import Path
from modelward.storage import Keyring, Means
from modelward.storage.guards import passphrase
passphrase._MEMORY_KIB = 8 << 10
means = Means(passphrase_file=Path(sys.argv[1]) / "words")
def watched(real):
    def call(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*args, **kwargs)
    return call
rings = [Keyring.create(Path(sys.argv[1]) / str(step) / "keys.json", secrets={"pepper": b"p" * 32}) for step in range(30)]
for name in ("open", "fsync", "fdopen", "replace", "rename", "unlink"):
    setattr(os, name, watched(getattr(os, name)))
for step in range(30):
    left = step
    child = os.fork()
    if not child:
        rings[step].move("passphrase", means)
        left = -1
        os._exit(0)
    print(end := os.waitpid(child, 0)[1])
    if not end:
        break
"""


def test_a_move_that_is_killed_leaves_the_keyring_under_the_one_guard_or_the_other(tmp_path):
    means = words(tmp_path)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=True)
    ends = [int(line) for line in done.stdout.split()]
    assert len(ends) > 5
    assert ends == [signal.SIGKILL] * (len(ends) - 1) + [0]
    found = [Keyring.open(tmp_path / str(step) / "keys.json", means) for step in range(len(ends))]
    assert {ring.guard_name for ring in found} == {"file", "passphrase"}
    assert all(ring.secret("pepper") == b"p" * 32 for ring in found)
