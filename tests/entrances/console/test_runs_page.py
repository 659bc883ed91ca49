# SPDX-License-Identifier: Apache-2.0
"""The pages of trainings: what is going on, what came of it, and what failed and why."""

import re

import pytest

from entrances.console.conftest import words_of
from entrances.console.test_words import left_english
from modelward.access import Role, local_actor
from modelward.training import RunFailedError, parse_spec

NETWORK = "mlp: {hidden: [4], epochs: 12, patience: 50}"
DIVERGING = "mlp: {hidden: [32, 32, 32], optimizer: sgd, learning_rate: 1000, schedule: constant, activation: relu, epochs: 50}"


def spec(*candidates):
    return parse_spec(
        "{model: sibling, data: {dataset: people, target: grant, split: {by: stratified, test: 0.3, validation: 0.2}}, "
        f"candidates: [{', '.join(f'{{{each}}}' if ':' in each else each for each in candidates)}]}}"
    )


class Watching:
    """Looks at a page once a candidate is so far."""

    def __init__(self, look, *, share):
        self._look = look
        self._share = share
        self.run = ""
        self.seen = []

    def started(self, run):
        self.run = run.id

    def candidate(self, _name, share, _word):
        if not self.seen and share >= self._share:
            self.seen.append(self._look(self.run))


@pytest.fixture(scope="module")
def trained(house):
    return house.platform.training.train(spec("decision-tree", NETWORK), by=local_actor())


def test_a_run_shows_its_candidates_their_versions_and_the_curves_in_words_and_as_a_picture(house, trained, admin_visitor):
    page = admin_visitor.get(f"/runs/{trained.id}").text
    assert f'href="/console/models/{trained.versions[1].replace(":", "/")}"' in page
    assert re.search(r"training loss: [\d.]+ at 12, lowest [\d.]+ at \d+\.", words_of(page))
    assert "http-equiv" not in page
    (source,) = re.findall(r'<img src="/console(/runs/[^"]+)"', page)
    picture = admin_visitor.get(source)
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "validation loss" in picture.text
    assert "验证损失" in admin_visitor.get(f"{source}&lang=zh").text
    admin_visitor.get("/runs?lang=en")


def test_the_page_of_a_version_shows_the_curves_of_its_training(house, trained, admin_visitor):
    address = f"/models/{trained.versions[1].replace(':', '/')}"
    assert "Curves of its training" in words_of(admin_visitor.get(address).text)
    assert "learning rate" in admin_visitor.get(f"{address}/curves.svg").text
    tree = f"/models/{trained.versions[0].replace(':', '/')}"
    assert "Curves of its training" not in words_of(admin_visitor.get(tree).text)
    assert admin_visitor.get(f"{tree}/curves.svg").status_code == 404


def test_a_run_that_goes_on_is_loaded_anew_until_somebody_holds_it_still(house, admin_visitor):
    watching = Watching(lambda run: [admin_visitor.get(f"/runs/{run}{query}").text for query in ("", "?still=1")], share=0.3)
    house.platform.training.train(spec(NETWORK), by=local_actor(), progress=watching)
    live, still = watching.seen[0]
    assert '<meta http-equiv="refresh" content="5">' in live
    assert "<progress" in live
    assert "http-equiv" not in still
    assert "running" in words_of(still)


def test_a_run_that_failed_says_why_and_what_to_do(house, admin_visitor):
    with pytest.raises(RunFailedError):
        house.platform.training.train(spec(DIVERGING), by=local_actor())
    run = house.platform.training.runs(by=local_actor())[0]
    said = words_of(admin_visitor.get(f"/runs/{run.id}").text)
    assert "diverged in epoch" in said
    assert "Lower learning_rate" in said
    assert f"modelward runs resume {run.id}" in said
    in_chinese = admin_visitor.get(f"/runs/{run.id}?lang=zh").text
    admin_visitor.get("/runs?lang=en")
    assert left_english(in_chinese) == []
    assert '<span class="chip failed">失败</span>' in in_chinese, "it was judged by nobody"
    assert "请降低 learning_rate" in words_of(in_chinese)


def test_only_who_may_read_trainings_sees_them(house, trained, admin_visitor):
    assert trained.id in admin_visitor.get("/runs").text
    caller = house.visitor(Role.CALLER)
    for path in ("/runs", f"/runs/{trained.id}", f"/runs/{trained.id}/curves/mlp.svg"):
        assert caller.get(path).status_code == 403
    assert 'href="/console/runs"' not in caller.get("/models").text
    assert admin_visitor.get("/runs/run-000000").status_code == 404
