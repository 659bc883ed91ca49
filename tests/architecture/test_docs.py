# SPDX-License-Identifier: Apache-2.0
"""Documentation cannot lie: links lead somewhere, commands exist, every plug-in, event and error kind has its line."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from modelward import errors
from modelward.assessment import ASSESSORS
from modelward.entrances.cli import build
from modelward.releases import RULES
from modelward.settings import Settings, variable
from modelward.training import RECIPES

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
COMMAND = re.compile(r"(?<![\w/.-])modelward ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")
# Words that follow the name in prose.
PROSE = {"is", "and", "turns", "works", "cannot", "serves", "holds", "as", "command", "import", "package", "home"}


def words_of(command) -> set[str]:
    """`data`, `data add`, …: every command and every noun with its verbs."""
    found = set()
    for name, one in command.commands.items():
        found.add(name)
        found |= {f"{name} {verb}" for verb in getattr(one, "commands", {})}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = [target for target in LINK.findall(page.read_text()) if "://" not in target and not (page.parent / target).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page):
    tree = get_command(build())
    known = words_of(tree)
    nouns = {name for name, one in tree.commands.items() if hasattr(one, "commands")}
    wrong = []
    for words in COMMAND.findall(page.read_text()):
        first, _, second = words.partition(" ")
        if first in PROSE:
            continue
        if first not in known or (first in nouns and second and f"{first} {second}" not in known):
            wrong.append(words)
    assert wrong == []


def test_a_command_that_does_not_exist_would_be_seen():
    assert "data add" in words_of(get_command(build()))
    assert "data deidentify" not in words_of(get_command(build()))


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("settings.md", [variable(name) for name in Settings.__struct_fields__]),
        ("recipes.md", RECIPES.names()),
        ("assessors.md", ASSESSORS.names()),
        ("rules.md", RULES.names()),
        ("errors.md", [kind.__name__ for kind in errors.ModelwardError.__subclasses__() if kind.__module__ == errors.__name__]),
    ],
    ids=["settings", "recipes", "assessors", "rules", "errors"],
)
def test_everything_has_its_line(page, names):
    text = (ROOT / "docs" / "reference" / page).read_text()
    assert [name for name in names if name not in text] == []
