# SPDX-License-Identifier: Apache-2.0
"""The laws of `ObjectStore`, over every store of the table that this machine can run."""

import io
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.digest import sha256_hex
from modelward.storage import (
    OBJECT_STORES,
    InvalidDigestError,
    NoSpaceError,
    ObjectChangedError,
    ObjectMissingError,
)

# How a test gets a place of its own for each kind; a store without one here fails the first test.
PLACES = {"file": lambda folder: folder.as_uri()}
ABSENT = "0" * 64


def test_every_store_is_held_to_the_contract():
    assert set(PLACES) == set(OBJECT_STORES)


@pytest.fixture(scope="module", params=PLACES)
def store(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects with spaces, # and ü")
    return OBJECT_STORES.load(request.param)(PLACES[request.param](folder))


def read(store, digest: str) -> bytes:
    with store.open(digest) as stream:
        return stream.read()


@given(data=st.binary(max_size=5000))
def test_bytes_come_out_unchanged_under_their_digest(store, data):
    digest = store.put(io.BytesIO(data))
    assert digest == sha256_hex(data)
    assert store.holds(digest)
    assert read(store, digest) == data


def test_a_large_object_comes_out_unchanged(store):
    data = bytes(range(256)) * 20_000
    assert read(store, store.put(io.BytesIO(data))) == data


def test_the_same_bytes_twice_are_one_object(store):
    first = store.put(io.BytesIO(b"twice"))
    count = len(list(store.digests()))
    assert store.put(io.BytesIO(b"twice")) == first
    assert len(list(store.digests())) == count


def test_a_missing_object_says_so(store):
    assert not store.holds(ABSENT)
    with pytest.raises(ObjectMissingError, match="backup"):
        store.open(ABSENT)


def test_a_deleted_object_is_gone_and_deleting_it_again_is_no_error(store):
    digest = store.put(io.BytesIO(b"to be deleted"))
    store.delete(digest)
    store.delete(digest)
    assert not store.holds(digest)
    assert digest not in set(store.digests())


def test_an_object_is_as_young_as_its_last_put(store):
    digest = store.put(io.BytesIO(b"put, and put again"))
    time.sleep(0.3)
    assert digest in set(store.digests(idle_seconds=0.2))
    store.put(io.BytesIO(b"put, and put again"))
    assert digest not in set(store.digests(idle_seconds=3600))
    assert digest in set(store.digests())


def test_removing_fragments_removes_no_object(store):
    digest = store.put(io.BytesIO(b"whole"))
    assert store.remove_fragments(idle_seconds=0) == 0
    assert read(store, digest) == b"whole"


class Pausing(io.RawIOBase):
    """A stream that stops half way until it is told to go on, and then may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.halfway, self.go_on = threading.Event(), threading.Event()
        self.parts = iter([b"first half ", b"second half"])
        self.fails = fails

    def read(self, size: int = -1) -> bytes:
        part = next(self.parts, b"")
        if part == b"second half":
            self.halfway.set()
            assert self.go_on.wait(30)
            if self.fails:
                raise ConnectionResetError
        return part


def test_nothing_is_visible_while_it_is_written(store):
    stream, digest = Pausing(), sha256_hex(b"first half second half")
    before = set(store.digests())
    writer = threading.Thread(target=store.put, args=(stream,))
    writer.start()
    assert stream.halfway.wait(30)
    assert set(store.digests()) == before
    assert not store.holds(digest)
    stream.go_on.set()
    writer.join(30)
    assert set(store.digests()) == before | {digest}


def test_a_source_that_fails_leaves_nothing(store):
    stream = Pausing(fails=True)
    stream.go_on.set()
    before = set(store.digests())
    with pytest.raises(ConnectionResetError):
        store.put(stream)
    assert set(store.digests()) == before


def test_many_writers_of_the_same_bytes_leave_one_whole_object(store):
    data = b"written by eight at once" * 10_000
    writers = [threading.Thread(target=store.put, args=(io.BytesIO(data),)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert read(store, sha256_hex(data)) == data


NO_DIGESTS = ["", "../../x", "../" * 21 + "x", "0" * 63, "0" * 65, "A" * 64, "0" * 63 + "\n", "/etc/passwd", "0" * 61 + "/.."]


@pytest.mark.parametrize("text", NO_DIGESTS)
@pytest.mark.parametrize("verb", ["open", "holds", "delete"])
def test_what_is_no_digest_is_refused(store, verb, text):
    with pytest.raises(InvalidDigestError, match="64 digits"):
        getattr(store, verb)(text)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "objects"


@pytest.fixture
def local(folder):
    return OBJECT_STORES.load("file")(folder.as_uri())


def test_a_fragment_is_removed_once_nobody_writes_to_it(local, folder):
    stream = Pausing()
    writer = threading.Thread(target=local.put, args=(stream,))
    writer.start()
    assert stream.halfway.wait(30)
    assert local.remove_fragments(idle_seconds=3600) == 0, "somebody writes to it"
    stream.go_on.set()
    writer.join(30)
    assert local.holds(sha256_hex(b"first half second half"))
    (folder / "incoming" / "cut-off").write_bytes(b"hal")
    assert local.remove_fragments(idle_seconds=0) == 1
    assert not list((folder / "incoming").iterdir())


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: data + b"X", lambda data: b""]
)
def test_a_file_changed_on_disk_is_refused(local, folder, change):
    digest = local.put(io.BytesIO(b"as it was put"))
    file = folder / digest[:2] / digest
    assert read(local, digest) == b"as it was put"
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ObjectChangedError, match="backup"):
        local.open(digest)
    local.put(io.BytesIO(b"as it was put"))
    assert read(local, digest) == b"as it was put"


def test_a_path_out_of_the_folder_reaches_nothing(local, folder):
    outside = folder.parent / "outside"
    outside.write_text("stays")
    with pytest.raises(InvalidDigestError):
        local.delete("../../outside")
    assert outside.read_text() == "stays"


def test_files_of_others_are_no_objects(local, folder):
    digest = local.put(io.BytesIO(b"ours"))
    (folder / digest[:2] / ".DS_Store").write_bytes(b"theirs")
    assert list(local.digests()) == [digest]


# Writes until there is no room, then says what was left behind.
FILLING = """
import io, os, resource, sys
from pathlib import Path
from modelward.storage import NoSpaceError, OBJECT_STORES
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
store = OBJECT_STORES.load("file")(folder.as_uri())
kept = store.put(io.BytesIO(b"fits"))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    store.put(io.BytesIO(os.urandom(2 << 20)))
except NoSpaceError as error:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert list(store.digests()) == [kept] == [file.name for file in files], files
    assert store.open(kept).read() == b"fits"
    store.put(io.BytesIO(b"still works"))
    print("refused:", error)
"""


def outcome(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_that_may_not_grow_leaves_nothing_behind(folder):
    assert outcome([sys.executable, "-c", FILLING, str(folder), "0"]) == ""
    shutil.rmtree(folder)
    assert "Nothing was stored" in outcome([sys.executable, "-c", FILLING, str(folder), str(1 << 20)])


def can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    return (
        subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode == 0
    )


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    if not can_mount():
        pytest.skip("no small disk can be mounted here; the test of the file that may not grow stands in")
    script = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" -c "$3" "$1/objects" 0'
    mounted = ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), sys.executable, FILLING]
    assert "Nothing was stored" in outcome(mounted)
    assert not Path(tmp_path, "objects").exists(), "the small disk is gone with its process"


def test_the_error_of_a_full_disk_is_one_that_may_pass():
    from modelward.errors import UnavailableError

    assert issubclass(NoSpaceError, UnavailableError)


def test_folders_and_files_of_objects_are_for_nobody_else(local, folder):
    before = os.umask(0)
    try:
        local.put(io.BytesIO(b"sealed"))
    finally:
        os.umask(before)
    found = [path for path in folder.rglob("*") if path != folder]
    assert len(found) == 3
    assert {path.name for path in found if path.stat().st_mode & 0o077} == set()
