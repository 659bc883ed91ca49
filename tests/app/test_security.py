# SPDX-License-Identifier: Apache-2.0
"""The look for weak points sees each that is planted, and none where there is none."""

import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from access.test_passwords import GOOD
from access.test_second_factor import enrol
from modelward.access import Actor, NotPermittedError, Role, local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.app.machine import Machine, plain_swaps
from modelward.app.security import LOOKS
from modelward.app.weak_point import SecurityCheck
from modelward.entrances.console.words import AMONG, WORDS
from modelward.settings import Settings
from modelward.storage import Means
from modelward.storage.guards import passphrase
from storage.programs import program

BY = local_actor()


@pytest.fixture(autouse=True)
def _light(monkeypatch):
    monkeypatch.setattr(passphrase, "_MEMORY_KIB", 8 << 10)


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "words"
    file.write_text("six words drawn at random")
    file.chmod(0o600)
    return file


@pytest.fixture
def sound(tmp_path, words):
    """A house without a weak point: guarded, signed in to, with one key that ends, is limited and has a purpose."""
    settings = Settings(home=tmp_path / ".modelward", keys_passphrase_file=str(words))
    made = create_home(settings)
    platform = open_platform(settings)
    platform.custody.put_under("passphrase", Means(passphrase_file=words), by=BY)
    token = made.invitation.read_text().strip()
    platform.access.sign_in(token)
    platform.discard_spent(token)
    soon = datetime.now(UTC) + timedelta(days=30)
    platform.access.create_key("till", role=Role.CALLER, models=["income"], purpose="lending", expires=soon, by=BY)
    yield platform
    platform.close()


@pytest.fixture
def machine():
    """One without a weak point."""
    return Machine(
        user_id=os.geteuid() or 1000,
        plain_swaps=(),
        core_limit_bytes=0,
        core_pattern="core",
        is_clock_kept=True,
        environment={"ORT_DISABLE_TELEMETRY": "1"},
        now=datetime.now(UTC),
    )


def look(platform: Platform, machine: Machine) -> list[SecurityCheck]:
    """What was found; whatever it is, the console says it in Chinese."""
    checks = list(platform.security.look(machine=machine, by=BY))
    said = [text for check in checks for text in (check.found, check.why, check.advice)]
    assert [text for text in said if WORDS.sentence(text, "zh") is None] == []
    assert [check.what for check in checks if ("security", check.what) not in AMONG] == []
    return checks


def weak(platform: Platform, machine: Machine) -> dict[str, str]:
    return {check.what: check.found for check in look(platform, machine) if check.is_weak}


def told(platform: Platform, **settings) -> Platform:
    """The same house with other settings."""
    platform.settings = msgspec.structs.replace(platform.settings, **settings)
    return platform


def test_a_sound_house_on_a_sound_machine_has_none(sound, machine):
    checks = look(sound, machine)
    assert [check.what for check in checks if check.is_weak] == []
    assert len({check.what for check in checks}) == len(LOOKS)


def test_a_home_just_made_is_told_of_its_token_and_its_open_keyring(tmp_path, machine):
    settings = Settings(home=tmp_path / ".modelward")
    create_home(settings)
    platform = open_platform(settings)
    found = weak(platform, machine)
    assert set(found) == {"keyring", "first-token"}
    assert "whoever copies the home has both" in found["keyring"]
    platform.close()


def plant_open_home(platform: Platform, folder: Path) -> Platform:
    platform.settings.home.chmod(0o750)
    return platform


def plant_open_database_elsewhere(platform: Platform, folder: Path) -> Platform:
    database = folder / "rows.db"
    database.touch(0o644)
    return told(platform, database_url=f"sqlite:///{database}")


def plant_old_master(platform: Platform, folder: Path) -> Platform:
    platform.keyring.add_master()
    return platform


def plant_file_guard(platform: Platform, folder: Path) -> Platform:
    platform.custody.put_under("file", Means(), by=BY)
    return platform


def plant_program_that_others_write(platform: Platform, folder: Path) -> Platform:
    command = program(folder)
    platform.custody.put_under("command", Means(command=command), by=BY)
    own = folder / "kms"
    own.touch()
    own.chmod(0o777)
    return told(platform, keys_command=f"{own} x")


def plant_key(**more):
    def plant(platform: Platform, folder: Path) -> Platform:
        soon = datetime.now(UTC) + timedelta(days=30)
        given = {"role": Role.CALLER, "models": ["income"], "purpose": "lending", "expires": soon} | more
        platform.access.create_key("planted", **given, by=BY)
        return platform

    return plant


def plant_altered_row(platform: Platform, folder: Path) -> Platform:
    with sqlite3.connect(platform.settings.home / "modelward.db") as rows:
        rows.execute("UPDATE access_keys SET role = 'administrator'")
    return platform


def plant_network(platform: Platform, folder: Path) -> Platform:
    return told(platform, host="0.0.0.0")


def plant_exposed_tls_key(platform: Platform, folder: Path) -> Platform:
    platform.certifying.begin(by=BY)
    files = platform.settings.tls_files
    files.key.chmod(0o644)
    return told(platform, tls_certificate=str(files.certificate), tls_key=str(files.key))


def plant_clients_key(platform: Platform, folder: Path) -> Platform:
    platform.certifying.begin(by=BY)
    platform.certifying.issue("till", by=BY)
    return platform


HOUSE = {
    "an open home": ("files", plant_open_home, "reach"),
    "an open database elsewhere": ("files", plant_open_database_elsewhere, "rows.db"),
    "a keyring that its file opens": ("keyring", plant_file_guard, "whoever can read its file"),
    "a master key of before": ("master-keys", plant_old_master, "Master keys of before in the keyring: 1."),
    "learning among the keys": (
        "training",
        lambda platform, _folder: told(platform, training_isolation="none"),
        "in the process that holds the keys",
    ),
    "a program that others can replace": ("keyring", plant_program_that_others_write, "Others can replace"),
    "a key that never ends": ("key-ends", plant_key(expires=None), "Keys that never end (1 of 2): planted"),
    "a key without a purpose": ("key-purposes", plant_key(purpose=""), "Keys without a purpose (1 of 2): planted"),
    "a key for every model": (
        "key-models",
        plant_key(models=None),
        "Keys that are limited to no models, and reach those to come too (1 of 2)",
    ),
    "an administrator's key": (
        "administrator-keys",
        plant_key(role=Role.ADMINISTRATOR, models=None),
        "Keys that are administrators (1 of 2)",
    ),
    "an altered row": ("altered-rows", plant_altered_row, "altered"),
    "plain HTTP for everybody": ("network", plant_network, "0.0.0.0 is served over plain HTTP"),
    "a relaxed ledger": (
        "ledger-durability",
        lambda platform, _folder: told(platform, ledger_durability="relaxed"),
        "before they are on record",
    ),
    "an exposed key of TLS": ("tls-keys", plant_exposed_tls_key, "server.key"),
    "a client's key in the home": ("tls-keys", plant_clients_key, "till"),
}


@pytest.mark.parametrize("kind", HOUSE)
def test_a_weak_point_of_the_house_is_seen_with_why_and_what_to_do(sound, machine, tmp_path, kind):
    what, plant, words = HOUSE[kind]
    platform = plant(sound, tmp_path)
    checks = [check for check in look(platform, machine) if check.is_weak]
    assert [check.what for check in checks] == [what]
    assert words in checks[0].found
    assert checks[0].why
    assert checks[0].advice


LATER = timedelta(days=91)
MACHINE = {
    "root": ("account", {"user_id": 0}, "root"),
    "swap": ("swap", {"plain_swaps": ("/dev/sda2",)}, "/dev/sda2"),
    "core dumps": ("core-dumps", {"core_limit_bytes": -1}, "written to a file"),
    "core dumps to a program": ("core-dumps", {"core_pattern": "|/usr/share/apport/apport %p"}, "/usr/share/apport/apport"),
    "a clock that nobody keeps": ("clock", {"is_clock_kept": False}, "nobody keeps"),
    "a clock that is behind": ("clock", {"now": datetime.now(UTC) - timedelta(days=1)}, "newest entry"),
    "telemetry": ("telemetry", {"environment": {"ORT_DISABLE_TELEMETRY": "0"}}, "ORT_DISABLE_TELEMETRY"),
    "plain traces": (
        "telemetry",
        {"environment": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://traces.example.org:4318"}},
        "traces.example.org",
    ),
}


@pytest.mark.parametrize("kind", MACHINE)
def test_a_weak_point_of_the_machine_is_seen(sound, machine, kind):
    what, changes, words = MACHINE[kind]
    found = weak(sound, replace(machine, **changes))
    assert set(found) == {what}
    assert words in found[what]


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://traces.example.org"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
        {"DO_NOT_TRACK": "1"},
    ],
)
def test_traces_that_nobody_else_can_read_are_well(sound, machine, environment):
    assert weak(sound, replace(machine, environment=environment)) == {}


def test_a_key_that_did_nothing_for_long_is_seen_and_one_that_ended_is_not(sound, machine):
    far = datetime.now(UTC) + timedelta(days=400)
    given = {"role": Role.CALLER, "models": ["income"], "purpose": "lending", "expires": far, "by": BY}
    sound.access.create_key("idle", **given)
    sound.access.revoke_key(sound.access.create_key("gone", **given).key.id, by=BY)
    later = replace(machine, now=machine.now + LATER)
    assert weak(sound, later)["unused-keys"] == "Keys that did nothing for 90 days (1 of 1): idle."


def test_a_ledger_that_nobody_verified_for_a_month_is_seen_until_somebody_does(sound, machine):
    later = replace(machine, now=machine.now + timedelta(days=31))
    assert "since it was begun" in weak(sound, later)["ledger-verified"]
    assert sound.ledger.last_verified() is None
    assert sound.auditing.verify(by=BY).is_sound
    assert "ledger-verified" not in weak(sound, replace(machine, now=machine.now + timedelta(days=29)))
    assert f"since {datetime.now(UTC):%Y-%m-%d}" in weak(sound, later)["ledger-verified"]


def test_a_person_with_a_password_alone_is_seen_until_they_have_a_second_factor(sound, machine):
    actor = sound.access.sign_in(sound.access.add_user("ada", role=Role.AUDITOR, by=BY).token, password=GOOD).actor
    assert weak(sound, machine)["second-factors"] == "People whom a password alone lets in (1 of 1): ada (auditor)."
    enrol(sound.access, actor)
    assert weak(sound, machine) == {}


def test_one_that_was_found_unsound_counts_as_never_verified(sound):
    with sqlite3.connect(sound.settings.home / "modelward.db") as rows:
        for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            rows.execute(f"DROP TRIGGER {name}")
        rows.execute("DELETE FROM ledger_entries WHERE idx = 1")
    rows.close()
    assert not sound.auditing.verify(by=BY).is_sound
    assert sound.ledger.last_verified() is None


def test_a_certificate_that_ends_soon_is_seen_until_it_is_renewed(sound, machine):
    sound.certifying.begin(by=BY)
    later = replace(machine, now=machine.now + timedelta(days=370))
    assert "localhost" in weak(sound, later)["certificates"] or "127.0.0.1" in weak(sound, later)["certificates"]
    assert "certificates" not in weak(sound, machine)


def test_what_cannot_be_looked_at_is_weak_and_the_rest_is_looked_at(sound, machine):
    (sound.settings.home / "tls").mkdir()
    (sound.settings.home / "tls" / "odd.pem").mkdir()
    checks = sound.security.look(machine=machine, by=BY)
    assert [check.what for check in checks if check.is_weak] == ["certificates"]
    assert "could not be looked at" in checks[0].found
    assert len(checks) == len(LOOKS)


def test_swap_counts_unless_it_is_in_memory_or_encrypted(tmp_path):
    table = "Filename Type Size Used Priority\n/dev/dm-7 partition 1 0 -2\n/dev/zram0 partition 1 0 5\n/swapfile file 1 0 -3\n"
    (tmp_path / "dm-7" / "dm").mkdir(parents=True)
    assert plain_swaps(table, tmp_path) == ("/dev/dm-7", "/swapfile")
    (tmp_path / "dm-7" / "dm" / "uuid").write_text("CRYPT-PLAIN-swap")
    assert plain_swaps(table, tmp_path) == ("/swapfile",)
    assert plain_swaps("", tmp_path) == ()


def test_this_machine_can_be_looked_at(sound):
    assert len(sound.security.look(by=BY)) == len(LOOKS)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_an_administrator_of_the_whole_house_is_told(sound, role):
    with pytest.raises(NotPermittedError):
        sound.security.look(by=Actor("person:eve", "eve", role))
    with pytest.raises(NotPermittedError):
        sound.security.look(by=Actor("person:eve", "eve", Role.ADMINISTRATOR, tenant="clinic"))


def test_the_page_says_when_each_thing_is_weak(sound, machine):
    page = (Path(__file__).parents[2] / "docs/how-to/harden.md").read_text()
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert sorted(listed) == sorted(check.what for check in sound.security.look(machine=machine, by=BY))
