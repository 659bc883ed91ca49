# SPDX-License-Identifier: Apache-2.0
"""The repository speaks of the product, in words that mean one thing."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN_NAMES = re.compile(r"(^|/)(core|common|utils?|helpers?|base|manager|misc|types|schemas|models)(\.py|/)")


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: nothing lists which files are ours")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_room_or_file_has_a_name_that_says_nothing():
    assert [name for name in tracked() if name.startswith("src/") and FORBIDDEN_NAMES.search(name)] == []


def test_no_file_names_a_machine_of_ours():
    private = re.compile(r"(?<![\w.])/(work|root|home/\w+|tmp/bash)/")
    found = []
    for name in tracked():
        if name == "tests/architecture/test_language.py":
            continue
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {line.strip()[:100]}" for line in text.splitlines() if private.search(line)]
    assert found == []
