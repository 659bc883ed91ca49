# SPDX-License-Identifier: Apache-2.0
"""`modelward bench`: measure a running service with governance on, as fast as it answers or at a rate."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.distribution import distribution
from modelward.entrances.cli.files import check_output, write_output
from modelward.entrances.cli.rows import read_rows
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting
from modelward.errors import InvalidError, UnavailableError

if TYPE_CHECKING:
    from modelward.client import Client, Load, Plan, Step

_MOST_CONNECTIONS, _MOST_RATE, _MOST_STEPS = 2048, 1_000_000, 16
_PERCENTILES = ("p50", "p90", "p99", "p99.9")


class WhichModelError(InvalidError):
    """It is not clear which model to ask."""


class ServerDidNotStartError(UnavailableError):
    """The server that should be measured did not come up."""


class UnusableLoadError(InvalidError):
    """An option says a load that cannot be."""


def declare(app: typer.Typer) -> None:
    """Put the command into the tree."""

    @verb(
        app, "bench", show=_show, panel="Serving", example="modelward bench --model income --connections 1,16,64 --report load.html"
    )
    def bench(
        desk: Desk,
        model: Annotated[str | None, typer.Option(help="The model to ask; else the only live one.")] = None,
        connections: Annotated[str, typer.Option(help="Connections that ask at once; several numbers are tried in turn.")] = "64",
        rate: Annotated[
            str | None, typer.Option(help="Ask so many times a second, whatever becomes of it; several are tried in turn.")
        ] = None,
        arrivals: Annotated[str, typer.Option(help="How questions come at a rate: poisson or constant.")] = "poisson",
        seconds: Annotated[float, typer.Option(min=0.5, max=600, help="How long to ask.")] = 5.0,
        warm_up: Annotated[float, typer.Option(min=0, max=60, help="Seconds to ask before anything counts.")] = 1.0,
        rows: Annotated[int, typer.Option(min=1, max=4096, help="Rows in each request.")] = 1,
        protocol: Annotated[str, typer.Option(help="How to ask: records, v2, v2-binary or mlflow.")] = "records",
        examples: Annotated[
            Path | None, typer.Option(help="Rows to ask with, in a file as `predict` takes.", exists=True, dir_okay=False)
        ] = None,
        report: Annotated[
            Path | None,
            typer.Option(
                help="Write a report into this file as well: a page (.html, and one in Chinese beside it), or its pictures (.svg)."
            ),
        ] = None,
    ) -> Load:
        """Ask a service, and report its latencies, and how much it answered.

        Without --rate each connection asks as fast as it is answered. With it questions come at that rate, and each is timed from
        the moment at which it was due, so that waiting is seen. Without --url a server is started over the home for the time of it.
        """
        plan = _plan(connections, rate, arrivals=arrivals, protocol=protocol, seconds=seconds, warm_up_seconds=warm_up, rows=rows)
        check_output(report, option="--report", endings=(".html", ".svg"))
        asked = model or _only_live(desk)
        drawn = read_rows(desk, asked, examples) if examples else ()
        with _service(desk, asked) as client, waiting(desk, f"Asking {asked} for {_lasts(plan):g} s"):
            load = client.measure(asked, plan=plan, examples=drawn)
        if report:
            _write(desk, load, report)
        return load


def _plan(connections: str, rate: str | None, *, arrivals: str, protocol: str, **more: Any) -> Plan:
    from modelward.client import ARRIVALS, PROTOCOLS, Plan

    _check("--arrivals", arrivals, ARRIVALS)
    _check("--protocol", protocol, PROTOCOLS)
    several = _numbers("--connections", connections, most=_MOST_CONNECTIONS)
    if any(number != int(number) for number in several):
        raise UnusableLoadError("--connections takes whole numbers, such as 1,16,64.")
    rates = _numbers("--rate", rate, most=_MOST_RATE) if rate is not None else ()
    if len(several) * max(1, len(rates)) > _MOST_STEPS:
        raise UnusableLoadError(f"That makes more than {_MOST_STEPS} loads. Name fewer numbers of connections, or fewer rates.")
    return Plan(connections=tuple(map(int, several)), rates=rates, arrivals=arrivals, protocol=protocol, **more)  # type: ignore[arg-type]  # checked above


def _check(option: str, given: str, choices: Collection[str]) -> None:
    if given not in choices:
        raise UnusableLoadError(f"{option} is {given[:40]!r}, and can be {', '.join(choices)}.")


def _numbers(option: str, given: str, *, most: float) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in given.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < number <= most for number in found):
        raise UnusableLoadError(
            f"{option} is {given[:40]!r}, and takes numbers above 0 and up to {most:,.0f}, with commas between them, such as 1,16."
        )
    return found


def _lasts(plan: Plan) -> float:
    return (plan.seconds + plan.warm_up_seconds) * len(plan.connections) * max(1, len(plan.rates))


def _write(desk: Desk, load: Load, report: Path) -> None:
    from modelward.client import report_page, report_pictures

    if report.suffix.lower() == ".svg":
        write_output(report, report_pictures(load.steps))
    else:
        write_output(report, report_page(load))
        write_output(report.with_suffix(".zh.html"), report_page(load, language="zh"))
    desk.say(f"The report is in {report}.")


def _only_live(desk: Desk) -> str:
    live = [release.model for release in desk.house.releases.list(by=desk.actor) if release.state.value == "live"]
    if len(live) != 1:
        raise WhichModelError(f"Name a model with --model. Live are: {', '.join(live) or 'none; promote a release first'}.")
    return live[0]


@contextmanager
def _service(desk: Desk, model: str) -> Iterator[Client]:
    """The service that was named; else one over the home, with a key of its own, both ended afterwards."""
    if desk.is_remote:
        yield desk.client
        return
    from modelward.access import Role

    issued = desk.house.access.create_key(f"bench-{token_hex(4)}", role=Role.CALLER, models=[model], by=desk.actor)
    try:
        with _server(desk) as address, desk.connect(address, key=issued.secret) as client:
            yield client
    finally:
        desk.house.access.revoke_key(issued.key.id, by=desk.actor)


@contextmanager
def _server(desk: Desk) -> Iterator[str]:
    """A server process over the home; its address."""
    command = [sys.executable, "-m", "modelward", "serve", "--json", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(  # noqa: S603  # our own program
        [*command, "--home", str(desk.settings.home)], stdout=subprocess.PIPE, env={**os.environ, "MODELWARD_KEY": ""}
    )
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def _address(process: subprocess.Popen[bytes]) -> str:
    """What the server says when it is ready, or why it is not."""
    lines: list[bytes] = []
    while line := process.stdout.readline() if process.stdout else b"":
        lines.append(line)
        if line == b"}\n":
            break
    told: dict[str, Any] = msgspec.json.decode(b"".join(lines) or b"{}")
    if "address" not in told:
        raise ServerDidNotStartError(told.get("error", {}).get("message") or "The server ended before it answered. See above.")
    return str(told["address"])


def _show(console: Console, load: Load) -> None:
    plan, machine = load.plan, load.machine
    showing.facts(
        console,
        {
            "version": ", ".join(load.versions) or load.model,
            "service": load.service,
            "protocol": plan.protocol,
            "rows in each request": plan.rows,
            "this client": "{processor}, cores: {cores}, {memory}, {system}, Python {python}".format(**machine),
        },
    )
    columns = [
        "load",
        "answers/s",
        *(["rows/s"] if plan.rows > 1 else []),
        *_PERCENTILES,
        "greatest",
        "refused",
        "failed",
        "client CPU",
    ]
    showing.table(
        console,
        columns,
        [_row(step, has_rows=plan.rows > 1) for step in load.steps],
        numbers=columns[1:],
        spare=[name for name in ("client CPU", "p90", "rows/s") if name in columns],
    )
    for lines in (distribution(load.steps), _remarks(load)):
        console.print()
        for line in lines:
            showing.line(console, line)


def _remarks(load: Load) -> Iterator[str]:
    """What is to be known besides; what holds for several steps is said once."""
    from modelward.client import label_of

    said: dict[str, list[str]] = {}
    for step in load.steps:
        others = {status: count for status, count in step.statuses.items() if status != "200"}
        for remark in (*(f"{count:,} × {status}" for status, count in others.items()), *step.notes):
            said.setdefault(remark, []).append(label_of(step))
    for remark, names in said.items():
        yield remark if len(names) == len(load.steps) else f"{'; '.join(names)}: {remark}"
    yield from load.notes


def _row(step: Step, *, has_rows: bool) -> list[str]:
    from modelward.client import amount, label_of

    found = step.latencies
    # A percentile that rests on too little is marked; the notes say why.
    times = [f"{'~' if one.is_accidental else ''}{amount(one.milliseconds)}" for one in found.percentiles] if found else ["–"] * 4
    return [
        label_of(step),
        f"{step.requests_per_second:,.0f}",
        *([f"{step.rows_per_second:,.0f}"] if has_rows else []),
        *times,
        amount(found.max_ms) if found else "–",
        f"{step.refused:,}",
        f"{step.failed:,}",
        f"{step.generator_share:.0%}",
    ]
