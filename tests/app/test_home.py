# SPDX-License-Identifier: Apache-2.0
"""A home is made whole, private and once, whatever cuts the making off."""

import os
import subprocess
import sys
import threading

import pytest

from modelward.access import local_actor
from modelward.app import (
    HomeExistsError,
    HomeMissingError,
    HomeUnfinishedError,
    HomeUnusableError,
    create_home,
    open_platform,
)
from modelward.errors import ModelwardError
from modelward.settings import Settings
from modelward.storage import FolderTakenError, KeyringMissingError


def check_whole(settings: Settings) -> None:
    """Fails unless the home is whole: private, its token opens it, its ledger verifies, and it is not made again."""
    assert settings.home.stat().st_mode & 0o777 == 0o700
    token = settings.home / "administrator.token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert settings.keyring_path.stat().st_mode & 0o777 == 0o600
    before = {file: file.read_bytes() for file in (token, settings.keyring_path)}
    with pytest.raises(HomeExistsError, match="left as it is"):
        create_home(settings)
    assert {file: file.read_bytes() for file in before} == before
    platform = open_platform(settings)
    assert platform.ledger.verify().is_sound
    assert platform.access.sign_in(token.read_text().strip()).actor.id == "person:admin"
    platform.close()
    assert sorted(file.name for file in settings.home.iterdir() if not file.name.startswith("modelward.db")) == [
        "administrator.token",
        "keys.json",
        "ledger.checkpoint",
        "objects",
    ]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_home_is_private_whatever_the_umask(tmp_path, umask):
    settings = Settings(home=tmp_path / "deep" / ".modelward")
    before = os.umask(umask)
    try:
        made = create_home(settings)
    finally:
        os.umask(before)
    assert (made.path, made.invitation) == (settings.home, settings.home / "administrator.token")
    check_whole(settings)


def test_an_empty_folder_may_become_the_home(tmp_path):
    settings = Settings(home=tmp_path / "home", keys=str(tmp_path / "elsewhere" / "keys.json"))
    settings.home.mkdir(mode=0o755)
    create_home(settings)
    assert settings.home.stat().st_mode & 0o777 == 0o700
    assert open_platform(settings).ledger.verify().is_sound
    assert not (settings.home / "keys.json").exists()


@pytest.mark.parametrize("name", ["wei?rd", "per%20cent", "hash#tag", "blank and ü", "question?mark=1&x"])
def test_a_home_may_have_any_name(tmp_path, name):
    settings = Settings(home=tmp_path / name / ".modelward")
    create_home(settings)
    check_whole(settings)
    assert [folder.name for folder in tmp_path.iterdir()] == [name]


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir(mode=0o755)
    (folder / "to-ada.txt").write_text("Dear Ada")
    with pytest.raises(FolderTakenError, match="Name a new one"):
        create_home(Settings(home=folder))
    assert folder.stat().st_mode & 0o777 == 0o755
    assert [file.name for file in folder.iterdir()] == ["to-ada.txt"]


def test_a_place_where_nothing_can_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "home", tmp_path / ("x" * 300)):
        with pytest.raises(HomeUnusableError, match="Name another folder"):
            create_home(Settings(home=place))


def test_of_several_who_make_it_at_once_one_does(tmp_path):
    settings, outcomes = Settings(home=tmp_path / ".modelward"), []

    def make():
        try:
            outcomes.append(create_home(settings))
        except HomeExistsError as error:
            outcomes.append(error)

    makers = [threading.Thread(target=make) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(60)
    assert sum(not isinstance(outcome, HomeExistsError) for outcome in outcomes) == 1
    assert len(outcomes) == 4
    check_whole(settings)


def test_what_is_no_home_is_not_opened(tmp_path):
    with pytest.raises(HomeMissingError, match="modelward init"):
        open_platform(Settings(home=tmp_path / "nowhere"))
    with pytest.raises(KeyringMissingError):
        open_platform(Settings(home=tmp_path))


# Children make homes and are killed before the first, second, … time that they reach the disk, begin a change or commit one, until
# one is not. What is done between a beginning and its commit leaves nothing behind, so that one moment there stands for all.
KILLED_EVERYWHERE = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from modelward.app import create_home
from modelward.settings import Settings

def dying(real, *, before=None):
    def call(*given, **named):
        global calls
        calls += before is None or given[1] in before
        if calls == after:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)
    return call

for name in ("fsync", "link", "unlink", "replace"):
    setattr(os, name, dying(getattr(os, name)))
sa.Connection.exec_driver_sql = dying(sa.Connection.exec_driver_sql, before=("BEGIN IMMEDIATE", "COMMIT"))
for after in range(1, 1000):
    calls = 0
    child = os.fork()
    if not child:
        create_home(Settings(home=Path(sys.argv[1]) / f"home-{after:03}"))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        print(after)
        break
"""


def test_a_making_that_is_cut_off_at_any_moment_is_taken_up(tmp_path):
    command = [sys.executable, "-c", KILLED_EVERYWHERE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    homes = sorted(tmp_path.glob("home-*"))
    assert len(homes) == int(done.stdout) > 25
    check_whole(Settings(home=homes.pop()))
    whole, halves = 0, 0
    for home in homes:
        settings = Settings(home=home)
        try:
            open_platform(settings).close()
        except HomeUnfinishedError as half:
            halves += f"modelward init --home {home}" in str(half)
        except KeyringMissingError:
            # Killed before there was anything at all.
            halves += not list(home.iterdir())
        else:
            # Killed after the last mark was taken away.
            whole += 1
            check_whole(settings)
            continue
        create_home(settings)
        check_whole(settings)
    assert (halves, whole < 4) == (len(homes) - whole, True)


def test_the_token_of_a_finished_making_is_the_last_one(tmp_path):
    """A making that is taken up hands out a new token; the one that was never seen is worth nothing."""
    settings = Settings(home=tmp_path / ".modelward")
    first = create_home(settings).invitation.read_text().strip()
    (settings.home / "unfinished").touch()
    second = create_home(settings).invitation.read_text().strip()
    platform = open_platform(settings)
    with pytest.raises(ModelwardError):
        platform.access.sign_in(first)
    assert platform.access.sign_in(second).actor.role == "administrator"
    assert [user.name for user in platform.access.users(by=local_actor())] == ["admin"]
    platform.close()


def test_a_spent_token_is_not_kept_and_an_unspent_one_is(settings):
    made = create_home(settings)
    token = made.invitation.read_text().strip()
    platform = open_platform(settings)
    platform.discard_spent("mwi_another")
    assert platform.first_invitation == made.invitation
    platform.discard_spent(token)
    assert not made.invitation.exists()
    assert platform.first_invitation is None
    platform.close()
    with pytest.raises(HomeExistsError):
        create_home(settings)
