# SPDX-License-Identifier: Apache-2.0
"""The whole story on real data: from a file to an answer that can be accounted for.

Every step goes through the services that the command line and the HTTP API use; what is served is served by `modelward serve`.
`make demo` runs it, and `make demo ARGS=--exit` ends after the story.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from modelward.access import Actor, Role, local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.assessment import Comparison, Objective
from modelward.audit import verify_receipt
from modelward.client import Client
from modelward.datasets import SAMPLES, fetch_sample
from modelward.releases import ReleaseRefusedError
from modelward.settings import Settings, read_settings
from modelward.training import Run, parse_spec

HERE = Path(__file__).parent
SHOWN_FEATURES = 4
say = Console(highlight=False, soft_wrap=True).print


@dataclass
class Story:
    """What the chapters hand on."""

    settings: Settings
    platform: Platform
    scientist: Actor
    officer: Actor
    caller_key: str
    began: float


def chapter(number: int, title: str) -> None:
    say(f"\n[bold cyan]{number}. {title}[/]")


def open_house(folder: Path) -> Story:
    """A new home, and the three people of the story."""
    settings = read_settings(home=folder / ".modelward")
    create_home(settings)
    platform = open_platform(settings)
    owner = local_actor()

    def issue(name: str, role: Role) -> str:
        return platform.access.create_key(name, role=role, purpose="the demonstration", by=owner).secret

    return Story(
        settings,
        platform,
        platform.access.authenticate(issue("sam-the-scientist", Role.DATA_SCIENTIST)),
        platform.access.authenticate(issue("olga-the-risk-officer", Role.RISK_OFFICER)),
        issue("till-at-the-counter", Role.CALLER),
        time.perf_counter(),
    )


def register_data(story: Story, folder: Path) -> None:
    chapter(1, "Data: registered, profiled, fingerprinted, encrypted")
    sample, owner = SAMPLES["adult"], local_actor()
    file = fetch_sample("adult", folder)
    declared = {
        "target": sample.target,
        "sensitive": sample.sensitive,
        "purpose": sample.purpose,
        "owner": sample.owner,
        "license": sample.license,
        "by": owner,
    }
    dataset = story.platform.datasets.add("adult", [file], **declared)
    profile = story.platform.datasets.profile("adult", by=owner)
    missing = sum(column.missing for column in profile.columns)
    classes = ", ".join(f"{name} {count:,}" for name, count in profile.classes.items())
    say(f"   {dataset.rows:,} rows, {len(dataset.columns)} columns; {missing:,} values missing; classes {classes}")
    say(f"   sensitive: {', '.join(dataset.sensitive)}; {len(profile.warnings)} warnings, such as: {profile.warnings[0].text}")
    other = folder / "adult.parquet"
    story.platform.datasets.table("adult", by=owner, purpose="show that the format does not matter").write_parquet(other)
    same = story.platform.datasets.add("adult", [other], **declared)
    say(f"   fingerprint {dataset.fingerprint[:16]}… and as Parquet {same.fingerprint[:16]}…: the same data")
    other.unlink()
    file.unlink()


def train(story: Story) -> Run:
    chapter(2, "Training: eight candidates side by side, each one ONNX graph with its preparation inside")
    spec = parse_spec((HERE / "income.yaml").read_text())
    began = time.perf_counter()
    run = story.platform.training.train(spec, by=story.scientist, progress=Told())
    say(f"   {len(run.versions)} versions in {time.perf_counter() - began:.1f} s; graph and estimator agree on every test row")
    return run


class Told:
    """Says a word when a candidate is done."""

    def started(self, run: Run) -> None:
        say(f"   run {run.id}: {', '.join(candidate.name for candidate in run.candidates)}")

    def candidate(self, name: str, _share: float, word: str) -> None:
        if re.fullmatch(r"[a-z0-9-]+:\d+", word):
            say(f"   {word} {name}")


def compare(story: Story, run: Run, folder: Path) -> Comparison:
    chapter(3, "Assessment and comparison: large against small, every figure with its interval")
    spec = parse_spec(run.spec)
    objective = Objective(metric=spec.objective.metric, prefer=spec.objective.prefer, tolerance=spec.objective.tolerance)
    found = story.platform.assessment.compare(run.versions, objective=objective, by=story.scientist)
    (folder / "pareto.svg").write_text(found.plot)
    shown = Table(box=None, pad_edge=False)
    for name in ("   version", "recipe", "ROC AUC", "95 %", "p50 of a row", "size", "training energy", "clauses"):
        shown.add_column(name, no_wrap=True)
    for row in sorted(found.rows, key=lambda row: row.size_bytes):
        energy = (
            f"{row.energy_joules:.3g} J [{row.energy_low:.3g}, {row.energy_high:.3g}]" if row.energy_joules is not None else "–"
        )
        counts = ", ".join(f"{count} {verdict}" for verdict, count in row.verdicts.items() if verdict != "recorded")
        shown.add_row(
            f" {'→' if row.is_recommended else ' '} {row.version}",
            row.recipe + (" ◆" if row.is_on_front else ""),
            f"{row.estimate:.4f}",
            f"{row.low:.4f} – {row.high:.4f}",
            f"{row.latency_p50_ms * 1000:.0f} µs",
            f"{row.size_bytes / 1000:,.0f} KB",
            energy,
            counts,
        )
    Console(width=160, highlight=False).print(shown)
    say(f"   ◆ on the Pareto front (plot: {folder / 'pareto.svg'}); energy: {found.rows[0].energy_method}")
    say(f"   [bold]{found.recommendation}[/]")
    return found


def sign(story: Story, version: str) -> None:
    chapter(4, "Registry: immutable, signed, encrypted at rest")
    registry = story.platform.registry
    checked = registry.verify(version, by=story.scientist)
    found = registry.find(version, by=story.scientist)
    dossier = registry.dossier(found)
    say(f"   {version} is {found.digest[:16]}…, {len(dossier.files)} signed files with model card and trust report inside")
    say(f"   signature {'holds' if checked.is_sound else 'BROKEN'}, {checked.files_checked} files agree; AES-256-GCM at rest")


def release(story: Story, version: str) -> None:
    chapter(5, "Release: a policy decides over measured clauses, and a second person approves")
    releases = story.platform.releases
    try:
        releases.propose(version, by=story.scientist)
    except ReleaseRefusedError as refused:
        say("   [yellow]the default policy refuses:[/]")
        for line in str(refused).splitlines()[1:-1]:
            say(f"     {line.strip()}")
    releases.policies.put((HERE / "demonstration.yaml").read_text(), by=story.officer)
    proposed = releases.propose(version, policy="demonstration", by=story.scientist)
    say(f"   under the policy for demonstrations: {proposed.id} is {proposed.state.value}, {len(proposed.decisions)} rules passed")
    reason = "Public census data of 1994; it decides about nobody, and the gap between the sexes is shown to all who look."
    releases.approve(proposed.id, reason=reason, by=story.officer)
    live = releases.promote(proposed.id, by=local_actor())
    say(f"   {story.officer.name} approved: “{reason}” → {live.version} is {live.state.value}")


@contextmanager
def served(story: Story) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`modelward serve` on a free port, until the block ends."""
    command = [str(Path(sys.executable).with_name("modelward")), "serve", "--port", "0", "--home", str(story.settings.home)]
    log = story.settings.home.parent / "serve.log"
    with log.open("w") as sink:
        process = subprocess.Popen(command, stderr=sink)
    try:
        yield address_in(log, process), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the service says it is."""
    for _ in range(400):
        if found := re.search(r"http://[\d.]+:\d+", log.read_text()):
            return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"The service did not start: {log.read_text()}")


def ask(story: Story, url: str, folder: Path) -> None:
    chapter(6, "Serving: the same numbers online and offline, recorded before the answer leaves")
    wait_until_ready(url)
    rows = story.platform.datasets.table("adult", by=story.scientist, purpose="three rows for the demonstration").head(3)
    asked = rows.drop("income").to_dicts()
    with Client(url, key=story.caller_key) as client:
        got = client.serving.predict("income", asked)
        say(f"   POST {url}/v1/models/income/predict → {got.version}, ledger entry {got.entry}, request {got.request}")
        three = folder / "three.csv"
        rows.write_csv(three)
        offline = story.platform.serving.predict_file("income", three, by=story.scientist).payload.decode().splitlines()[1:]
        three.unlink()
        equal = all(
            [f"{float(share)!r}" for share in prediction.probabilities.values()] == [f"{float(x)!r}" for x in line.split(",")[1:]]
            for prediction, line in zip(got.answer.predictions, offline, strict=True)
        )
        labels = ", ".join(f"{each.label} ({max(each.probabilities.values()):.3f})" for each in got.answer.predictions)
        say(f"   {labels}; offline numbers are {'identical' if equal else 'DIFFERENT'}")
        explain(client, asked[:1])
        prove(client, got.request, asked)


def explain(client: Client, row: list[dict[str, object]]) -> None:
    chapter(7, "Explanation: what each named feature did to one answer")
    found = client.serving.explain("income", row)[0]
    parts = ", ".join(f"{part.feature} {part.contribution:+.3f}" for part in found.contributions[:SHOWN_FEATURES])
    say(f"   {found.label} with {found.probability:.3f}, average {found.base:.3f}: {parts}, …")
    say(f"   additivity residual {found.residual:.1e}; {found.method}")


def prove(client: Client, request: str, asked: list[dict[str, object]]) -> None:
    chapter(8, "Ledger: a receipt that verifies offline")
    receipt, public_key = client.auditing.receipt(request), client.auditing.public_key()
    proven = verify_receipt(receipt, public_key=public_key)
    body = msgspec.json.encode({"rows": asked})
    say(f"   entry {proven.index} is in the ledger of {proven.origin} under a root signed for {proven.size} entries")
    same, other = proven.confirms(body, "input"), proven.confirms(b"another question", "input")
    say(f"   the receipt confirms the question: {same}; another question: {other}")


def verify(story: Story) -> None:
    found = story.platform.ledger.verify()
    state = "[green]sound[/]" if found.is_sound else "[red]NOT SOUND[/]"
    say(f"   modelward audit verify: {state}, {found.size} entries")


def wait_until_ready(url: str) -> None:
    for _ in range(200):
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise SystemExit("The service did not become ready.")


def main() -> None:
    """Tell the story, then serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--exit", action="store_true", help="end after the story")
    stays = not options.parse_args().exit
    folder = Path(".cache") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    story = open_house(folder)
    say(f"[bold]Modelward[/]: from a file of real data to an accountable answer. Home: {story.settings.home}")
    register_data(story, folder)
    chosen = compare(story, train(story), folder).recommended
    sign(story, chosen)
    release(story, chosen)
    with served(story) as (url, process):
        ask(story, url, folder)
        verify(story)
        say(f"\n[bold]Told in {time.perf_counter() - story.began:.0f} s.[/]")
        token = (story.settings.home / "administrator.token").read_text().strip()
        if stays:
            say(f"The console: {url}/console/sign-in?token={token}  (the link works once; Ctrl-C ends)")
            try:
                process.wait()
            except KeyboardInterrupt:
                say("Good-bye.")
    story.platform.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\nStopped. What was made so far is left where the first line says.")
        raise SystemExit(130) from None
