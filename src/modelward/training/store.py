# SPDX-License-Identifier: Apache-2.0
"""Rows of training: runs, their candidates, and what was found about either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from modelward.storage import SCHEMA, Connection
from modelward.training.finding import Finding
from modelward.training.process import Process
from modelward.training.run import Candidate, CandidateStatus, Curve, Run, Standing, Status

_RUNS = sa.Table(
    "training_runs",
    SCHEMA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("spec_digest", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("started", sa.Text, nullable=False, index=True),
    sa.Column("ended", sa.Text),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("process", sa.BigInteger, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
)
_CANDIDATES = sa.Table(
    "training_candidates",
    SCHEMA,
    sa.Column("run", sa.Text, sa.ForeignKey("training_runs.id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("recipe", sa.Text, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)
_FINDINGS = sa.Table(
    "training_findings",
    SCHEMA,
    sa.Column("run", sa.Text, sa.ForeignKey("training_runs.id"), primary_key=True),
    # Empty where the rows of the whole run are meant.
    sa.Column("candidate", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
)
_STANDINGS = sa.Table(
    "training_standings",
    SCHEMA,
    sa.Column("run", sa.Text, sa.ForeignKey("training_runs.id"), primary_key=True),
    sa.Column("candidate", sa.Text, primary_key=True),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("word", sa.Text, nullable=False),
    sa.Column("curves", sa.Text, nullable=False),
)
_RUN_FIELDS = (
    "id",
    "model",
    "spec",
    "spec_digest",
    "dataset",
    "fingerprint",
    "seed",
    "status",
    "started",
    "ended",
    "by",
    "message",
)


def add(connection: Connection, run: Run, *, process: Process) -> None:
    """Write a run and its candidates."""
    row = {name: getattr(run, name) for name in _RUN_FIELDS} | {"started": run.started.isoformat()} | _process(process)
    connection.execute(_RUNS.insert().values(row))
    connection.execute(_CANDIDATES.insert(), [_candidate_row(run.id, place, each) for place, each in enumerate(run.candidates)])
    set_findings(connection, run.id, run.findings)


def set_status(connection: Connection, run: str, status: Status, *, ended: datetime | None = None, message: str = "") -> None:
    """Say how a run stands."""
    values = {"status": status, "ended": ended.isoformat() if ended else None, "message": message}
    connection.execute(_RUNS.update().where(_RUNS.c.id == run).values(values))


def set_process(connection: Connection, run: str, process: Process) -> None:
    """Say which process carries a run out."""
    connection.execute(_RUNS.update().where(_RUNS.c.id == run).values(_process(process)))


def set_candidate(connection: Connection, run: str, candidate: Candidate) -> None:
    """Say how a candidate stands."""
    values = {name: getattr(candidate, name) for name in ("status", "version", "seconds", "message")}
    connection.execute(_CANDIDATES.update().where(_CANDIDATES.c.run == run, _CANDIDATES.c.name == candidate.name).values(values))
    set_findings(connection, run, candidate.findings, candidate=candidate.name)


def set_findings(connection: Connection, run: str, findings: Sequence[Finding], *, candidate: str = "") -> None:
    """Say what was found about a run's rows, or about one of its candidates, and nothing else any more."""
    connection.execute(_FINDINGS.delete().where(_FINDINGS.c.run == run, _FINDINGS.c.candidate == candidate))
    rows = [asdict(each) | {"run": run, "candidate": candidate, "place": place} for place, each in enumerate(findings)]
    if rows:
        connection.execute(_FINDINGS.insert(), rows)


def set_standings(connection: Connection, run: str, standings: Mapping[str, Standing]) -> None:
    """Say how far candidates of a run are, by their names."""
    rows = [
        {
            "run": run,
            "candidate": name,
            "share": each.share,
            "word": each.word,
            "curves": msgspec.json.encode(each.curves).decode(),
        }
        for name, each in standings.items()
    ]
    connection.execute(_STANDINGS.delete().where(_STANDINGS.c.run == run, _STANDINGS.c.candidate.in_([*standings])))
    connection.execute(_STANDINGS.insert(), rows)


def stop_candidates(connection: Connection, run: str) -> None:
    """Let the candidates that were training wait again."""
    stopped = _CANDIDATES.update().where(_CANDIDATES.c.run == run, _CANDIDATES.c.status == CandidateStatus.RUNNING)
    connection.execute(stopped.values(status=CandidateStatus.WAITING))


def find(connection: Connection, run: str) -> tuple[Run, Process] | None:
    """A run as it was last written, and the process that wrote it."""
    row = connection.execute(sa.select(_RUNS).where(_RUNS.c.id == run)).one_or_none()
    return _read(connection, row) if row else None


def every(connection: Connection) -> list[tuple[Run, Process]]:
    """Every run, the latest first, without curves."""
    rows = connection.execute(sa.select(_RUNS).order_by(_RUNS.c.started.desc(), _RUNS.c.id)).all()
    return [_read(connection, row, with_curves=False) for row in rows]


def _read(connection: Connection, row: sa.Row[Any], *, with_curves: bool = True) -> tuple[Run, Process]:
    given = {name: getattr(row, name) for name in _RUN_FIELDS}
    query = sa.select(_CANDIDATES).where(_CANDIDATES.c.run == row.id).order_by(_CANDIDATES.c.place)
    findings, standings = _findings(connection, row.id), _standings(connection, row.id, with_curves=with_curves)
    run = Run(
        **given
        | {"status": Status(row.status), "started": _moment(row.started), "ended": _moment(row.ended) if row.ended else None},
        candidates=tuple(_candidate(each, findings.get(each.name, ()), standings) for each in connection.execute(query)),
        findings=findings.get("", ()),
    )
    return run, Process(row.host, row.process, row.process_started)


def _findings(connection: Connection, run: str) -> dict[str, tuple[Finding, ...]]:
    """What was found about each candidate, and under no name about the rows of them all."""
    found: dict[str, tuple[Finding, ...]] = {}
    for row in connection.execute(sa.select(_FINDINGS).where(_FINDINGS.c.run == run).order_by(_FINDINGS.c.place)):
        found[row.candidate] = (*found.get(row.candidate, ()), Finding(kind=row.kind, text=row.text, remedy=row.remedy))
    return found


def _standings(connection: Connection, run: str, *, with_curves: bool) -> dict[str, Standing]:
    columns = [_STANDINGS.c.candidate, _STANDINGS.c.share, _STANDINGS.c.word, *([_STANDINGS.c.curves] if with_curves else [])]
    return {
        row.candidate: Standing(
            share=row.share,
            word=row.word,
            curves=msgspec.json.decode(row.curves, type=dict[str, Curve]) if with_curves else {},
        )
        for row in connection.execute(sa.select(*columns).where(_STANDINGS.c.run == run))
    }


def _candidate_row(run: str, place: int, candidate: Candidate) -> dict[str, Any]:
    row = asdict(candidate) | {"run": run, "place": place, "parameters": msgspec.json.encode(candidate.parameters).decode()}
    return {name: value for name, value in row.items() if name not in {"findings", "standing"}}


def _candidate(row: sa.Row[Any], findings: tuple[Finding, ...], standings: Mapping[str, Standing]) -> Candidate:
    return Candidate(
        name=row.name,
        recipe=row.recipe,
        parameters=msgspec.json.decode(row.parameters),
        status=CandidateStatus(row.status),
        version=row.version,
        seconds=row.seconds,
        message=row.message,
        findings=findings,
        standing=standings.get(row.name, Standing()),
    )


def _process(process: Process) -> dict[str, Any]:
    return {"host": process.host, "process": process.number, "process_started": process.started}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
