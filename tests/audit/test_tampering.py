# SPDX-License-Identifier: Apache-2.0
"""Whatever is changed, removed, reordered, truncated, added or put back is found, and named."""

import json
import shutil
import sqlite3
from contextlib import contextmanager

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit import naive
from audit.opened import close, draft, law, open_ledger
from modelward.audit import Ledger, LedgerBrokenError
from modelward.audit.merkle import Frontier, leaf_hash

SIZE = 601  # two complete blocks of 256 entries, and some
EARLIER = 300
entries = st.integers(0, SIZE - 1)


class Case:
    """One ledger to copy, the checkpoints it had, and a place for the copies."""

    def __init__(self, folder):
        self.folder = folder
        self.base = folder / "base"
        self.base.mkdir()
        ledger = open_ledger(self.base)
        ledger.commit(lambda: [draft(number, request=f"r-{number}") for number in range(EARLIER - 1)])
        self.earlier = ledger.head().text
        close(ledger)
        shutil.copytree(self.base, folder / "old")
        ledger = open_ledger(self.base)
        for start in range(EARLIER, SIZE, 43):
            group = [draft(number) for number in range(start, min(start + 43, SIZE))]
            ledger.commit(group.copy)
        assert ledger.head().size == SIZE
        ledger.anchor_now()
        close(ledger)
        for name in ("base", "old"):
            shutil.copytree(folder / name, folder / f"{name}-unguarded")
            connection = sqlite3.connect(folder / f"{name}-unguarded" / "modelward.db")
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            connection.close()
        self.copies = 0

    @contextmanager
    def tampered(self, change, *, source="base"):
        """A copy of the ledger after `change` was done to its database by somebody with every right."""
        self.copies += 1
        place = self.folder / f"copy-{self.copies}"
        shutil.copytree(self.folder / f"{source}-unguarded", place)
        connection = sqlite3.connect(place / "modelward.db")
        connection.execute("PRAGMA synchronous=OFF")
        change(connection)
        connection.commit()
        connection.close()
        ledger = open_ledger(place, begin=False)
        try:
            yield ledger
        finally:
            close(ledger)
            shutil.rmtree(place)

    def faults(self, change, **options):
        with self.tampered(change, **options) as ledger:
            return ledger.verify(earlier=self.earlier).faults

    def named(self, change, **options):
        return {fault.index for fault in self.faults(change, **options)}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("tampering"))


def read(connection, index):
    return connection.execute("SELECT entry, leaf FROM ledger_entries WHERE idx = ?", (index,)).fetchone()


def write(connection, index, entry, leaf=None):
    """Rewrite an entry; with its own leaf hash, and its columns, unless another leaf is given."""
    said = json.loads(entry)
    connection.execute(
        "UPDATE ledger_entries SET entry = ?, leaf = ?, event = ?, actor = ?, subject = ?, request = ? WHERE idx = ?",
        (entry, leaf or leaf_hash(entry), said["event"], said["actor"], said["subject"], said["request"], index),
    )


def add_row(connection, index):
    columns = "entry, leaf, event, actor, subject, request"
    connection.execute(f"INSERT INTO ledger_entries SELECT ?, {columns} FROM ledger_entries LIMIT 1", (index,))


def several(first, last):
    return f"Entry {first} was" if first == last else f"Entries {first} to {last} were"


def rewritten(entry, **changes):
    return json.dumps(json.loads(entry) | changes, separators=(",", ":")).encode()


def rewrite_from(connection, start, *, nodes=True, head=True):
    """What a forger does who knows how the ledger works: everything from `start` on is made to fit, but the signature."""
    frontier, previous = Frontier(), ""
    for index in range(SIZE):
        entry, _ = read(connection, index)
        if index >= start:
            entry = rewritten(entry, previous=previous, **({"actor": "person:forger"} if index == start else {}))
            write(connection, index, entry)
        previous = leaf_hash(entry).hex()
        for level, place, root in frontier.append(leaf_hash(entry)):
            if nodes:
                connection.execute("UPDATE ledger_nodes SET hash = ? WHERE level = ? AND idx = ?", (root, level, place))
    if head:
        joined = (bytes.fromhex(previous), frontier.to_bytes())
        connection.execute("UPDATE ledger_head SET last = ?, frontier = ?", joined)


def test_an_untouched_ledger_is_sound(case):
    with case.tampered(lambda connection: None) as ledger:
        found = ledger.verify(earlier=case.earlier)
        stored = [row[0] for row in sqlite3.connect(case.base / "modelward.db").execute("SELECT entry FROM ledger_entries")]
        assert (found.faults, found.size, found.is_sound) == ((), SIZE, True)
        assert found.root == naive.head(stored).hex() == ledger.head().root


@law
@given(entries, st.data())
def test_a_changed_entry_is_named_alone(case, index, data):
    def change(connection):
        entry, _ = read(connection, index)
        place = data.draw(st.integers(0, len(entry) - 1))
        changed = bytearray(entry)
        changed[place] ^= data.draw(st.integers(1, 255))
        connection.execute("UPDATE ledger_entries SET entry = ? WHERE idx = ?", (bytes(changed), index))

    assert case.named(change) == {index}


@law
@given(entries, st.sampled_from(["actor", "event", "subject", "request", "facts", "at", "key"]))
def test_an_entry_rewritten_with_its_leaf_hash_is_named_alone(case, index, field):
    forged = {"facts": {}} if field == "facts" else {field: "2020-01-01T00:00:00Z"}
    assert case.named(lambda connection: write(connection, index, rewritten(read(connection, index)[0], **forged))) == {index}


@law
@given(entries)
def test_an_entry_rewritten_with_its_link_is_named(case, index):
    named = case.named(lambda connection: write(connection, index, rewritten(read(connection, index)[0], previous="0" * 64)))
    assert index in named
    # The first entry of a block remembers the last one of the block before.
    blocks = {256 * (place // 256) for place in (index - 1, index)}
    assert {place for place in named if place is not None and place not in (0, EARLIER)} <= {index - 1, index} | blocks


@law
@given(entries)
def test_a_changed_leaf_hash_is_named_alone(case, index):
    change = "UPDATE ledger_entries SET leaf = zeroblob(32) WHERE idx = ?"
    assert case.named(lambda connection: connection.execute(change, (index,))) == {index}


@law
@given(st.sets(entries, min_size=2, max_size=5))
def test_several_changed_entries_are_all_named(case, indices):
    def change(connection):
        for index in indices:
            connection.execute("UPDATE ledger_entries SET entry = entry || ' ' WHERE idx = ?", (index,))

    assert case.named(change) == indices


@law
@given(entries, st.sampled_from(["event", "actor", "subject", "request"]))
def test_a_changed_search_column_is_named(case, index, column):
    change = f"UPDATE ledger_entries SET {column} = 'somebody else' WHERE idx = ?"
    faults = case.faults(lambda connection: connection.execute(change, (index,)))
    assert [fault.index for fault in faults] == [index]
    assert repr(column) in faults[0].what


@law
@given(st.integers(0, SIZE - 2), st.integers(1, 300))
def test_removed_entries_are_named(case, first, count):
    last = min(first + count, SIZE - 1) - 1

    def change(connection):
        connection.execute("DELETE FROM ledger_entries WHERE idx BETWEEN ? AND ?", (first, last))

    faults = case.faults(change)
    assert faults[0].index == first
    assert f"{several(first, last)} removed." in faults[0].what


@law
@given(st.integers(0, SIZE - 2))
def test_an_entry_removed_with_the_numbers_closed_up_is_named(case, index):
    def change(connection):
        connection.execute("DELETE FROM ledger_entries WHERE idx = ?", (index,))
        connection.execute("UPDATE ledger_entries SET idx = -idx WHERE idx > ?", (index,))
        connection.execute("UPDATE ledger_entries SET idx = -idx - 1 WHERE idx < 0")

    faults = case.faults(change)
    one = f"Row {index} holds the entry recorded as {index + 1}:"
    many = f"Rows {index} to {SIZE - 2} hold the entries recorded as {index + 1} to {SIZE - 1}:"
    assert (one if index == SIZE - 2 else many) in faults[0].what
    assert {fault.index for fault in faults} >= {index, SIZE - 1}


@law
@given(entries, entries)
def test_swapped_entries_are_named(case, one, other):
    assume(one != other)

    def change(connection):
        connection.execute("UPDATE ledger_entries SET idx = -1 WHERE idx = ?", (one,))
        connection.execute("UPDATE ledger_entries SET idx = ? WHERE idx = ?", (one, other))
        connection.execute("UPDATE ledger_entries SET idx = ? WHERE idx = -1", (other,))

    assert case.named(change) == {one, other}


@law
@given(st.integers(0, SIZE - 1))
def test_a_truncated_ledger_is_named(case, size):
    faults = case.faults(lambda connection: connection.execute("DELETE FROM ledger_entries WHERE idx >= ?", (size,)))
    assert f"{several(size, SIZE - 1)} removed at the end" in faults[0].what
    assert faults[0].index == size


@law
@given(st.integers(1, 50))
def test_entries_added_without_a_signature_are_named(case, count):
    def change(connection):
        previous = read(connection, SIZE - 1)[1].hex()
        for index in range(SIZE, SIZE + count):
            entry = rewritten(read(connection, 1)[0], index=index, previous=previous)
            add_row(connection, index)
            write(connection, index, entry)
            previous = leaf_hash(entry).hex()

    faults = case.faults(change)
    assert [fault.index for fault in faults] == [SIZE]
    assert f"{several(SIZE, SIZE + count - 1)} added without a signature" in faults[0].what


@settings(law, max_examples=25)
@given(entries)
def test_a_past_rewritten_to_fit_is_found_by_the_signature(case, start):
    faults = case.faults(lambda connection: rewrite_from(connection, start))
    assert faults[0].index == (0 if start < EARLIER else EARLIER)
    assert "rewritten" in faults[0].what


@settings(law, max_examples=25)
@given(st.integers(0, 255))
def test_a_past_rewritten_without_its_block_roots_is_found_by_them_too(case, start):
    assert 256 in case.named(lambda connection: rewrite_from(connection, start, nodes=False))


def test_a_rewritten_head_is_found(case):
    faults = case.faults(lambda connection: rewrite_from(connection, 200, head=False))
    assert {fault.index for fault in faults} >= {0, SIZE - 1}
    assert "the head remembers" in " ".join(fault.what for fault in faults)


def test_a_database_put_back_with_its_own_signed_head_is_found_by_the_anchor(case):
    def put_back(connection):
        connection.execute("ATTACH ? AS old", (str(case.folder / "old" / "modelward.db"),))
        for table in ("ledger_entries", "ledger_nodes", "ledger_head"):
            connection.execute(f"DELETE FROM {table}")
            connection.execute(f"INSERT INTO {table} SELECT * FROM old.{table}")

    faults = case.faults(put_back)
    assert [fault.index for fault in faults] == [EARLIER]
    assert f"removed at the end: the file ledger.checkpoint counts {SIZE}" in faults[0].what
    # With the anchor put back as well, a checkpoint that somebody kept elsewhere still tells.
    with case.tampered(lambda connection: None, source="old") as ledger:
        assert ledger.verify().is_sound
        kept = (case.base / "ledger.checkpoint").read_text()
        assert [fault.index for fault in ledger.verify(earlier=kept).faults] == [EARLIER]


def test_the_anchor_of_another_history_is_left_as_evidence(case):
    with case.tampered(lambda connection: None, source="old") as ledger:
        kept = (case.base / "ledger.checkpoint").read_text()
        ledger._anchor.path.write_text(kept)
        ledger.commit(lambda: [draft(1)])
        assert not ledger.anchor_now()
        assert ledger._anchor.read() == kept
        assert not ledger.verify().is_sound


def test_a_missing_or_broken_anchor_is_reported(case):
    with case.tampered(lambda connection: None) as ledger:
        ledger._anchor.path.unlink()
        assert [fault.what[:40] for fault in ledger.verify().faults] == ["The file ledger.checkpoint is missing fr"]
        assert ledger.anchor_now()
        assert ledger.verify().is_sound
        ledger._anchor.path.unlink()
        ledger._anchor.path.mkdir()
        assert [fault.what[:62] for fault in ledger.verify().faults] == [
            "The file ledger.checkpoint in the home cannot be read: Is a di"
        ]


@pytest.mark.parametrize("garbage", [b"\xff\x00 garbage", b"", b"modelward/test\n7\n"], ids=["noise", "empty", "cut off"])
def test_a_damaged_anchor_is_said_to_be_damaged_and_how_it_comes_back(case, garbage, caplog):
    with case.tampered(lambda connection: None) as ledger:
        ledger._anchor.path.write_bytes(garbage)
        (fault,) = ledger.verify(earlier=case.earlier).faults
        assert "The file ledger.checkpoint is not believed" in fault.what
        assert "is damaged, or another ledger's. Move it away; the next command writes it anew." in " ".join(fault.what.split())
        assert not ledger.anchor_now()
        assert "is damaged" in caplog.text
        assert "put back or rewritten" not in caplog.text
        assert ledger._anchor.path.read_bytes() == garbage, "it may be evidence"
        # What the message advises.
        ledger._anchor.path.rename(ledger._anchor.path.with_name("moved.away"))
        assert ledger.anchor_now()
        assert ledger.verify(earlier=case.earlier).is_sound


def test_a_database_whose_tables_cannot_be_read_is_reported(case):
    place = case.folder / "headless"
    shutil.copytree(case.base, place)
    ledger = open_ledger(place, begin=False)
    close(ledger)
    raw = bytearray((place / "modelward.db").read_bytes())
    raw[100:4096] = bytes(3996)  # the header stays, the list of tables is gone
    (place / "modelward.db").write_bytes(raw)
    (fault,) = ledger.verify().faults
    assert "Restore it from a backup" in fault.what


HEAD_CHANGES = {
    "size": "UPDATE ledger_head SET size = size - 1",
    "size beyond": "UPDATE ledger_head SET size = size + 1",
    "last": "UPDATE ledger_head SET last = zeroblob(32)",
    "frontier": "UPDATE ledger_head SET frontier = zeroblob(length(frontier))",
    "short frontier": "UPDATE ledger_head SET frontier = x'00'",
    "origin": "UPDATE ledger_head SET origin = 'modelward/other'",
    "kind": "UPDATE ledger_head SET size = 'many'",
    "signature": "UPDATE ledger_head SET checkpoint = replace(checkpoint, '— ', '-- ')",
    "row": "DELETE FROM ledger_head",
    "table": "DROP TABLE ledger_head",
}


@pytest.mark.parametrize("change", HEAD_CHANGES.values(), ids=HEAD_CHANGES)
def test_a_damaged_head_is_reported_and_nothing_is_appended_to_it(case, change):
    with case.tampered(lambda connection: connection.execute(change)) as ledger:
        assert not ledger.verify().is_sound
        with pytest.raises(LedgerBrokenError):
            ledger.commit(lambda: [draft(1)])


@pytest.mark.parametrize("kind", ["origin", "kind", "signature", "row", "table"])
def test_nothing_is_proved_or_anchored_by_a_head_that_nobody_signed(case, kind, tmp_path):
    with case.tampered(lambda connection: connection.execute(HEAD_CHANGES[kind])) as ledger:
        for verb in (lambda: ledger.receipt("r-1"), ledger.head, lambda: ledger.export(tmp_path / "export")):
            with pytest.raises(LedgerBrokenError):
                verb()
        assert not ledger.anchor_now()


def test_no_receipt_is_given_for_an_entry_that_was_changed(case):
    change = "UPDATE ledger_entries SET entry = replace(entry, 'person:1', 'person:2')"
    with case.tampered(lambda connection: connection.execute(change)) as ledger, pytest.raises(LedgerBrokenError):
        ledger.receipt("r-1")


@pytest.mark.parametrize("tables", [["ledger_head"], ["ledger_head", "ledger_entries", "ledger_nodes"]])
def test_no_ledger_is_begun_over_one_that_is_gone(case, tables):
    def change(connection):
        for table in tables:
            connection.execute(f"DELETE FROM {table}")

    with case.tampered(change) as ledger, pytest.raises(LedgerBrokenError):
        ledger.create("modelward/test")


ROW_CHANGES = {
    "text for bytes": "UPDATE ledger_entries SET entry = CAST(entry AS TEXT) WHERE idx = 7",
    "no leaf": "UPDATE ledger_entries SET leaf = x'00' WHERE idx = 7",
    "number for a name": "UPDATE ledger_entries SET actor = 7 WHERE idx = 7",
    "no text": "UPDATE ledger_entries SET actor = CAST(x'ff' AS TEXT) WHERE idx = 7",
    "empty": "UPDATE ledger_entries SET entry = x'' WHERE idx = 7",
}


@pytest.mark.parametrize("change", ROW_CHANGES.values(), ids=ROW_CHANGES)
def test_a_row_of_the_wrong_kind_is_named(case, change):
    assert case.named(lambda connection: connection.execute(change)) == {7}


NODE_CHANGES = {
    "changed": "UPDATE ledger_nodes SET hash = zeroblob(32) WHERE idx = 1",
    "no hash": "UPDATE ledger_nodes SET hash = 'x' WHERE idx = 1",
    "removed": "DELETE FROM ledger_nodes WHERE idx = 1",
}


@pytest.mark.parametrize("change", NODE_CHANGES.values(), ids=NODE_CHANGES)
def test_a_damaged_block_root_is_named(case, change):
    assert case.named(lambda connection: connection.execute(change)) == {256}


def test_a_spare_block_root_is_found(case):
    assert case.named(lambda connection: connection.execute("INSERT INTO ledger_nodes VALUES (8, 2, zeroblob(32))")) == {None}


def test_rows_that_no_ledger_numbers_are_found(case):
    def change(connection):
        for index in (-3, 1 << 60):
            add_row(connection, index)

    faults = case.faults(change)
    assert {fault.index for fault in faults} == {None, 1 << 60}


def test_a_ledger_of_garbage_is_reported_in_bounded_space(case):
    faults = case.faults(lambda connection: connection.execute("UPDATE ledger_entries SET entry = randomblob(64)"))
    assert {fault.index for fault in faults} >= set(range(SIZE))


def test_an_emptied_ledger_is_found(case):
    faults = case.faults(lambda connection: connection.execute("DELETE FROM ledger_entries"))
    assert f"Entries 0 to {SIZE - 1} were removed" in faults[0].what


@law
@given(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=64))
def test_a_damaged_file_never_raises_from_the_walk(case, place, noise):
    raw = bytearray((case.base / "modelward.db").read_bytes())
    # Page one holds the file's header; without it there is no database to ask.
    start = 4096 + place % (len(raw) - 4096 - len(noise))
    raw[start : start + len(noise)] = noise
    folder = case.folder / "noise"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (folder / "modelward.db").write_bytes(raw)
    for name in ("keys.json", "ledger.checkpoint"):
        shutil.copy(case.base / name, folder / name)
    from modelward.storage import Database, Keyring

    database = Database(f"sqlite:///{folder / 'modelward.db'}")
    found = Ledger(database, Keyring.open(folder / "keys.json"), anchor=folder / "ledger.checkpoint").verify()
    database.close()
    assert found.is_sound == (found.faults == ())


def test_the_database_itself_refuses_to_change_an_entry(case):
    connection = sqlite3.connect(case.base / "modelward.db")
    for statement in ("UPDATE ledger_entries SET actor = 'x'", "DELETE FROM ledger_entries", "DELETE FROM ledger_nodes"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()
