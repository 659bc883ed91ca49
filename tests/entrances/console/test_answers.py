# SPDX-License-Identifier: Apache-2.0
"""The form that asks a version which answers with a text or with numbers shows these, and says why there are no reasons."""

import html

import pytest

from entrances.console.conftest import opened, words_of
from entrances.speakers import register
from modelward.access import Role, local_actor
from modelward.app import create_home, open_platform
from modelward.settings import Settings

POLICY = "name: open\nrules:\n  - rule: signed\n"


@pytest.fixture(scope="module")
def speakers(tmp_path_factory):
    """A house in which all of them are live."""
    home = tmp_path_factory.mktemp("speakers") / ".modelward"
    settings, by = Settings(home=home), local_actor()
    create_home(settings)
    platform = open_platform(settings)
    platform.releases.policies.put(POLICY, by=by)
    for name in register(platform.registry, by=by):
        platform.releases.promote(platform.releases.propose(name, policy="open", by=by).id, by=by)
    platform.close()
    with opened(home, tmp_path_factory.mktemp("house")) as found:
        yield found


def test_a_text_is_shown_as_it_was_written_and_escaped(speakers):
    visitor = speakers.visitor(Role.ADMINISTRATOR)
    assert '<textarea id="f0" name="f0"' in visitor.get("/models/echo/1").text
    answer = visitor.post("/models/echo/1", {"f0": ";a="})
    assert answer.status_code == 200
    assert html.escape("<b>") in answer.text
    assert "<b>" not in answer.text
    assert "Only probabilities of classes are explained" in words_of(answer.text)
    assert "(an empty text)" in words_of(visitor.post("/models/echo/1", {"f0": ""}).text)


def test_numbers_are_shown_by_their_names_or_places(speakers):
    visitor = speakers.visitor(Role.ADMINISTRATOR)
    told = words_of(visitor.post("/models/sums/1", {"f0": "2", "f1": "3"}).text)
    assert "sum 5" in told
    assert "difference -1" in told
    assert "1 5 2 -1" in words_of(visitor.post("/models/grid/1", {"f0": "2", "f1": "3"}).text)
