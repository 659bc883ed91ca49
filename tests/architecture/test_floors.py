# SPDX-License-Identifier: Apache-2.0
"""The contracts of `pyproject.toml` hold, and each would be seen to break."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_law_of_the_house_holds():
    result = lint(ROOT / "src")
    assert result.returncode == 0, result.stdout


FLOORS = "A room may look down the house, never up"
# Each planted line breaks the contract named, and no other, in a copy of the house.
BREACHES = {
    "looking up": ("audit/planted.py", "import modelward.registry", FLOORS),
    "looking across": ("training/planted.py", "import modelward.assessment", FLOORS),
    "a service that speaks SQL": ("registry/planted.py", "import sqlalchemy", "Only a room's store speaks SQL"),
    "a service that speaks HTTP": ("releases/planted.py", "import starlette", "Only the doors and the client speak HTTP"),
    "a service that knows a heavy machine": ("training/planted.py", "import torch", "Only plug-ins know the heavy machines"),
    "a plug-in that knows another": (
        "training/recipes/planted.py",
        "import modelward.training.recipes.decision_tree",
        "Plug-ins of a family do not know each other",
    ),
    "a door that knows another": (
        "entrances/api/planted.py",
        "import modelward.entrances.cli",
        "The three doors do not know each other",
    ),
}


def planted(folder: Path, place: str, line: str) -> subprocess.CompletedProcess[str]:
    """What is said of a copy of the house with one line more."""
    shutil.copytree(ROOT / "src" / "modelward", folder / "modelward", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "modelward" / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(line + "\n")
    return lint(folder)


@pytest.mark.slow
@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_breaks_its_contract(breach, tmp_path):
    place, line, contract = BREACHES[breach]
    result = planted(tmp_path, place, line)
    assert result.returncode == 1, result.stdout
    assert re.findall(r"^(.+) BROKEN", result.stdout, re.MULTILINE) == [contract]


@pytest.mark.slow
def test_a_room_without_a_floor_is_seen(tmp_path):
    result = planted(tmp_path, "annex/__init__.py", "x = 1")
    assert result.returncode == 1
    assert "annex" in result.stdout
