# SPDX-License-Identifier: Apache-2.0
"""Sequences of characters, counted and weighed (TF-IDF), and a logistic regression over them: scikit-learn's.

It knows no language and no words, so Chinese and English are learned alike, and a text costs about a tenth of a millisecond.
"""

from __future__ import annotations

import warnings
from copy import copy
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from modelward.registry import CodePoints, text_of
from modelward.training.graph import INT32, Drawing, draw_linear, estimator, softmax
from modelward.training.recipe import Inputs, Made, Progress, Takes, UnusableInputsError, one_thread

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

# A text without a known sequence has the length zero; divided by so little, its zeros stay zeros.
_TINY = 1e-12
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)
# Where nothing can choose.
_STRENGTH = 3.0


class TextLinearParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `text-linear`."""

    shortest: Annotated[int, Meta(ge=1, le=8, description="Characters of the shortest sequences that are counted.")] = 1
    longest: Annotated[int, Meta(ge=1, le=8, description="Characters of the longest sequences that are counted.")] = 4
    sequences: Annotated[
        int, Meta(ge=1, le=200_000, description="Most sequences that are kept: the most frequent of the training texts.")
    ] = 20_000
    least_texts: Annotated[int, Meta(ge=1, le=1000, description="Training texts that a sequence must occur in to be kept.")] = 2
    sublinear: Annotated[bool, Meta(description="Whether a sequence that occurs n times counts 1 + ln n instead of n.")] = True
    normalise: Annotated[bool, Meta(description="Whether long texts weigh as much as short ones (Euclidean norm 1).")] = True
    C: Annotated[
        Annotated[float, Meta(gt=0, le=1e6)] | None,
        Meta(description="Inverse strength of the penalty on the weights; without it validation rows choose: 1, 3, 10, 30 or 100."),
    ] = None
    iterations: Annotated[int, Meta(ge=1, le=100_000, description="Most steps of the solver.")] = 1000
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None

    def __post_init__(self) -> None:
        if self.shortest > self.longest:
            raise ValueError("`shortest` is longer than `longest`")


@dataclass(frozen=True, slots=True)
class TextLinear:
    """Linear in the weights of the sequences; solved in float64."""

    takes: ClassVar[Takes] = "text"
    Parameters: ClassVar[type[TextLinearParameters]] = TextLinearParameters
    parameters: TextLinearParameters

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        # What these load is held to one thread afterwards.
        vectorizer, regression = self._vectorizer(), self._regression(inputs)
        one_thread()
        progress(0.0)
        weighed = _weighed(vectorizer, inputs.train)
        progress(0.5)
        trained = self._fitted(regression, weighed, inputs=inputs, vectorizer=vectorizer, progress=progress)
        progress(1.0)
        return Made(
            predict=lambda points: trained.predict_proba(vectorizer.transform(_texts(points))),
            graph=lambda: estimator(
                lambda drawing, points: self._draw(drawing, points, vectorizer, trained),
                width=inputs.width,
                classes=len(inputs.classes),
                kind=INT32,
            ),
            parameters=trained.coef_.size + trained.intercept_.size + vectorizer.idf_.size,
            notes=self._notes(vectorizer, trained, is_chosen=self.parameters.C is None and inputs.has_validation),
        )

    def _fitted(
        self, regression: LogisticRegression, weighed: Any, *, inputs: Inputs, vectorizer: TfidfVectorizer, progress: Progress
    ) -> LogisticRegression:
        """The regression, fitted with the penalty that was asked for, or that with which the validation rows are least surprising:
        how strong it must be for probabilities that can be believed differs tenfold between sets of texts.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.metrics import log_loss

        # Said in the notes of the run instead, with what to do about it.
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        asked = self.parameters
        strengths = _STRENGTHS if asked.C is None and inputs.has_validation else (asked.C or _STRENGTH,)
        held_out = vectorizer.transform(_texts(inputs.validation)) if len(strengths) > 1 else None
        best, least = regression, np.inf
        for place, strength in enumerate(strengths, 1):
            regression.set_params(C=strength).fit(weighed, inputs.train_labels)
            progress(0.5 + 0.5 * place / len(strengths))
            if held_out is None:
                break
            loss = log_loss(inputs.validation_labels, regression.predict_proba(held_out), labels=range(len(inputs.classes)))
            if loss >= least:
                break
            # Fitting again makes new weights and leaves these.
            best, least = copy(regression), loss
        return best

    def _regression(self, inputs: Inputs) -> LogisticRegression:
        from sklearn import linear_model

        asked = self.parameters
        return linear_model.LogisticRegression(
            max_iter=asked.iterations, class_weight=asked.class_weight, random_state=inputs.seed, warm_start=True
        )

    def _vectorizer(self) -> TfidfVectorizer:
        from sklearn.feature_extraction.text import TfidfVectorizer

        asked = self.parameters
        return TfidfVectorizer(
            analyzer="char",
            # What a character is, and in which case, was settled when the code points were made.
            lowercase=False,
            ngram_range=(asked.shortest, asked.longest),
            max_features=asked.sequences,
            min_df=asked.least_texts,
            sublinear_tf=asked.sublinear,
            norm="l2" if asked.normalise else None,
        )

    def _notes(self, vectorizer: TfidfVectorizer, trained: LogisticRegression, *, is_chosen: bool) -> tuple[str, ...]:
        steps = int(trained.n_iter_.max())
        notes = [f"{len(vectorizer.vocabulary_):,} sequences of characters are counted."]
        if is_chosen:
            notes.append(f"The validation rows chose C = {trained.C:g}.")
        if steps >= self.parameters.iterations:
            notes.append(f"The solver stopped at {steps} steps, before it had converged. Raise iterations, or lower C.")
        return tuple(notes)

    def _draw(self, drawing: Drawing, points: str, vectorizer: TfidfVectorizer, trained: LogisticRegression) -> str:
        counts = drawing.node("TfIdfVectorizer", points, **_pool(vectorizer.vocabulary_, longest=self.parameters.longest))
        if self.parameters.sublinear:
            # 1 + ln n of what occurs, 0 of what does not.
            one = drawing.constant(1.0)
            logarithms = drawing.node("Log", drawing.node("Max", counts, one))
            counts = drawing.node("Add", logarithms, drawing.node("Min", counts, one))
        weighed = drawing.node("Mul", counts, drawing.constant(vectorizer.idf_))
        if self.parameters.normalise:
            norms = drawing.node("ReduceL2", weighed, drawing.constant([1], np.int64), keepdims=1)
            weighed = drawing.node("Div", weighed, drawing.node("Max", norms, drawing.constant(_TINY)))
        return softmax(drawing, draw_linear(drawing, weighed, weights=trained.coef_, biases=trained.intercept_))


def _texts(points: CodePoints) -> list[str]:
    return [text_of(row) for row in points]


def _weighed(vectorizer: TfidfVectorizer, points: CodePoints) -> Any:
    """The training texts as a sparse matrix of weights; the sequences are found on the way."""
    try:
        return vectorizer.fit_transform(_texts(points))
    except ValueError as nothing:
        raise UnusableInputsError(
            "No sequence of characters occurs in enough training texts. Lower `least_texts` or `shortest`, or choose another "
            "column."
        ) from nothing


def _pool(vocabulary: dict[str, int], *, longest: int) -> dict[str, Any]:
    """The sequences as the attributes of ONNX's TfIdfVectorizer: one size after the other, each sequence with its column. Zeros are
    in none of them, so that what lies behind the end of a text is never counted.
    """
    ordered = sorted(vocabulary, key=lambda sequence: (len(sequence), vocabulary[sequence]))
    widths = [sum(len(sequence) for sequence in ordered if len(sequence) == size) for size in range(1, longest + 1)]
    return {
        "mode": "TF",
        "min_gram_length": min(map(len, ordered)),
        "max_gram_length": max(map(len, ordered)),
        "max_skip_count": 0,
        "ngram_counts": [0, *accumulate(widths)][: max(map(len, ordered))],
        "ngram_indexes": [vocabulary[sequence] for sequence in ordered],
        "pool_int64s": [ord(character) for character in chain.from_iterable(ordered)],
    }
