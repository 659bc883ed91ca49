# SPDX-License-Identifier: Apache-2.0
"""A power cut (kill -9) at any moment of proposing, approving, promoting, pausing and rolling back: never half a release."""

import subprocess
import sys

import pytest

from modelward.access import Actor, Role, local_actor
from modelward.app import create_home, open_platform
from modelward.settings import Settings
from serving.tiny import register

MOMENTS = 40
POLICY = "name: watched\napprovals: 1\nrules:\n  - rule: signed\n  - rule: lineage-complete\n"
OLGA = Actor("person:olga", "olga", Role.RISK_OFFICER)
OPEN = {"awaiting-approval", "approved", "live", "paused"}

# Each child takes the home up where the one before it was killed, and dies at a moment that the seed draws: before it reaches the
# disk or the database once more, before a commit, or right after one.
SCRIPT = """
import os, random, signal, sys
from pathlib import Path
import sqlalchemy as sa
import modelward.app
from modelward.access import Actor, Role, local_actor
from modelward.errors import ConflictError
from modelward.settings import Settings

ME, OLGA = local_actor(), Actor("person:olga", "olga", Role.RISK_OFFICER)
calls = 0

def step():
    global calls
    calls += 1
    if calls == after:
        os.kill(os.getpid(), signal.SIGKILL)

def dying(real, *, also_afterwards=False):
    def call(*given, **named):
        step()
        answer = real(*given, **named)
        if also_afterwards:
            step()
        return answer
    return call

def live_through(releases):
    for version in ("income:1", "income:2", "income:3"):
        try:
            releases.propose(version, policy="watched", by=ME)
        except ConflictError:
            pass
        for release in releases.list(by=ME):
            if release.state == "awaiting-approval":
                releases.approve(release.id, reason="the figures were discussed", by=OLGA)
        for release in releases.list(by=ME):
            if release.state == "approved":
                releases.promote(release.id, by=ME)
        for release in releases.live().values():
            releases.pause(release.id, reason="the source sends wrong units", by=ME)
            if release.number != 2:
                releases.promote(release.id, by=ME)
    try:
        releases.roll_back("income", by=ME)
    except ConflictError:
        pass

draw = random.Random(20)
for turn in range(int(sys.argv[2])):
    after = draw.randint(1, 400)
    child = os.fork()
    if not child:
        os.fsync = dying(os.fsync)
        sa.Connection.execute = dying(sa.Connection.execute)
        sa.Connection.exec_driver_sql = dying(sa.Connection.exec_driver_sql, also_afterwards=True)
        platform = modelward.app.open_platform(Settings(home=Path(sys.argv[1])))
        while True:
            live_through(platform.releases)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    print(turn, flush=True)
    sys.stdin.readline()
"""


def replayed(entries) -> dict[str, str]:
    """The state of each release as the ledger tells it."""
    states = {}
    for entry in entries:
        facts = entry.facts
        if entry.event.startswith("release."):
            states[facts["release"]] = facts["state"]
        for fact, state in (("superseded", "superseded"), ("taken_back", "rolled-back")):
            if fact in facts:
                states[facts[fact]] = state
    return states


def check(settings: Settings) -> int:
    """Fails where ledger and releases tell different stories, or something is half; the number of releases."""
    platform = open_platform(settings)
    try:
        assert platform.ledger.verify().is_sound
        releases = platform.releases.list(by=local_actor())
        logged = [found.entry for found in platform.ledger.entries(limit=10_000, newest_first=False)]
        assert replayed(logged) == {release.id: release.state.value for release in releases}
        standing = [release for release in releases if release.state in {"live", "paused"}]
        assert len(standing) <= 1
        assert all(release.may_go_live for release in standing)
        for release in standing:
            platform.releases.must_be_on_record(release)
        versions = [release.version for release in releases if release.state in OPEN]
        assert len(versions) == len(set(versions))
        return len(releases)
    finally:
        platform.close()


@pytest.fixture
def settings(tmp_path):
    made = Settings(home=tmp_path / ".modelward")
    create_home(made)
    platform = open_platform(made)
    for weight in (0.05, 0.06, 0.07):
        register(platform.registry, by=local_actor(), weight=weight)
    platform.releases.policies.put(POLICY, by=OLGA)
    platform.close()
    return made


def test_a_power_cut_while_releasing_leaves_no_half_release(settings):
    command = [sys.executable, "-c", SCRIPT, str(settings.home), str(MOMENTS)]
    seen = [0]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            for turn in range(MOMENTS):
                assert process.stdout.readline() == f"{turn}\n", process.stderr.read()
                seen.append(check(settings))
                process.stdin.write("\n")
                process.stdin.flush()
        finally:
            process.kill() if len(seen) <= MOMENTS else process.wait(60)
    assert seen == sorted(seen), "no release is forgotten"
    assert seen[-1] > 10, "the story went on between the cuts"


def test_the_check_would_see_half_a_release(settings):
    """The control: a state that the ledger does not tell of is found."""
    import sqlite3

    platform = open_platform(settings)
    platform.releases.propose("income:1", policy="watched", by=local_actor())
    platform.close()
    assert check(settings) == 1
    with sqlite3.connect(settings.home / "modelward.db") as rows:
        half = "CAST(replace(CAST(document AS TEXT), 'awaiting-approval', 'approved') AS BLOB)"
        changed = rows.execute(f"UPDATE releases SET document = {half}").rowcount
    rows.close()
    assert changed == 1
    with pytest.raises(AssertionError):
        check(settings)
