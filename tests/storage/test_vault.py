# SPDX-License-Identifier: Apache-2.0
import io
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.storage import OBJECT_STORES, Keyring, ObjectMissingError, SealBrokenError, Vault

CANARY = b"canary: Ada Example was born on the first of April"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vault")
    ring = Keyring.create(folder / "keys.json", secrets={})
    return Vault(OBJECT_STORES.load("file")((folder / "objects").as_uri()), ring)


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
