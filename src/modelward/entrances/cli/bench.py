# SPDX-License-Identifier: Apache-2.0
"""`modelward bench`: measure a running service, closed loop, with governance on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.rows import read_rows
from modelward.entrances.cli.verb import Desk, verb
from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.client import Load


class NothingToMeasureError(InvalidError):
    """No service was named."""


def declare(app: typer.Typer) -> None:
    """Put the command into the tree."""

    @verb(app, "bench", show=_show)
    def bench(
        desk: Desk,
        model: Annotated[str, typer.Option(help="The model to ask.")],
        connections: Annotated[int, typer.Option(min=1, max=512, help="Connections that ask at once.")] = 64,
        seconds: Annotated[float, typer.Option(min=0.5, max=600, help="How long to ask.")] = 5.0,
        rows: Annotated[int, typer.Option(min=1, max=1024, help="Rows in each request.")] = 1,
        examples_file: Annotated[Path | None, typer.Option("--examples", help="CSV or JSON rows to ask with.", exists=True)] = None,
    ) -> Load:
        """Ask a service as fast as it answers, and report rate and latencies. A Python client: it may be the slower side."""
        if desk.url is None:
            raise NothingToMeasureError("Name the service with --url and a key with --key; `modelward serve` starts one.")
        desk.say(f"Asking {desk.url} with {connections} connections for {seconds:g} s …")
        examples = read_rows(examples_file) if examples_file else ()
        measured: Load = desk.house.measure(model, examples=examples, connections=connections, seconds=seconds, rows=rows)
        return measured


def _show(console: Console, load: Load) -> None:
    showing.facts(
        console,
        {
            "requests a second": f"{load.requests_per_second:,.0f}",
            "rows a second": f"{load.rows_per_second:,.0f}",
            "p50": f"{load.p50_ms:.2f} ms",
            "p99": f"{load.p99_ms:.2f} ms",
            "failed": load.failed,
            "requests": load.requests,
            "machine": load.machine,
        },
    )
