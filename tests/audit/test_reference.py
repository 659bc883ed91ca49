# SPDX-License-Identifier: Apache-2.0
"""`docs/reference/ledger.md` lists every event that a room declares, with its meaning."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def declared() -> dict[str, str]:
    """Name and meaning of every `Event("name", "meaning")` in the source."""
    calls = (
        node
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event" and len(node.args) == 2
    )
    return dict(sorted(tuple(ast.literal_eval(argument) for argument in call.args) for call in calls))


def documented() -> dict[str, str]:
    """The rows of the table of events."""
    table = (ROOT / "docs/reference/ledger.md").read_text().partition("## Events")[2]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {name.strip("`"): meaning for name, meaning in rows}


def test_every_event_is_documented():
    assert documented() == declared()
    assert "ledger.opened" in declared()
