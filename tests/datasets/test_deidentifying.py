# SPDX-License-Identifier: Apache-2.0
"""De-identified copies: what names persons is hidden and counted, what stands behind a pseudonym is told on record alone."""

import polars as pl
import pytest

from modelward.access import Actor, NotPermittedError, Role
from modelward.datasets import (
    DatasetExistsError,
    DatasetMissingError,
    DatasetShreddedError,
    GrantMissingError,
    Hiding,
    InvalidHidingError,
    NoPseudonymsError,
    NotErasableError,
    UnusableTableError,
)
from modelward.plugins import UnknownPluginError
from modelward.privacy import InvalidOperatorError, find_spans
from modelward.storage import ObjectChangedError, SealBrokenError

ROWS = 60
SAID = {"target": "y", "purpose": "tests", "owner": "clinic", "sensitive": ["illness"]}
SCIENTIST = Actor(id="person:sam", name="sam", role=Role.DATA_SCIENTIST)


def patients() -> pl.DataFrame:
    """Invented patients: each of thirty has two rows, five days apart."""
    return pl.DataFrame(
        {
            "patient": [f"p{row % 30}" for row in range(ROWS)],
            "姓名": [f"李{chr(0x4E00 + row % 30)}" for row in range(ROWS)],
            "mobile": [f"138{(row % 30) * 7919:08}" for row in range(ROWS)],
            "mail": [f"person{row % 30}@clinic.example.org" for row in range(ROWS)],
            "note": [f"Visit {row}: call 139{row * 104729 % 10**8:08} or write to x{row}@mail.example.com" for row in range(ROWS)],
            "age": [20 + row for row in range(ROWS)],
            "admitted": [f"2024-03-{1 + row % 10 + 5 * (row // 30):02}" for row in range(ROWS)],
            "illness": ["flu" if row % 3 else "cold" for row in range(ROWS)],
            "y": ["yes" if row % 2 else "no" for row in range(ROWS)],
        }
    )


@pytest.fixture
def clinic(datasets, admin, tmp_path):
    patients().write_csv(tmp_path / "patients.csv")
    datasets.add("patients", [tmp_path / "patients.csv"], by=admin, **SAID)
    return datasets


def whole(table: pl.DataFrame) -> str:
    return "\n".join(" ".join(map(str, row)) for row in table.rows())


def test_nothing_that_was_found_is_left_and_what_was_not_is_as_it_was(clinic, admin):
    made = clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    before, after = (clinic.table(name, by=admin) for name in ("patients", "hidden"))
    original = {span.value for row in before.rows() for cell in row for span in find_spans(str(cell))}
    left = {span.value for row in after.rows() for cell in row for span in find_spans(str(cell))}
    assert len(original) > 100
    assert not original & left
    for column in ("age", "illness", "y", "admitted", "patient"):
        assert after[column].equals(before[column])
    told = {each.column: each for each in made.derived.columns}
    assert (told["mobile"].within, told["mobile"].found, told["mobile"].hidden) == (False, {"phone": 60}, {"phone": 60})
    assert (told["note"].within, told["note"].hidden, told["note"].cells) == (True, {"email": 60, "phone": 60}, 60)
    assert (told["姓名"].hidden, told["illness"].hidden, told["age"].operator) == ({"name": 60}, {}, "")
    assert made.derived.pseudonyms == 3 * 30 + 2 * 60
    assert clinic.show("hidden", by=admin).derived == made.derived
    assert after["姓名"].n_unique() == 30


def test_a_plan_tells_the_same_counts_and_changes_nothing(clinic, admin, ledger):
    entries = len(ledger.entries())
    plan = clinic.deidentifying.deidentify("patients", "hidden", Hiding(), is_trial=True, by=admin)
    assert [each.name for each in clinic.list(by=admin)] == ["patients"]
    assert len(ledger.entries()) == entries
    assert plan.derived == clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin).derived


def test_neither_the_ledger_nor_the_report_holds_a_value(clinic, admin, ledger):
    made = clinic.deidentifying.deidentify("patients", "hidden", Hiding(drop=("note",)), by=admin)
    asked = clinic.table("hidden", by=admin)["mail"][0]
    clinic.deidentifying.reidentify("hidden", [asked], reason="complaint 7", by=admin)
    told = repr(made) + "".join(repr(each.entry) for each in ledger.entries(limit=100))
    assert "person0" not in told
    assert asked not in told
    assert "13800000000" not in told


def test_each_column_is_hidden_as_said(clinic, admin):
    hiding = Hiding(
        columns={
            "mobile": "mask:4",
            "mail": "redact",
            "patient": "hash:12",
            "age": "generalise:20",
            "admitted": "shift-dates:patient/9",
        },
        drop=("note", "姓名"),
    )
    made = clinic.deidentifying.deidentify("patients", "hidden", hiding, by=admin)
    before, after = (clinic.table(name, by=admin) for name in ("patients", "hidden"))
    assert after["mobile"][1] == "*******7919"
    assert after["mail"].unique().to_list() == ["<email>"]
    assert after["patient"].n_unique() == 30
    assert after["patient"].str.len_chars().unique().to_list() == [12]
    assert after["age"][0] == "20 to 40"
    moved = after["admitted"] - before["admitted"]
    assert moved.dt.total_days().abs().is_between(1, 9).all()
    assert (moved[:30] == moved[30:]).all()
    assert made.derived.dropped == ("note", "姓名")
    assert made.derived.pseudonyms == 0
    assert "note" not in after.columns


def test_who_may_is_told_who_stands_behind_a_pseudonym_and_is_on_record_first(clinic, admin, ledger):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    after, before = (clinic.table(name, by=admin) for name in ("hidden", "patients"))
    told = clinic.deidentifying.reidentify("hidden", [*after["mail"][:3], "nobody"], reason="complaint 7", by=admin)
    assert told.texts == (*before["mail"][:3], "nobody")
    assert told.counts == {"email": 3}
    notes = clinic.deidentifying.reidentify("hidden", after["note"].to_list(), reason="complaint 7", by=admin)
    assert list(notes.texts) == before["note"].to_list()
    (entry, *_) = ledger.entries(event="dataset.reidentified")
    assert entry.entry.facts["reason"] == "complaint 7"
    assert (entry.entry.facts["texts"], entry.entry.facts["told"]) == (60, 120)
    with pytest.raises(NotPermittedError, match="data:reidentify"):
        clinic.deidentifying.reidentify("hidden", [after["mail"][0]], reason="curious", by=SCIENTIST)
    assert not clinic.deidentifying.may_reidentify("hidden", by=SCIENTIST)
    assert clinic.deidentifying.may_reidentify("hidden", by=admin)


def test_nothing_is_told_where_it_cannot_be_recorded(clinic, admin, ledger, monkeypatch):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)

    def full(*_args, **_said):
        raise OSError("no space")

    monkeypatch.setattr(ledger, "record", full)
    with pytest.raises(OSError, match="no space"):
        clinic.deidentifying.reidentify("hidden", ["x"], reason="complaint 7", by=admin)


def test_two_copies_have_other_pseudonyms_of_one_person(clinic, admin):
    for name in ("one", "two"):
        clinic.deidentifying.deidentify("patients", name, Hiding(), by=admin)
    one, two = (clinic.table(name, by=admin)["mail"] for name in ("one", "two"))
    assert not {*one} & {*two}
    told = clinic.deidentifying.reidentify("two", [one[0]], reason="which is it", by=admin)
    assert told.texts == (one[0],)


def test_a_shredded_copy_has_pseudonyms_of_nobody(clinic, admin):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    pseudonym = clinic.table("hidden", by=admin)["mail"][0]
    shredded = clinic.shredding.shred("hidden", reason="it is done", by=admin)
    assert len(shredded.keys) == 3  # of the rows, of the book and of the description
    assert all(key.destroyed for key in clinic.shredding.keys("hidden", by=admin))
    with pytest.raises(DatasetShreddedError):
        clinic.deidentifying.reidentify("hidden", [pseudonym], reason="complaint 7", by=admin)


def test_a_book_that_somebody_changed_tells_nothing(clinic, admin, home, database):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    with database.look() as connection:
        sealed = {label: digest for digest, label in clinic.sealed_objects(connection).items()}
    (book,) = (
        path
        for path in (home / "objects").rglob("*")
        if path.name in (sealed["dataset hidden pseudonyms"],)
        or str(path).replace("/", "").endswith(sealed["dataset hidden pseudonyms"])
    )
    book.chmod(0o600)
    book.write_bytes(book.read_bytes()[:-1] + b"x")
    with pytest.raises((ObjectChangedError, SealBrokenError)):
        clinic.deidentifying.reidentify("hidden", ["x"], reason="complaint 7", by=admin)
    assert clinic.table("hidden", by=admin).height == ROWS  # masked, and there


def test_the_terms_and_the_owner_of_the_first_hold_for_the_copy_and_its_grants_do_not(clinic, admin):
    clinic.grants.grant("model", "patients", purpose="tests", by=admin)
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=SCIENTIST)
    assert clinic.grants.opened("model", "patients", use="training", by=SCIENTIST).dataset.name == "patients"
    with pytest.raises(GrantMissingError):
        clinic.grants.opened("model", "hidden", use="training", by=SCIENTIST)
    assert clinic.grants.may_grant("hidden", by=admin)
    assert not clinic.grants.may_grant("hidden", by=SCIENTIST)


def test_rows_are_not_erased_while_a_copy_has_them(clinic, admin):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    with pytest.raises(NotErasableError, match="data shred hidden"):
        clinic.erasing.erase("patients", rows="age == 21", reason="objection", by=admin)
    with pytest.raises(NotErasableError, match="copy of 'patients'"):
        clinic.erasing.erase("hidden", rows="age == 21", reason="objection", by=admin)
    assert clinic.shredding.shred("patients", reason="r", by=admin).shards == ("hidden",)


def test_they_are_once_it_is_shredded(clinic, admin):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(), by=admin)
    clinic.shredding.shred("hidden", reason="objection", by=admin)
    assert clinic.erasing.erase("patients", rows="age == 21", reason="objection", by=admin).gone == 1


@pytest.mark.parametrize(
    ("hiding", "kind", "match"),
    [
        (Hiding(columns={"mobil": "redact"}), InvalidHidingError, "Did you mean 'mobile'"),
        (Hiding(drop=("nothing",)), InvalidHidingError, "nothing"),
        (Hiding(columns={"mobile": "shuffle"}), UnknownPluginError, "shuffle"),
        (Hiding(columns={"mobile": "mask:many"}), InvalidOperatorError, "many"),
        (Hiding(columns={"age": "shift-dates:person"}), InvalidHidingError, "person"),
        (Hiding(found="redact:all"), InvalidOperatorError, "all"),
        (Hiding(columns={"age": "redact"}, drop=("age",)), InvalidHidingError, "both|one of the two"),
        (Hiding(drop=("y",)), InvalidHidingError, "task"),
        (Hiding(columns={"y": "redact"}), UnusableTableError, "same value"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_registered(clinic, admin, hiding, kind, match):
    with pytest.raises(kind, match=match):
        clinic.deidentifying.deidentify("patients", "hidden", hiding, by=admin)
    with pytest.raises(DatasetMissingError):
        clinic.show("hidden", by=admin)


def test_a_name_that_is_taken_is_refused(clinic, admin):
    with pytest.raises(DatasetExistsError):
        clinic.deidentifying.deidentify("patients", "patients", Hiding(), by=admin)


def test_who_asks_for_nothing_or_too_much_or_of_a_dataset_without_pseudonyms_is_refused(clinic, admin):
    clinic.deidentifying.deidentify("patients", "hidden", Hiding(found="redact"), by=admin)
    with pytest.raises(NoPseudonymsError):
        clinic.deidentifying.reidentify("hidden", ["x"], reason="r", by=admin)
    for texts in ([], ["x"] * 1001, ["x" * 100_001]):
        with pytest.raises(InvalidHidingError):
            clinic.deidentifying.reidentify("hidden", texts, reason="r", by=admin)


def test_a_cell_of_a_megabyte_and_numbers_that_are_telephone_numbers_are_hidden(datasets, admin, tmp_path):
    table = pl.DataFrame(
        {
            "number": [13800138000.0 + row for row in range(ROWS)],
            "text": [f"{row} " + "x " * 500_000 * (row == 7) + "mail a@example.com" for row in range(ROWS)],
            "y": ["a", "b"] * (ROWS // 2),
        }
    )
    table.write_parquet(tmp_path / "t.parquet")
    datasets.add("t", [tmp_path / "t.parquet"], by=admin, **{**SAID, "sensitive": []})
    made = datasets.deidentifying.deidentify("t", "hidden", Hiding(), by=admin)
    after = datasets.table("hidden", by=admin)
    assert made.derived.columns[0].hidden == {"phone": ROWS}
    assert after["number"].str.starts_with("+999").all()
    assert not after["text"].str.contains("a@example.com").any()
    told = datasets.deidentifying.reidentify("hidden", [after["number"][0]], reason="r", by=admin)
    assert told.texts == ("13800138000",)
