# SPDX-License-Identifier: Apache-2.0
import base64
import threading
from datetime import UTC, datetime

import msgspec
import pytest

from access.test_passwords import CHEAP, GOOD, come_in
from modelward.access import (
    Access,
    HashingBusyError,
    NoSecondFactorError,
    Role,
    SecondFactorDueError,
    SecondFactorThereError,
    TooManyAttemptsError,
    UnknownCredentialError,
    WrongPasswordError,
)
from modelward.access.second_factor import STEP_SECONDS, SharedSecrets, code_at, step_of

# RFC 6238, appendix B: the last six figures of those for SHA-1.
VECTORS = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
RFC_SECRET = b"12345678901234567890"


@pytest.fixture
def settings(settings):
    return msgspec.structs.replace(settings, **CHEAP)


@pytest.fixture
def ada(access, admin):
    return access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD).actor


def now_step() -> int:
    return int(datetime.now(UTC).timestamp()) // STEP_SECONDS


def enrol(access, who) -> tuple[bytes, tuple[str, ...]]:
    """Set a second factor up, with the code of the step before, so that this one's is still to be used."""
    told = access.accounts.begin_second_factor(GOOD, by=who)
    secret = base64.b32decode(told.secret)
    return secret, access.accounts.confirm_second_factor(code_at(secret, now_step() - 1), by=who).codes


@pytest.mark.parametrize("moment", VECTORS)
def test_codes_are_those_of_the_standard(moment):
    assert code_at(RFC_SECRET, moment // STEP_SECONDS) == VECTORS[moment]


@pytest.mark.parametrize(("skew", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(skew, is_taken):
    now = datetime.fromtimestamp(1111111111, UTC)
    code = code_at(RFC_SECRET, 1111111111 // STEP_SECONDS + skew)
    assert (step_of(code, secret=RFC_SECRET, after=0, now=now) is not None) is is_taken


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708a", "２８７０８２", " 287082", "+28708"])
def test_what_is_no_code_fits_no_step(code):
    assert step_of(code, secret=RFC_SECRET, after=0, now=datetime.fromtimestamp(59, UTC)) is None


def test_a_code_is_asked_for_and_good_once(access, ada):
    secret, _ = enrol(access, ada)
    with pytest.raises(UnknownCredentialError):
        come_in(access)
    code = code_at(secret, now_step())
    assert come_in(access, code=f"{code[:3]} {code[3:]}")
    with pytest.raises(UnknownCredentialError):
        come_in(access, code=code)
    with pytest.raises(UnknownCredentialError):
        come_in(access, code=code_at(secret, now_step() - 1))


def test_a_code_that_came_with_a_wrong_password_is_still_good(access, ada):
    secret, _ = enrol(access, ada)
    code = code_at(secret, now_step())
    with pytest.raises(UnknownCredentialError) as wrong_password:
        come_in(access, password="something else entirely", code=code)
    with pytest.raises(UnknownCredentialError) as wrong_code:
        come_in(access, code="000000" if code != "000000" else "000001")
    assert str(wrong_password.value) == str(wrong_code.value)
    assert come_in(access, code=code)


def test_how_somebody_proved_themselves_is_on_record(access, ada, ledger):
    secret, codes = enrol(access, ada)
    come_in(access, code=code_at(secret, now_step()))
    come_in(access, code=codes[9])
    told = [each.entry.facts["second_factor"] for each in ledger.entries(event="session.opened", newest_first=False)]
    assert told == ["none needed", "authenticator", "recovery code"]


def test_a_recovery_code_opens_once_and_for_its_person_alone(access, ada, admin, database):
    _, codes = enrol(access, ada)
    assert len(set(codes)) == 10
    bob = access.sign_in(access.add_user("bob", role=Role.AUDITOR, by=admin).token, password=GOOD).actor
    enrol(access, bob)
    with pytest.raises(UnknownCredentialError):
        come_in(access, name="bob", code=codes[0])
    assert come_in(access, code=codes[0].upper().replace("-", " "))
    with pytest.raises(UnknownCredentialError):
        come_in(access, code=codes[0])
    assert access.accounts.standing("ada", by=admin).recovery_codes == 9
    with database.look() as connection:
        dump = "\n".join(connection.connection.iterdump())
    assert not [code for code in codes if code in dump or code.replace("-", "") in dump]


def test_nothing_is_asked_for_before_the_authenticator_showed_that_it_works(access, ada):
    told = access.accounts.begin_second_factor(GOOD, by=ada)
    assert told.address.startswith("otpauth://totp/Modelward%3Aada?secret=")
    with pytest.raises(WrongPasswordError):
        access.accounts.confirm_second_factor("000000", by=ada)
    assert come_in(access)


def test_a_second_factor_needs_the_password_and_is_set_up_once(access, ada, admin):
    with pytest.raises(NoSecondFactorError):
        access.accounts.confirm_second_factor("000000", by=ada)
    with pytest.raises(WrongPasswordError):
        access.accounts.begin_second_factor("something else entirely", by=ada)
    enrol(access, ada)
    with pytest.raises(SecondFactorThereError):
        access.accounts.begin_second_factor(GOOD, by=ada)
    with pytest.raises(WrongPasswordError):
        access.accounts.end_second_factor("something else entirely", by=ada)
    access.accounts.end_second_factor(GOOD, by=ada)
    assert come_in(access)
    without = access.sign_in(access.add_user("bob", role=Role.AUDITOR, by=admin).token).actor
    with pytest.raises(WrongPasswordError, match="no password yet"):
        access.accounts.begin_second_factor("", by=without)


def test_setting_one_up_ends_the_other_sessions_and_an_unused_link(access, admin):
    ada = access.sign_in(access.add_user("ada", role=Role.AUDITOR, by=admin).token).actor
    token = access.invite("ada", by=admin).token
    access.accounts.set_password("ada", GOOD, by=admin)
    assert not access.is_invitation(token)
    ada, other = come_in(access).actor, come_in(access)
    enrol(access, ada)
    with pytest.raises(UnknownCredentialError):
        access.actor_of_session(other.session)


def test_the_secret_is_sealed_and_bound_to_its_person(access, ada, database, keyring):
    secret, _ = enrol(access, ada)
    with database.look() as connection:
        dump = "\n".join(connection.connection.iterdump())
        kept = connection.exec_driver_sql("select secret from access_second_factors").scalar()
    assert base64.b32encode(secret).decode() not in dump
    assert base64.b64encode(secret).decode() not in dump
    pepper = keyring.secret("pepper")
    assert SharedSecrets(pepper).opened("ada", kept) == secret
    assert SharedSecrets(pepper).opened("bob", kept) is None
    assert SharedSecrets(b"another pepper").opened("ada", kept) is None


@pytest.mark.parametrize("change", ["step = '0'", "confirmed = NULL", "secret = 'AAAA'"])
def test_who_writes_into_the_row_does_not_get_around_it(access, ada, database, change):
    secret, _ = enrol(access, ada)
    code = code_at(secret, now_step())
    come_in(access, code=code)
    with database.change() as connection:
        connection.exec_driver_sql(f"update access_second_factors set {change}")
    for typed in ("", code, code_at(secret, now_step() + 1)):
        with pytest.raises(UnknownCredentialError):
            come_in(access, code=typed)


def test_a_role_that_needs_one_opens_nothing_but_its_setting_up(database, ledger, keyring, settings, access, admin):
    strict = Access(database, ledger, keyring, settings=msgspec.structs.replace(settings, second_factor_roles="auditor, operator"))
    signed_in = strict.sign_in(strict.add_user("ada", role=Role.AUDITOR, by=admin).token, password=GOOD)
    with pytest.raises(SecondFactorDueError, match="second factor"):
        strict.actor_of_session(signed_in.session)
    who = strict.actor_of_session(signed_in.session, is_enrolling=True)
    enrol(strict, who)
    assert strict.actor_of_session(signed_in.session).id == "person:ada"
    free = strict.sign_in(strict.add_user("bob", role=Role.CALLER, by=admin).token, password=GOOD)
    assert strict.actor_of_session(free.session)


def test_a_new_invitation_helps_who_lost_the_device(access, ada, admin):
    enrol(access, ada)
    renewed = access.sign_in(access.invite("ada", by=admin).token, password=GOOD)
    assert access.actor_of_session(renewed.session)
    assert come_in(access), "the factor that was lost is asked for no more"


def outcomes_of_eight(attempt) -> list[str]:
    """What comes of doing it eight times at once."""
    told, start = [], threading.Barrier(8)

    def one() -> None:
        start.wait()
        try:
            attempt()
            told.append("in")
        except (UnknownCredentialError, TooManyAttemptsError, HashingBusyError):
            told.append("refused")

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(told)


@pytest.mark.parametrize("means", ["authenticator", "recovery code"])
def test_of_many_who_use_one_code_at_once_one_gets_in(access, ada, means):
    secret, codes = enrol(access, ada)
    code = codes[0] if means == "recovery code" else code_at(secret, now_step())
    assert outcomes_of_eight(lambda: come_in(access, code=code)) == ["in"] + ["refused"] * 7
