# SPDX-License-Identifier: Apache-2.0
"""How near written texts are to the true ones, and whether they are nearer than answers that nobody had to learn.

chrF (Popović 2015) and BLEU (Papineni et al. 2002) by sacrebleu, whose counts of n-grams are kept row by row, so that one pass
serves estimate and interval. Both are told from 0 to 100, as their field does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np

from modelward.assessment.assessor import Findings, Sample
from modelward.assessment.clause import Clause, Measure, Threshold
from modelward.assessment.intervals import Estimate, Floats, estimates, resample, wilson
from modelward.assessment.overlaps import UNCOUNTED, bleu, chrf, counted, is_counted
from modelward.assessment.replicates import Replicates, replicates_file

if TYPE_CHECKING:
    from modelward.assessment.assessor import Examples
    from modelward.registry import AnswerKind, OpenVersion


def _measure(key: str, title: str, meaning: str, *, threshold: Threshold | None = None, lowest: float = 0.0) -> Measure:
    return Measure(assessor="translation", key=key, title=title, meaning=meaning, threshold=threshold, lowest=lowest, highest=100.0)


CHRF = _measure("chrf", "chrF", "F score of the shared runs of up to 6 characters, recall weighed twice; 100 is perfect")
BLEU = _measure("bleu", "BLEU", "precision of runs of up to 4 words, shorter texts marked down; 100 is perfect")
EXACT = Measure(
    assessor="translation",
    key="exact_match",
    title="Texts equal",
    meaning="share of rows that are answered word for word",
    highest=1.0,
)
OVER_COPY = _measure(
    "chrf_over_copy",
    "chrF above copying",
    "chrF minus that of answering each text with itself",
    threshold=Threshold(0.001, "at-least"),
    lowest=-100.0,
)
OVER_RETRIEVAL = _measure(
    "chrf_over_retrieval",
    "chrF above looking up",
    "chrF minus that of the answer that goes with the most similar training text",
    lowest=-100.0,
)

_BATCH_ROWS = 512
_LEAST_ROWS = 20
_EXAMPLES = 20_000
_HAN_SHARE = 0.3


class Translation:
    """chrF, BLEU and equality of the texts that a version writes, and chrF above copying and above looking up, paired."""

    title = "Written texts"
    answers: ClassVar[tuple[AnswerKind, ...]] = ("text",)
    needs_sample = True
    is_repeatable = True
    measures = (CHRF, BLEU, EXACT, OVER_COPY, OVER_RETRIEVAL)

    def assess(self, version: OpenVersion, sample: Sample | None) -> Findings:
        """Five clauses; the intervals of chrF and BLEU come from one bootstrap over the rows."""
        assert sample is not None
        if version.interface.answer != "text":
            note = "Written texts are compared, and this version answers with something else."
            return Findings.none(self.measures, note)
        if not is_counted():
            return Findings.none(self.measures, UNCOUNTED)
        if sample.rows < _LEAST_ROWS:
            note = f"There are {sample.rows} test rows; at least {_LEAST_ROWS} are needed. Hold out more rows."
            return Findings.none(self.measures, note, n=sample.rows)
        return _findings(sample.written(version), sample)


def _findings(texts: Sequence[str], sample: Sample) -> Findings:
    tokens = _tokenizer(sample.targets)
    rivals = {OVER_COPY: sample.sources}
    if sample.examples is not None:
        rivals[OVER_RETRIEVAL] = _looked_up(sample.sources, sample.examples)
    characters, words = counted(texts, sample.targets, metric="chrf"), counted(texts, sample.targets, metric="bleu", tokens=tokens)
    others = [counted(each, sample.targets, metric="chrf") for each in rivals.values()]
    places = np.arange(sample.rows, dtype=np.float64)

    def figures(weights: Floats) -> Floats:
        ours = chrf(weights @ characters)
        gains = [ours - chrf(weights @ each) for each in others]
        return np.stack([ours, bleu(weights @ words), *gains, weights @ places], axis=1)

    points, drawn = resample(figures, rows=sample.rows, seed=sample.seed)
    found = estimates(points[:-1], drawn[:, :-1], rows=sample.rows, effective=sample.rows, seed=sample.seed)
    named = dict(zip((CHRF, BLEU, *rivals), found, strict=True))
    equal = float(np.mean([ours == true for ours, true in zip(texts, sample.targets, strict=True)]))
    named[EXACT] = wilson(equal, n=sample.rows)
    notes = {
        CHRF: f"sacrebleu {_version()}, nc:6, nw:0, b:2, no space.",
        BLEU: f"sacrebleu {_version()}, tok:{tokens}, smooth:exp.",
        **{rival: f"chrF of that is {each:.1f}." for rival, each in zip(rivals, (_whole(each) for each in others), strict=True)},
    }
    replicates = Replicates.of({CHRF.key: drawn[:, 0], BLEU.key: drawn[:, 1]}, places=drawn[:, -1])
    clauses = tuple(_clause(measure, named.get(measure), notes, sample) for measure in Translation.measures)
    return Findings(clauses, {replicates_file("translation"): msgspec.json.encode(replicates)})


def _clause(measure: Measure, found: Estimate | None, notes: dict[Measure, str], sample: Sample) -> Clause:
    if found is None:
        return measure.not_measurable("Which texts the version learned from is not known. Train it here.", n=sample.rows)
    return measure.clause(found, note=notes.get(measure, ""))


def _looked_up(sources: Sequence[str], examples: Examples) -> list[str]:
    """The answer that goes with the training text that shares most runs of 2 to 4 characters (cosine of their counts)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    known, answers = examples.sources[:_EXAMPLES], examples.targets[:_EXAMPLES]
    reader = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=1 << 18, alternate_sign=False)
    held = reader.transform(known).T.tocsr()
    found: list[str] = []
    for at in range(0, len(sources), _BATCH_ROWS):
        likeness = reader.transform(sources[at : at + _BATCH_ROWS]) @ held
        found += [answers[place] for place in np.asarray(likeness.argmax(axis=1)).ravel().tolist()]
    return found


def _whole(counts: Floats) -> float:
    return float(chrf(counts.sum(axis=0, keepdims=True))[0])


def _tokenizer(texts: Sequence[str]) -> str:
    """How BLEU parts words: Chinese into characters, else at blanks and punctuation."""
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    han = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return "zh" if han > _HAN_SHARE * max(len(letters), 1) else "13a"


def _version() -> str:
    from importlib.metadata import version

    return version("sacrebleu")
