# SPDX-License-Identifier: Apache-2.0
"""The contracts of `pyproject.toml` hold, and each would be seen to break."""

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


# Each planted line breaks one contract, in a copy of the house.
BREACHES = {
    "looking up": ("audit/planted.py", "import modelward.registry"),
    "looking across": ("training/planted.py", "import modelward.assessment"),
    "a room without a floor": ("annex/__init__.py", "x = 1"),
    "a service that speaks SQL": ("registry/planted.py", "import sqlalchemy"),
    "a service that speaks HTTP": ("releases/planted.py", "import starlette"),
    "a service that knows a heavy machine": ("training/planted.py", "import torch"),
    "a plug-in that knows another": (
        "training/recipes/planted.py",
        "import modelward.training.recipes.decision_tree",
    ),
    "a door that knows another": ("entrances/api/planted.py", "import modelward.entrances.cli"),
}


@pytest.mark.slow
@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_seen(breach, tmp_path):
    import shutil

    shutil.copytree(ROOT / "src" / "modelward", tmp_path / "modelward", ignore=shutil.ignore_patterns("__pycache__"))
    place, line = BREACHES[breach]
    planted = tmp_path / "modelward" / place
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(line + "\n")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout or "planted" in result.stdout or "annex" in result.stdout
