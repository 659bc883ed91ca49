# SPDX-License-Identifier: Apache-2.0
"""Preparation: what is done to a row before an estimator sees it, fitted once on the training rows and then part of the model.

It exists twice, as numpy for training and as ONNX for serving, with the same float32 operations in the same order, so that the
two give the same bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from modelward.errors import InvalidError
from modelward.registry import LABEL, LENGTH_LIMIT, PROBABILITIES
from modelward.training.graph import FLOAT, STRING, Drawing, prefix_apart_from

if TYPE_CHECKING:
    import onnx

Column = npt.NDArray[Any]
FloatMatrix = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

Side = Annotated[int, Meta(ge=1, le=1024)]
RESERVED = frozenset({LABEL, PROBABILITIES})
# With `outliers: none` a number may lie this many ranges of the training values outside of them before it is held.
_FAR = 1e6
_LARGEST = 3e37


class UnusableFeatureError(InvalidError):
    """A feature cannot be part of a model."""


class Feature(Protocol):
    """What preparation must know of a feature; `kind` is "number" or "category"."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...


class Prepare(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows are prepared: the `prepare` of a spec."""

    missing: Annotated[
        Literal["median", "mean", "zero", "most-frequent"], Meta(description="What stands for a missing number.")
    ] = "median"
    missing_category: Annotated[
        Literal["none", "most-frequent"],
        Meta(description="What stands for a missing category; `none` makes it no category at all, zeros in every column."),
    ] = "none"
    outliers: Annotated[
        Literal["none", "clip", "clip-iqr"],
        Meta(
            description="Whether far numbers are held at a bound: `clip` at the 1 % and 99 % quantiles, "
            "`clip-iqr` at 1.5 interquartile ranges beyond the quartiles."
        ),
    ] = "none"
    scale: Annotated[
        Literal["standard", "minmax", "robust", "none"],
        Meta(
            description="`standard`: mean 0, deviation 1. `minmax`: 0 to 1. `robust`: median 0, interquartile range 1. "
            "`none`: as they are."
        ),
    ] = "standard"
    encode: Annotated[
        Literal["one-hot", "ordinal"],
        Meta(description="`one-hot`: a column of 0 and 1 for each value. `ordinal`: one column of codes, in alphabetical order."),
    ] = "one-hot"
    max_categories: Annotated[
        int, Meta(ge=2, le=1000, description="Most columns one category may have; values beyond, the rarest, share one.")
    ] = 50
    lowercase: Annotated[bool, Meta(description="Of a text: whether it is read in lower case.")] = True
    size: Annotated[
        tuple[Side, Side] | None,
        Meta(description="Of images: the height and width to which they are brought; without it, see `docs/how-to/images.md`."),
    ] = None
    length: Annotated[
        Annotated[int, Meta(ge=1, le=LENGTH_LIMIT)] | None,
        Meta(description="Of a text: how many characters are read; without it, what holds 99 of 100 training texts, up to 4096."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberStep:
    """One number: missing becomes `fill`, then it is held within `low` and `high`, then (x - shift) / scale. All float32."""

    name: str
    fill: float
    low: float
    high: float
    shift: float
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryStep:
    """One category: the code of a known value is its place in `values`; `missing` and `other` are codes, or -1 for none.

    `other` is the code of every value that is not in `values`, in training too rare to have its own, or never seen.
    """

    name: str
    values: tuple[str, ...]
    missing: int
    other: int

    @property
    def codes(self) -> dict[str, int]:
        """The code of every value that has one, and of the empty text, which is missing."""
        return {value: code for code, value in enumerate(self.values)} | {"": self.missing}

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the one-hot columns, code by code."""
        names = tuple(f"{self.name}={value}" for value in self.values)
        return (*names, f"{self.name} (other)") if self.other >= 0 else names


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """The fitted steps. The columns of a prepared row are the numbers first, then the categories, each in their order."""

    numbers: tuple[NumberStep, ...]
    categories: tuple[CategoryStep, ...]
    encode: Literal["one-hot", "ordinal"]

    @classmethod
    def fit(cls, columns: Mapping[str, Column], features: Sequence[Feature], prepare: Prepare) -> Preparation:
        """Fit to the training rows alone: numbers float32 [n, 1] with NaN for missing, categories text [n, 1] with "" for missing.

        Raises:
            UnusableFeatureError: a feature has a name that the graph needs itself or twice, holds an infinity or no value.
        """
        check_names([feature.name for feature in features])
        return cls(
            numbers=tuple(fit_number(one.name, columns[one.name], prepare) for one in features if one.kind == "number"),
            categories=tuple(
                fit_category(one.name, Counter(columns[one.name].ravel().tolist()), prepare)
                for one in features
                if one.kind == "category"
            ),
            encode=prepare.encode,
        )

    def apply(self, columns: Mapping[str, Column]) -> FloatMatrix:
        """The prepared rows, float32 [n, width], without NaN."""
        parts = [prepared_numbers(self.numbers, columns)] if self.numbers else []
        if self.categories:
            parts.append(self.spread(np.stack([codes_of(step, columns[step.name]) for step in self.categories], axis=1)))
        prepared: FloatMatrix = np.concatenate(parts, axis=1)
        return prepared

    def spread(self, codes: npt.NDArray[Any]) -> FloatMatrix:
        """The columns, as `encode` has them, of the codes [n, categories]."""
        if self.encode == "ordinal":
            return codes.astype(np.float32)
        place, code = self._one_hot()
        hot: FloatMatrix = np.equal(codes[:, place], code).astype(np.float32)
        return hot

    def _one_hot(self) -> tuple[npt.NDArray[np.int64], FloatMatrix]:
        """For every one-hot column, which category it looks at and for which code."""
        sizes = [len(step.columns) for step in self.categories]
        return np.repeat(np.arange(len(sizes)), sizes), np.concatenate([np.arange(size, dtype=np.float32) for size in sizes])

    def names(self) -> list[str]:
        """The names of the prepared columns."""
        return [name for name, _ in self._columns()]

    def sources(self) -> list[str]:
        """The feature that each prepared column comes from."""
        return [source for _, source in self._columns()]

    def _columns(self) -> list[tuple[str, str]]:
        pairs = [(step.name, step.name) for step in self.numbers]
        for step in self.categories:
            pairs += [(name, step.name) for name in (step.columns if self.encode == "one-hot" else (step.name,))]
        return pairs

    def graph(self) -> onnx.ModelProto:
        """The same as `apply`, in ONNX: one input [N, 1] for every feature, float32 or text, under the feature's own name."""
        drawing = Drawing(prefix=prefix_apart_from(self.sources()))
        parts = [self._draw_numbers(drawing)] if self.numbers else []
        if self.categories:
            parts.append(self._draw_categories(drawing))
        prepared = drawing.node("Concat", *parts, axis=1)
        inputs = {step.name: (FLOAT, ("N", 1)) for step in self.numbers}
        inputs |= {step.name: (STRING, ("N", 1)) for step in self.categories}
        return drawing.finish(inputs, {prepared: (FLOAT, ("N", len(self.names())))})

    def _draw_numbers(self, drawing: Drawing) -> str:
        fill, low, high, shift, scale = (drawing.constant(row) for row in _table(self.numbers))
        rows = drawing.node("Concat", *(step.name for step in self.numbers), axis=1)
        rows = drawing.node("Where", drawing.node("IsNaN", rows), fill, rows)
        # Not Max and Min: they may return either of 0.0 and -0.0, and which one differs between libraries.
        rows = drawing.node("Where", drawing.node("Less", rows, low), low, rows)
        rows = drawing.node("Where", drawing.node("Greater", rows, high), high, rows)
        return drawing.node("Div", drawing.node("Sub", rows, shift), scale)

    def _draw_categories(self, drawing: Drawing) -> str:
        codes = drawing.node("Concat", *(_draw_codes(drawing, step) for step in self.categories), axis=1)
        if self.encode == "ordinal":
            return codes
        place, code = self._one_hot()
        spread = drawing.node("Gather", codes, drawing.constant(place, np.int64), axis=1)
        return drawing.node("Cast", drawing.node("Equal", spread, drawing.constant(code)), to=FLOAT)


def check_names(names: Sequence[str]) -> None:
    """No feature has a name that the graph needs itself, or that another has.

    Raises:
        UnusableFeatureError: one has.
    """
    for name in names:
        if name in RESERVED:
            raise UnusableFeatureError(f"A feature cannot be called {name!r}: that is an output of the model. Rename the column.")
        if not name or names.count(name) > 1:
            raise UnusableFeatureError(f"The feature name {name!r} is empty or there twice. Rename the column.")
    if not names:
        raise UnusableFeatureError("There is no feature to learn from. The data needs a column beside the target.")


def _table(steps: Iterable[NumberStep]) -> FloatMatrix:
    """The five constants [5, numbers] of the number steps, in the order in which they are used."""
    return np.array([(step.fill, step.low, step.high, step.shift, step.scale) for step in steps], dtype=np.float32).T


def prepared_numbers(steps: Sequence[NumberStep], columns: Mapping[str, Column]) -> FloatMatrix:
    """The prepared numbers [n, steps]."""
    fill, low, high, shift, scale = _table(steps)
    rows = np.concatenate([columns[step.name].reshape(-1, 1) for step in steps], axis=1).astype(np.float32)
    rows = np.where(np.isnan(rows), fill, rows)
    rows = np.where(rows < low, low, rows)
    rows = np.where(rows > high, high, rows)
    prepared: FloatMatrix = (rows - shift) / scale
    return prepared


def codes_of(step: CategoryStep, column: Column) -> FloatMatrix:
    """The code of each value [n]."""
    codes = step.codes
    return np.array([codes.get(value, step.other) for value in column.ravel().tolist()], dtype=np.float32)


def _draw_codes(drawing: Drawing, step: CategoryStep) -> str:
    codes = step.codes
    return drawing.node(
        "LabelEncoder",
        step.name,
        domain="ai.onnx.ml",
        keys_strings=[value.encode() for value in codes],
        values_floats=[float(code) for code in codes.values()],
        default_float=float(step.other),
    )


def fit_number(name: str, column: Column, prepare: Prepare) -> NumberStep:
    """The step of one feature of numbers; see `Preparation.fit`."""
    given = column.ravel().astype(np.float32)
    known = given[~np.isnan(given)].astype(np.float64)
    if not len(known):
        raise UnusableFeatureError(f"The feature {name!r} has no value in the training rows. Leave the column out.")
    if not np.isfinite(known).all():
        raise UnusableFeatureError(f"The feature {name!r} holds an infinity, or a number beyond float32. Clean the column.")
    fill = _fill(known, prepare.missing)
    low, high = _bounds(known, prepare.outliers)
    held = np.clip(np.concatenate([known, np.full(len(given) - len(known), fill)]), low, high)
    shift, scale = _scaling(held, prepare.scale)
    return NumberStep(name=name, fill=_single(fill), low=_single(low), high=_single(high), shift=_single(shift), scale=scale)


def _single(value: float) -> float:
    """`value` as float32. A constant -0.0 becomes 0.0, for runtimes keep or lose its sign as they like."""
    return float(np.float32(value)) + 0.0


def _fill(known: Numbers, missing: str) -> float:
    if missing == "median":
        return float(np.median(known))
    if missing == "mean":
        return float(np.mean(known))
    if missing == "zero":
        return 0.0
    values, counts = np.unique(known, return_counts=True)
    return float(values[np.argmax(counts)])


def _bounds(known: Numbers, outliers: str) -> tuple[float, float]:
    lowest, first, third, highest = np.quantile(known, (0.01, 0.25, 0.75, 0.99))
    if outliers == "none":
        # Far enough to change no real row, near enough that no arithmetic behind it overflows.
        span = _FAR * (float(np.ptp(known)) or max(1.0, abs(float(known[0]))))
        low, high = known.min() - span, known.max() + span
    elif outliers == "clip-iqr" and third > first:
        low, high = first - 1.5 * (third - first), third + 1.5 * (third - first)
    elif highest > lowest:
        # Also where the quartiles fall together, for most rows share one value: bounds from them would hold every row there.
        low, high = lowest, highest
    else:
        low, high = known.min(), known.max()
    return max(float(low), -_LARGEST), min(float(high), _LARGEST)


def _scaling(held: Numbers, scale: str) -> tuple[float, float]:
    """Shift and scale of a column; a column that does not vary is only shifted."""
    if scale == "none":
        return 0.0, 1.0
    if scale == "standard":
        shift, width = float(np.mean(held)), float(np.std(held))
    elif scale == "minmax":
        shift, width = float(held.min()), float(np.ptp(held))
    else:
        first, middle, third = np.quantile(held, (0.25, 0.5, 0.75))
        # Where half of the rows share one value the quartiles fall together and say nothing of the spread.
        shift, width = float(middle), float(third - first) or float(np.std(held))
    # A width below what float32 tells apart at this magnitude is rounding, not variation.
    floor = 1e-6 * float(np.abs(held).max())
    return shift, _single(width) if width > max(floor, 1e-30) else 1.0


def fit_category(name: str, found: Mapping[str, int], prepare: Prepare) -> CategoryStep:
    """The step of one category whose values were `found` so often, the empty text where it is missing; see `Preparation.fit`."""
    counts = {value: rows for value, rows in found.items() if value}
    if not counts:
        raise UnusableFeatureError(f"The feature {name!r} has no value in the training rows. Leave the column out.")
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    is_cut = len(ranked) > prepare.max_categories
    values = tuple(sorted(ranked[: prepare.max_categories - 1] if is_cut else ranked))
    return CategoryStep(
        name=name,
        values=values,
        missing=values.index(ranked[0]) if prepare.missing_category == "most-frequent" else -1,
        other=len(values) if is_cut else -1,
    )
