# SPDX-License-Identifier: Apache-2.0
"""A large table is kept in pieces and read in blocks, and is the same table as one that lies in memory."""

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from datasets.whole import read_table
from modelward.datasets import DatasetChangedError, description, encoding, fingerprint, frame_of
from modelward.datasets import table as tables
from modelward.datasets.correlation import correlations
from modelward.datasets.pieces import SealedTable, pieces_of
from modelward.datasets.profiling import describe_columns, find_identifiers, profile_table
from modelward.datasets.readers import delimited
from modelward.datasets.table import KeptTable
from modelward.storage import Scratch, SealBrokenError


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks and pieces so small that a table of two hundred rows is a large one."""
    monkeypatch.setattr(tables, "BLOCK_ROWS", 32)
    monkeypatch.setattr(delimited, "_BATCH_ROWS", 70)
    monkeypatch.setattr(encoding, "_BLOCK_BYTES", 101)
    monkeypatch.setattr(description, "pieces_of", lambda table: pieces_of(table, piece_bytes=1000))


def kept(table, scratch):
    found = KeptTable(scratch)
    for values in table.get_columns():
        found.add(values)
    return found


def test_a_table_in_blocks_and_pieces_is_the_dataset_that_it_is_whole(
    datasets, admin, declared, csv_file, small_blocks, monkeypatch
):
    large = datasets.add("large", [csv_file], by=admin, **declared)
    assert datasets.table("large", by=admin).equals(whole := read_table([csv_file], limit_bytes=1 << 20))
    assert large.fingerprint == fingerprint(whole)
    profile = datasets.profile("large", by=admin)
    monkeypatch.undo()
    small = datasets.add("small", [csv_file], by=admin, **declared)
    assert (small.columns, small.fingerprint) == (large.columns, large.fingerprint)
    told = datasets.profile("small", by=admin)
    assert (told.columns, told.warnings, told.duplicates) == (profile.columns, profile.warnings, profile.duplicates)


def test_every_piece_of_a_large_table_is_named_and_none_swept(datasets, admin, declared, csv_file, small_blocks, vault, database):
    large = datasets.add("large", [csv_file], by=admin, **declared)
    assert len(set(vault.digests())) > 3
    with database.look() as connection:
        assert set(datasets.sealed_objects(connection)) == set(vault.digests())
    vault.sweep(named=datasets.sealed_objects, idle_seconds=0)
    assert datasets.table("large", by=admin).height == large.rows


def test_a_piece_that_is_taken_away_exchanged_or_put_twice_is_noticed(datasets, admin, declared, csv_file, small_blocks, database):
    datasets.add("large", [csv_file], by=admin, **declared)
    with database.look() as connection:
        first, *rest = connection.execute(sa.text("SELECT place, sealed FROM dataset_pieces ORDER BY place")).all()
    second = rest[0]
    wrong = (
        [first, *rest[:-1]],
        [],
        [(first.place, second.sealed), (second.place, first.sealed), *rest[1:]],
        [first, *rest[:-1], (rest[-1].place, second.sealed)],
        [first, *rest, (rest[-1].place + 1, second.sealed)],
    )
    for pieces in wrong:
        with database.change() as connection:
            connection.execute(sa.text("DELETE FROM dataset_pieces"))
            for place, sealed in pieces:
                row = {"dataset": "large", "place": place, "sealed": sealed}
                connection.execute(sa.text("INSERT INTO dataset_pieces VALUES (:dataset, :place, :sealed)"), row)
        with pytest.raises((DatasetChangedError, SealBrokenError), match="Restore"):
            datasets.table("large", by=admin)


def test_a_column_is_read_without_the_pieces_of_the_others(table):
    made = list(pieces_of(table, piece_bytes=1000))
    asked = []

    def read(number):
        asked.append(number)
        return made[number][1]

    sealed = SealedTable([names for names, _ in made], height=table.height, read=read)
    assert sealed.columns == table.columns
    assert sealed.get_column("town").equals(table.get_column("town"))
    assert asked == [next(number for number, (names, _) in enumerate(made) if "town" in names)]
    assert frame_of(sealed).equals(table)


def test_correlations_in_one_pass_are_those_of_the_whole(table):
    random = np.random.default_rng(3)
    one = 1e6 + random.normal(size=5000)
    columns = pl.DataFrame({"a": one, "b": 2 * one + random.normal(size=5000), "c": random.normal(size=5000), "d": [4.0] * 5000})
    gaps = columns.with_columns(pl.when(pl.col("c") > 0.5).then(None).otherwise(pl.col("b")).alias("b"))
    found = correlations(gaps, ["a", "b", "c", "d"])
    for at, first in enumerate("abc"):
        for to, second in enumerate("abc"):
            assert found[at, to] == pytest.approx(gaps.select(pl.corr(first, second)).item(), abs=1e-9)
    assert np.isnan(found[0, 3])


def test_rows_that_repeat_another_are_counted_over_all_blocks(table, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK_ROWS", 32)
    doubled = pl.concat([table, table[:30]]).with_columns(pl.col("age").cast(pl.Float64))
    with Scratch(tmp_path) as scratch:
        rows = kept(doubled, scratch)
        found = find_identifiers(rows)
        profile = profile_table(
            rows, describe_columns(rows, found), identifiers=found, dataset="d", fingerprint="f", target="label"
        )
    assert profile.duplicates == 30


def test_a_letter_astride_two_blocks_of_a_file_is_read(tmp_path, small_blocks):
    for written in ("utf-8", "gb18030"):
        lines = [f"{'北京人' * 30},{number}" for number in range(40)]
        (tmp_path / "t.csv").write_bytes(("name,number\n" + "\n".join(lines) + "\n").encode(written))
        assert read_table([tmp_path / "t.csv"], limit_bytes=1 << 20).get_column("name").to_list() == ["北京人" * 30] * 40


def test_a_byte_that_is_no_utf8_is_named_where_it_stands_in_the_file(tmp_path, small_blocks):
    data = b"name,number\n" + b"Ulm,1\n" * 50
    (tmp_path / "t.csv").write_bytes(data + b"M\xfcnchen,2\n")
    with pytest.raises(Exception, match=rf"byte {len(data) + 1}\b"):
        read_table([tmp_path / "t.csv"], limit_bytes=1 << 20)


def test_a_file_that_changes_while_it_is_read_is_refused(csv_file, monkeypatch):
    rows_of = delimited._rows

    def growing(text, delimiter):
        yield from rows_of(text, delimiter)
        with csv_file.open("a") as sink:
            sink.write("1,2,Ulm,true,2021-01-01,yes\n")

    monkeypatch.setattr(delimited, "_rows", growing)
    with pytest.raises(Exception, match="was changed while it was read"):
        read_table([csv_file], limit_bytes=1 << 20)
