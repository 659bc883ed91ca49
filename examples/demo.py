# SPDX-License-Identifier: Apache-2.0
"""Tells the whole story on real data: from a file to an answer that can be accounted for.

Every step goes through the services that the command line and the HTTP API use, every figure is what they return, and what is
served is served by `modelward serve`. `make demo` runs it, and `make demo ARGS=--exit` ends after the story.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import msgspec
import polars as pl
from rich.markup import escape
from served import served
from telling import OUT, Told, chapter, tell

from modelward.access import Actor, Role, local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.assessment import Comparison, Objective
from modelward.audit import verify_receipt
from modelward.client import Asked, Client
from modelward.datasets import SAMPLES, fetch_sample
from modelward.entrances.cli import show_comparison, show_report
from modelward.releases import ReleaseRefusedError
from modelward.serving import Explanation
from modelward.settings import Settings, read_settings
from modelward.training import Run, parse_spec

HERE = Path(__file__).parent
MODEL = "income"
# The outcome that people want: fairness counts who is decided so.
FAVOURABLE = ">50K"
SHOWN_FEATURES = 5


@dataclass
class Story:
    """What the chapters hand on."""

    settings: Settings
    platform: Platform
    scientist: Actor
    officer: Actor
    caller_key: str
    began: float


def open_house(folder: Path) -> Story:
    """A new home, and the three people of the story."""
    settings = read_settings(home=folder / ".modelward")
    create_home(settings)
    platform = open_platform(settings)
    owner = local_actor()

    def issue(name: str, role: Role) -> str:
        return platform.access.create_key(name, role=role, purpose=SAMPLES["adult"].purpose, by=owner).secret

    return Story(
        settings,
        platform,
        platform.access.authenticate(issue("sam-the-scientist", Role.DATA_SCIENTIST)),
        platform.access.authenticate(issue("olga-the-risk-officer", Role.RISK_OFFICER)),
        issue("till-at-the-counter", Role.CALLER),
        time.perf_counter(),
    )


@chapter(1, "Data", "registered, profiled, fingerprinted, sealed")
def register_data(story: Story, folder: Path) -> None:
    sample, owner = SAMPLES["adult"], local_actor()
    file = fetch_sample("adult", folder)
    declared = {
        "target": sample.target,
        "positive": FAVOURABLE,
        "sensitive": sample.sensitive,
        "purpose": sample.purpose,
        "owner": sample.owner,
        "license": sample.license,
        "by": owner,
    }
    dataset = story.platform.datasets.add("adult", [file], **declared)
    profile = story.platform.datasets.profile("adult", by=owner)
    missing = sum(column.missing for column in profile.columns)
    tell("adult", f"{dataset.rows:,} rows, {len(dataset.columns)} columns; {missing:,} values are missing")
    tell("to predict", f"{dataset.target}: {' · '.join(f'{name} {count:,}' for name, count in profile.classes.items())}")
    tell("favourable", f"{dataset.positive}, as was stated: fairness counts who is decided so")
    tell("sensitive", f"{', '.join(dataset.sensitive)}; by these fairness is measured")
    tell("to look at", f"{len(profile.warnings)} warnings, such as: {escape(profile.warnings[0].text)}")
    other = folder / "adult.parquet"
    story.platform.datasets.table("adult", by=owner, purpose="show that the format does not matter").write_parquet(other)
    same = story.platform.datasets.add("adult", [other], **declared).fingerprint == dataset.fingerprint
    granted = story.platform.grants.grant(MODEL, "adult", purpose=sample.purpose, by=owner)
    tell("granted", f"to the model {MODEL}, for “{granted.purpose}”; no other model has it, and none for anything else")
    tell("fingerprint", f"{dataset.fingerprint[:16]}…, and as Parquet {'the same' if same else 'ANOTHER'}")
    other.unlink()
    file.unlink()


@chapter(2, "Training", "recipes side by side, on the same rows")
def train(story: Story) -> Run:
    spec = parse_spec((HERE / "income.yaml").read_text())
    run = story.platform.training.train(spec, by=story.scientist, progress=Told())
    made = [story.platform.registry.find(name, by=story.scientist).facts for name in run.versions]
    rows, parity = made[0]["rows"], [each["parity"] for each in made]
    tell("rows", f"{rows['train']:,} to learn from, {rows['validation']:,} to choose by, {rows['test']:,} held out")
    tell(
        "one graph",
        "Each version is one ONNX graph with its preparation inside. On every held-out row it answers as what was "
        f"trained does: the largest difference is {max(each['largest_difference'] for each in parity):.0e}, and "
        f"{parity[0]['tolerance']:.0e} would be refused.",
    )
    return run


@chapter(3, "Assessment", "each version measured on rows it never saw")
def assess(story: Story, run: Run) -> Comparison:
    assessment = story.platform.assessment
    for name in run.versions:
        report = assessment.assess(name, by=story.scientist)
        tell(name, ", ".join(f"{count} {verdict.replace('-', ' ')}" for verdict, count in report.verdicts.items()))
    asked = parse_spec(run.spec).objective
    objective = Objective(metric=asked.metric, prefer=asked.prefer, tolerance=asked.tolerance)
    found = assessment.compare(run.versions, objective=objective, by=story.scientist)
    OUT.print(f"\n   The trust report of {found.recommended}, which the comparison will recommend:\n")
    report = assessment.report(found.recommended, by=story.scientist)
    assert report is not None
    show_report(OUT, report, is_whole=False)
    OUT.print()
    return found


@chapter(4, "Comparison", "large against small, each figure with its interval")
def compare(found: Comparison, folder: Path) -> None:
    show_comparison(OUT, found)
    OUT.print()
    (folder / "pareto.svg").write_text(found.plot)
    row = found.rows[0]
    if row.energy_joules is not None and row.energy_low is not None and row.energy_high is not None:
        joules = escape(f"{row.energy_joules:.3g} J [{row.energy_low:.3g}, {row.energy_high:.3g}]")
        tell("energy", f"{joules} to train {row.version}; by {escape(row.energy_method)}")
    tell("plot", str(folder / "pareto.svg"))


@chapter(5, "Registry", "immutable, signed, sealed")
def sign(story: Story, version: str) -> None:
    registry = story.platform.registry
    checked = registry.verify(version, by=story.scientist)
    found = registry.find(version, by=story.scientist)
    signed = len(registry.dossier(found).files)
    earlier = checked.files_checked - signed
    tell("version", f"{version} ({found.lineage.recipe}), digest {found.digest[:16]}…")
    tell("signed", f"{signed} files under one signature, model card and trust report among them")
    tell(
        "verified",
        f"the signature {'holds' if checked.is_sound else 'is BROKEN'}; {checked.files_checked} files agree: these {signed}, "
        f"and {earlier} that were signed earlier and stay on record",
    )
    tell("at rest", "every file is sealed with AES-256-GCM")


@chapter(6, "Release", "a policy decides, and a second person approves")
def release(story: Story, version: str) -> None:
    releases = story.platform.releases
    try:
        releases.propose(version, by=story.scientist)
    except ReleaseRefusedError as refused:
        tell("policy", "[yellow]default refuses:[/]")
        for line in str(refused).splitlines()[1:-1]:
            tell("", escape(line.strip()))
    policy = releases.policies.put((HERE / "demonstration.yaml").read_text(), by=story.officer)
    tell("policy", f"{policy.name} governs {', '.join(policy.models)} from now on: who proposes cannot choose another")
    proposed = releases.propose(version, by=story.scientist)
    tell("decided", f"{len(proposed.decisions)} of its rules passed; {proposed.id} is {proposed.state.value.replace('-', ' ')}")
    reason = "Public census data of 1994; it decides about nobody, and the gap between the sexes is shown to all who look."
    releases.approve(proposed.id, reason=reason, by=story.officer)
    live = releases.promote(proposed.id, by=local_actor())
    tell("approved", f"by {story.officer.name}: “{reason}”")
    tell("live", f"[green]{live.version}[/]; offline again by: modelward release pause {live.id} --reason TEXT")


@dataclass
class Counter:
    """The service as its caller sees it: where, with which key, and what was asked."""

    url: str
    ready_seconds: float
    client: Client
    table: pl.DataFrame

    @property
    def rows(self) -> list[dict[str, object]]:
        """What is asked about, without the answer that the data holds."""
        return self.table.drop(SAMPLES["adult"].target).to_dicts()


@chapter(7, "Serving", "online and offline the same, on record before it leaves")
def ask(story: Story, counter: Counter, folder: Path) -> Asked:
    got = counter.client.serving.predict(MODEL, counter.rows)
    tell("service", f"{counter.url}, ready {counter.ready_seconds:.1f} s after its start")
    tell("asked", f"{len(counter.rows)} rows by POST /v1/models/{MODEL}/predict")
    labels = " · ".join(f"{each.label} {max(each.probabilities.values()):.3f}" for each in got.answer.predictions)
    tell(got.version, f"{labels} (the probability of the class)")
    tell("on record", f"entry {got.entry} of the ledger; only then did the answer leave")
    strange = counter.client.serving.predict(MODEL, [{**counter.rows[0], "native_country": "Atlantis"}]).answer.predictions[0]
    tell("unfamiliar", f"asked about Atlantis, the answer names what training never saw: {', '.join(strange.unfamiliar)}")
    file = folder / "rows.csv"
    counter.table.write_csv(file)
    answered = story.platform.serving.predict_file(MODEL, file, by=story.scientist).payload.decode()
    file.unlink()
    online = [each.probabilities for each in got.answer.predictions]
    offline = list(csv.DictReader(io.StringIO(answered)))
    is_same = online == [
        {name: float(row[f"probability_{name}"]) for name in asked} for asked, row in zip(online, offline, strict=True)
    ]
    tell("offline", f"the same rows as a file: {'identical numbers, to the last bit' if is_same else 'DIFFERENT numbers'}")
    return got


@chapter(8, "Ledger", "a receipt that verifies offline")
def prove(story: Story, counter: Counter, request: str) -> None:
    receipt, public_key = counter.client.auditing.receipt(request), counter.client.auditing.public_key()
    proven = verify_receipt(receipt, public_key=public_key)
    same = proven.confirms(msgspec.json.encode({"rows": counter.rows}), "input")
    other = proven.confirms(b"another question", "input")
    tell("receipt", f"of {request}: entry {proven.index} of {proven.size} under one signed root")
    tell("proves", f"this question: {'yes' if same else 'NO'}; any other question: {'YES' if other else 'no'}")
    found = story.platform.ledger.verify()
    state = "[green]sound[/]" if found.is_sound else "[red]NOT SOUND[/]"
    tell("ledger", f"{state}: each hash of {found.size} entries, the tree and the signed checkpoint")


@chapter(9, "Explanation", "what each feature did to one answer")
def explain(counter: Counter) -> None:
    found: Explanation = counter.client.serving.explain(MODEL, counter.rows[:1])[0]
    tell("answer", f"{found.label} with a probability of {found.probability:.3f}")
    tell("average", f"{found.base:.3f}, over {found.background_rows} rows of the training data")
    for part in found.contributions[:SHOWN_FEATURES]:
        value = f"{part.value:.10g}" if isinstance(part.value, float) else str(part.value)
        tell(f"{part.contribution:+.3f}", f"{part.feature} is {escape(value)}")
    rest = found.contributions[SHOWN_FEATURES:]
    tell(f"{sum(part.contribution for part in rest):+.3f}", f"the other {len(rest)} features together")
    tell("unit", f"the probability of {found.label}; +0.100 is ten percentage points")
    tell("together", f"average and values add up to the answer; largest gap {abs(found.residual):.1e}")
    tell("method", found.method)


@chapter(10, "Console", "the same for people, in English and Chinese")
def show_console(story: Story, counter: Counter) -> None:
    page = httpx.get(f"{counter.url}/console/sign-in")
    tell("sign-in page", "answers" if page.is_success else f"does NOT answer: {page.status_code}")
    tell("in a shell", ". .venv/bin/activate")
    tell("", f"export MODELWARD_HOME={os.path.relpath(story.settings.home)}")
    tell("", "modelward release list; modelward audit log")


def stay(story: Story, url: str, process: subprocess.Popen[bytes]) -> None:
    """Serve until Ctrl-C."""
    token = (story.settings.home / "administrator.token").read_text().strip()
    OUT.print("Open the console (the link works once; Ctrl-C ends):")
    # Not broken, so that it can be clicked.
    OUT.print(f"{url}/console/sign-in?token={token}", soft_wrap=True)
    try:
        process.wait()
    except KeyboardInterrupt:
        OUT.print("Good-bye.")


def main() -> None:
    """Tell the story, then serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--exit", action="store_true", help="end after the story")
    stays = not options.parse_args().exit
    folder = Path(".cache") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    story = open_house(folder)
    OUT.print("[bold]Modelward[/]: from a file of real data to an answer that can be accounted for.")
    # Not broken, so that the path is whole.
    OUT.print(f"[dim]All is made now, on this machine, and kept in {folder}.[/]", soft_wrap=True)
    register_data(story, folder)
    run = train(story)
    found = assess(story, run)
    compare(found, folder)
    sign(story, found.recommended)
    release(story, found.recommended)
    with served(story.settings.home) as (url, process, ready_seconds), Client(url, key=story.caller_key) as client:
        table = story.platform.datasets.table("adult", by=story.scientist, purpose="three rows to ask about").head(3)
        counter = Counter(url, ready_seconds, client, table)
        prove(story, counter, ask(story, counter, folder).request)
        explain(counter)
        show_console(story, counter)
        OUT.print(f"\n[bold]Told in {time.perf_counter() - story.began:.0f} s.[/]")
        if stays:
            stay(story, url, process)
    story.platform.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        OUT.print("\nStopped. What was made so far is left where the first lines say.")
        raise SystemExit(130) from None
