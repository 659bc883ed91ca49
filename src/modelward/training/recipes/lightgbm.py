# SPDX-License-Identifier: Apache-2.0
"""LightGBM: boosted trees that grow leaf by leaf, stopped early by the validation rows (Ke et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.plugins import MissingExtraError
from modelward.training.graph import estimator, softmax
from modelward.training.recipe import (
    FloatMatrix,
    Inputs,
    Made,
    Probabilities,
    Progress,
    Rows,
    one_thread,
    require_package,
    tell_curves,
)
from modelward.training.rows import ROWS_AT_ONCE, UnmadeRows, unmade
from modelward.training.trees import Tree, draw_trees


class LightGbmParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `lightgbm`."""

    rounds: Annotated[int, Meta(ge=1, le=10_000, description="Most rounds; each adds a tree, or one a class beyond two.")] = 500
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="Share of each tree that is added.")] = 0.1
    max_leaf_nodes: Annotated[int, Meta(ge=2, le=1024, description="Most leaves of a tree.")] = 31
    max_depth: Annotated[
        Annotated[int, Meta(ge=1, le=60)] | None, Meta(description="Most questions on the way to a leaf; none sets no limit.")
    ] = None
    min_samples_leaf: Annotated[int, Meta(ge=1, le=1_000_000, description="Fewest training rows in a leaf.")] = 20
    min_gain: Annotated[float, Meta(ge=0, le=1e6, description="Least gain for which a leaf is split.")] = 0.0
    l1: Annotated[float, Meta(ge=0, le=1e6, description="L1 penalty on the leaves.")] = 0.0
    l2: Annotated[float, Meta(ge=0, le=1e6, description="L2 penalty on the leaves.")] = 0.0
    max_features: Annotated[float, Meta(gt=0, le=1, description="Share of the columns, drawn with the seed, that a tree asks.")] = (
        1.0
    )
    max_samples: Annotated[float, Meta(gt=0, le=1, description="Share of the rows, drawn with the seed, that a tree sees.")] = 1.0
    max_bins: Annotated[int, Meta(ge=2, le=65_535, description="Most values that are told apart in a column.")] = 255
    patience: Annotated[int, Meta(ge=1, le=1000, description="Rounds without a better validation loss before it stops.")] = 30
    class_weight: Annotated[
        Literal["balanced"] | None, Meta(description="`balanced` lets every class weigh the same, however rare.")
    ] = None


@dataclass(frozen=True, slots=True)
class LightGbm:
    """Trees that each correct the sum of those before; of all leaves, the one that gains most is split next.

    Raises:
        MissingExtraError: LightGBM is not installed, or the system's OpenMP library that it stands on.
    """

    Parameters: ClassVar[type[LightGbmParameters]] = LightGbmParameters
    streams: ClassVar[bool] = True
    parameters: LightGbmParameters

    def __post_init__(self) -> None:
        require_package("lightgbm", recipe="lightgbm", extra="boosting")

    def make(self, inputs: Inputs, progress: Progress) -> Made:
        curves: dict[str, tuple[float, ...]] = {}
        booster = self._boost(inputs, progress, curves)
        progress(1.0)
        classes = len(inputs.classes)
        rounds = booster.best_iteration or booster.current_iteration()
        # Two classes are one score, for the second; its softmax against a constant 0 is the logistic function.
        scores = booster.num_model_per_iteration()
        trees = [
            _tree(text, target=classes - scores + number % scores)
            for number, text in enumerate(booster.model_to_string(num_iteration=rounds).split("\nTree=")[1:])
        ]
        return Made(
            predict=lambda rows: _predict(booster, rows, rounds=rounds),
            graph=lambda: estimator(
                lambda drawing, rows: softmax(drawing, draw_trees(drawing, rows, trees=trees, base=np.zeros(classes))),
                width=inputs.width,
                classes=classes,
            ),
            parameters=sum(len(tree.feature) for tree in trees),
            notes=(self._note(kept=rounds, ran=len(curves["training_loss"]), has_validation=inputs.has_validation),),
            curves=curves,
        )

    def _boost(self, inputs: Inputs, progress: Progress, curves: dict[str, tuple[float, ...]]) -> Any:
        library = _library()
        one_thread()
        losses: dict[str, dict[str, list[float]]] = {}
        settings = self._settings(inputs)
        train = library.Dataset(
            _data(inputs.train), inputs.train_labels, weight=inputs.row_weights(self.parameters.class_weight), params=settings
        )
        told, names = [train], ["training"]

        def told_each_round(seen: Any) -> None:
            tell_curves(progress, _by_part(losses))
            progress(seen.iteration / self.parameters.rounds)

        callbacks: list[Any] = [library.record_evaluation(losses), told_each_round]
        if inputs.has_validation:
            told.append(library.Dataset(_data(inputs.validation), inputs.validation_labels, reference=train))
            names.append("validation")
            callbacks.append(library.early_stopping(self.parameters.patience, verbose=False))
        booster = library.train(settings, train, self.parameters.rounds, valid_sets=told, valid_names=names, callbacks=callbacks)
        curves |= {name: tuple(map(float, values)) for name, values in _by_part(losses).items()}
        return booster

    def _settings(self, inputs: Inputs) -> dict[str, Any]:
        asked, classes = self.parameters, len(inputs.classes)
        return {
            **({"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}),
            "learning_rate": asked.learning_rate,
            "num_leaves": asked.max_leaf_nodes,
            "max_depth": asked.max_depth or -1,
            "min_data_in_leaf": asked.min_samples_leaf,
            "min_gain_to_split": asked.min_gain,
            "lambda_l1": asked.l1,
            "lambda_l2": asked.l2,
            "feature_fraction": asked.max_features,
            "bagging_fraction": asked.max_samples,
            "bagging_freq": int(asked.max_samples < 1),
            "max_bin": asked.max_bins,
            "seed": inputs.seed % 2**31,
            # Prepared rows hold no missing number, so that a question is only whether x <= t; see `trees`.
            "use_missing": False,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }

    def _note(self, *, kept: int, ran: int, has_validation: bool) -> str:
        if not has_validation and kept < ran:
            return f"After {kept} rounds no leaf could be split. Lower min_samples_leaf or min_gain."
        if not has_validation:
            return f"There were no validation rows to stop by; it ran all {ran} rounds."
        if ran < self.parameters.rounds:
            return f"It kept {kept} rounds: {self.parameters.patience} more had not lowered the validation loss."
        if kept < ran:
            return f"It ran all {ran} rounds and kept {kept}, after which the validation loss did not fall."
        return f"It ran all {ran} rounds; the validation loss was still falling. Raise rounds."


def _by_part(losses: dict[str, dict[str, list[float]]]) -> dict[str, list[float]]:
    """The losses so far of training and validation rows, of which one each is measured."""
    return {f"{part}_loss": values for part, metrics in losses.items() for values in metrics.values()}


def _library() -> Any:
    try:
        import lightgbm
    except OSError as missing:
        raise MissingExtraError(
            "LightGBM is installed, and the system's OpenMP library that it stands on is not. "
            "Run `apt-get install libgomp1` on Debian or Ubuntu, `brew install libomp` on macOS."
        ) from missing
    return lightgbm


def _data(rows: Rows) -> Any:
    """What LightGBM takes of the rows: a matrix, or blocks of which it keeps one byte a value or less."""
    return rows if (held := unmade(rows)) is None else _blocks(held)


def _blocks(held: UnmadeRows) -> Any:
    class Blocks(_library().Sequence):  # type: ignore[misc]  # the library has no types
        batch_size = ROWS_AT_ONCE

        def __len__(self) -> int:
            return len(held)

        def __getitem__(self, chosen: int | slice | list[int]) -> Any:
            if isinstance(chosen, slice):
                return held[chosen]
            # Single rows are what bins are found by, and are wanted in float64.
            rows = held[np.atleast_1d(chosen)].astype(np.float64)
            return rows if isinstance(chosen, list) else rows[0]

    return Blocks()


def _predict(booster: Any, rows: FloatMatrix, *, rounds: int) -> Probabilities:
    """Probabilities [n, K]; LightGBM gives only the second of two."""
    given = booster.predict(rows, num_iteration=rounds, num_threads=1)
    return np.stack([1 - given, given], axis=1) if given.ndim == 1 else given


def _tree(text: str, *, target: int) -> Tree:
    """A tree out of LightGBM's text: arrays over the questions, then over the leaves, which children name by their complement."""
    held = dict(line.partition("=")[::2] for line in text.splitlines())
    leaves = _numbers(held["leaf_value"])
    questions = len(leaves) - 1
    asked, thresholds, left, right = (_numbers(held.get(name, "")) for name in _QUESTIONS)
    none, is_leaf = np.zeros(len(leaves)), np.arange(questions + len(leaves)) >= questions
    return Tree(
        feature=np.append(asked, none).astype(np.int64),
        threshold=np.append(thresholds, none),
        left=np.append(_places(left, questions), none).astype(np.int64),
        right=np.append(_places(right, questions), none).astype(np.int64),
        is_leaf=is_leaf,
        values=np.append(np.zeros(questions), leaves).reshape(-1, 1),
        first_target=target,
    )


_QUESTIONS = ("split_feature", "threshold", "left_child", "right_child")


def _places(children: npt.NDArray[np.float64], questions: int) -> npt.NDArray[np.float64]:
    return np.where(children < 0, questions - 1 - children, children)


def _numbers(text: str) -> npt.NDArray[np.float64]:
    return np.array(text.split(), dtype=np.float64)
