# SPDX-License-Identifier: Apache-2.0
"""A terminal to type `modelward` commands into, and homes to type them in."""

import contextlib
import io
import json
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelward.access import Actor, Role, local_actor
from modelward.app import create_home, open_platform
from modelward.entrances.cli import main
from modelward.settings import Settings
from training.house import people

SPEC = """
model: grants
purpose: to test the command line
owner: the tests
data: {dataset: people, split: {seed: 3, test: 0.3}}
candidates: [decision-tree: {max_depth: 3}, naive-bayes]
"""
FREE = "name: free\nrules:\n  - rule: signed\n  - rule: lineage-complete\n"
WATCHED = "name: watched\napprovals: 1\nrules:\n  - rule: signed\n  - rule: lineage-complete\n"
STRICT = "name: strict\nrules:\n  - rule: clause-at-least\n    clause: quality.roc_auc\n    value: 0.999\n"
ROWS = "age,hours,town,member,grant\n30,40,north,true,yes\n70,,south,false,no\n"
OFFICER = Actor("person:olga", "olga", Role.RISK_OFFICER)


@dataclass
class Outcome:
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The message of a failed command that was asked for JSON."""
        return self.json["error"]["message"]


@dataclass
class Terminal:
    """Types commands, each in the home of this terminal unless it says otherwise."""

    home: Path
    folder: Path
    extra: list[str] = field(default_factory=list)

    def __call__(self, *words: object, home: bool = True) -> Outcome:
        """Run one command in this process."""
        line = [*map(str, words), *(["--home", str(self.home)] if home else []), *self.extra]
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        code = -1
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(line)
            except SystemExit as left:
                code = left.code
        return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))

    def file(self, name: str, content: str | bytes) -> Path:
        """A file beside the home."""
        place = self.folder / name
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def written(self) -> tuple[int, list[str]]:
        """The size of the ledger, and every object: what a refused command leaves as it was."""
        with contextlib.closing(sqlite3.connect(self.home / "modelward.db")) as rows:
            (size,) = rows.execute("SELECT count(*) FROM ledger_entries").fetchone()
        return size, sorted(file.name for file in (self.home / "objects").rglob("*") if file.is_file())

    @contextlib.contextmanager
    def nothing_written(self):
        """Fails where the ledger or the objects are others afterwards."""
        before = self.written()
        yield
        assert self.written() == before


def furnish(folder: Path) -> Path:
    """A home in which one dataset was registered, two versions made and assessed, and the first is live."""
    settings = Settings(home=folder / ".modelward")
    create_home(settings)
    (folder / "people.csv").write_text(people(300))
    platform, by = open_platform(settings), local_actor()
    said = {"purpose": "to test the command line", "owner": "the tests"}
    platform.datasets.add("people", [folder / "people.csv"], target="grant", sensitive=("town",), by=by, **said)
    from modelward.training import parse_spec

    run = platform.training.train(parse_spec(SPEC), by=by)
    for name in run.versions:
        platform.assessment.assess(name, by=by)
    for policy in (FREE, WATCHED, STRICT):
        platform.releases.policies.put(policy, by=by)
    platform.releases.promote(platform.releases.propose("grants:1", policy="free", by=by).id, by=by)
    platform.releases.propose("grants:2", policy="watched", by=by)
    platform.access.create_key("till", role=Role.CALLER, models=["grants"], by=by)
    platform.close()
    return settings.home


def copied(home: Path, folder: Path) -> Terminal:
    """A terminal over a copy of `home` in `folder`."""
    shutil.copytree(home, folder / ".modelward")
    return Terminal(folder / ".modelward", folder)


def interrupted_run(terminal: Terminal) -> str:
    """The id of a run that Ctrl-C stopped before its first candidate."""
    from modelward.training import parse_spec

    class Stopping:
        def started(self, run):
            raise KeyboardInterrupt

    platform = open_platform(Settings(home=terminal.home))
    with contextlib.suppress(KeyboardInterrupt):
        platform.training.train(parse_spec(SPEC), by=local_actor(), progress=Stopping())
    found = platform.training.runs(by=local_actor())[0]
    platform.close()
    assert found.status == "interrupted"
    return found.id
