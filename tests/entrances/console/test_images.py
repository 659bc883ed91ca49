# SPDX-License-Identifier: Apache-2.0
"""The form that asks a model of images: a file to choose, the image as the model saw it, and what spoke for the answer."""

import re

import pytest

import pictures
from entrances.console.conftest import csrf_in, opened, words_of
from modelward.access import Role, local_actor
from modelward.app import create_home, open_platform
from modelward.registry import GRAPH_FILE
from modelward.settings import Settings
from serving.tiny import LINEAGE

POLICY = "name: light\nrules:\n  - rule: signed\n"
PAGE = "/models/light/1"


@pytest.fixture(scope="module")
def built_light(tmp_path_factory):
    """A home in which a model of images is live."""
    home = tmp_path_factory.mktemp("light") / ".modelward"
    settings, by = Settings(home=home), local_actor()
    create_home(settings)
    platform = open_platform(settings)
    graph, interface = pictures.bright()
    said = {"lineage": LINEAGE, "interface": interface, "purpose": "tests", "owner": "tester", "facts": {}}
    platform.registry.register("light", {GRAPH_FILE: graph}, **said, by=by)
    platform.releases.policies.put(POLICY, by=by)
    platform.releases.promote(platform.releases.propose("light:1", policy="light", by=by).id, by=by)
    platform.close()
    return home


@pytest.fixture(scope="module")
def light(built_light, tmp_path_factory):
    with opened(built_light, tmp_path_factory.mktemp("house")) as found:
        yield found


def sent(visitor, data, **fields):
    hidden = {"csrf": csrf_in(visitor.get(PAGE).text)} | fields
    return visitor.client.post(f"/console{PAGE}", data=hidden, files={"f0": ("scan.png", data, "image/png")})


def test_an_image_is_sent_as_a_file_and_shown_as_the_model_saw_it(light):
    visitor = light.visitor(Role.ADMINISTRATOR)
    form = visitor.get(PAGE).text
    assert 'enctype="multipart/form-data"' in form
    assert '<input type="file" id="f0" name="f0" accept="image/png,image/jpeg"' in form
    answer = sent(visitor, pictures.png(pictures.drawn(0)))
    assert answer.status_code == 200, words_of(answer.text)
    assert "scan as the model saw it, 12 by 12" in words_of(answer.text)
    (picture,) = re.findall(r'<figure class="seen">.*?</svg>', answer.text, flags=re.S)
    assert picture.count("fill=") == 144
    assert picture.count("fill-opacity=") == 64
    assert 'fill="#e6e6e6"' in picture


@pytest.mark.parametrize("data", [b"", b"secret", pictures.png(pictures.drawn(0))[:60], pictures.animated()])
def test_what_is_no_image_is_refused_in_words(light, data):
    answer = sent(light.visitor(Role.ADMINISTRATOR), data)
    assert answer.status_code == 400
    assert "feature 'scan'" in words_of(answer.text)


def test_a_form_with_files_is_fenced_like_any_other(light):
    visitor = light.visitor(Role.ADMINISTRATOR)
    data = pictures.png(pictures.drawn(0))
    assert sent(visitor, data, csrf="0" * 64).status_code == 403
    assert sent(visitor, bytes((12 << 20) + 1)).status_code == 413
