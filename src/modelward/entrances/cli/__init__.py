# SPDX-License-Identifier: Apache-2.0
"""The command line: `modelward NOUN VERB`. Each command reads its words, calls one service, and shows what came of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer

from modelward.entrances.cli import (
    access,
    asking,
    audit,
    backups,
    bench,
    captures,
    comparing,
    data,
    house,
    people,
    releases,
    shelf,
    terms,
    tls,
    training,
)
from modelward.entrances.cli.comparing import show_comparison, show_report
from modelward.entrances.cli.failing import EXIT, INTERRUPTED, NotACommandError, leave, leave_fault, wants_json
from modelward.entrances.cli.verb import rooted
from modelward.errors import InvalidError

_ABOUT = "Turn data into models, measure what each risks, release what passes a policy, and serve it accountably."
_SECRET = re.compile(r"mw_[\w.-]+")
_SHOWN_ELSEWHERE = 3
# What typer raises about words that are no command; it hands this class out only as the parent of the one it names.
_WrongWords: Any = typer.BadParameter.__base__

# In the order in which a person reads of them.
_ROOMS = (
    house,
    backups,
    tls,
    data,
    training,
    comparing,
    shelf,
    releases,
    asking,
    audit,
    captures,
    people,
    access,
    terms,
    bench,
)


def build() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(name="modelward", help=_ABOUT, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    rooted(app)
    for room in _ROOMS:
        room.declare(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """The `modelward` command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _prepare()
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    as_json = wants_json(words)
    try:
        _check_words(words)
        left = typer.main.get_command(build()).main(args=words, prog_name="modelward", standalone_mode=False)
        sys.stdout.flush()
        return left if isinstance(left, int) else 0
    except _WrongWords as wrong:
        return _leave_wrong_words(wrong, as_json=as_json)
    except NotACommandError as wrong:
        return leave(wrong, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as fault:  # noqa: BLE001  # the last line of defence: name the place, never a value
        return leave_fault(fault, as_json=as_json)


def _leave_wrong_words(wrong: Any, *, as_json: bool) -> int:
    # Whoever raises that has printed the help.
    if type(wrong).__name__ == "NoArgsIsHelpError":
        return EXIT[InvalidError]
    # What was meant may be said twice, by typer and by click.
    said, _, meant = wrong.format_message().partition(" Did you mean ")
    elsewhere = _elsewhere(wrong.ctx, said)
    if elsewhere:
        meant = f"{elsewhere}?"
    said = said.rstrip(".") + "." + (f" Did you mean {meant.partition('?')[0]}?" if meant else "")
    said = _SECRET.sub("mw_…", said)
    command = wrong.ctx.command_path if wrong.ctx else "modelward"
    return leave(NotACommandError(f"{said} Run `{command} --help`."), as_json=as_json)


def _elsewhere(context: Any, said: str) -> str:
    """The commands that a group has by the name that is no command of its own: `modelward data grants` for `modelward grants`."""
    named = re.fullmatch("No such command '([a-z-]+)'\\.?", said)
    if named is None or context is None:
        return ""
    groups = getattr(context.find_root().command, "commands", {}).items()
    found = [f"`modelward {name} {named[1]}`" for name, group in groups if named[1] in getattr(group, "commands", {})]
    return " or ".join(found) if len(found) <= _SHOWN_ELSEWHERE else ""


def _check_words(words: Sequence[str]) -> None:
    for place, word in enumerate(words, 1):
        try:
            word.encode()
        except UnicodeEncodeError:
            raise NotACommandError(f"Word {place} of the command is not UTF-8 text. Run `modelward --help`.") from None


def _prepare() -> None:
    """No library phones home or prints advertisements, whatever the environment says; a poor terminal breaks nothing."""
    os.environ["DO_NOT_TRACK"] = "1"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


__all__ = ["build", "main", "show_comparison", "show_report"]
