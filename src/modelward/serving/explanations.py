# SPDX-License-Identifier: Apache-2.0
"""Explanations: why one row got the answer it got, in the units of the probability and of the features that people named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from modelward.errors import InvalidError, PrerequisiteError
from modelward.registry import BACKGROUND_FILE, DossierMissingError, OpenVersion, Registry
from modelward.serving.explainer import Attribution
from modelward.serving.explainers import EXPLAINERS
from modelward.serving.pace import Pace
from modelward.serving.varied import entries_of, features_of, passages_of, patches_of, stretches_of

if TYPE_CHECKING:
    from modelward.registry import Feature
    from modelward.serving.explainer import Columns, Explainer
    from modelward.serving.varied import Varied

BACKGROUND_ROWS_LIMIT = 100
_SEED = 0
# How fast a model answers is measured on so many texts or images.
_ROWS_TRIED = 16
_CLASSES_TOLD = 50


# What is explained by its parts, for it is all that a row has.
_APART: Mapping[str, Callable[[Feature, Any, int], Varied]] = {
    "text": passages_of,
    "image": patches_of,
    "sequence": entries_of,
    "series": stretches_of,
}


class UnknownLabelError(InvalidError):
    """The model knows no such class."""


class UnexplainableError(InvalidError):
    """The model answers with something else than probabilities, and these are what is explained."""


class BackgroundMissingError(PrerequisiteError):
    """The version carries no rows to compare with."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature, with the value it has in the row, adds to the probability."""

    feature: str
    value: float | str | bool | None
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why `label` has `probability`: `base`, its mean over the background, and what each feature adds, the largest first. `base_of`
    says what the base is of: the "average", the "empty text" whose passages were all left out, the
    "blank image", the "empty history", or the "empty series".

    `residual` is how far base and contributions together miss the probability: near 0, or something is wrong. `unfamiliar` are the
    features whose value training never saw.
    """

    label: str
    probability: float
    base: float
    base_of: str
    contributions: tuple[Contribution, ...]
    residual: float
    unfamiliar: tuple[str, ...]
    method: str
    seed: int
    background_rows: int
    model: str
    version: int
    request_id: str


class Explanations:
    """Explains answers of open versions. A version of a table brings its background itself, sealed; texts, images, histories
    and series need none.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def explain(
        self, opened: OpenVersion, rows: Sequence[Mapping[str, Any]], *, label: str | None, request: str
    ) -> list[Explanation]:
        """Explain the answer to each row: for the class `label`, or for the one predicted.

        Raises:
            UnexplainableError: the version gives no probabilities. InvalidRowsError: the rows do not fit. UnknownLabelError: there
            is no such class. BackgroundMissingError: the version brings no background, and needs one. MissingExtraError: the
            explaining library is not installed. TooSlowError: see `Pace.of_parts`.
        """
        if opened.interface.answer != "classes":
            raise UnexplainableError(
                f"{opened.version.name} answers with {opened.interface.answer}, and only probabilities of classes are explained. "
                "Ask for its answer alone."
            )
        columns, unfamiliar, _ = opened.interface.encode([opened.interface.table_of_rows(rows)])
        chosen = _class_index(opened, label)
        features = opened.interface.features
        explainer: Explainer = EXPLAINERS.load("shapley")()
        apart = _APART.get(features[0].kind) if len(features) == 1 else None
        if apart is not None:
            (values,) = columns.apart().values()
            tried: Columns = {features[0].name: np.repeat(values[:1], _ROWS_TRIED, axis=0)}
            plan = Pace.of(opened, tried).of_parts(len(rows), least=explainer.least, name=opened.version.name)
            varied, evaluations = [apart(features[0], value, plan.parts) for value in values], plan.evaluations
        else:
            tried = self._background(opened)
            varied = [features_of(_row(columns, at), tried, row) for at, row in enumerate(rows)]
            evaluations = Pace.of(opened, tried).of_features()
        asking = _Asking(explainer, opened, evaluations, chosen=chosen)
        return [
            asking.explain(each, _row(columns, at), unfamiliar=strange, request=request)
            for at, (each, strange) in enumerate(zip(varied, unfamiliar, strict=True))
        ]

    def _background(self, opened: OpenVersion) -> Columns:
        name = opened.version.name
        try:
            data = self._registry.read(opened.version, BACKGROUND_FILE)
        except DossierMissingError as missing:
            raise BackgroundMissingError(
                f"{name} cannot be explained: it brings no {BACKGROUND_FILE}, the rows it is compared with. "
                "Versions trained here bring it; train the model again with `modelward train SPEC.yaml`."
            ) from missing
        rows = msgspec.json.decode(data, type=list[dict[str, Any]])
        return opened.interface.columns(rows[:BACKGROUND_ROWS_LIMIT])


@dataclass(frozen=True, slots=True)
class _Asking:
    """Explains row after row of one request."""

    explainer: Explainer
    opened: OpenVersion
    evaluations: int
    _: KW_ONLY
    chosen: int | None

    def explain(self, varied: Varied, columns: Columns, *, unfamiliar: tuple[str, ...], request: str) -> Explanation:
        """The explanation of one row, which `columns` hold as the model takes it."""
        opened, answer = self.opened, self.opened.predict(columns)[0]
        place = int(answer.argmax()) if self.chosen is None else self.chosen
        probability = float(answer[place])
        found = self._attribution(varied, place) if varied.row else Attribution.of_nothing(probability)
        parts = [Contribution(name, varied.values[name], value) for name, value in found.contributions.items()]
        return Explanation(
            label=opened.interface.classes[place],
            probability=probability,
            base=found.base,
            base_of=varied.base_of,
            contributions=tuple(sorted(parts, key=lambda part: -abs(part.contribution))),
            residual=found.base + sum(found.contributions.values()) - probability,
            unfamiliar=unfamiliar,
            method=found.method + varied.how,
            seed=_SEED,
            background_rows=found.background_rows,
            model=opened.version.model,
            version=opened.version.number,
            request_id=request,
        )

    def _attribution(self, varied: Varied, place: int) -> Attribution:
        return self.explainer.explain(
            lambda asked: self.opened.predict(varied.whole(asked))[:, place].astype("float64"),
            varied.row,
            varied.background,
            seed=_SEED,
            evaluations=self.evaluations,
        )


def _class_index(opened: OpenVersion, label: str | None) -> int | None:
    classes = opened.interface.classes
    if label is None:
        return None
    if label not in classes:
        raise UnknownLabelError(f"{opened.version.name} knows no class {label[:100]!r}. There are: {_some(classes)}.")
    return classes.index(label)


def _some(classes: Sequence[str]) -> str:
    more = f", and {len(classes) - _CLASSES_TOLD:,} others" if len(classes) > _CLASSES_TOLD else ""
    return ", ".join(classes[:_CLASSES_TOLD]) + more


def _row(columns: Columns, at: int) -> Columns:
    return {name: values[at : at + 1] for name, values in columns.items()}
