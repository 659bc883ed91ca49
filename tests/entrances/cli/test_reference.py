# SPDX-License-Identifier: Apache-2.0
"""The generated pages are what the code would write today."""

import importlib.util
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("docs_generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli.md", "metrics.md"])
def test_a_generated_page_is_up_to_date(generate, page):
    assert (FOLDER / "reference" / page).read_text() == generate.pages()[page], "run `make docs`"


@pytest.mark.parametrize("page", ["spec.schema.json", "trust-report.schema.json"])
def test_a_published_schema_is_up_to_date(generate, page):
    assert json.loads((FOLDER / "reference" / page).read_text()) == json.loads(generate.pages()[page]), "run `make docs`"


def test_every_page_is_compared(generate):
    assert set(generate.pages()) == {"cli.md", "metrics.md", "spec.schema.json", "trust-report.schema.json"}


def test_the_page_of_commands_shows_each_with_its_words(generate):
    page = generate.command_line()
    assert "### `modelward release policy put`" in page
    assert "modelward data add NAME FILE... --purpose TEXT --owner NAME [OPTIONS]" in page
    assert "| `--limit INTEGER` | At most so many. Default: `50`. |" in page
    assert "| `-o, --output FILE` |" in page or "| `-o, --output PATH` |" in page
