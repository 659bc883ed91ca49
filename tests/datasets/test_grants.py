# SPDX-License-Identifier: Apache-2.0
"""Who may grant data to models, what a grant shows, and that nobody widens one but who may."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from datasets.conftest import small_table
from modelward.access import Actor, AlteredRowError, NotPermittedError, PurposeNotAgreedError, Role
from modelward.audit import LedgerBrokenError
from modelward.datasets import (
    DatasetChangedError,
    DatasetMissingError,
    GrantEndedError,
    GrantMissingError,
    InvalidFilterError,
    InvalidGrantError,
    NoSuchGrantError,
    OutsideGrantError,
    Sharding,
    UnusableTableError,
    fingerprint,
    frame_of,
)

PURPOSE = "planning of courses"
SCIENTIST = Actor(id="person:sol", name="sol", role=Role.DATA_SCIENTIST)
OTHER = Actor(id="person:oda", name="oda", role=Role.DATA_SCIENTIST)
OWNER = Actor(id="person:ada", name="ada", role=Role.DATA_OWNER)
AUDITOR = Actor(id="person:eve", name="eve", role=Role.AUDITOR)


@pytest.fixture
def people(datasets, admin, declared, csv_file):
    return datasets.add("people", [csv_file], by=admin, **declared)


@pytest.fixture
def grants(datasets, people):
    return datasets.grants


def check(grants, grant):
    """What a training on the dataset asks each second."""
    grants._book.check(grant, ["people"])


def entries(ledger, event):
    return [logged.entry for logged in ledger.entries(event=event, newest_first=False)]


def test_a_grant_shows_its_columns_and_rows_and_nothing_else(grants, people, ledger):
    made = grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], rows="town == 'Ulm'", by=OWNER)
    view = grants.opened("income", "people", use="training", by=SCIENTIST)
    whole = small_table()
    rows = whole.filter(whole["town"] == "Ulm")
    assert view.table.columns == ["age", "label"]
    assert frame_of(view.table)["age"].to_list() == rows["age"].cast(float).to_list()
    assert frame_of(view.table)["label"].to_list() == rows["label"].to_list()
    with pytest.raises(OutsideGrantError, match="'town'"):
        view.table.get_column("town")
    assert (view.dataset.rows, view.dataset.sensitive) == (rows.height, ())
    assert view.dataset.fingerprint == fingerprint(frame_of(view.table)) != people.fingerprint
    assert [column.name for column in view.dataset.columns] == ["age", "label"]
    assert view.dataset.column("age").minimum == rows["age"].min()
    assert [column.name for column in view.profile.columns] == ["age", "label"]
    assert view.profile.rows == rows.height
    assert not any("town" in warning.text or "score" in warning.text for warning in view.profile.warnings)
    (read,) = entries(ledger, "dataset.read")
    assert (read.actor, read.subject) == ("model:income", "people")
    assert read.facts == {
        "on_behalf_of": "person:sol",
        "grant": made.id,
        "use": "training",
        "purpose": PURPOSE,
        "columns": ["age", "label"],
        "rows": rows.height,
        "fingerprint": people.fingerprint,
        "view": view.dataset.fingerprint,
    }


def test_what_is_granted_whole_is_the_dataset_as_it_is(grants, people, datasets, admin):
    view = grants.opened("income", "people", use="training", by=admin)
    assert view.dataset == people
    assert view.profile == datasets.profile("people", by=admin)
    assert frame_of(view.table).equals(datasets.table("people", by=admin))


def test_who_may_grant_makes_the_first_grant_by_beginning(grants, admin, ledger):
    view = grants.opened("income", "people", use="training", by=admin)
    (made,) = grants.list(by=admin)
    assert made == view.grant
    assert (made.is_automatic, made.columns, made.rows, made.until, made.purpose) == (True, None, "", None, PURPOSE)
    (granted,) = entries(ledger, "dataset.granted")
    assert granted.facts["automatic"]
    assert grants.opened("income", "people", use="training", by=SCIENTIST).grant == made


def test_whoever_registered_the_data_may_grant_it(datasets, declared, csv_file):
    datasets.add("own", [csv_file], by=SCIENTIST, **declared)
    assert datasets.grants.opened("income", "own", use="training", by=SCIENTIST).grant.by == "person:sol"
    with pytest.raises(NotPermittedError, match="person:sol, who registered it"):
        datasets.grants.grant("income", "own", purpose=PURPOSE, by=OTHER)


def test_everybody_else_is_refused_on_record_with_the_command(grants, ledger):
    with pytest.raises(GrantMissingError, match="modelward data grant income people --purpose 'planning of courses'"):
        grants.opened("income", "people", use="training", purpose=PURPOSE, by=SCIENTIST)
    (refused,) = entries(ledger, "dataset.refused")
    assert (refused.actor, refused.subject) == ("model:income", "people")
    assert refused.facts == {"on_behalf_of": "person:sol", "use": "training", "why": "GrantMissingError", "purpose": PURPOSE}
    assert entries(ledger, "dataset.read") == []


@pytest.mark.parametrize("verb", ["grant", "revoke"])
def test_who_may_not_grant_neither_grants_nor_revokes(grants, verb, admin):
    made = grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], by=admin)
    for actor in (SCIENTIST, AUDITOR, Actor("service:till", "till", Role.DATA_OWNER, models=("other",))):
        with pytest.raises(NotPermittedError):
            grants.grant("income", "people", purpose=PURPOSE, by=actor) if verb == "grant" else grants.revoke(
                "income", "people", by=actor
            )
    assert grants.list(by=admin) == [made]


def test_the_purpose_is_strict_for_everybody(grants, admin, ledger):
    with pytest.raises(
        PurposeNotAgreedError, match="is to be for 'advertising', and dataset 'people' is for 'planning of courses'"
    ):
        grants.opened("ads", "people", use="training", purpose="advertising", by=admin)
    assert grants.list(by=admin) == []
    made = grants.grant("ads", "people", purpose="advertising; research", by=OWNER)
    for purpose in ("advertising", "Research/fairness.", ""):
        assert grants.opened("ads", "people", use="training", purpose=purpose, by=SCIENTIST).grant == made
    with pytest.raises(PurposeNotAgreedError, match=f"the grant {made.id}"):
        grants.opened("ads", "people", use="training", purpose=PURPOSE, by=admin)
    assert [each.facts["why"] for each in entries(ledger, "dataset.refused")] == ["PurposeNotAgreedError"] * 2


def test_after_a_revocation_only_an_explicit_grant_helps(grants, admin, ledger):
    first = grants.opened("income", "people", use="training", by=admin).grant
    check(grants, first.id)
    ended = grants.revoke("income", "people", by=OWNER)
    assert ended.revoked_by == "person:ada"
    with pytest.raises(GrantEndedError, match=r"revoked on .* by person:ada"):
        check(grants, first.id)
    with pytest.raises(GrantEndedError, match="Only a new one helps: `modelward data grant income people"):
        grants.opened("income", "people", use="training", by=admin)
    with pytest.raises(NoSuchGrantError):
        grants.revoke("income", "people", by=OWNER)
    second = grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    assert grants.opened("income", "people", use="training", by=SCIENTIST).grant == second
    assert [each.id for each in grants.list(by=admin)] == [second.id, first.id]
    check(grants, first.id)  # another that gives as much took its place
    assert [each.facts["grant"] for each in entries(ledger, "dataset.revoked")] == [first.id]


def test_a_grant_ends_when_it_says(grants, admin, database, monkeypatch):
    until = datetime.now(UTC) + timedelta(hours=1)
    made = grants.grant("income", "people", purpose=PURPOSE, until=until, by=admin)
    assert grants.opened("income", "people", use="training", by=SCIENTIST).grant == made
    later(monkeypatch, until)
    with pytest.raises(GrantEndedError, match="ended on"):
        check(grants, made.id)
    with pytest.raises(GrantEndedError):
        grants.opened("income", "people", use="training", by=admin)


def later(monkeypatch, moment):
    """It is that moment now for whoever asks about grants."""
    from modelward.datasets import grant_book, granting

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    for room in (granting, grant_book):
        monkeypatch.setattr(room, "datetime", Clock)


def test_a_new_grant_takes_the_place_of_the_old(grants, admin):
    wide = grants.grant("income", "people", purpose=PURPOSE, by=admin)
    assert grants.grant("income", "people", purpose=PURPOSE, by=OWNER) == wide
    narrow = grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], by=OWNER)
    assert [each.id for each in grants.list(by=admin) if each.revoked is None] == [narrow.id]
    with pytest.raises(GrantEndedError):
        check(grants, wide.id)
    with pytest.raises(OutsideGrantError, match="Column 'town' of dataset 'people' is outside the grant"):
        grants.opened("income", "people", use="training", columns=["age", "town", "nothing"], by=admin)


def test_a_version_is_measured_on_what_it_was_made_from(grants, admin):
    narrow = grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], rows="age > 40", by=admin)
    before = grants.opened("income", "people", use="training", by=admin)
    wide = grants.grant("income", "people", purpose=PURPOSE, by=admin)
    again = grants.opened("income", "people", use="assess income:1", under=narrow.id, by=admin)
    assert again.dataset.fingerprint == before.dataset.fingerprint
    assert again.grant.id == wide.id
    grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], rows="age > 50", by=admin)
    for earlier in (narrow.id, wide.id, "g-nothing"):
        with pytest.raises(OutsideGrantError, match="gives less"):
            grants.opened("income", "people", use="assess income:1", under=earlier, by=admin)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"columns": ["label", "agee"]}, InvalidGrantError, "Did you mean 'age'"),
        ({"columns": ["age"]}, InvalidGrantError, "lacks 'label'"),
        ({"columns": []}, InvalidGrantError, "lacks 'label'"),
        ({"rows": "agee > 1"}, InvalidFilterError, "Did you mean 'age'"),
        ({"rows": "age > 'x'"}, InvalidFilterError, "numbers"),
        ({"purpose": " ; "}, InvalidGrantError, "purpose"),
        ({"purpose": "x" * 501}, InvalidGrantError, "500"),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, InvalidGrantError, "past"),
        ({"until": datetime(2030, 1, 1)}, InvalidGrantError, "time zone"),
    ],
)
def test_what_cannot_be_granted_is_refused(grants, admin, given, error, said):
    with pytest.raises(error, match=said):
        grants.grant("income", "people", **{"purpose": PURPOSE, **given}, by=admin)
    assert grants.list(by=admin) == []


def test_a_filter_that_leaves_too_few_rows_teaches_nothing(grants, admin):
    grants.grant("income", "people", purpose=PURPOSE, rows="age == 18 and town == 'Ulm' and member == true", by=admin)
    with pytest.raises(UnusableTableError, match="at least 20"):
        grants.opened("income", "people", use="training", by=admin)


def test_a_dataset_that_is_not_there_cannot_be_granted(grants, admin):
    with pytest.raises(DatasetMissingError):
        grants.grant("income", "nobody", purpose=PURPOSE, by=admin)


@pytest.mark.parametrize(
    "change",
    [
        "columns = NULL",
        "rows = ''",
        "purpose = 'anything'",
        "until = NULL",
        "model = 'ads'",
        "revoked = NULL",
        "rows = x'00'",
    ],
)
def test_who_edits_the_database_widens_no_grant(grants, admin, database, change):
    made = grants.grant(
        "income",
        "people",
        purpose=PURPOSE,
        columns=["label", "age"],
        rows="age > 40",
        until=datetime(2099, 1, 1, tzinfo=UTC),
        by=admin,
    )
    if "revoked" in change:
        grants.revoke("income", "people", by=admin)
    assert grants.altered() == []
    with database.change() as connection:
        connection.execute(sa.text(f"UPDATE dataset_grants SET {change}"))
    assert grants.altered() == [f"grant '{made.id}'"]
    model = "ads" if "model" in change else "income"
    for attempt in (
        lambda: grants.opened(model, "people", use="training", by=SCIENTIST),
        lambda: check(grants, made.id),
        lambda: grants.grant(model, "people", purpose=PURPOSE, by=admin),
    ):
        with pytest.raises(AlteredRowError, match="altered by something other"):
            attempt()


@pytest.mark.parametrize("change", ["purpose = 'advertising'", "by = 'person:sol'", "owner = 'sol'"])
def test_who_edits_the_database_owns_no_data_and_agrees_to_no_purpose(grants, admin, database, change):
    with database.change() as connection:
        connection.execute(sa.text(f"UPDATE datasets SET {change.replace('by =', chr(34) + 'by' + chr(34) + ' =')}"))
    for attempt in (
        lambda: grants.opened("ads", "people", use="training", purpose="advertising", by=admin),
        lambda: grants.grant("ads", "people", purpose=PURPOSE, by=SCIENTIST),
    ):
        with pytest.raises(DatasetChangedError, match="is not what was sealed with it"):
            attempt()


def test_a_data_owner_sees_who_read_what(grants, admin, datasets):
    grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], by=OWNER)
    grants.opened("income", "people", use="training", by=SCIENTIST)
    datasets.table("people", by=admin, purpose="to look at")
    latest, first = grants.reads("people", by=OWNER)
    assert (first.reader, first.by, first.use, first.purpose, first.columns) == (
        "model:income",
        "person:sol",
        "training",
        PURPOSE,
        ("age", "label"),
    )
    assert (latest.reader, latest.by, latest.purpose, latest.columns) == ("person:root", "person:root", "to look at", ("all",))
    assert grants.reads("people", by=AUDITOR) == grants.reads("people", by=OWNER)
    with pytest.raises(NotPermittedError):
        grants.reads("people", by=SCIENTIST)


def test_the_grant_of_a_dataset_is_of_its_shards(grants, admin, datasets):
    datasets.shard("people", Sharding(parts=3, by="random"), by=SCIENTIST)
    # Who makes shards of other people's data does not own it for that.
    with pytest.raises(GrantMissingError):
        grants.opened("income", "people-1", use="training", by=SCIENTIST)
    assert datasets.show("people-1", by=admin).purpose == PURPOSE
    made = grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], by=admin)
    view = grants.opened("income", "people-1", use="training", by=SCIENTIST)
    assert (view.grant, view.table.columns) == (made, ["age", "label"])
    grants.revoke("income", "people", by=admin)
    with pytest.raises(GrantEndedError):
        grants.opened("income", "people-1", use="training", by=admin)
    own = grants.grant("income", "people-1", purpose=PURPOSE, by=admin)
    assert grants.opened("income", "people-1", use="training", by=SCIENTIST).grant == own


def test_the_names_of_very_many_columns_are_told_as_their_digest():
    from modelward.datasets.grant import told_columns

    assert told_columns(("a", "b")) == ["a", "b"]
    assert str(told_columns(tuple(f"column {place}" for place in range(2000)))).startswith("2000 columns, SHA-256 ")


# Against who edits the database: what is gone, or put back whole.


def rows_of_grants(database) -> list[dict]:
    with database.look() as connection:
        return [dict(row) for row in connection.execute(sa.text("SELECT * FROM dataset_grants")).mappings()]


def put_back(database, rows) -> None:
    """The rows of grants are these again, byte for byte."""
    with database.change() as connection:
        connection.execute(sa.text("DELETE FROM dataset_grants"))
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            connection.execute(
                sa.text(f"INSERT INTO dataset_grants ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row
            )


@pytest.mark.parametrize("what", ["revoked", "narrow", "ended"])
def test_a_grant_whose_row_is_gone_is_made_by_nobody_who_begins(grants, admin, database, ledger, keyring, monkeypatch, what):
    until = datetime.now(UTC) + timedelta(hours=1)
    limits = {"narrow": {"columns": ["label", "age"]}, "ended": {"until": until}}.get(what, {})
    grants.grant("income", "people", purpose=PURPOSE, **limits, by=OWNER)
    if what == "revoked":
        grants.revoke("income", "people", by=OWNER)
    if what == "ended":
        later(monkeypatch, until)
    put_back(database, [])
    for again in (grants, _afresh(grants, ledger, keyring)):
        with pytest.raises(GrantEndedError, match=r"took its row away\. Only a new one helps: `modelward data grant income people"):
            again.opened("income", "people", use="training", by=admin)
        assert again.altered() == ["grants of 'people' to 'income'"]
    assert entries(ledger, "dataset.refused")[-1].facts["why"] == "GrantEndedError"
    assert grants.opened("other", "people", use="training", by=admin).grant.is_automatic, "what was never granted still is"
    made = grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    assert grants.opened("income", "people", use="training", by=SCIENTIST).grant == made
    assert grants.altered() == []


def _afresh(grants, ledger, keyring):
    """As another process has them, which has read nothing of the ledger yet."""
    from modelward.datasets.grant_book import GrantBook

    other = object.__new__(type(grants))
    other.__dict__.update(grants.__dict__, _book=GrantBook(grants._database, ledger, keyring))
    return other


@pytest.mark.parametrize("end", ["revoke", "replace"])
def test_an_older_row_of_a_grant_that_is_put_back_whole_opens_nothing(grants, admin, database, end):
    wide = grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    before = rows_of_grants(database)
    check(grants, wide.id)
    if end == "revoke":
        grants.revoke("income", "people", by=OWNER)
    else:
        grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], by=OWNER)
    put_back(database, before)
    with pytest.raises(GrantEndedError, match=r"was revoked on .* by person:ada"):
        grants.opened("income", "people", use="training", by=admin)
    with pytest.raises(GrantEndedError):
        check(grants, wide.id)
    with pytest.raises(NoSuchGrantError):
        grants.revoke("income", "people", by=OWNER)
    assert [each.revoked_by for each in grants.list(by=admin)] == ["person:ada"]
    assert grants.altered() == [f"grant '{wide.id}'"]
    grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], by=OWNER)
    assert grants.altered() == []
    with pytest.raises(GrantEndedError):
        check(grants, wide.id)


def test_who_relabels_a_revocation_and_puts_the_row_back_is_found_by_verify(grants, admin, database, ledger, keyring):
    """What the threat model, the how-to and decision 42 say cannot be noticed at once; and by whom it is."""
    wide = grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    before = rows_of_grants(database)
    grants.revoke("income", "people", by=OWNER)
    assert grants.list(by=admin)[0].revoked
    put_back(database, before)
    with pytest.raises(GrantEndedError):
        _afresh(grants, ledger, keyring).opened("income", "people", use="training", by=admin)
    with database.change() as connection:
        for (trigger,) in connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(sa.text(f"DROP TRIGGER {trigger}"))
        connection.execute(sa.text("UPDATE ledger_entries SET event = 'dataset.read' WHERE event = 'dataset.revoked'"))
    assert _afresh(grants, ledger, keyring).opened("income", "people", use="training", by=admin).grant.id == wide.id
    with pytest.raises(LedgerBrokenError, match="is gone or another"):
        grants.opened("income", "people", use="training", by=admin)
    put_back(database, [])
    with database.change() as connection:
        connection.execute(sa.text("UPDATE ledger_entries SET event = 'dataset.read' WHERE event = 'dataset.granted'"))
    assert _afresh(grants, ledger, keyring).opened("income", "people", use="training", by=admin).grant.is_automatic
    assert not ledger.verify().is_sound


@pytest.mark.parametrize("is_shredded", [False, True])
def test_a_revocation_holds_for_the_parts_of_parts(grants, admin, datasets, is_shredded):
    datasets.shard("people", Sharding(parts=2, by="random"), by=admin)
    datasets.shard("people-1", Sharding(parts=2, by="random"), by=admin)
    narrow = grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], by=admin)
    if is_shredded:
        datasets.shredding.shred("people-1", reason="no longer needed", by=admin)
    assert grants.opened("income", "people-1-2", use="training", by=admin).grant == narrow
    grants.revoke("income", "people", by=admin)
    with pytest.raises(GrantEndedError):
        grants.opened("income", "people-1-2", use="training", by=admin)
    assert [each.id for each in grants.list(by=admin)] == [narrow.id]
    assert grants.opened("other", "people-1-2", use="training", by=admin).grant.is_automatic


def test_who_writes_an_entry_far_ahead_into_the_ledger_hides_no_revocation(grants, admin, database, ledger):
    wide = grants.grant("income", "people", purpose=PURPOSE, by=OWNER)
    grants.grant("other", "people", purpose=PURPOSE, by=OWNER)
    grants.revoke("other", "people", by=OWNER)
    before = rows_of_grants(database)
    with database.change() as connection:
        forged = "idx + 1000, entry, leaf, event, actor, subject, request"
        connection.execute(
            sa.text(f"INSERT INTO ledger_entries SELECT {forged} FROM ledger_entries WHERE event = 'dataset.revoked'")
        )
    check(grants, wide.id)
    grants.revoke("income", "people", by=OWNER)
    put_back(database, before)
    with pytest.raises(GrantEndedError):
        grants.opened("income", "people", use="training", by=admin)


@pytest.mark.parametrize("way", ["granted", "granted until later", "automatic"])
def test_a_grant_that_is_made_in_an_emergency_ends_with_it(datasets, declared, csv_file, access, admin, way):
    datasets.add("own", [csv_file], by=Actor(id="person:ada", name="ada", role=Role.DATA_SCIENTIST), **declared)
    session = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token).session
    ada = access.actor_of_session(session)
    with pytest.raises(NotPermittedError):
        datasets.grants.grant("income", "own", purpose=PURPOSE, by=ada)
    asked = access.emergencies.ask("data:write", minutes=30, reason="the model of tonight needs it", by=ada)
    for name in ("olga", "carl"):
        token = access.add_user(name, role=Role.ADMINISTRATOR, by=admin).token
        given = access.emergencies.approve(asked.id, by=access.actor_of_session(access.sign_in(token).session))
    ada = access.actor_of_session(session)
    if way == "automatic":
        made = datasets.grants.opened("income", "own", use="training", by=ada).grant
    else:
        until = {"until": datetime(2099, 1, 1, tzinfo=UTC)} if "until" in way else {}
        made = datasets.grants.grant("income", "own", purpose=PURPOSE, **until, by=ada)
    assert (made.until, made.is_automatic) == (given.ends, way == "automatic")
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert datasets.grants.grant("other", "own", purpose=PURPOSE, until=soon, by=ada).until == soon
    assert datasets.grants.grant("other", "own", purpose=PURPOSE, by=admin).until is None
    assert access._ledger.entries(event="emergency.used", actor="person:ada")


def test_people_see_the_profile_of_every_column_and_a_model_only_of_its_own(grants, datasets, admin, people):
    grants.grant("income", "people", purpose=PURPOSE, columns=["label", "age"], rows="age > 40", by=admin)
    seen = datasets.profile("people", by=AUDITOR)
    assert [each.name for each in seen.columns] == [column.name for column in people.columns]
    view = grants.opened("income", "people", use="training", by=AUDITOR)
    assert [each.name for each in view.profile.columns] == ["age", "label"]
    assert view.profile.rows < seen.rows
    with pytest.raises(NotPermittedError):
        datasets.profile("people", by=Actor(id="service:till", name="till", role=Role.CALLER))


@pytest.mark.parametrize(
    ("rows", "notes"),
    [
        ("town == 'Ulmm'", ["No row has 'Ulmm' in column 'town'. Did you mean 'Ulm'?"]),
        ("town in ['Ulm', 'Xanadu', 'Atlantis'] and age > 3", ["No row has 'Xanadu', 'Atlantis' in column 'town'."]),
        ("not (town == 'ulm') or town is missing", ["No row has 'ulm' in column 'town'. Did you mean 'Ulm'?"]),
        ("town == 'Ulm' or age == -5 or joined > '2099-01-01'", []),
        ("", []),
    ],
)
def test_a_text_that_no_row_has_is_told_to_who_grants_it(grants, admin, rows, notes):
    made = grants.grant("income", "people", purpose=PURPOSE, rows=rows, by=OWNER)
    assert [*made.notes] == notes
    assert [(each.rows, each.notes) for each in grants.list(by=admin)] == [(rows, ())]
    assert [*grants.grant("income", "people", purpose=PURPOSE, rows=rows, by=OWNER).notes] == notes


def test_who_did_not_accept_the_terms_of_the_data_is_told_nothing_of_its_texts(grants, access, admin):
    access.terms.put("dataset:people", "Nothing of this leaves the house.", by=admin)
    assert grants.grant("income", "people", purpose=PURPOSE, rows="town == 'Ulmm'", by=OWNER).notes == ()
    access.terms.accept("dataset:people", by=OWNER)
    assert grants.grant("income", "people", purpose=PURPOSE, rows="town == 'Ulmm'", by=OWNER).notes
