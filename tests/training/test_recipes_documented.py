# SPDX-License-Identifier: Apache-2.0
"""`docs/reference/recipes.md` holds every recipe and every parameter as they are."""

import json
from pathlib import Path

import msgspec
import pytest

from modelward.training.neural import ClassifierLearning
from modelward.training.neural.reading import Reading
from modelward.training.preparation import Prepare
from modelward.training.recipes import RECIPES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "recipes.md"
HEAD = "| parameter | default | can be | meaning |\n|---|---|---|---|\n"


def lines(structure):
    """The parameters of a struct, a line each."""
    schema = next(iter(msgspec.json.schema_components([structure])[1].values()))
    return [
        f"| `{name}` | {shown(one['default'])} | {allowed(one)} | {one['description']} |\n"
        for name, one in schema["properties"].items()
    ]


def table(structure):
    """The parameters of a struct as the page shows them; of a network, those that are not the same for all networks, or for all
    that read texts.
    """
    shared = lines(ClassifierLearning) if structure is not ClassifierLearning else []
    if structure is not Reading and issubclass(structure, Reading):
        shared += lines(Reading)
    return HEAD + "".join(line for line in lines(structure) if line not in shared)


def shown(value):
    return "none" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def allowed(one):
    if "anyOf" in one:
        return " or ".join(allowed(part) for part in one["anyOf"])
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if one["type"] in ("null", "boolean", "string"):
        return {"null": "none", "boolean": "`true`, `false`", "string": "a text"}[one["type"]]
    if one["type"] == "array":
        if "prefixItems" in one:
            return "two: " + ", ".join(allowed(part) for part in one["prefixItems"])
        return f"{one.get('minItems', 0)} to {one['maxItems']} times: {allowed(one['items'])}"
    low = f"from {one['minimum']:,}" if "minimum" in one else f"above {one['exclusiveMinimum']:,}"
    high = f"up to {one['maximum']:,}" if "maximum" in one else f"below {one['exclusiveMaximum']:,}"
    return f"{'whole number' if one['type'] == 'integer' else 'number'} {low} {high}"


@pytest.mark.parametrize("name", RECIPES.names())
def test_a_recipe_is_documented_as_it_is(name):
    section = PAGE.read_text().partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]
    assert table(RECIPES.load(name).Parameters) in section


@pytest.mark.parametrize("shared", [ClassifierLearning, Reading])
def test_what_all_networks_share_is_documented_once(shared):
    assert PAGE.read_text().count(table(shared)) == 1


def test_preparation_is_documented_as_it_is():
    assert table(Prepare) in PAGE.read_text()


def test_no_recipe_is_documented_that_is_not_there():
    headings = [line[4:-1] for line in PAGE.read_text().splitlines() if line.startswith("## `")]
    assert headings == RECIPES.names()
