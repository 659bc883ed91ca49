# SPDX-License-Identifier: Apache-2.0
"""The explainable boosting machine: a sum of curves that can be read (Lou, Caruana and Gehrke 2012 and 2013; Nori et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.training.graph import estimator, softmax
from modelward.training.recipe import FloatMatrix, Inputs, Made, Progress, one_thread, require_package
from modelward.training.shapes import SHAPES_FILE, Seen, Shape, draw_shapes, gathering, seen_features, written

_HELD_OUT = 0.15
# joblib hands tasks to who is to run them only where more than one may run at once; there is still one thread, see `_here`.
_ASKED_WORKERS = 2


class ExplainableBoostingParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `ebm`."""

    bags: Annotated[int, Meta(ge=1, le=100, description="Models whose mean is the model; how they differ is its error bars.")] = 8
    interactions: Annotated[
        int, Meta(ge=0, le=200, description="Pairs of features that act together, with two classes; the strongest are taken.")
    ] = 10
    rounds: Annotated[int, Meta(ge=1, le=100_000, description="Most rounds of a bag; each asks every feature once.")] = 10_000
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="Share of each small tree that is added.")] = 0.04
    max_bins: Annotated[int, Meta(ge=3, le=4096, description="Most bins of a feature's curve.")] = 256
    max_pair_bins: Annotated[int, Meta(ge=3, le=64, description="Most bins of each feature in a pair.")] = 32
    min_samples_leaf: Annotated[int, Meta(ge=1, le=1_000_000, description="Fewest training rows on a side of a split.")] = 4
    patience: Annotated[int, Meta(ge=1, le=10_000, description="Rounds without a better held-out loss before a bag stops.")] = 100
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class ExplainableBoosting:
    """A glass box: what every feature adds is a curve, and the model is the sum of its curves.

    Raises:
        MissingExtraError: interpret-core is not installed.
    """

    Parameters: ClassVar[type[ExplainableBoostingParameters]] = ExplainableBoostingParameters
    parameters: ExplainableBoostingParameters

    def __post_init__(self) -> None:
        require_package("interpret", recipe="ebm", extra="glass")

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        seen = seen_features(inputs.preparation, columns=inputs.width)
        weights, biases = gathering(seen)

        def gather(rows: FloatMatrix) -> npt.NDArray[np.float64]:
            return np.asarray(rows @ weights + biases, dtype=np.float64)

        trained = self._boost(inputs, gather(inputs.train), seen, progress)
        progress(1.0)
        classes = len(inputs.classes)
        shapes, intercept = _shapes(trained, seen), np.atleast_1d(trained.intercept_)
        base = np.append(np.zeros(classes - len(intercept)), intercept)
        readable = written(shapes, seen=seen, classes=inputs.classes, intercept=intercept)
        return Made(
            predict=lambda rows: trained.predict_proba(gather(rows)),
            graph=lambda: estimator(
                lambda drawing, rows: softmax(drawing, draw_shapes(drawing, rows, seen=seen, shapes=shapes, base=base)),
                width=inputs.width,
                classes=classes,
            ),
            parameters=len(intercept) + sum(shape.scores.size for shape in shapes),
            notes=self._notes(classes),
            files={SHAPES_FILE: msgspec.json.encode(readable)},
        )

    def _boost(self, inputs: Inputs, rows: npt.NDArray[np.float64], seen: tuple[Seen, ...], progress: Progress) -> Any:
        from interpret.glassbox import ExplainableBoostingClassifier
        from joblib.parallel import parallel_config

        one_thread()
        progress(0.0)
        asked = self.parameters
        # Pairs of a model that scores several classes cannot be shown as one map.
        pairs = min(asked.interactions, len(seen) * (len(seen) - 1) // 2) if len(inputs.classes) == 2 else 0
        machine = ExplainableBoostingClassifier(
            feature_types=["nominal" if one.labels else "continuous" for one in seen],
            outer_bags=asked.bags,
            interactions=pairs,
            max_rounds=asked.rounds,
            learning_rate=asked.learning_rate,
            max_bins=asked.max_bins,
            max_interaction_bins=asked.max_pair_bins,
            min_samples_leaf=asked.min_samples_leaf,
            early_stopping_rounds=asked.patience,
            validation_size=_HELD_OUT,
            n_jobs=_ASKED_WORKERS,
            random_state=inputs.seed % 2**31,
        )
        # Each bag learns its curves; where there are pairs, each then ranks them, and learns those chosen.
        with parallel_config(backend=_here(progress, tasks=asked.bags * (3 if pairs else 1))):
            return machine.fit(rows, inputs.train_labels, sample_weight=inputs.row_weights(asked.class_weight))

    def _notes(self, classes: int) -> tuple[str, ...]:
        held_out = (
            f"Each of {self.parameters.bags} bags stopped by {_HELD_OUT:.0%} of the training rows that it held out; the validation "
            "rows were not looked at."
        )
        if classes == 2 or not self.parameters.interactions:
            return (held_out,)
        return (held_out, f"With {classes} classes no pairs are learnt; every term is the curve of one feature.")


def _here(progress: Progress, *, tasks: int) -> Any:
    """A way to run the tasks of joblib: one after the other, in the thread that asks, telling the progress before each.

    The library's own way to tell it would fork the process, in which other candidates have threads.
    """
    from joblib.parallel import ParallelBackendBase

    class Here(ParallelBackendBase):  # type: ignore[misc]  # joblib ships no types
        supports_retrieve_callback = True
        supports_sharedmem = True
        uses_threads = True
        done = 0

        def effective_n_jobs(self, n_jobs: int) -> int:
            return n_jobs

        def submit(self, task: Any, callback: Any) -> Any:
            progress(min(1.0, self.done / tasks))
            self.done += 1
            result = task()
            callback(result)
            return result

        def retrieve_result_callback(self, result: Any) -> Any:
            return result

    return Here()


def _shapes(trained: Any, seen: tuple[Seen, ...]) -> list[Shape]:
    return [
        _shape(trained, seen, places=tuple(places), number=number, importance=float(importance))
        for number, (places, importance) in enumerate(zip(trained.term_features_, trained.term_importances(), strict=True))
    ]


def _shape(trained: Any, seen: tuple[Seen, ...], *, places: tuple[int, ...], number: int, importance: float) -> Shape:
    """A term without the library's bins for what prepared rows never hold, and with a bin for every code of a category."""
    scores, errors = trained.term_scores_[number], trained.standard_deviations_[number]
    cuts = []
    for axis, place in enumerate(places):
        # The first bins of a feature are those of its curve; those of its pairs may be coarser.
        bins = trained.bins_[place][min(len(places), len(trained.bins_[place])) - 1]
        if seen[place].labels:
            codes = seen[place].codes
            # The last bin is for every value that no training row has.
            kept = np.array([bins.get(str(code), scores.shape[axis] - 1) for code in codes])
            cuts.append(np.array(codes[1:]) - 0.5)
        else:
            kept = np.arange(1, scores.shape[axis] - 1)
            cuts.append(np.asarray(bins, dtype=np.float64))
        scores, errors = scores.take(kept, axis=axis), errors.take(kept, axis=axis)
    if len(trained.classes_) == 2:
        scores, errors = scores[..., np.newaxis], errors[..., np.newaxis]
    return Shape(places=places, cuts=tuple(cuts), scores=scores, errors=errors, importance=importance)
