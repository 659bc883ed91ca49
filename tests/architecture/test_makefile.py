# SPDX-License-Identifier: Apache-2.0
"""What `make` does."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
# In place of uv: it writes what it was told to write, without a word of who asked.
UV = """#!/bin/sh
while [ "$1" != --output-file ]; do shift; done
echo "anyio==1" > "$2"
"""


# As a span of code, or as a line to paste.
VERB = re.compile(r"(?:`|^)make ([a-z]+)(?=`| ARGS=| +#|$)", re.MULTILINE)


def make(*words, folder=ROOT) -> str:
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_lock_made_anew_says_what_it_is_and_how_it_was_made(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    tool = tmp_path / "uv"
    tool.write_text(UV)
    tool.chmod(0o755)
    first = LOCK.read_text().splitlines()[0]
    for _ in range(2):
        # No environment is made, and the tool is ours.
        make("lock", "READY=", f"BIN={tmp_path}", folder=tmp_path)
        assert (tmp_path / "requirements.lock").read_text() == f"{first}\nanyio==1\n"
    assert re.fullmatch(r"# .* Made by `make lock`\.", first)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Makefile", "requirements.lock", "uv"]


def verbs() -> set[str]:
    return set(re.findall(r"^  make (\S+) +\S", make("help"), re.MULTILINE))


def test_help_tells_of_every_verb():
    (declared,) = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert verbs() == set(declared.split())


def test_every_verb_that_a_page_names_is_there():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    named = {verb for page in pages for verb in VERB.findall(page.read_text())}
    assert {"demo", "bench", "compare"} <= named
    assert named <= verbs()
