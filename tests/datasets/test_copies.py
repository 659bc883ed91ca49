# SPDX-License-Identifier: Apache-2.0
"""What holds for de-identified copies: their books live and die with them, and no row of theirs outlives an erasure."""

import pytest
import sqlalchemy as sa

from datasets import test_deidentifying
from datasets.test_deidentifying import ROWS, SCIENTIST
from modelward.access import Agreeing, NotPermittedError, Role, Rotation, TermsNotAcceptedError
from modelward.audit import ReasonError
from modelward.datasets import DatasetExistsError, ErasedMeanwhileError, Hiding, NoPseudonymsError, NotErasableError, Sharding
from modelward.storage import DataKeyDestroyedError, DataKeyMissingError, MasterKeyMissingError, ObjectMissingError

clinic = test_deidentifying.clinic  # a fixture


def book_of(datasets, database) -> str:
    with database.look() as connection:
        return next(digest for digest, label in datasets.sealed_objects(connection).items() if label.endswith("pseudonyms"))


@pytest.fixture
def hidden(clinic, admin):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    return clinic


@pytest.fixture
def pseudonym(hidden, admin):
    return hidden.table("hidden", by=admin)["mail"][0]


def test_a_book_outlives_a_sweep_and_a_new_master_key(hidden, pseudonym, admin, vault, database, ledger, keyring):
    vault.sweep(named=hidden.sealed_objects, idle_seconds=0.0)
    Rotation(database, ledger, keyring, vault, named=hidden.sealed_objects).rotate(by=admin)
    told = hidden.deidentifying.reidentify("hidden", [pseudonym], reason="r", by=admin)
    assert told.texts == ("person0@clinic.example.org",)


def test_without_the_key_of_its_book_pseudonyms_stay_what_they_are(hidden, pseudonym, admin, database, ledger):
    with database.change() as connection:
        connection.execute(sa.text("DELETE FROM data_keys WHERE object = :o"), {"o": book_of(hidden, database)})
    with pytest.raises(DataKeyMissingError, match="no key"):
        hidden.deidentifying.reidentify("hidden", [pseudonym], reason="r", by=admin)
    assert ledger.entries(event="dataset.reidentified") == []
    assert hidden.table("hidden", by=admin)["mail"][0] == pseudonym


def test_a_keyring_without_the_master_key_tells_nobody(hidden, pseudonym, admin, database, keyring):
    with database.change() as connection:
        connection.execute(sa.text("UPDATE data_keys SET master = 'm-gone' WHERE object = :o"), {"o": book_of(hidden, database)})
    with pytest.raises(MasterKeyMissingError, match="m-gone"):
        hidden.deidentifying.reidentify("hidden", [pseudonym], reason="r", by=admin)


def test_forgotten_pseudonyms_are_nobodys_and_the_rows_stay(hidden, pseudonym, admin, vault, database, ledger):
    book = book_of(hidden, database)
    with pytest.raises(NotPermittedError, match="data:shred"):
        hidden.deidentifying.forget("hidden", reason="r", by=SCIENTIST)
    with pytest.raises(ReasonError):
        hidden.deidentifying.forget("hidden", reason=" ", by=admin)
    done = hidden.deidentifying.forget("hidden", reason="the study ended", by=admin)
    with pytest.raises(NoPseudonymsError):
        hidden.deidentifying.reidentify("hidden", [pseudonym], reason="r", by=admin)
    with pytest.raises(NoPseudonymsError):
        hidden.deidentifying.forget("hidden", reason="again", by=admin)
    with pytest.raises((DataKeyDestroyedError, ObjectMissingError)):
        vault.read(book, label="dataset hidden pseudonyms")
    assert hidden.table("hidden", by=admin)["mail"][0] == pseudonym
    assert not hidden.deidentifying.may_forget("hidden", by=admin)
    (entry,) = ledger.entries(event="dataset.forgotten")
    assert (entry.entry.facts["keys"], len(done.keys)) == ([*done.keys], 1)
    assert hidden.shredding.shred("hidden", reason="r", by=admin).keys


def test_no_value_of_the_book_lies_in_a_file_of_the_home(hidden, home):
    for path in home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"clinic.example.org" not in content
            assert b"13800007919" not in content


def test_a_copy_of_a_shard_keeps_rows_from_being_erased_in_the_whole(clinic, admin):
    clinic.shard("patients", Sharding(parts=2, by="random"), by=admin)
    clinic.deidentifying.deidentify("patients-1", "hidden", Hiding(), by=admin)
    ages = {1: clinic.table("patients-1", by=admin)["age"][0], 2: clinic.table("patients-2", by=admin)["age"][0]}
    with pytest.raises(NotErasableError, match="'hidden'"):
        clinic.erasing.erase("patients", rows=f"age == {ages[1]:g}", reason="objection", by=admin)
    assert clinic.erasing.erase("patients", rows=f"age == {ages[2]:g}", reason="objection", by=admin).gone == 1


def test_who_takes_the_row_of_a_copy_away_has_nothing_erased_beside_it(hidden, admin, database):
    with database.change() as connection:
        connection.execute(sa.text("DELETE FROM dataset_copies"))
    with pytest.raises(NotErasableError, match="'hidden'"):
        hidden.erasing.erase("patients", rows="age == 21", reason="objection", by=admin)


def test_a_copy_of_a_copy_is_theirs_and_under_the_terms_of_the_first(hidden, admin, database, ledger, keyring):
    hidden.deidentifying.deidentify("hidden", "twice", Hiding(columns={"age": "generalise:20"}), by=admin)
    terms = Agreeing(database, ledger, keyring)
    terms.put("dataset:patients", "Nothing of this leaves the house.", by=admin)
    for name in ("patients", "hidden", "twice"):
        with pytest.raises(TermsNotAcceptedError, match="dataset:patients"):
            hidden.profile(name, by=SCIENTIST)
    with pytest.raises(TermsNotAcceptedError, match="dataset:patients"):
        hidden.deidentifying.deidentify("twice", "thrice", Hiding(), by=SCIENTIST)
    assert hidden.grants.may_grant("twice", by=admin)
    assert admin.role is Role.ADMINISTRATOR
    assert not hidden.grants.may_grant("twice", by=SCIENTIST)


def test_the_terms_of_what_was_shredded_hold_for_its_copies(hidden, admin, database, ledger, keyring):
    Agreeing(database, ledger, keyring).put("dataset:patients", "Nothing of this leaves the house.", by=admin)
    hidden.shredding.shred("patients", reason="r", by=admin)
    with pytest.raises(TermsNotAcceptedError, match="dataset:patients"):
        hidden.profile("hidden", by=SCIENTIST)


def test_a_copy_of_what_changes_meanwhile_is_not_registered(clinic, admin, monkeypatch):
    register = clinic.deidentifying._register

    def erased_first(*made, **said):
        if "hidden" in made[0]:
            clinic.erasing.erase("patients", rows="age == 21", reason="objection", by=admin)
        return register(*made, **said)

    monkeypatch.setattr(clinic.deidentifying, "_register", erased_first)
    with pytest.raises(ErasedMeanwhileError):
        clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    assert clinic.show("patients", by=admin).rows == ROWS - 1
    assert [each.name for each in clinic.list(by=admin)] == ["patients"]


def test_the_name_of_a_copy_that_was_shredded_stays_with_it(hidden, admin):
    hidden.shredding.shred("hidden", reason="r", by=admin)
    with pytest.raises(DatasetExistsError):
        hidden.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
