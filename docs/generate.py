# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of docs/reference that follow from the code: cli.md, metrics.md and the JSON schemas. `make docs` runs it; a
test fails where a page is not what it would write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "reference"
_HEAD = """# The command line

`modelward NOUN VERB`, and some verbs alone. This page is generated from the commands themselves; `modelward VERB --help` says the
same.

"""
_COMMON_HEAD = """## What every command takes

These may stand after the verb, after the noun, or before both; what stands later wins.

"""
_EXIT_CODES = """
Standard output holds the result, and with `--json` exactly one JSON document, also where the command fails:
`{"error": {"kind", "message"}}`. Progress and logs go to standard error. Tables fit the terminal; where none is, they are 160
columns wide.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a fault of Modelward itself |
| 2 | invalid input, or words that are no command |
| 3 | refused: a permission, a policy or an integrity check; or `modelward doctor --security` found a weak point |
| 4 | not found |
| 5 | conflict: it exists already, or its state does not allow this |
| 6 | unavailable, or a prerequisite is missing |
| 130 | stopped by Ctrl-C |
| 143 | stopped by SIGTERM |

The kinds of errors are on [a page of their own](errors.md).
"""

_METRICS_HEAD = """# Metrics

What `GET /metrics` tells, as Prometheus text, to a key with the permission `metrics:read`. This page is generated from the
instruments themselves.

Units are base units: seconds, bytes, rows. Names and labels are stable. Labels come from bounded sets: the templates of routes,
models and versions that are live, outcomes, reasons; nothing that a caller sent is in any of them.

With several [workers](../how-to/workers.md), whichever is asked says what all of them did: counters and histograms are added up,
and keep what a worker counted that has ended; the last column says what becomes of the gauges.

| metric | type | labels | meaning | of several workers |
|---|---|---|---|---|
"""
_REASONS_HEAD = """
## Reasons of a rejection

The `reason` of `modelward_rejections_total` follows from the kind of the error that the caller got:

| reason | kind of error |
|---|---|
"""


def pages() -> dict[str, str]:
    """The text of every generated page, by its name under `docs/reference`."""
    from modelward.assessment import report_json_schema
    from modelward.training import spec_json_schema

    return {
        "cli.md": command_line(),
        "metrics.md": metrics(),
        "spec.schema.json": _json(spec_json_schema()),
        "trust-report.schema.json": _json(report_json_schema()),
    }


def command_line() -> str:
    """The page of the command line."""
    from typer.main import get_command

    from modelward.entrances.cli import build

    tree: Any = get_command(build())
    common = [option for option in tree.params if option.name not in {"version", "help"}]
    names = {option.name for option in common} | {"help"}
    panels: dict[str, list[str]] = {}
    for path, command, panel in _commands(tree, ("modelward",), panel=""):
        panels.setdefault(panel, []).append(_section(path, command, without=names))
    parts = [_HEAD, _COMMON_HEAD, *_table("option", [(_option(each), each.help) for each in common]), _EXIT_CODES]
    for panel, sections in panels.items():
        parts += [f"\n## {panel}\n", *sections]
    return "".join(parts)


def metrics() -> str:
    """The page of metrics."""
    from modelward.entrances.api import Telemetry
    from modelward.serving import Meters
    from modelward.serving.meters import REASONS

    parts = [_METRICS_HEAD]
    for each in Telemetry(Meters(), entries=lambda: 0).instruments:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        together = "the greatest" if each.is_greatest else "added"
        parts.append(f"| `{each.name}` | {each.kind.value} | {labels} | {each.about} | {together} |\n")
    parts.append(_REASONS_HEAD)
    for kind, reason in REASONS.items():
        words = f"`{kind.__name__}`" if kind is not BaseException else "any other: a fault of Modelward itself"
        parts.append(f"| `{reason}` | {words} |\n")
    return "".join(parts)


def _commands(group: Any, path: tuple[str, ...], *, panel: str) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for name, command in group.commands.items():
        own = panel or str(command.rich_help_panel)
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name), panel=own)
        else:
            yield (*path, name), command, own


def _section(path: tuple[str, ...], command: Any, *, without: set[str]) -> str:
    own = [parameter for parameter in command.params if parameter.name not in without]
    arguments = [parameter for parameter in own if parameter.param_type_name == "argument"]
    options = [parameter for parameter in own if parameter.param_type_name == "option"]
    needed = [_option(each) for each in options if each.required]
    words = [*path, *map(_argument, arguments), *needed, *(["[OPTIONS]"] if len(needed) < len(options) else [])]
    parts = [f"\n### `{' '.join(path)}`\n\n{_plain(command.help)}\n\n```\n{' '.join(words)}\n```\n"]
    if arguments:
        parts += ["\n", *_table("argument", [(_argument(each), each.help) for each in arguments])]
    if options:
        parts += ["\n", *_table("option", [(_option(each), _told(each)) for each in options])]
    if command.epilog:
        parts.append(f"\n```\n{command.epilog.partition('[/]')[2].strip()}\n```\n")
    return "".join(parts)


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    names = ", ".join(sorted(parameter.opts, key=len))
    return names if parameter.is_flag else f"{names} {parameter.metavar or parameter.type.name.upper().removesuffix(' RANGE')}"


def _told(parameter: Any) -> str:
    default = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    if parameter.required:
        return f"{parameter.help} Required."
    is_told = default not in (None, "", (), []) and not parameter.is_flag and not callable(default)
    return f"{parameter.help} Default: `{default}`." if is_told else parameter.help


def _table(head: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    yield f"| {head} | |\n|---|---|\n"
    for name, words in rows:
        yield f"| `{name.replace('|', chr(92) + '|')}` | {words} |\n"


def _plain(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
        sys.stdout.write(f"{FOLDER / name}\n")


if __name__ == "__main__":
    main()
