# SPDX-License-Identifier: Apache-2.0
"""A canary in a cell of the data and one in a question: readable in no file, from registering to shredding, also after kill -9."""

import signal
import tempfile
from pathlib import Path

import pytest

from entrances.api.house import Process, build, client
from entrances.asking import until
from modelward.access import Role
from modelward.app import back_up
from modelward.errors import ModelwardError
from modelward.training import parse_spec
from training.house import people

SPEC = """
model: grants
purpose: tests
owner: the tests
data: {dataset: people, split: {seed: 3, test: 0.3}}
candidates: [decision-tree: {max_depth: 3}, naive-bayes]
"""
CELL, ASKED = "canaryville-on-sea", "payload-of-a-canary"


def words_in(folder: Path, platform, me) -> list[str]:
    """Which of the words are in what is kept of questions; and no file shows any."""
    kept = b"".join(platform.captures.read(each.request, reason="tests", by=me).question for each in platform.captures.list(by=me))
    return [needle for needle in (ASKED, CELL) if needle.encode() in kept and places_of(needle, folder) == []]


def places_of(needle: str, *folders: Path) -> list[str]:
    """The files that hold the words, as UTF-8 or as UTF-16."""
    files = [file for folder in folders for file in (folder.rglob("*") if folder.is_dir() else [folder]) if file.is_file()]
    codes = [needle.encode(), needle.encode("utf-16-le")]
    return [str(file) for file in files if any(code in file.read_bytes() for code in codes)]


def test_no_cell_and_no_question_can_be_read_in_any_file_of_a_whole_life(tmp_path, tmp_path_factory, monkeypatch):
    drafts, outside = tmp_path / "drafts", tmp_path_factory.mktemp("outside")
    drafts.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(drafts))
    monkeypatch.setenv("TMPDIR", str(drafts))
    source = outside / "people.csv"
    source.write_text(people(300).replace("north", CELL))
    house = build(tmp_path)
    platform, me, home = house.platform, house.by, house.settings.home
    platform.datasets.add("people", [source], target="grant", sensitive=["town"], purpose="tests", owner="tester", by=me)
    platform.training.train(parse_spec(SPEC), by=me)
    platform.assessment.assess("grants:1", by=me)
    house.make_live("grants:1")
    platform.captures.rule("grants", share=1, days=1, reason="tests", by=me)
    key = house.key(Role.ADMINISTRATOR)
    question = {
        "rows": [{"age": 44, "hours": 30, "town": ASKED, "member": True}, {"age": 44, "hours": 30, "town": CELL, "member": True}]
    }
    with Process(home, drafts=drafts) as server, client(server.url, key) as http:
        for path in ("predict", "explain"):
            answer = http.post(f"/v1/models/grants/{path}", json=question)
            assert answer.status_code == 200, answer.text
        until(lambda: len(platform.captures.list(by=me)) == 2)
        assert words_in(tmp_path, platform, me) == [ASKED, CELL]
        for refused in ({"rows": [{"age": ASKED, "hours": 30, "town": CELL, "member": True}]}, {"rows": [{ASKED: CELL}]}):
            assert http.post("/v1/models/grants/predict", json=refused).status_code in (400, 422)
        # A draft of an upload that is refused, and of a file that is answered.
        asked_file = outside / "asked.csv"
        asked_file.write_text(f"age,hours,town,member\n44,30,{ASKED},true\n")
        platform.serving.predict_file("grants", asked_file, by=me)
        broken = outside / "broken.csv"
        broken.write_text(f"town,grant\n{CELL}\n{CELL},{CELL},{CELL}\n")
        with pytest.raises(ModelwardError):
            platform.datasets.add("broken", [broken], target="grant", purpose="tests", owner="tester", by=me)
        with pytest.raises(ModelwardError):
            platform.training.train(parse_spec(SPEC.replace("purpose: tests", "purpose: something else")), by=me)
        server.end(signal.SIGKILL)
    for needle in (CELL, ASKED):
        assert places_of(needle, tmp_path) == []
    taken = tmp_path / "taken.backup"
    back_up(platform, taken, by=me)
    assert taken.stat().st_size > 10_000
    for needle in (CELL, ASKED):
        assert places_of(needle, tmp_path) == []
    platform.shredding.shred("people", reason="the consent ended", by=me)
    platform.close()
    for needle in (CELL, ASKED):
        assert places_of(needle, tmp_path) == []
    # The search finds what can be read.
    assert set(places_of(CELL, outside)) == {str(source), str(broken)}
    (home / "objects" / "planted").write_bytes(b"..." + ASKED.encode() + b"...")
    assert places_of(ASKED, tmp_path) == [str(home / "objects" / "planted")]
