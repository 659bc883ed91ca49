# SPDX-License-Identifier: Apache-2.0
import os

import msgspec
import polars as pl
import pytest

from datasets.whole import read_table
from modelward.access import Actor, NotPermittedError, Role
from modelward.datasets import (
    Dataset,
    DatasetExistsError,
    DatasetMissingError,
    Datasets,
    InvalidDeclarationError,
    Profile,
    Split,
    SplitSummary,
    make_split,
)
from modelward.errors import RefusedError, UnavailableError
from modelward.settings import Settings
from modelward.storage import Vault
from storage.swept import SweptOnce


@pytest.fixture
def people(datasets, admin, declared, csv_file):
    return datasets.add("people", [csv_file], by=admin, license="CC0-1.0", **declared)


def events(ledger):
    return [(logged.entry.event, logged.entry.subject, logged.entry.facts) for logged in ledger.entries(newest_first=False)]


def test_what_is_registered_is_shown_listed_and_read_again(datasets, admin, people, csv_file):
    assert (people.name, people.rows, people.target, people.sensitive) == ("people", 200, "label", ("town",))
    assert people.column("town").categories == ("Gera", "Jena", "Ulm")
    assert people.column("town").nullable
    assert people.column("age").minimum >= 18
    assert [column.name for column in people.features] == ["age", "score", "town", "member", "joined"]
    assert datasets.show("people", by=admin) == people
    assert datasets.list(by=admin) == [people]
    assert datasets.table("people", by=admin).equals(read_table([csv_file], limit_bytes=1 << 20))


def test_excel_and_parquet_register_as_the_same_dataset(datasets, admin, declared, people, table, tmp_path):
    for name in ("t.xlsx", "t.parquet"):
        table.write_excel(tmp_path / name) if name.endswith("x") else table.write_parquet(tmp_path / name)
        assert datasets.add("people", [tmp_path / name], by=admin, license="CC0-1.0", **declared) == people


def test_registering_again_changes_nothing(datasets, admin, declared, people, csv_file, vault, ledger):
    before = set(vault.digests()), len(events(ledger))
    assert datasets.add("people", [csv_file], by=admin, license="CC0-1.0", **declared) == people
    assert (set(vault.digests()), len(events(ledger))) == before


def test_a_name_is_taken_once(datasets, admin, declared, people, table, csv_file, tmp_path):
    table.head(150).write_csv(tmp_path / "other.csv")
    with pytest.raises(DatasetExistsError, match="other data"):
        datasets.add("people", [tmp_path / "other.csv"], by=admin, license="CC0-1.0", **declared)
    with pytest.raises(DatasetExistsError, match="another purpose and license"):
        datasets.add("people", [csv_file], by=admin, **(declared | {"purpose": "something else"}))
    assert datasets.show("people", by=admin) == people


def test_data_is_not_registered_for_a_purpose_that_names_none(datasets, admin, declared, csv_file):
    with pytest.raises(InvalidDeclarationError, match="names no purpose"):
        datasets.add("people", [csv_file], by=admin, **(declared | {"purpose": " ; ."}))
    assert datasets.list(by=admin) == []


def test_every_change_and_every_reading_is_in_the_ledger(datasets, admin, people, ledger):
    datasets.table("people", by=admin, purpose="training of courses")
    datasets.split("people", Split(seed=3), by=admin)
    found = [each for each in events(ledger) if each[0].startswith("dataset.")]
    assert [(event, subject) for event, subject, _ in found] == [
        ("dataset.registered", "people"),
        ("dataset.read", "people"),
        ("dataset.split", "people"),
    ]
    assert all(facts["fingerprint"] == people.fingerprint for _, _, facts in found)
    assert found[1][2]["purpose"] == "training of courses"
    assert found[1][2]["rows"] == 200


def test_a_split_is_the_one_that_training_makes(datasets, admin, people):
    summary = datasets.split("people", Split(seed=3), by=admin)
    parts = make_split(datasets.table("people", by=admin), "label", Split(seed=3))
    assert summary.digest == parts.digest
    assert (summary.train, summary.validation, summary.test) == (len(parts.train), len(parts.validation), len(parts.test))
    assert sum(summary.classes["test"].values()) == len(parts.test)


def test_no_value_of_the_data_lies_readable_in_the_home(datasets, admin, people, home):
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"people" in everything
    for value in (b"Jena", b"Gera", b"PAR1", b"quantiles"):
        assert value not in everything


def test_what_travels_to_a_client_comes_back_equal(datasets, admin, people):
    for noun in (people, datasets.profile("people", by=admin), datasets.split("people", Split(), by=admin)):
        kind = {Dataset: Dataset, Profile: Profile, SplitSummary: SplitSummary}[type(noun)]
        assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(noun)), kind) == noun


def test_the_profile_is_the_one_of_the_data(datasets, admin, people):
    profile = datasets.profile("people", by=admin)
    assert (profile.dataset, profile.fingerprint, profile.rows) == ("people", people.fingerprint, 200)
    assert sum(profile.classes.values()) == 200


def test_numbers_at_the_end_of_their_range_do_no_harm(datasets, admin, declared, table, tmp_path):
    table.with_columns(age=pl.when(pl.col("member")).then(1.7e308).otherwise(-1.7e308)).write_csv(tmp_path / "t.csv")
    made = datasets.add("extremes", [tmp_path / "t.csv"], by=admin, **declared)
    assert datasets.show("extremes", by=admin) == made
    assert made.column("age").maximum == 1.7e308
    assert datasets.profile("extremes", by=admin).columns[0].quantiles["p99"] == 1.7e308


def test_who_lacks_the_permission_is_refused(datasets, people, declared, csv_file):
    caller = Actor(id="service:till", name="till", role=Role.CALLER)
    auditor = Actor(id="person:eve", name="eve", role=Role.AUDITOR)
    with pytest.raises(NotPermittedError):
        datasets.add("more", [csv_file], by=auditor, **declared)
    verbs = (datasets.show, datasets.profile, datasets.table)
    for attempt in (*((lambda verb=verb: verb("people", by=caller)) for verb in verbs), lambda: datasets.list(by=caller)):
        with pytest.raises(NotPermittedError):
            attempt()
    assert datasets.list(by=auditor) == [people]


def test_a_dataset_that_is_not_there_is_not_found(datasets, admin):
    for verb in (datasets.show, datasets.profile, datasets.table):
        with pytest.raises(DatasetMissingError, match="modelward data list"):
            verb("nobody", by=admin)


def test_changed_rows_are_not_read(datasets, admin, people, home):
    sealed = home / "objects" / people.sealed[:2] / people.sealed
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(RefusedError):
        datasets.table("people", by=admin)


def test_a_failure_while_writing_leaves_nothing(database, vault, ledger, keyring, settings, admin, declared, csv_file):
    class FullLedger:
        def record(self, *_given, **_more):
            raise UnavailableError("the disk is full")

    with pytest.raises(UnavailableError):
        Datasets(database, vault, FullLedger(), keyring, settings=settings).add("people", [csv_file], by=admin, **declared)
    assert list(vault.digests()) == []
    assert Datasets(database, vault, ledger, keyring, settings=settings).list(by=admin) == []


def test_the_door_does_not_load_polars():
    import subprocess
    import sys

    checked = "import sys, modelward.datasets; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", checked], env=dict(os.environ), check=False).returncode == 0
    assert pl.__name__ in sys.modules


def test_a_table_that_is_swept_before_its_row_is_written_is_sealed_again(
    home, datasets, database, vault, ledger, keyring, admin, declared, csv_file
):
    swept = SweptOnce(vault._store, after=2, vault=vault, database=database, named=Datasets.sealed_objects)
    shelf = Datasets(
        database, Vault(swept, keyring, database), ledger, keyring, settings=Settings(home=home, upload_limit_bytes=1 << 20)
    )
    shelf.add("people", [csv_file], by=admin, **declared)
    assert datasets.table("people", by=admin).height == 200
    assert [subject for event, subject, _ in events(ledger) if event == "dataset.registered"] == ["people"]


def test_a_split_by_cluster_says_how_many_clusters_there_are(datasets, admin, csv_file, declared, ledger):
    datasets.add("people", [csv_file, csv_file], by=admin, **declared)
    split = Split(by="cluster", similarity=1.0)
    made = datasets.split("people", split, by=admin)
    assert (made.clusters, made.largest_cluster) == (200, 2)
    assert made.train + made.validation + made.test == 400
    assert made.train % 2 == made.test % 2 == 0
    (logged,) = (found.entry.facts for found in ledger.entries(event="dataset.split", limit=10, newest_first=True))
    assert (logged["similarity"], logged["clusters"], logged["largest_cluster"]) == (1.0, 200, 2)
    assert datasets.split("people", Split(), by=admin).clusters is None
