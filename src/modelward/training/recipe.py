# SPDX-License-Identifier: Apache-2.0
"""What a recipe is given, what it gives back, and the laws it keeps."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt
import threadpoolctl

from modelward.errors import InvalidError
from modelward.plugins import MissingExtraError
from modelward.registry import AnswerKind
from modelward.training.checkpoints import UNKEPT, Checkpoints
from modelward.training.preparation import Preparation
from modelward.training.rows import blocks_of

if TYPE_CHECKING:
    import onnx

    from modelward.registry import Interface
    from modelward.training.pairs import PairInputs
    from modelward.training.parity import ParityReport

FloatMatrix = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[Any]
"""What recipes learn from, [n, width]: of a table float32; of texts int32 code points with zeros behind the end of each; of images
float32, 0 to 1, their pixels row by row with the channels of each together; of histories int32 codes of items, 1 to K and K + 1 for
those that are not known, the latest at the end, with zeros before the first. One that streams may be given `UnmadeRows` of a
large table, or of many images.
"""

Takes = Literal["table", "text", "image", "sequence", "series"]
"""What a row is made of: named numbers and categories, one text, one image, one history of known items, or one series."""


class Progress(Protocol):
    """Told how far a recipe is. It may raise to stop the work; a recipe MUST let that pass."""

    def __call__(self, share: float, word: str = "", /) -> None:
        """`share` of the work is done, 0 to 1; `word` may say more, such as the epoch and its losses."""
        ...


@runtime_checkable
class HearsCurves(Protocol):
    """A progress that also takes curves while they grow."""

    def curves(self, so_far: Mapping[str, Sequence[float]], /) -> None:
        """One value for each epoch or round that has ended, by the name of the curve. What is handed over may grow afterwards."""
        ...


def tell_curves(progress: Progress, so_far: Mapping[str, Sequence[float]]) -> None:
    """Hand the curves so far to whoever watches, if they are wanted there."""
    if isinstance(progress, HearsCurves):
        progress.curves(so_far)


class InvalidParameterError(InvalidError):
    """A recipe has no such parameter, or the parameter cannot have that value."""


class UnusableInputsError(InvalidError):
    """A recipe cannot learn from these rows."""


class DivergedError(InvalidError):
    """Training left the numbers: the loss became infinite or no number at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a recipe learns from: prepared rows, without NaN or infinity, and labels 0 to K-1.

    `validation` is for stopping early or choosing a penalty, and may have no row. The test rows are not here, so no recipe can look
    at them. `checkpoints` are for a recipe that trains for long: it goes on with what an interrupted attempt at the same left
    there, and MUST end with the same bytes as if it had never been interrupted. Other recipes leave them alone. `preparation` is
    what made the rows, for a recipe that speaks of features rather than of columns; None of texts and images. `mixup`
    is for networks that tell classes apart: see `augmenting.Augment`. Where nobody labelled the rows, `is_labelled` is False and
    all labels are those of the normal class. `taken` says what a row is made of, for a recipe that takes several.
    `shape` is the height, the width and the channels of each image; of a series the steps and the values of each.

    Raises:
        UnusableInputsError: the shapes do not agree, a number is not finite, or a class has no row to learn from.
    """

    train: Rows
    train_labels: Labels
    validation: Rows
    validation_labels: Labels
    classes: tuple[str, ...]
    seed: int = 0
    device: str = "cpu"
    checkpoints: Checkpoints = UNKEPT
    preparation: Preparation | None = None
    mixup: float = 0.0
    is_labelled: bool = True
    taken: Takes = "table"
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for part, rows, labels in (
            ("training", self.train, self.train_labels),
            ("validation", self.validation, self.validation_labels),
        ):
            if rows.ndim != 2 or rows.shape[1] != self.width or len(rows) != len(labels):
                raise UnusableInputsError(f"The {part} rows have the shape {rows.shape}, and {len(labels)} labels go with them.")
            if not all(np.isfinite(rows[block]).all() for block in blocks_of(*rows.shape)):
                raise UnusableInputsError(
                    f"The {part} rows hold numbers that float32 cannot. Set `prepare: {{outliers: clip, scale: standard}}`."
                )
        if len(self.classes) < 2:
            raise UnusableInputsError(f"There are {len(self.classes)} classes; a classifier needs two or more.")
        rows_of_class = np.bincount(self.train_labels, minlength=len(self.classes))
        missing = [name for name, count in zip(self.classes, rows_of_class, strict=True) if count == 0]
        if missing and self.is_labelled:
            raise UnusableInputsError(
                f"The training rows hold no row of the class {', '.join(map(repr, missing))}. "
                "Split with `split: {by: stratified}`, or leave rows of that class out of the data."
            )

    @property
    def width(self) -> int:
        """Columns of the prepared rows; of texts the characters that are read."""
        return int(self.train.shape[1])

    @property
    def balanced_weights(self) -> dict[int, float]:
        """A weight for each class with which all classes weigh the same: n / (K * rows of the class)."""
        counts = np.bincount(self.train_labels, minlength=len(self.classes))
        return {label: len(self.train_labels) / (len(counts) * int(count)) for label, count in enumerate(counts)}

    def row_weights(self, class_weight: Literal["balanced"] | None) -> npt.NDArray[np.float64] | None:
        """The `balanced_weights` row by row [n], where they are asked for."""
        if class_weight is None:
            return None
        return np.array(list(self.balanced_weights.values()))[self.train_labels]

    @property
    def has_validation(self) -> bool:
        """Whether there are rows to stop early or to choose by."""
        return len(self.validation) > 0

    def few(self) -> Inputs:
        """The same with a few rows of each class."""
        order = np.argsort(self.train_labels, kind="stable")
        ordered = self.train_labels[order]
        rows = np.sort(order[np.arange(len(order)) - np.searchsorted(ordered, ordered) < 3])
        few, labels = self.train[rows], self.train_labels[rows]
        return replace(self, train=few, train_labels=labels, validation=few, validation_labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """By how many nats some rows lose less than if each answer had its frequency among the training rows for a probability: rows
    [n] that were learnt from, and validation rows [m].
    """

    training: npt.NDArray[np.float64]
    validation: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A trained estimator, twice: as the library holds it, and as the graph that will be served.

    `predict` answers prepared rows with probabilities [n, K]; `graph` is an ONNX graph from the input `X`, the prepared rows, to
    the output `probabilities`, float32. Of a recipe that answers with texts both give code points, int32 [n, length].
    `parity.check` compares the two. `parameters` counts the trained numbers (the nodes, for trees; the stored numbers, for
    neighbours). `notes` are sentences for the person who reads the run. `curves` hold one value an epoch or round. `files` lie
    beside the graph in the version, for whoever reads it; their names MUST be none that training itself writes, and their formats
    those of `registry.contents`. `gains` are of a recipe that learns to answer with more than a few classes, by which it is
    examined; they are asked for after training.
    """

    predict: Callable[[Rows], npt.NDArray[Any]]
    graph: Callable[[], onnx.ModelProto]
    parameters: int
    notes: tuple[str, ...] = ()
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    gains: Callable[[], Gains] | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """What is served, where a recipe draws all of it: the graph from the features of `interface` to its answer, and how it was
    compared with what was trained.
    """

    graph: bytes
    interface: Interface
    compared: ParityReport


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeWhole:
    """What was trained by a recipe that does not answer prepared rows, such as a generator, which is asked for a class and a seed.

    `finish` is given the interface of a classifier of the same data: the features that were learned from, target and classes. It
    MUST compare what it draws with what was trained. The rest is as in `Made`.
    """

    finish: Callable[[Interface], Whole]
    parameters: int
    notes: tuple[str, ...] = ()
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


Lesson: TypeAlias = "Inputs | PairInputs"
"""What recipes learn from, by what they answer with."""


class Recipe(Protocol):
    """Makes a classifier out of prepared rows: those of a table, unless `takes` says otherwise. One that does not
    answer prepared rows gives `MadeWhole` instead of `Made`.

    A recipe is built with its parameters, an instance of its `Parameters`: a frozen `msgspec.Struct` that forbids unknown
    fields and gives every field a default, its limits and a description. Its module MUST NOT import its library before it is
    used, so that a spec is read, and the schema published, without one.

    One with the ClassVar `streams = True` learns from rows of which only some are in memory at a time: it takes them by slices or
    by their numbers, and never all at once. Others are given a matrix, or refused where none fits into memory.

    One whose estimator may be larger than memory SHOULD say so before it takes any: see `memory.Sized`.

    One that finds anomalies says `uses_labels = False`: of the labels it asks only which rows it may learn from.

    Equal inputs, seed and parameters MUST make equal graphs, byte for byte, on one machine, whatever runs in other threads. A
    recipe MUST NOT use more than one thread: candidates are trained side by side.
    """

    Parameters: ClassVar[type[msgspec.Struct]]

    def make(self, inputs: Lesson, progress: Progress) -> Made | MadeWhole:
        """Learn from `inputs`: `PairInputs` where the recipe answers with texts.

        Raises:
            UnusableInputsError: these rows cannot be learnt from. DivergedError: training left the numbers; the message says
                which parameter to change. MissingExtraError: the library is not installed.
        """
        ...


def takes(recipe: type[Recipe]) -> tuple[Takes, ...]:
    """What the recipe class learns from, one thing or one of several; one that does not say takes a table."""
    said: Takes | tuple[Takes, ...] = getattr(recipe, "takes", "table")
    return (said,) if isinstance(said, str) else said


def answers(recipe: type[Recipe]) -> AnswerKind:
    """What versions of the recipe class answer with; one that does not say gives classes."""
    return getattr(recipe, "answers", "classes")


def uses_labels(recipe: type[Recipe] | Recipe) -> bool:
    """Whether the recipe learns from labels; one that does not finds anomalies."""
    return getattr(recipe, "uses_labels", True)


def streams(recipe: Any) -> bool:
    """Whether the recipe, or its class, learns from rows of which only some are in memory."""
    return bool(getattr(recipe, "streams", False))


def one_thread() -> None:
    """Hold the numerical libraries loaded so far to one thread, for as long as the process lives.

    The limit is never lifted: it is the process's, other candidates train at the same time, and sums over another number of
    threads round otherwise, which would make another model out of the same seed.
    """
    threadpoolctl.threadpool_limits(limits=1)


def require_package(module: str, *, recipe: str, extra: str) -> None:
    """Nothing, where `module` can be imported.

    Raises:
        MissingExtraError: it is not installed; the message holds the command that installs it.
    """
    if find_spec(module) is None:
        raise MissingExtraError(
            f"The recipe {recipe!r} needs the package {module!r}, which is not installed. Run `pip install 'modelward[{extra}]'`."
        )


def configure(recipe: Any, *, name: str, parameters: Mapping[str, Any]) -> Recipe:
    """The recipe class `recipe` (what `RECIPES.load(name)` gives), built with `parameters` as a spec holds them.

    Raises:
        InvalidParameterError: there is no such parameter, or it cannot have that value; the message names it and says what it
            can be. MissingExtraError: the library of the recipe is not installed.
    """
    allowed = recipe.Parameters.__struct_fields__
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        near = difflib.get_close_matches(unknown[0], allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidParameterError(f"The recipe {name!r} has no parameter {unknown[0]!r}.{hint} It has: {', '.join(allowed)}.")
    try:
        return recipe(msgspec.convert(dict(parameters), recipe.Parameters))  # type: ignore[no-any-return]  # the table promises it
    except msgspec.ValidationError as wrong:
        what, _, path = str(wrong).partition(" - at `$.")
        raise InvalidParameterError(
            f"The parameter {path.rstrip('`') or 'of unknown place'!r} of the recipe {name!r} is wrong: {what}. "
            "`docs/reference/recipes.md` says what it can be."
        ) from wrong
