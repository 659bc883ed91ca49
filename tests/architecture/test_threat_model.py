# SPDX-License-Identifier: Apache-2.0
"""The threat model leaves no entry of its lists out, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/threat-model.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
# Weak points that servers of models have had, in the words of the page.
CLASSES = (
    "Deserialisation",
    "Another route without a check",
    "Management that is open",
    "Paths that lead out",
    "Requests made for others (SSRF)",
    "Default credentials",
    "Code out of a model's answer",
    "Exhaustion",
    "Data that leaks",
    "Supply chain",
    "Timing and weak comparison",
)
LISTED = (*CLASSES, *(f"ML{number:02}" for number in range(1, 11)), *(f"LLM{number:02}" for number in range(1, 11)))


@cache
def names_in(file: Path) -> frozenset[str]:
    found = ast.walk(ast.parse(file.read_text())) if file.exists() else ()
    return frozenset(node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def missing(page: str) -> list[str]:
    """The tests that the page names and that are not there."""
    return [f"{file}::{name}" for file, name in TEST.findall(page) if name not in names_in(ROOT / file)]


def rows(page: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in page.splitlines() if line.startswith("| ")]


def row_of(page: str, entry: str) -> list[str] | None:
    """The row of an entry, with attacker, asset, control and test."""
    return next((row for row in rows(page) if len(row) == 5 and (row[0] == entry or row[0].startswith(f"{entry} "))), None)


def unanswered(row: list[str] | None) -> bool:
    """Whether a row says neither by which test the control is known, nor that there is none yet."""
    return row is None or not all(row[:4]) or not (TEST.search(row[4]) or "**not yet**" in row[3])


def test_every_test_that_is_named_is_there():
    assert missing(PAGE.read_text()) == []
    assert len(TEST.findall(PAGE.read_text())) > 40


@pytest.mark.parametrize("entry", LISTED)
def test_every_entry_has_attacker_asset_control_and_a_test_or_says_not_yet(entry):
    assert not unanswered(row_of(PAGE.read_text(), entry))


def test_a_test_that_is_not_there_and_an_entry_left_out_are_seen():
    planted = (
        "| ML01 Input | a | b | a control | `tests/nowhere.py::test_it`, `tests/ground/test_digest.py::test_that_nobody_wrote` |"
    )
    assert missing(planted) == ["tests/nowhere.py::test_it", "tests/ground/test_digest.py::test_that_nobody_wrote"]
    assert unanswered(row_of(planted, "ML02"))
    assert unanswered(row_of("| ML02 Data | a | b | a control | |", "ML02"))
    assert not unanswered(row_of("| ML02 Data | a | b | **not yet** | |", "ML02"))
