# SPDX-License-Identifier: Apache-2.0
"""What was measured, as tables in Markdown: the middle of the rounds, and where others disturbed the machine."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from machine import TOO_BUSY_CORES

from peers import PEERS

Line = dict[str, Any]
OURS = "modelward"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


def tables(lines: Sequence[Line], *, on: Mapping[str, str]) -> str:
    """All tables for which there are figures, under a line that says where and when they were measured."""
    if not lines:
        return "Nothing is measured yet."
    days = sorted({line["at"][:10] for line in lines})
    rounds = max(line["round"] for line in lines)
    when = " and ".join(dict.fromkeys((days[0], days[-1])))
    of = f"the middle of {rounds} rounds" if rounds > 1 else "one round"
    sync = statistics.median(line["sync_ms"] for line in lines)
    said = f"Measured on {when} on {', '.join(on.values())}; {of}. The disk made 4 KiB durable in {sync:.2f} ms."
    made = [said, _throughput(lines), _ratios(lines), _cost(lines), _overload(lines), _settings(), _disturbed(lines)]
    return "\n\n".join(each for each in made if each)


def _settings() -> str:
    """How each server is set."""
    rows = [f"| {peer.title} | {peer.settings} |" for peer in PEERS.values()]
    return "\n".join(["| server | how it is set |", "|---|---|", *rows])


def put(found: str, page: Path) -> None:
    """Write the tables into a page, between its two marks.

    Raises:
        SystemExit: it has none.
    """
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SystemExit(f"{page} has no line {BEGIN} with a line {END} below it. Add both where the tables belong.")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    page.write_text(f"{before}\n{found}\n{after}")


def _middle(lines: Sequence[Line], peer: str, cell: str, figure: str) -> float | None:
    found = [line[figure] for line in lines if line["peer"] == peer and line["cell"] == cell and figure in line]
    return statistics.median(found) if found else None


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _throughput(lines: Sequence[Line]) -> str:
    """Best first, by questions of one row on 64 connections."""
    order = sorted(PEERS, key=lambda peer: -(_middle(lines, peer, "single-64", "per_second") or 0))
    rows = []
    for peer in order:
        cells = [_latency(lines, peer, "single-1")]
        cells += [_rate(lines, peer, cell) for cell in ("single-64", "single-256")]
        cells.append(_number(_middle(lines, peer, "rows-32", "rows_per_second")))
        cells.append(_rate(lines, peer, "dear-64"))
        if any(cell != "–" for cell in cells):
            errors = sum(line.get("errors", 0) for line in lines if line["peer"] == peer)
            rows.append(f"| {PEERS[peer].title} | {' | '.join(cells)} | {errors} |")
    if not rows:
        return ""
    head = (
        "| server | alone: p50 / p99 ms | **64 connections: answers/s**, p50 / p99 ms | 256 connections | 32 rows, 64 connections: "
        "rows/s | dear model, 64 connections | errors |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *rows])


def _latency(lines: Sequence[Line], peer: str, cell: str) -> str:
    p50, p99 = (_middle(lines, peer, cell, figure) for figure in ("p50_ms", "p99_ms"))
    return "–" if p50 is None else f"{_number(p50, 2)} / {_number(p99, 2)}"


def _rate(lines: Sequence[Line], peer: str, cell: str) -> str:
    rate = _middle(lines, peer, cell, "per_second")
    return "–" if rate is None else f"**{_number(rate)}**, {_latency(lines, peer, cell)}"


def _ratios(lines: Sequence[Line]) -> str:
    """How many times what each peer does Modelward does, governed and relaxed."""
    columns = (("single-64", "per_second"), ("rows-32", "rows_per_second"), ("dear-64", "per_second"))
    rows = []
    for peer in PEERS:
        cells = []
        for ours in (OURS, f"{OURS}-relaxed"):
            for cell, figure in columns:
                mine, theirs = (_middle(lines, each, cell, figure) for each in (ours, peer))
                cells.append("–" if mine is None or not theirs else f"{mine / theirs:.2f}")
        if not PEERS[peer].is_modelward and any(cell != "–" for cell in cells):
            rows.append(f"| {PEERS[peer].title} | {' | '.join(cells)} |")
    if not rows:
        return ""
    names = ("one row", "32 rows", "dear model")
    head = f"| Modelward against | {' | '.join(names)} | {' | '.join(f'relaxed: {name}' for name in names)} |\n|---|{'--:|' * 6}"
    return "\n".join([head, *rows])


def _cost(lines: Sequence[Line]) -> str:
    """Start and memory."""
    rows = []
    for peer in PEERS:
        starts = [line for line in lines if line["peer"] == peer and line["model"] == "forest"]
        if not starts:
            continue
        figures = [statistics.median(line[name] for line in starts) for name in ("ready_seconds", "idle_resident_megabytes",
                   "idle_proportional_megabytes")]  # fmt: skip
        after = [line for line in starts if "resident_megabytes" in line]
        loaded = [
            _number(max((line[name] for line in after), default=None)) for name in ("resident_megabytes", "proportional_megabytes")
        ]
        idle = f"{figures[1]:.0f} / {figures[2]:.0f}"
        rows.append(f"| {PEERS[peer].title} | {figures[0]:.2f} | {idle} | {' / '.join(loaded)} | {starts[0]['processes']} |")
    if not rows:
        return ""
    head = "| server | first answer, s | idle: RSS / PSS, MB | most under load | processes |\n|---|--:|--:|--:|--:|"
    return "\n".join([head, *rows])


def _overload(lines: Sequence[Line]) -> str:
    rows = []
    for peer in PEERS:
        for cell in ("overload", "overload-deadlines"):
            found = [line for line in lines if line["peer"] == peer and line["cell"] == cell]
            if found:
                rows.append(_overload_row(PEERS[peer].title, found))
    if not rows:
        return ""
    head = (
        "| server | deadline ms | peak, answers/s | offered/s | sent/s | good/s, share of peak | refused, with `Retry-After` | "
        "broken | p50 / p99 ms | RSS before / most, MB | generator, cores |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *rows])


def _overload_row(title: str, found: Sequence[Line]) -> str:
    def middle(figure: str) -> float:
        return float(statistics.median(line[figure] for line in found))

    refused: dict[str, int] = {}
    for line in found:
        for status, count in line["refused"].items():
            refused[status] = refused.get(status, 0) + count
    told = ", ".join(f"{status}: {count:,}" for status, count in sorted(refused.items())) or "none"
    share = statistics.median(line["good_per_second"] / max(1.0, line["peak_per_second"]) for line in found)
    if refused:
        told += f"; {sum(line['with_retry_after'] for line in found) / sum(refused.values()):.0%}"
    cells = [
        "–" if found[0]["deadline_ms"] is None else _number(middle("deadline_ms")),
        *(_number(middle(f"{name}_per_second")) for name in ("peak", "offered", "sent")),
        f"{_number(middle('good_per_second'))}, {share:.0%}",
        told,
        _number(sum(line["broken"] for line in found)),
        f"{middle('answer_p50_ms'):.1f} / {middle('answer_p99_ms'):.1f}",
        f"{middle('resident_megabytes_before'):.0f} / {max(line['resident_megabytes_peak'] for line in found):.0f}",
        f"{middle('own_cores'):.2f}",
    ]
    return f"| {title} | {' | '.join(cells)} |"


def _disturbed(lines: Sequence[Line]) -> str:
    """Where the figures are too low."""
    found = [
        f"{line['peer']}/{line['cell']} ({line['elsewhere_cores']:.2f})"
        for line in lines
        if line["elsewhere_cores"] > TOO_BUSY_CORES
    ]
    return (
        f"Others used more than {TOO_BUSY_CORES} of a core in {len(found)} of {len(lines)} cells: {', '.join(found)}."
        if found
        else ""
    )
