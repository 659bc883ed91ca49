# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidTag

from modelward.errors import ConflictError, PrerequisiteError, RefusedError
from modelward.storage import Keyring, KeyringExposedError, KeyringMissingError, KeyringUnreadableError, MasterKeyMissingError

SECRET = b"a secret of thirty-two bytes ..."


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def test_a_keyring_opens_as_it_was_made(path):
    made = Keyring.create(path, secrets={"pepper": SECRET})
    master, wrapped = made.wrap(b"k" * 32, label="data")
    opened = Keyring.open(path)
    assert opened.secret("pepper") == SECRET
    assert opened.unwrap(master, wrapped, label="data") == b"k" * 32


def test_only_its_owner_can_read_it(path):
    before = os.umask(0)
    try:
        Keyring.create(path, secrets={})
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_one_that_others_can_reach_is_refused(path, mode):
    Keyring.create(path, secrets={})
    path.chmod(mode)
    with pytest.raises(KeyringExposedError, match=f"chmod 600 {path}") as caught:
        Keyring.open(path)
    assert isinstance(caught.value, RefusedError)


def test_one_is_never_overwritten(path):
    Keyring.create(path, secrets={"pepper": SECRET})
    before = path.read_bytes()
    with pytest.raises(ConflictError, match="left as it is"):
        Keyring.create(path, secrets={})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_one_names_the_command(path):
    with pytest.raises(KeyringMissingError, match="modelward init") as caught:
        Keyring.open(path)
    assert isinstance(caught.value, PrerequisiteError)


def test_nothing_secret_is_ever_shown(path):
    ring = Keyring.create(path, secrets={"pepper": SECRET})
    held = json.loads(path.read_bytes())
    shown = repr(ring) + str(ring) + repr(ring._held) + repr(Keyring.open(path)._held)
    assert "keys.json" in repr(ring)
    for text in (held["masters"]["m1"], held["secrets"]["pepper"], SECRET.decode()):
        assert text not in shown


def whole() -> dict:
    return {"version": 1, "current": "m1", "masters": {"m1": "A" * 43 + "="}, "secrets": {}}


BROKEN = {
    "empty": b"",
    "not JSON": b"{nonsense",
    "not text": b'"\xff\xfe"',
    "another version": json.dumps(whole() | {"version": 2}).encode(),
    "no current master": json.dumps(whole() | {"current": "m2"}).encode(),
    "a short master": json.dumps(whole() | {"masters": {"m1": "QUFB"}}).encode(),
    "an unknown field": json.dumps(whole() | {"more": 1}).encode(),
}


def test_the_whole_twin_of_the_broken_ones_opens(path):
    path.write_bytes(json.dumps(whole()).encode())
    path.chmod(0o600)
    assert Keyring.open(path).wrap(b"k", label="x")


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_keyring_is_refused(path, kind):
    path.write_bytes(BROKEN[kind])
    path.chmod(0o600)
    with pytest.raises(KeyringUnreadableError, match="Restore it from a backup") as caught:
        Keyring.open(path)
    assert caught.value.__cause__ is None, "a cause could quote the file"


def test_a_folder_in_its_place_is_refused(path):
    path.mkdir(mode=0o700)
    with pytest.raises(KeyringUnreadableError, match="cannot be read"):
        Keyring.open(path)


def test_a_missing_secret_is_named(path):
    with pytest.raises(KeyringUnreadableError, match="'pepper'"):
        Keyring.create(path, secrets={}).secret("pepper")


def test_a_wrapped_key_opens_under_its_own_label_and_master_alone(path):
    ring = Keyring.create(path, secrets={})
    master, wrapped = ring.wrap(b"k" * 32, label="one")
    for name, data, label in [(master, wrapped, "two"), (master, wrapped[:-1] + b"?", "one")]:
        with pytest.raises(InvalidTag):
            ring.unwrap(name, data, label=label)
    with pytest.raises(MasterKeyMissingError, match="'m9'"):
        ring.unwrap("m9", wrapped, label="one")
    assert ring.unwrap(master, wrapped, label="one") == b"k" * 32


# Children make keyrings and are killed before the first, second, … call of the system in the making, until one is not.
KILLED = """
import os, signal, sys
from pathlib import Path
from modelward.storage import Keyring
def watched(real):
    def call(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*args, **kwargs)
    return call
for name in ("open", "fsync", "fdopen", "link", "unlink"):
    setattr(os, name, watched(getattr(os, name)))
for step in range(40):
    left = step
    child = os.fork()
    if not child:
        Keyring.create(Path(sys.argv[1]) / str(step) / "keys.json", secrets={"pepper": b"p" * 32})
        left = -1
        os._exit(0)
    print(end := os.waitpid(child, 0)[1])
    if not end:
        break
"""


def test_a_kill_at_any_moment_leaves_no_half_keyring(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=True)
    ends = [int(line) for line in done.stdout.split()]
    assert len(ends) > 5
    assert ends == [signal.SIGKILL] * (len(ends) - 1) + [0]
    for step in range(len(ends)):
        place = tmp_path / str(step) / "keys.json"
        if place.exists():
            assert Keyring.open(place).secret("pepper") == b"p" * 32
        else:
            Keyring.create(place, secrets={})
