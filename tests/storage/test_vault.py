# SPDX-License-Identifier: Apache-2.0
import io
import os
import tempfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.storage import (
    OBJECT_STORES,
    Database,
    Keyring,
    ObjectMissingError,
    OvertakenError,
    SealBrokenError,
    Swept,
    Vault,
    until_written,
)

CANARY = b"canary: Ada Example was born on the first of April"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vault")
    ring, database = Keyring.create(folder / "keys.json", secrets={}), Database.in_file(folder / "rows.db")
    database.create_tables()
    return Vault(OBJECT_STORES.load("file")((folder / "objects").as_uri()), ring, database)


@given(data=st.binary(max_size=2000), label=st.text(max_size=30))
def test_what_was_put_comes_out_unchanged(shelf, data, label):
    assert shelf.read(shelf.put(io.BytesIO(data), label=label), label=label) == data


@pytest.mark.parametrize("size", [0, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 17])
def test_what_fills_several_chunks_comes_out_unchanged(shelf, size):
    data = bytes(range(256)) * (size // 256 + 1)
    digest = shelf.put(io.BytesIO(data[:size]), label="large")
    assert b"".join(shelf.open(digest, label="large")) == data[:size]


def test_it_does_not_open_as_something_else(shelf):
    digest = shelf.put(io.BytesIO(b"weights"), label="version income:1 model.onnx")
    with pytest.raises(SealBrokenError, match="income:2"):
        shelf.read(digest, label="version income:2 model.onnx")


def found_under(folder, needle: bytes) -> list[str]:
    return [str(file) for file in folder.rglob("*") if file.is_file() and needle in file.read_bytes()]


def test_nothing_readable_lies_in_the_home(home, vault, monkeypatch):
    scratch = home / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    digest = vault.put(io.BytesIO(CANARY * 5000), label="dataset people")
    assert vault.read(digest, label="dataset people") == CANARY * 5000
    assert found_under(home, CANARY[:24]) == []
    (home / "planted").write_bytes(b"..." + CANARY)
    assert found_under(home, CANARY[:24]) == [str(home / "planted")]


def test_nothing_is_written_on_the_way(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "does-not-exist"))
    assert shelf.holds(shelf.put(io.BytesIO(b"x" * (70 << 20)), label="large"))


def test_a_discarded_object_is_gone(shelf):
    digest = shelf.put(io.BytesIO(b"data"), label="x")
    assert shelf.holds(digest)
    assert digest in set(shelf.digests())
    shelf.discard(digest)
    assert not shelf.holds(digest)
    assert digest not in set(shelf.digests())
    with pytest.raises(ObjectMissingError):
        shelf.read(digest, label="x")


def nothing(_connection) -> dict[str, str]:
    """No row names anything."""
    return {}


def test_what_is_sealed_stays_when_its_rows_were_written(vault, database):
    with vault.sealing([("one", b"1"), ("two", b"2")], named=nothing) as (_, sealed):
        pass
    assert {label: vault.read(digest, label=label) for label, digest in sealed.items()} == {"one": b"1", "two": b"2"}


def test_what_no_row_came_to_name_is_thrown_away_again(vault, database):
    named = set()

    def register():
        with vault.sealing([("one", b"1"), ("two", b"2")], named=lambda _: named) as (_, sealed):
            named.add(sealed["one"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        register()
    assert set(vault.digests()) == named


def test_what_was_swept_before_the_change_began_is_not_recorded(vault, database, monkeypatch):
    put = vault._store.put
    monkeypatch.setattr(vault._store, "put", lambda source: vault.discard(put(source)) or "0" * 64)
    with (
        pytest.raises(OvertakenError, match="swept away"),
        vault.sealing([("one", b"1")], named=nothing),
    ):
        pytest.fail("its rows were written")


def test_who_is_overtaken_begins_again_and_not_for_ever():
    attempts = []

    def make(times: int) -> str:
        attempts.append(times)
        if len(attempts) <= times:
            raise OvertakenError("Somebody was faster.")
        return "made"

    assert until_written(lambda: make(3)) == "made"
    attempts.clear()
    with pytest.raises(OvertakenError):
        until_written(lambda: make(1000))
    assert len(attempts) == 100


def test_a_sweep_removes_orphans_and_nothing_else(vault, database):
    named = vault.put(io.BytesIO(b"a dataset"), label="dataset adult")
    vault.put(io.BytesIO(b"left behind"), label="version income:2 model.onnx")
    assert vault.sweep(named=lambda _: {named}, idle_seconds=0) == Swept(objects=1, fragments=0)
    assert list(vault.digests()) == [named]


def test_a_sweep_spares_what_was_put_within_the_hour(vault, database, home):
    """Another process may have sealed an object a moment ago, and be about to write the row that names it."""
    young = vault.put(io.BytesIO(b"under way"), label="version income:1 model.onnx")
    old = vault.put(io.BytesIO(b"left behind"), label="version income:1 model.onnx")
    half = home / "objects" / "incoming" / "tmp-cut-off"
    half.write_bytes(b"hal")
    assert vault.sweep(named=nothing, idle_seconds=3600) == Swept(objects=0, fragments=0)
    long_ago = time.time() - 3601
    for file in (home / "objects" / old[:2] / old, half):
        os.utime(file, (long_ago, long_ago))
    assert vault.sweep(named=nothing, idle_seconds=3600) == Swept(objects=1, fragments=1)
    assert list(vault.digests()) == [young]
    assert not half.exists()
