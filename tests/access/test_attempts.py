# SPDX-License-Identifier: Apache-2.0
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from access.test_passwords import CHEAP, GOOD, come_in
from modelward.access import Access, NotPermittedError, Role, TooManyAttemptsError, UnknownCredentialError, WrongPasswordError
from modelward.access.attempt import Count, failed_again, is_told, network_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LONGEST = timedelta(seconds=900)
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def settings(settings):
    return msgspec.structs.replace(settings, **CHEAP)


@pytest.fixture
def ada(access, admin):
    return access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD).actor


def fail(access, times: int, *, name: str = "ada", address: str = HERE) -> list[type[Exception]]:
    """What each of so many guesses came to."""
    found = []
    for _ in range(times):
        with pytest.raises((UnknownCredentialError, TooManyAttemptsError)) as caught:
            come_in(access, name=name, password="not this one, surely", address=address)
        found.append(caught.type)
    return found


def elapse(database, access, seconds: float) -> None:
    """Let that much time pass for what was counted: each row says so much earlier, and is sealed again."""
    from modelward.access.store import attempts as rows

    access.accounts._attempts._remembered._held.clear()
    with database.change() as connection:
        table = rows._ATTEMPTS
        for row in connection.execute(table.select()).mappings().all():
            count = rows._count(row)
            moved = Count(count.failures, count.last - timedelta(seconds=seconds), count.until - timedelta(seconds=seconds))
            rows.put_count(connection, rows.Counted(row["key"], row["person"]), moved, seal=access._seal)


def waits(times: int, kind="pair") -> list[float]:
    count, found, now = None, [], NOW
    for _ in range(times):
        count = failed_again(count, kind, free=5, longest=LONGEST, now=now)
        found.append((count.until - now).total_seconds())
        now = count.until
    return found


def test_each_failure_beyond_the_free_ones_doubles_the_wait_up_to_the_longest():
    assert waits(18) == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]
    assert waits(31, "address")[28:] == [0, 1, 2]
    assert waits(51, "person")[48:] == [0, 1, 2]


def test_what_is_long_ago_counts_no_more():
    count = Count(40, NOW, NOW + LONGEST)
    assert failed_again(count, "pair", free=5, longest=LONGEST, now=NOW + timedelta(hours=1)).failures == 41
    assert failed_again(count, "pair", free=5, longest=LONGEST, now=NOW + timedelta(hours=1, seconds=900)).failures == 1


def test_of_a_row_of_failures_ever_fewer_are_told():
    assert [n for n in range(1, 40) if is_told(n)] == [1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a socket", "a socket"),
    ],
)
def test_what_one_machine_can_choose_freely_is_one_address(address, network):
    assert network_of(address) == network


def test_after_five_failures_nothing_is_looked_at_for_a_while_and_then_it_is(access, ada, database):
    assert fail(access, 5) == [UnknownCredentialError] * 5
    calls = access.accounts.hasher.calls
    with pytest.raises(TooManyAttemptsError, match=r"in \d+ s"):
        come_in(access, address=HERE)
    assert access.accounts.hasher.calls == calls, "not even the right password is looked at, and costs nothing"
    elapse(database, access, 2)
    assert come_in(access, address=HERE)
    assert fail(access, 5) == [UnknownCredentialError] * 5, "coming in forgave what was before"


def test_the_wait_is_told_of_somebody_unknown_as_well(access, ada):
    fail(access, 5)
    fail(access, 5, name="nobody")
    told = []
    for name in ("ada", "nobody"):
        with pytest.raises(TooManyAttemptsError) as caught:
            come_in(access, name=name, address=HERE)
        told.append(str(caught.value))
    assert told[0].replace("2 s", "1 s") == told[1].replace("2 s", "1 s")


def test_a_stranger_elsewhere_keeps_nobody_out(access, ada, database):
    """A stranger guesses from many addresses for long: who signed in from theirs before still does, and anybody by a link."""
    assert come_in(access, address=HERE)
    for at in range(60):
        elapse(database, access, 1000) if at > 48 else None
        fail(access, 1, address=f"198.51.100.{at}")
    with pytest.raises(TooManyAttemptsError):
        come_in(access, address="203.0.113.5")
    assert come_in(access, address=HERE)
    elapse(database, access, 1000)
    assert come_in(access, address="203.0.113.5"), "and the wait of everybody else ends by itself"


def test_one_address_does_not_try_a_password_on_everybody(access, ada, database):
    found = [fail(access, 1, name=f"person-{at}")[0] for at in range(31)]
    assert found == [UnknownCredentialError] * 30 + [TooManyAttemptsError]
    with pytest.raises(TooManyAttemptsError):
        come_in(access, address=HERE)
    assert come_in(access, address=ELSEWHERE)


def test_who_may_sign_in_does_not_thereby_guess_on(access, ada, admin):
    """Coming in as oneself between guesses does not forgive the address what it guessed of others."""
    access.sign_in(access.add_user("bob", role=Role.AUDITOR, by=admin).token, password=GOOD)
    for at in range(30):
        if at % 5 == 4:
            come_in(access, name="bob", address=HERE)
        fail(access, 1, name=f"person-{at}")
    with pytest.raises(TooManyAttemptsError):
        come_in(access, name="bob", address=HERE)


def test_all_workers_count_together(access, ada, database, ledger, keyring, settings):
    other = Access(database, ledger, keyring, settings=settings)
    assert [fail(each, 1)[0] for each in (access, other, access, other, access)] == [UnknownCredentialError] * 5
    assert fail(other, 1) == [TooManyAttemptsError]


def test_of_many_guesses_at_once_no_more_are_looked_at(access, ada):
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: fail(access, 1)[0], range(40)))
    assert found.count(UnknownCredentialError) == access.accounts.hasher.calls - 1 == 5


def test_an_administrator_unlocks(access, ada, admin, ledger):
    fail(access, 5)
    assert access.accounts.standing("ada", by=admin).locked
    with pytest.raises(NotPermittedError):
        access.accounts.unlock("ada", by=ada)
    access.accounts.unlock("ada", by=admin)
    assert access.accounts.standing("ada", by=admin).locked is None
    assert come_in(access, address=HERE)
    assert ledger.entries(event="user.unlocked")[0].entry.subject == "person:ada"


def test_a_new_link_helps_who_must_wait(access, ada, admin):
    fail(access, 5)
    access.sign_in(access.invite("ada", by=admin).token, password=GOOD)
    assert come_in(access, address=HERE)


def test_refusals_are_on_record_without_names_that_nobody_has(access, ada, ledger):
    fail(access, 3)
    fail(access, 1, name="hunter2-my-password")
    entries = [each.entry for each in ledger.entries(event="session.refused", newest_first=False)]
    assert [(entry.subject, entry.facts["failures"]) for entry in entries] == [
        ("person:ada", 1),
        ("person:ada", 2),
        ("somebody unknown here", 1),
    ]
    text = str(entries)
    assert "hunter2" not in text
    assert HERE not in text
    assert len({entry.facts["address"] for entry in entries}) == 1, "but what came from one address can be told"


def test_a_flood_does_not_fill_the_ledger(access, ada, ledger):
    begun = ledger.head().size
    attempts = access.accounts._attempts
    for at in range(200):
        attempts.refused(attempts.begin(f"name-{at}", f"2001:db8:{at:x}::1"), subject="somebody unknown here")
    assert 25 <= ledger.head().size - begun <= 45


def test_what_was_not_told_is_told_in_numbers(access, ledger, database):
    attempts = access.accounts._attempts
    for at in range(60):
        attempts.refused(attempts.begin(f"name-{at}", f"2001:db8:{at:x}::1"), subject="somebody unknown here")
    elapse(database, access, 1000)
    attempts.refused(attempts.begin("one-more", "192.0.2.9"), subject="somebody unknown here")
    told = ledger.entries(event="session.refused", limit=500)
    assert told[0].entry.facts["not_told"] == 61 - len(told)


def test_no_name_and_no_address_is_kept_of_strangers(access, database):
    fail(access, 2, name="hunter2-my-password", address="203.0.113.77")
    with database.look() as connection:
        dump = "\n".join(connection.connection.iterdump())
    assert "access_attempts" in dump
    assert "hunter2" not in dump
    assert "203.0.113.77" not in dump


def test_a_stolen_session_does_not_guess_the_password(access, ada):
    mine, other = come_in(access).actor, come_in(access).actor
    for _ in range(5):
        with pytest.raises(WrongPasswordError):
            access.accounts.change_password("not this one, surely", "nine copper owls at dawn", by=mine)
    with pytest.raises(TooManyAttemptsError):
        access.accounts.change_password(GOOD, "nine copper owls at dawn", by=mine)
    assert access.accounts.change_password(GOOD, "nine copper owls at dawn", by=other), "nobody else is slowed"


def test_a_count_that_was_written_by_another_hand_lets_nobody_in(access, ada, database):
    fail(access, 5)
    with database.change() as connection:
        connection.exec_driver_sql("update access_attempts set failures = '0', until = last")
    assert "count of sign-ins" in access.altered()[0]
    from modelward.access import AlteredRowError

    with pytest.raises(AlteredRowError):
        come_in(access, address=HERE)
