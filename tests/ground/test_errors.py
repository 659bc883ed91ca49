# SPDX-License-Identifier: Apache-2.0
import ast
import inspect
import re
from pathlib import Path

import pytest

from modelward import errors
from modelward.errors import ModelwardError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind is not ModelwardError]
SOURCES = sorted((Path(__file__).parents[2] / "src").rglob("*.py"))
EXIT_CODES = {2, 3, 4, 5, 6}


def rows() -> dict[str, list[str]]:
    """The cells of each row of the page by the kind it is about."""
    lines = re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE.read_text(), re.M)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in lines}


def test_every_kind_is_documented_and_no_other():
    assert set(rows()) == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_what_the_code_says(kind):
    meaning, exit_code, status = rows()[kind.__name__]
    assert meaning == inspect.cleandoc(kind.__doc__)
    assert int(exit_code) in EXIT_CODES
    assert 400 <= int(status) < 600


def test_every_kind_is_one_of_ours():
    for kind in KINDS:
        assert issubclass(kind, ModelwardError)
        assert kind.__module__ == "modelward.errors"


# Every exception to the law has its reason.
OF_NO_KIND = {
    "PredictionFailedError": "a verified graph that cannot compute is a fault of ours: exit code 1, status 500",
    "UnfitValueError": "what is amiss with one value; whoever reads the rows turns it into a kind, with row and feature",
    "ProofBrokenError": "arithmetic of RFC 6962 for whoever checks a proof by hand; receipts turn it into a kind",
}


def own_errors() -> dict[str, ast.ClassDef]:
    """Every class of the house that is an error by its name or by what it stands on."""
    classes = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    return {node.name: node for node in classes if any(name.endswith("Error") for name in [node.name, *bases(node)])}


def door_errors() -> list[str]:
    """The errors that the rooms hand out: what others can meet. What a room catches itself is its own affair."""
    doors = [path for path in SOURCES if path.name == "__init__.py" and path.parent.parent.name == "modelward"]
    names = {alias.asname or alias.name for path in doors for alias in imported(path)}
    return sorted(name for name in names if name.endswith("Error"))


def imported(path: Path) -> list[ast.alias]:
    return [alias for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom) for alias in node.names]


def bases(node: ast.ClassDef) -> list[str]:
    return [base.id if isinstance(base, ast.Name) else ast.unparse(base).rpartition(".")[2] for base in node.bases]


def is_of_a_kind(name: str, known: dict[str, ast.ClassDef]) -> bool:
    if name in {kind.__name__ for kind in KINDS}:
        return True
    return name in known and any(is_of_a_kind(base, known) for base in bases(known[name]))


def test_every_error_that_a_room_hands_out_is_of_a_kind_and_says_what_it_means():
    known = own_errors()
    assert len(door_errors()) > 20
    for name in set(door_errors()) - set(OF_NO_KIND):
        assert is_of_a_kind(name, known), f"{name} is of no kind"
        assert ast.get_docstring(known[name]), f"{name} says what it means"


def test_an_error_of_no_kind_would_be_seen():
    known = own_errors() | {"LostError": ast.parse("class LostError(ValueError): pass").body[0]}
    assert not is_of_a_kind("LostError", known)
    assert is_of_a_kind("SealBrokenError", known)
