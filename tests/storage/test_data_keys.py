# SPDX-License-Identifier: Apache-2.0
"""What opens a sealed object is a row of its own: no other opens it, and without it nothing does."""

import io
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.storage import (
    OBJECT_STORES,
    Database,
    DataKeyDestroyedError,
    DataKeyMissingError,
    Keyring,
    MasterKeyMissingError,
    SealBrokenError,
    Sealer,
    Vault,
    as_stream,
)
from storage.first_layout import put_first

LABEL, OTHER = "version income:1 model.onnx", "version income:2 model.onnx"


@pytest.fixture
def rows(home, database):
    """Runs a statement on the database, as somebody who edits it would."""

    def run(statement, *values):
        with sqlite3.connect(home / "modelward.db") as raw:
            found = raw.execute(statement, values).fetchall()
        raw.close()
        return found

    return run


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    ring, database = Keyring.create(folder / "keys.json", secrets={}), Database.in_file(folder / "rows.db")
    database.create_tables()
    return Vault(OBJECT_STORES.load("file")((folder / "objects").as_uri()), ring, database)


def put(vault, data=b"weights", label=LABEL) -> str:
    return vault.put(io.BytesIO(data), label=label)


def test_the_key_lies_in_a_row_and_not_in_the_object(vault, home, rows):
    digest = put(vault)
    ((wrapped,),) = rows("SELECT wrapped FROM data_keys WHERE object = ?", digest)
    sealed = (home / "objects" / digest[:2] / digest).read_bytes()
    assert sealed.startswith(b"MWSEAL2\n")
    assert wrapped not in sealed
    assert vault.read(digest, label=LABEL) == b"weights"
    rows("DELETE FROM data_keys")
    with pytest.raises(DataKeyMissingError, match=r"keys\.md"):
        vault.read(digest, label=LABEL)


def test_two_objects_in_each_others_place_are_refused(vault, home):
    mine, other = put(vault), put(vault, b"others", OTHER)
    for digest, label in ((mine, OTHER), (other, LABEL)):
        with pytest.raises(SealBrokenError):
            vault.read(digest, label=label)
    assert vault.read(other, label=OTHER) == b"others"


@pytest.mark.parametrize("column", ["wrapped", "object", "label", "id"])
def test_two_rows_in_each_others_place_are_refused(vault, rows, column):
    digests = [put(vault), put(vault, b"others", OTHER)]
    held = [rows(f"SELECT {column} FROM data_keys WHERE object = ?", digest)[0][0] for digest in digests]
    ids = [rows("SELECT id FROM data_keys WHERE object = ?", digest)[0][0] for digest in digests]
    if column == "id":
        rows("UPDATE data_keys SET id = 'passing' WHERE id = ?", ids[0])
        rows("UPDATE data_keys SET id = ? WHERE id = ?", ids[0], ids[1])
        rows("UPDATE data_keys SET id = ? WHERE id = 'passing'", ids[1])
    else:
        for id, value in zip(ids, reversed(held), strict=True):
            rows(f"UPDATE data_keys SET {column} = ? WHERE id = ?", value, id)
    opened = 0
    for digest, label in zip(digests, (LABEL, OTHER), strict=True):
        try:
            assert vault.read(digest, label=label) in (b"weights", b"others")
            opened += 1
        except SealBrokenError:
            pass
    # Object and label of a row are for lists: what opens is bound to those that were asked for.
    assert opened == (2 if column in ("object", "label") else 0)


@given(data=st.data())
def test_a_row_with_any_flipped_bit_opens_nothing(shelf, data):
    digest = put(shelf)
    with shelf._database.look() as connection:
        found = connection.exec_driver_sql("SELECT wrapped FROM data_keys WHERE object = ?", (digest,))
        wrapped = found.scalar()
    place, bit = data.draw(st.integers(0, len(wrapped) - 1)), data.draw(st.integers(0, 7))
    changed = wrapped[:place] + bytes([wrapped[place] ^ 1 << bit]) + wrapped[place + 1 :]
    assert shelf.read(digest, label=LABEL) == b"weights"
    with shelf._database.change() as connection:
        connection.exec_driver_sql("UPDATE data_keys SET wrapped = ? WHERE object = ?", (changed, digest))
    with pytest.raises(SealBrokenError):
        shelf.read(digest, label=LABEL)


def test_a_row_opens_the_object_of_its_digest_and_no_other_under_the_same_key(vault):
    """What was sealed by the very same key and under the same label is another object all the same."""
    sealer = Sealer(LABEL)
    mine, other = (vault._store.put(as_stream(sealer.seal(io.BytesIO(data)))) for data in (b"weights", b"others"))
    with vault._database.change() as connection:
        vault._keys.keep(connection, sealer, digest=mine)
    assert vault.read(mine, label=LABEL) == b"weights"
    with pytest.raises(SealBrokenError):
        vault.read(other, label=LABEL)


@pytest.mark.parametrize("wrapped", [b"", b"short"])
def test_a_row_that_was_cut_off_opens_nothing(vault, rows, wrapped):
    digest = put(vault)
    rows("UPDATE data_keys SET wrapped = ?", wrapped)
    with pytest.raises(SealBrokenError):
        vault.read(digest, label=LABEL)


def test_a_key_is_written_in_the_change_that_names_its_object_or_not_at_all(vault, rows):
    def register():
        with vault.sealing([(LABEL, b"1"), (OTHER, b"2")], named=lambda _: {}):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        register()
    assert rows("SELECT count(*) FROM data_keys") == [(0,)]
    with vault.sealing([(LABEL, b"1"), (OTHER, b"2")], named=lambda _: {}) as (_, sealed):
        pass
    assert rows("SELECT count(*) FROM data_keys") == [(2,)]
    assert vault.read(sealed[OTHER], label=OTHER) == b"2"


def test_a_sweep_takes_the_key_of_an_orphan_with_it(vault, rows):
    named = put(vault)
    put(vault, b"left behind")
    vault.sweep(named=lambda _: {named: LABEL}, idle_seconds=0)
    assert rows("SELECT object FROM data_keys") == [(named,)]


def test_without_its_master_key_nothing_opens_and_it_says_so(vault, home, rows):
    digest = put(vault)
    rows("UPDATE data_keys SET master = 'm-0'")
    with pytest.raises(MasterKeyMissingError, match=r"lacks the master key 'm-0'.*cannot be read without it, by anybody"):
        vault.read(digest, label=LABEL)
    assert vault.missing_masters() == {"m-0": 1}


def test_an_object_of_the_first_layout_opens(vault, keyring):
    digest = put_first(vault._store, b"forty bytes of somebody's private record", label=LABEL, keyring=keyring)
    assert vault.read(digest, label=LABEL) == b"forty bytes of somebody's private record"
    with pytest.raises(SealBrokenError):
        vault.read(digest, label=OTHER)
    (key,) = vault.keys_of({digest: LABEL})
    assert (key.id, key.master) == ("", keyring.current)


@pytest.mark.parametrize("first", [True, False])
def test_what_was_shredded_opens_no_more_and_its_bytes_are_in_no_file(vault, database, home, rows, keyring, first):
    digest = put_first(vault._store, b"1", label=LABEL, keyring=keyring) if first else put(vault)
    kept = put(vault, b"others", OTHER)
    ((wrapped,),) = rows("SELECT wrapped FROM data_keys WHERE object = ?", digest) or [(b"",)]
    assert first or any(wrapped in file.read_bytes() for file in home.glob("modelward.db*")), "it is found where it is"
    with database.change() as connection:
        traces = vault.shred(connection, {digest: LABEL})
    database.erase(traces)
    assert traces == ([] if first else [wrapped])
    assert first or not any(wrapped in file.read_bytes() for file in home.rglob("*") if file.is_file())
    with pytest.raises(DataKeyDestroyedError, match="shredded"):
        vault.read(digest, label=LABEL)
    assert vault.read(kept, label=OTHER) == b"others"
    (key,) = vault.keys_of({digest: LABEL})
    assert key.destroyed is not None


def test_a_trace_that_was_left_in_a_page_is_erased_too(database, home):
    """Pages that were rearranged may keep what stood in them: as after a delete that overwrites nothing."""
    trace = bytes(range(200, 260 - 4)) * 4
    raw = sqlite3.connect(home / "modelward.db")
    raw.execute("PRAGMA secure_delete=OFF")
    raw.execute("CREATE TABLE passing (trace BLOB)")
    raw.executemany("INSERT INTO passing VALUES (?)", [(bytes([number]) * 300 + trace,) for number in range(50)])
    raw.commit()
    raw.execute("DELETE FROM passing")
    raw.commit()
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    assert trace in (home / "modelward.db").read_bytes()
    database.erase([trace])
    assert trace not in (home / "modelward.db").read_bytes()


def test_a_checkpoints_key_is_its_labels_until_it_is_forgotten(vault, rows):
    sealer = vault.sealer("checkpoint run-1 mlp")
    sealed = b"".join(sealer.seal(io.BytesIO(b"weights")))
    again = vault.sealer("checkpoint run-1 mlp")
    assert again == sealer
    assert b"".join(again.unseal(io.BytesIO(sealed))) == b"weights"
    assert vault.sealer("checkpoint run-1 other").key != sealer.key
    assert sealer.key.hex() not in repr(sealer)
    assert repr(sealer.key) not in repr(sealer)
    vault.forget("checkpoint run-1 mlp")
    assert vault.sealer("checkpoint run-1 mlp").key != sealer.key
