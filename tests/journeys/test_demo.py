# SPDX-License-Identifier: Apache-2.0
"""What `make demo` tells is told to its end, fits a terminal, and leaves a home that can be looked over."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from journeys.pages import lines_not_printed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHAPTERS = [
    "Data",
    "Training",
    "Assessment",
    "Comparison",
    "Registry",
    "Release",
    "Serving",
    "Ledger",
    "Explanation",
    "Console",
]


def run(*words, folder) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder in which the story was told, and the story."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(str(ROOT / "examples" / "demo.py"), "--exit", folder=folder)


def test_every_chapter_is_told_in_order_with_its_time(told):
    _, story = told
    assert re.findall(r"^ ?(\d+) (\w+) · ", story, re.MULTILINE) == [(str(at), title) for at, title in enumerate(CHAPTERS, 1)]
    assert len(re.findall(r"^   time  +[\d.]+ (?:ms|s)$", story, re.MULTILINE)) == len(CHAPTERS)


def test_no_line_is_wider_than_80_columns(told):
    _, story = told
    assert [line for line in story.splitlines() if len(line) > 80 or line != line.rstrip()] == []
    assert re.search(r"kept in \.cache/demo-[\d-]+\.$", story, re.MULTILINE)


def test_the_story_ends_well(told):
    _, story = told
    words = " ".join(story.split())
    for outcome in (
        "the signature holds",
        "default refuses:",
        "live income:",
        "demonstration governs income",
        "identical numbers",
        "training never saw: native_country",
        "this question: yes; any other question: no",
        "ledger sound:",
        "average and values add up to the answer",
        "sign-in page answers",
        "Told in",
    ):
        assert outcome in words


def test_the_readme_shows_what_is_told(told):
    _, story = told
    (shown,) = re.findall(r"^```text\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert lines_not_printed(shown, story) == []


def test_what_it_leaves_behind_is_sound(told):
    folder, story = told
    home = re.search(r"MODELWARD_HOME=(\S+)", story)[1]
    assert "sound" in run("-m", "modelward", "audit", "verify", "--home", home, folder=folder)
