# SPDX-License-Identifier: Apache-2.0
"""How far up a recommender puts what was taken next, among all items: no item is left out to make it look better.

Rankings over a few sampled items say little about those over all (Krichene and Rendle, 2020), so none is made. Of items with the
same probability half are counted as being before the one that was taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np

from modelward.assessment.assessor import Findings, Sample
from modelward.assessment.clause import Clause, Measure
from modelward.assessment.history_sampling import Histories, ranks_of
from modelward.assessment.intervals import Floats, estimates, exact, resample
from modelward.assessment.replicates import Replicates, replicates_file

if TYPE_CHECKING:
    from modelward.registry import Answered, OpenVersion

TOP = 10
RANKS = "evidence/ranking.ranks.json"
_ROWS_AT_ONCE = 256


def _measure(key: str, title: str, meaning: str, *, lowest: float = 0.0) -> Measure:
    return Measure(assessor="ranking", key=key, title=title, meaning=meaning, lowest=lowest)


HIT_RATE = _measure("hr_10", "Hit rate at 10", "share of users whose next item is among the first ten of all items")
NDCG = _measure("ndcg_10", "NDCG at 10", "1 / log2(1 + rank) of the next item where that is at most ten, else 0; mean")
MRR = _measure("mrr", "Mean reciprocal rank", "1 / rank of the next item among all items; mean")
OVER_POPULARITY = _measure(
    "ndcg_10_over_popularity", "NDCG at 10 above popularity", "the version's minus that of what most people take", lowest=-1.0
)
OVER_NEIGHBOURS = _measure(
    "ndcg_10_over_item_knn", "NDCG at 10 above item-kNN", "the version's minus that of items which the same users took", lowest=-1.0
)
COVERAGE = _measure("coverage_10", "Coverage at 10", "share of all items that are recommended to anybody among the first ten")
GINI = _measure("gini_10", "Gini index at 10", "how unevenly items are recommended: 0 all alike, 1 always the same ones")
UNKNOWN = _measure("unknown_items", "Unknown items", "share of next items that training never saw; they count as missed")


class Ranking:
    """HR@10, NDCG@10 and MRR with the full ranking, against popularity and item-kNN on the same users, and what is recommended."""

    title = "Ranking"
    answers: ClassVar[tuple[Answered, ...]] = ("items",)
    needs_sample = True
    is_repeatable = True
    measures = (HIT_RATE, NDCG, MRR, OVER_POPULARITY, OVER_NEIGHBOURS, COVERAGE, GINI, UNKNOWN)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Clauses with intervals of the bootstrap over the test rows, and how many next items came at each rank."""
        assert sample is not None
        if sample.histories is None:
            why = "The sample holds no histories of a log. Train it here, on data registered with `--task items`."
            return Findings.none(self.measures, why)
        ranks, recommended = _asked(version, sample)
        merits = _merits(ranks) | _gains(ranks, sample.histories)
        places = np.arange(len(ranks), dtype=np.float64)
        columns = np.stack([*merits.values(), places * len(ranks)], axis=1)
        points, drawn = resample(lambda weights: weights @ columns / len(ranks), rows=len(ranks), seed=sample.seed)
        found = estimates(points[:-1], drawn[:, :-1], rows=len(ranks), effective=len(ranks), seed=sample.seed)
        few = "There are too few rows in the sample. Hold out more."
        clauses = [
            measure.clause(estimate) if estimate else measure.not_measurable(few, n=len(ranks))
            for measure, estimate in zip(self.measures, found, strict=False)
        ]
        replicates = Replicates.of(dict(zip(merits, drawn.T[:-1], strict=True)), places=drawn[:, -1])
        evidence = {RANKS: _counted(ranks), replicates_file("ranking"): msgspec.json.encode(replicates)}
        return Findings((*clauses, *_spread(recommended, sample)), evidence)


def _asked(version: OpenVersion, sample: Sample) -> tuple[Floats, Floats]:
    """The rank of each next item [n], and how often each item is among the first ten [K]."""
    ranks, recommended = [], np.zeros(len(sample.classes))
    for start in range(0, sample.rows, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        probabilities = version.predict(sample.cut(rows))
        ranks.append(ranks_of(probabilities, sample.labels[rows]))
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
        recommended += np.bincount(best.ravel(), minlength=len(recommended))
    return np.concatenate(ranks), recommended


def _merits(ranks: Floats) -> dict[str, Floats]:
    hit = ranks <= TOP
    return {HIT_RATE.key: hit.astype(np.float64), NDCG.key: np.where(hit, 1 / np.log2(1 + ranks), 0.0), MRR.key: 1 / ranks}


def _gains(ranks: Floats, histories: Histories) -> dict[str, Floats]:
    """By how much each row's NDCG is above that of the two that a recommender has to beat."""
    ours = _merits(ranks)[NDCG.key]
    rivals = {OVER_POPULARITY.key: histories.by_popularity, OVER_NEIGHBOURS.key: histories.by_neighbours}
    return {key: ours - _merits(theirs)[NDCG.key] for key, theirs in rivals.items()}


def _spread(recommended: Floats, sample: Sample) -> tuple[Clause, ...]:
    items, shares = len(recommended), np.sort(recommended) / recommended.sum()
    gini = float(((2 * np.arange(1, items + 1) - items - 1) * shares).sum() / items)
    unknown = float((sample.labels < 0).mean())
    counted = {COVERAGE: float((recommended > 0).mean()), GINI: max(0.0, gini), UNKNOWN: unknown}
    return tuple(measure.clause(exact(value, n=sample.rows, method="counted")) for measure, value in counted.items())


def _counted(ranks: Floats) -> bytes:
    """How many next items came at which rank; those of unknown items at none."""
    edges = (1, 2, 5, 10, 20, 50, 100, 1000)
    counts: Mapping[str, int] = {f"up to {edge}": int((ranks <= edge).sum()) for edge in edges}
    return msgspec.json.encode({"rows": len(ranks), "next_items_ranked": counts, "not_among_the_items": int(np.isinf(ranks).sum())})
