# SPDX-License-Identifier: Apache-2.0
"""Documentation cannot lie: links lead somewhere, commands exist, every plug-in, setting and kind of error has its line. (Events:
`tests/audit/test_reference.py`.)
"""

import re
import shlex
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from ground.test_plugins import tables
from modelward import errors
from modelward.entrances.cli import build
from modelward.settings import Settings, variable

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(modelward [^`]+)`")
ELISION = {"…", "[OPTIONS]", "NOUN", "VERB"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = [target for target in LINK.findall(page.read_text()) if "://" not in target and not (page.parent / target).exists()]
    assert broken == []


@cache
def tree() -> Any:
    return get_command(build())


def in_blocks(page: str) -> list[str]:
    """The command lines that a reader would paste."""
    joined = [block.replace("\\\n", " ") for language, block in FENCE.findall(page) if language in {"", "sh", "console"}]
    lines = [line.removeprefix("$ ") for block in joined for line in block.splitlines()]
    return [line for line in lines if line.startswith("modelward ")]


def in_prose(page: str) -> list[str]:
    """The commands that a sentence names. They may leave out what they need."""
    return SPAN.findall(FENCE.sub("", page).replace("\n", " "))


def fault_of(line: str, *, is_whole: bool) -> str:
    """Why the command line would not be taken; nothing is run. One that is whole has all that the command needs."""
    words = shlex.split(re.split(r" [|;&>] ?", line)[0], comments=True)[1:]
    command = tree()
    while hasattr(command, "commands"):
        try:
            words = command.make_parser(typer.Context(command)).parse_args(words)[1]
        except typer.BadParameter.__base__ as wrong:  # what typer raises about words that are no command
            return str(wrong.format_message())
        if not words:
            return ""
        if words[0] not in command.commands:
            return "" if words[0] in ELISION else f"there is no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    is_whole = is_whole and not ELISION & set(words)
    try:
        given, left, _ = command.make_parser(typer.Context(command)).parse_args([word for word in words if word not in ELISION])
    except typer.BadParameter.__base__ as wrong:
        return str(wrong.format_message())
    if left:
        return f"{left} is too much"
    missing = [each.name for each in command.params if each.required and given.get(each.name) in (None, ())]
    return f"{missing} is missing" if missing and is_whole else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_would_be_taken(page):
    text = page.read_text()
    lines = [(line, True) for line in in_blocks(text)] + [(line, False) for line in in_prose(text)]
    wrong = {line: fault for line, is_whole in lines if (fault := fault_of(line, is_whole=is_whole))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("modelward data add loans loans.csv --target repaid --purpose learning --owner me", ""),
        ("modelward --json data list --home here | less", ""),
        ("modelward data add loans loans.csv --target repaid --sensitve sex --purpose learning --owner me", "--sensitve"),
        ("modelward data add loans loans.csv --target repaid", "purpose"),
        ("modelward release aprove r-1 --reason sound", "aprove"),
        ("modelward release promote r-1 r-2", "r-2"),
        ("modelward release approve r-1 --reason", "reason"),
    ],
)
def test_a_command_line_that_would_not_be_taken_is_seen(line, fault):
    page = f"Try `{line}`:\n\n```\n{line}\n```\n"
    assert in_blocks(page) == in_prose(page) == [line]
    found = fault_of(line, is_whole=True)
    assert bool(found) == bool(fault)
    assert fault in found


# Where the plug-ins of each family have their lines.
PAGE_OF = {
    "accountants": "docs/explanation/differential-privacy.md",
    "assessors": "docs/reference/assessors.md",
    "detectors": "docs/reference/detectors.md",
    "engines": "ARCHITECTURE.md",
    "executors": "ARCHITECTURE.md",
    "explainers": "ARCHITECTURE.md",
    "guards": "docs/how-to/keyring.md",
    "object_stores": "ARCHITECTURE.md",
    "readers": "docs/how-to/data.md",
    "operators": "docs/reference/operators.md",
    "recipes": "docs/reference/recipes.md",
    "rules": "docs/reference/rules.md",
}


def without_line(page: str, names: Iterable[str]) -> list[str]:
    """The names that the page shows neither as code, where an ending of files has its dot, nor as a heading."""
    return [name for name in names if not re.search(rf"(`\.?|^## ){re.escape(name)}\b", page, re.MULTILINE)]


@pytest.mark.parametrize("table", tables().values(), ids=lambda table: table.family)
def test_every_plugin_has_its_line(table):
    assert without_line((ROOT / PAGE_OF[table.family]).read_text(), table) == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("settings.md", [variable(name) for name in Settings.__struct_fields__]),
        ("errors.md", [kind.__name__ for kind in errors.ModelwardError.__subclasses__() if kind.__module__ == errors.__name__]),
    ],
    ids=["settings", "errors"],
)
def test_every_setting_and_every_kind_of_error_has_its_line(page, names):
    assert names
    assert without_line((ROOT / "docs" / "reference" / page).read_text(), names) == []


def test_what_has_no_line_is_seen():
    assert without_line("## mlp\n`knn` and `.csv`, but svm", ["mlp", "knn", "csv", "svm", "kn"]) == ["svm", "kn"]
