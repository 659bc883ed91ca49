# SPDX-License-Identifier: Apache-2.0
"""`modelward data budget` and `data statistics`: what noisy answers may tell of one row, and such answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelward.entrances.cli import showing
from modelward.entrances.cli.desk import Desk
from modelward.entrances.cli.limits import limiting
from modelward.entrances.cli.verb import verb
from modelward.entrances.cli.waiting import waiting
from modelward.errors import InvalidError

if TYPE_CHECKING:
    from modelward.datasets import Budget, NoisyAnswer

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
_BAR = 40


def declare_budgets(nouns: typer.Typer) -> None:
    """Put the commands below `modelward data`."""

    @verb(nouns, "budget", show=_show_budget, example="modelward data budget adult --epsilon 3 --delta 1e-6")
    def budget(
        desk: Desk,
        name: Name,
        epsilon: Annotated[float | None, typer.Option(metavar="NUMBER", help="Set the budget to this; else it is shown.")] = None,
        delta: Annotated[
            float | None, typer.Option(metavar="NUMBER", help="Set its delta: far below one part in the number of rows.")
        ] = None,
        required: Annotated[
            bool | None, typer.Option("--required/--not-required", help="Whether models may not learn from it without noise.")
        ] = None,
    ) -> Budget:
        """Show the privacy budget of a dataset and what was spent of it, or set it."""
        if epsilon is None and delta is None and required is None:
            return desk.house.datasets.budgets.show(name, desk.actor)
        return desk.house.datasets.budgets.limit(name, epsilon=epsilon, delta=delta, is_required=required, by=desk.actor)

    @verb(
        nouns,
        "statistics",
        show=_show_answer,
        example="modelward data statistics adult --mean age --lower 0 --upper 100 --where 'sex == \"Female\"' --epsilon 0.5",
    )
    def statistics(
        desk: Desk,
        name: Name,
        *,
        epsilon: Annotated[float, typer.Option(metavar="NUMBER", help="What it may cost; less has more noise.")],
        count: Annotated[bool, typer.Option("--count", help="How many rows there are.")] = False,
        histogram: Annotated[str, typer.Option(metavar="COL", help="How many rows there are of each category or bin.")] = "",
        mean: Annotated[str, typer.Option(metavar="COL", help="The mean of a column of numbers.")] = "",
        where: Annotated[
            str | None, typer.Option(metavar="FILTER", help="Of these rows alone, such as: age >= 18.", callback=limiting)
        ] = None,
        categories: Annotated[
            list[str] | None, typer.Option(metavar="WORD", help="With --histogram: count these; repeat it, or separate by commas.")
        ] = None,
        bins: Annotated[str, typer.Option(metavar="NUMBERS", help="With --histogram: count between these: 0,18,65,120.")] = "",
        lower: Annotated[float | None, typer.Option(metavar="NUMBER", help="With --mean: what lies below counts as this.")] = None,
        upper: Annotated[float | None, typer.Option(metavar="NUMBER", help="With --mean: what lies above counts as this.")] = None,
    ) -> NoisyAnswer:
        """Ask a statistic of a dataset, answered with noise from its privacy budget; asked again it is free."""
        from modelward.datasets import Question

        if sum(map(bool, (count, histogram, mean))) != 1:
            raise InvalidError("Ask for one of `--count`, `--histogram COL` and `--mean COL`.")
        question = Question(
            kind="histogram" if histogram else "mean" if mean else "count",
            epsilon=epsilon,
            column=histogram or mean,
            where=where or "",
            categories=tuple(word.strip() for each in categories or () for word in each.split(",") if word.strip()),
            bins=_numbers(bins),
            lower=lower,
            upper=upper,
        )
        with waiting(desk, f"Asking {name}"):
            return desk.house.datasets.statistics.ask(name, question, by=desk.actor)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in text.split(",")) if text.strip() else ()
    except ValueError:
        raise InvalidError(f"Bins are numbers, separated by commas, such as 0,18,65,120, not {text[:80]!r}.") from None


def _show_budget(console: Console, budget: Budget) -> None:
    limit, spent = budget.limit, budget.spent
    showing.line(
        console,
        f"{budget.whole} may tell epsilon {limit.epsilon:g} of each of its rows at delta {limit.delta:g}"
        + (f", as {limit.by} set on {limit.set:%Y-%m-%d}." if limit.set else ", as long as nobody sets another budget."),
    )
    if limit.is_required:
        showing.line(console, "It is required: no model is trained on these rows without noise.")
    if budget.whole != budget.dataset:
        showing.line(console, f"{budget.dataset} is a shard or a copy of it, and has no budget of its own.")
    filled = round(_BAR * min(1.0, spent.epsilon / limit.epsilon))
    showing.line(console, f"{'█' * filled}{'░' * (_BAR - filled)}  spent {spent.epsilon:.4f}, left {budget.left:.4f}")
    console.print()
    showing.table(
        console,
        ("at", "what", "by", "dataset", "epsilon alone", "looks", "state"),
        (
            (
                each.at,
                each.purpose,
                each.by,
                each.dataset,
                each.epsilon,
                ", ".join(
                    f"{look.times} × {look.kind} {look.noise:.4g}" + (f" of {look.sampling:.3g}" if look.sampling < 1 else "")
                    for look in each.mechanisms
                ),
                "settled" if each.is_settled else "reserved",
            )
            for each in budget.spendings
        ),
        numbers=("epsilon alone",),
        text=("what", "looks"),
        spare=("dataset", "by"),
    )
    if budget.unseen:
        showing.line(console, f"And {budget.unseen} more, on datasets that hold the same rows and that you may not see.")
    for sentence in _arithmetic(budget):
        showing.line(console, sentence)


def _arithmetic(budget: Budget) -> list[str]:
    """How the sum came about, and what it leaves out."""
    spent, sentences = budget.spent, []
    bounds = {"distributions of the privacy loss": spent.pld, "Rényi divergences": spent.rdp, "the plain sum": spent.pure}
    told = [f"{bound:.4f} by {name}" for name, bound in bounds.items() if bound is not None]
    if told:
        libraries = ", ".join(f"{name} {version}" for name, version in spent.accountants.items())
        sentences.append(f"Together: {', '.join(told)}; the least holds ({libraries}). {spent.compared}")
    free = budget.unbounded
    if free.total:
        sentences.append(
            f"Besides, rows were read {free.total} times without noise (trainings {free.trainings}, assessments "
            f"{free.assessments}, others {free.others}). What those tell has no bound, and is no part of this."
        )
    return sentences


def _show_answer(console: Console, answer: NoisyAnswer) -> None:
    showing.line(console, answer.text)
    if answer.question.kind == "histogram":
        showing.table(
            console,
            (answer.question.column, "rows", "from", "to"),
            ((each.label, each.value, each.low, each.high) for each in answer.figures),
            numbers=("rows", "from", "to"),
        )
    cost = "It was answered before, and costs nothing again" if answer.repeated else f"It cost epsilon {answer.epsilon:g}"
    showing.line(console, f"{cost}; left of the privacy budget: {answer.left:.4f}.")
