# SPDX-License-Identifier: Apache-2.0
"""The form of a recommender takes a history, and shows a ranked list with what each entry of the history did to the first item."""

import pytest

from entrances.console.conftest import opened, words_of
from entrances.console.test_answers import POLICY
from entrances.console.test_words import left_english
from entrances.takers import ranked, register
from modelward.access import Role, local_actor
from modelward.app import create_home, open_platform
from modelward.settings import Settings


@pytest.fixture(scope="module")
def takers(tmp_path_factory):
    """A house in which both are live."""
    home = tmp_path_factory.mktemp("takers") / ".modelward"
    settings, by = Settings(home=home), local_actor()
    create_home(settings)
    platform = open_platform(settings)
    platform.releases.policies.put(POLICY, by=by)
    for name in register(platform.registry, by=by):
        platform.releases.promote(platform.releases.propose(name, policy="open", by=by).id, by=by)
    platform.close()
    with opened(home, tmp_path_factory.mktemp("house")) as found:
        yield found


@pytest.fixture(scope="module")
def visitor(takers):
    return takers.visitor(Role.ADMINISTRATOR)


def test_the_first_items_are_shown_in_their_order_with_their_shares(visitor):
    assert '<textarea id="f0" name="f0"' in visitor.get("/models/shop/1").text
    page = visitor.post("/models/shop/1", {"f0": "b\na"})
    assert page.status_code == 200
    told = words_of(page.text)
    shown = [f"{item} {100 * share:.1f} %" for item, share in ranked("b", "a")]
    assert " ".join(shown) in told
    assert "a history[-1]" in told, "which entry raised it"
    assert "empty history" in told
    assert "Only probabilities" not in told


def test_the_reasons_are_said_in_chinese_too(visitor):
    visitor.get("/models?lang=zh")
    page = visitor.post("/models/shop/1", {"f0": "b, a"}).text
    visitor.get("/models?lang=en")
    assert left_english(page) == []
    assert "空的历史" in words_of(page)
    assert "历史条目" in words_of(page)


def test_nothing_explains_what_is_recommended_to_somebody_without_a_history(visitor):
    page = visitor.post("/models/shop/1", {"f0": ""})
    assert page.status_code == 200
    assert " ".join(f"{item} {100 * share:.1f} %" for item, share in ranked()) in words_of(page.text)
