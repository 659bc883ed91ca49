# SPDX-License-Identifier: Apache-2.0
"""Files stay short, licensed and honest."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
EXECUTABLE_FORMATS = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}
# The part of joblib that runs tasks; what loads files is not in it.
HARMLESS = {"joblib.parallel"}


def imports(path: Path) -> set[str]:
    """The first word of every module that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module not in HARMLESS:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_is_short_licensed_and_explained(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 500, f"{len(lines)} lines: look for a seam"
    assert lines[0] == "# SPDX-License-Identifier: Apache-2.0"
    assert len(lines) == 1 or ast.get_docstring(ast.parse("\n".join(lines))), "a file says what it is for"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_file_is_short(path):
    assert len(path.read_text().splitlines()) <= 800


def test_nothing_that_executes_code_is_ever_loaded():
    offenders = {str(path): found for path in SOURCES if (found := imports(path) & EXECUTABLE_FORMATS)}
    assert offenders == {}
    calls = re.compile(r"\beval\(|\bexec\(|yaml\.load\(|allow_pickle=True|shell=True|weights_only=False")
    assert [str(path) for path in SOURCES if calls.search(path.read_text())] == []


def test_functions_are_short():
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[len(lengths) // 2] <= 12, "the median function"
    assert lengths[len(lengths) * 9 // 10] <= 40, "nine in ten"


HEAVY = (
    "torch",
    "sklearn",
    "scipy",
    "pandas",
    "polars",
    "onnx",
    "onnxruntime",
    "matplotlib",
    "shap",
    "fairlearn",
    "starlette",
    "sqlalchemy",
)


def test_importing_the_package_loads_no_heavy_library():
    code = f"import modelward, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_opening_a_house_loads_no_training_library():
    code = f"import modelward.app, sys; print([name for name in {HEAVY[:9]!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
