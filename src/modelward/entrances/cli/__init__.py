# SPDX-License-Identifier: Apache-2.0
"""The command line: `modelward NOUN VERB`. Each command reads its words, calls one service, and shows what came of it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from modelward import __version__
from modelward.entrances.cli import asking, audit, bench, data, house, people, releases, shelf, training
from modelward.entrances.cli.verb import quiet_libraries

_ABOUT = "Turn data into models, measure what each risks, release what passes a policy, and serve it accountably."


def build() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(name="modelward", help=_ABOUT, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @app.callback()
    def about(
        *,
        version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
    ) -> None:
        if version:
            Console().print(f"modelward {__version__}", highlight=False)
            raise typer.Exit

    for room in (house, data, training, shelf, releases, asking, audit, people, bench):
        room.declare(app)
    return app


def main() -> None:
    """The `modelward` command."""
    quiet_libraries()
    try:
        build()()
    except Exception as fault:  # noqa: BLE001  # the last line of defence: name the place, never a value
        trace = fault.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        Console(stderr=True).print(
            f"[bold red]fault[/] {type(fault).__name__} at {place}. This is a defect of Modelward; set MODELWARD_LOG_LEVEL=debug "
            "to see the whole trace.",
            highlight=False,
        )
        _trace_when_asked()
        sys.exit(1)


def _trace_when_asked() -> None:
    import os
    import traceback

    if os.environ.get("MODELWARD_LOG_LEVEL") == "debug":
        traceback.print_exc()


__all__ = ["build", "main"]
