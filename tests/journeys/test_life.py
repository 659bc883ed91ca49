# SPDX-License-Identifier: Apache-2.0
"""The whole life of a model, three ways. Each ends with the same events in a ledger that verifies."""

from contextlib import ExitStack, contextmanager

import pytest

from entrances.cli.terminal import Terminal
from journeys import life
from journeys.drivers import CommandLine, RefusedStepError, Rooms, keys_for, serving
from modelward.access import Actor, local_actor
from modelward.app import create_home, open_platform
from modelward.client import Client
from modelward.settings import Settings
from training.house import people


@contextmanager
def platform_driver(home):
    platform = open_platform(Settings(home=home))
    actors = {who: Actor(f"person:{who}", who, role) for who, role in life.PEOPLE.items()}
    yield Rooms(dict.fromkeys(actors, platform), actors)
    platform.close()


@contextmanager
def client_driver(home):
    with ExitStack() as stack:
        keys = keys_for(home, life.PEOPLE)
        address = stack.enter_context(serving(home))
        yield Rooms({who: stack.enter_context(Client(address, key=key)) for who, key in keys.items()}, {})


@contextmanager
def command_line_driver(home):
    yield CommandLine(Terminal(home, home.parent), keys_for(home, life.PEOPLE))


@contextmanager
def remote_command_line_driver(home):
    with serving(home) as address:
        terminal = Terminal(home, home.parent, extra=["--url", address])
        yield CommandLine(_Elsewhere(terminal), keys_for(home, life.PEOPLE))


class _Elsewhere:
    """A terminal that names the service in place of the home."""

    def __init__(self, terminal):
        self._terminal = terminal
        self.file = terminal.file

    def __call__(self, *words):
        is_here = words[:2] == ("audit", "verify-receipt")
        extra, self._terminal.extra = self._terminal.extra, [] if is_here else self._terminal.extra
        try:
            return self._terminal(*words, home=is_here)
        finally:
            self._terminal.extra = extra


DRIVERS = {
    "platform": platform_driver,
    "client": client_driver,
    "command line": command_line_driver,
    "command line of a service": remote_command_line_driver,
}


def filled(given, remembered):
    """The given texts with what was remembered in place of its name."""
    if isinstance(given, dict):
        return {name: filled(value, remembered) for name, value in given.items()}
    if isinstance(given, list):
        return [filled(value, remembered) for value in given]
    for name, value in remembered.items():
        given = given.replace(f"{{{name}}}", str(value))
    return given


@pytest.mark.parametrize("way", DRIVERS)
def test_the_life_of_a_model(tmp_path, way):
    home = tmp_path / ".modelward"
    create_home(Settings(home=home))
    (tmp_path / "people.csv").write_text(people(300))
    (tmp_path / "rows.csv").write_text(life.ROWS)
    (tmp_path / "rows.json").write_text('[{"age": 30, "hours": 40, "town": "north", "member": true}]')
    remembered = {"folder": str(tmp_path)}
    with DRIVERS[way](home) as driver:
        for step in life.LIFE:
            given = filled(step.given, remembered)
            if step.refused:
                with pytest.raises(RefusedStepError) as refused:
                    driver.do(step.who, step.verb, given)
                assert step.refused in str(refused.value), step
                continue
            answer = driver.do(step.who, step.verb, given)
            assert step.expect(answer), f"{step}: {answer}"
            remembered |= {name: part(answer) for name, part in step.keep.items()}
    after = open_platform(Settings(home=home))
    logged = [found.entry.event for found in after.ledger.entries(limit=10_000, newest_first=False)]
    assert [event for event in logged if event not in life.BESIDE] == life.EVENTS
    assert after.ledger.verify().is_sound
    assert {model: release.version for model, release in after.releases.live().items()} == {"grants": "grants:1"}
    assert all(after.registry.verify(f"grants:{number}", by=local_actor()).is_sound for number in (1, 2, 3))
    after.close()
