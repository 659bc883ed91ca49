# SPDX-License-Identifier: Apache-2.0
"""The form that asks a model of texts: a field of several lines, an answer, and its reasons in the words of the text."""

import html
import re

import pytest

from entrances.console.conftest import opened, words_of
from modelward.access import Role, local_actor
from modelward.app import create_home, open_platform
from modelward.settings import Settings
from modelward.training import parse_spec
from training.test_texts import reviews

POLICY = "name: moods\nrules:\n  - rule: signed\n"
SPEC = "model: moods\ndata: {dataset: reviews, text: review}\ncandidates: [text-linear]\n"


@pytest.fixture(scope="module")
def moods(tmp_path_factory):
    """A house in which a model of texts is live."""
    home = tmp_path_factory.mktemp("moods") / ".modelward"
    settings, by = Settings(home=home), local_actor()
    create_home(settings)
    platform = open_platform(settings)
    (home.parent / "reviews.csv").write_text(reviews())
    said = {"sensitive": (), "purpose": "tests", "owner": "tests"}
    platform.datasets.add("reviews", [home.parent / "reviews.csv"], target="mood", by=by, **said)
    platform.training.train(parse_spec(SPEC), by=by)
    platform.releases.policies.put(POLICY, by=by)
    platform.releases.promote(platform.releases.propose("moods:1", policy="moods", by=by).id, by=by)
    platform.close()
    with opened(home, tmp_path_factory.mktemp("house")) as found:
        yield found


def test_a_text_is_asked_about_in_a_field_of_several_lines_and_explained_by_its_passages(moods):
    visitor = moods.visitor(Role.ADMINISTRATOR)
    assert '<textarea id="f0" name="f0"' in visitor.get("/models/moods/1").text
    answer = visitor.post("/models/moods/1", {"f0": "Wonderful.\r\n太无聊了 <b>&amp;"})
    assert answer.status_code == 200
    told = words_of(answer.text)
    for passage in ("wonderful. review[0:11]", "太 review[11:12]", "<b>&amp; review[16:24]"):
        assert passage in told, told
    marked = re.search(r'<p class="passages">(.*?)</p>', answer.text)
    assert marked
    assert words_of(marked[1]).replace(" ", "") == "wonderful.太无聊了<b>&amp;", "the text as it was read, in its order"
    assert re.search(r'<mark class="(for|against) s4">', marked[1]), "what did most is marked most"
    assert "empty text" in told
    assert "<b>&" not in answer.text
    assert html.escape("<b>&amp;") in answer.text


def test_of_a_text_that_is_longer_than_is_read_the_console_says_so(moods):
    visitor = moods.visitor(Role.ADMINISTRATOR)
    assert 'id="cut"' not in visitor.post("/models/moods/1", {"f0": "Wonderful."}).text
    answer = visitor.post("/models/moods/1", {"f0": "Wonderful. " * 5000})
    assert "Only the beginning was read of: review." in words_of(answer.text)


def test_a_text_that_is_missing_is_refused_in_words(moods):
    answer = moods.visitor(Role.ADMINISTRATOR).post("/models/moods/1", {"f0": "  "})
    assert "is empty, and the version does not fill it in" in words_of(answer.text)
