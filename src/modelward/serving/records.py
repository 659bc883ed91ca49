# SPDX-License-Identifier: Apache-2.0
"""Answers in the protocol of records, as `Answer` and its like describe them; probabilities are written by a type made for one
interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from modelward.registry import Interface
from modelward.serving.answer import Written
from modelward.serving.computed import Computed, rankings_of

_FORMS_KEPT = 256
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one row: the most probable class, the probability of each, and the features whose value training never saw.

    `cut` are the texts of which there was more than the version reads. As in every answer, it is left out where there are none.
    """

    label: str
    probabilities: dict[str, float]
    abstained: bool = False
    unfamiliar: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the records protocol gives back, one prediction per row in the order of the rows."""

    predictions: tuple[Prediction, ...]
    model: str
    version: int
    request_id: str


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """The answer to one row by a version that answers with texts."""

    text: str
    unfamiliar: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAnswer:
    """`Answer`, of a version that answers with texts."""

    predictions: tuple[TextPrediction, ...]
    model: str
    version: int
    request_id: str


@dataclass(frozen=True, slots=True)
class ValuesPrediction:
    """The answer to one row by a version that answers with numbers: each by its name, as a text where it stands for a category; or
    nested lists where they have none.
    """

    values: dict[str, float | str] | list[Any]
    unfamiliar: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesAnswer:
    """`Answer`, of a version that answers with numbers."""

    predictions: tuple[ValuesPrediction, ...]
    model: str
    version: int
    request_id: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One recommended item and its probability."""

    item: str
    probability: float


@dataclass(frozen=True, slots=True)
class RankingPrediction:
    """The answer to one row by a version that tells only the most probable classes: `label` is the first of `ranking`. What has the
    probability 0, such as an item that is left out because it was taken before, is not told.
    """

    label: str
    ranking: tuple[Ranked, ...]
    unfamiliar: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingAnswer:
    """`Answer`, of a version that tells only the most probable classes."""

    predictions: tuple[RankingPrediction, ...]
    model: str
    version: int
    request_id: str


class _Forms(NamedTuple):
    """`Answer` and `Prediction` as types whose fields are known beforehand, which are made and written several times as fast."""

    answer: Any
    prediction: Any
    probabilities: Any


def as_records(computed: Computed) -> Written:
    """An answer's body: the JSON of its `Answer`, or of that for rankings, texts or values."""
    return _of_ranking(computed) if computed.interface.top else _WRITERS[computed.interface.answer](computed)


def _named(interface: Interface, values: list[Any]) -> dict[str, float | str] | list[Any]:
    """The values of one row by their names, or as they are where they have none."""
    return interface.named(values) if interface.values else values


def _of_classes(computed: Computed) -> Written:
    forms = _forms(computed.interface.classes)
    predictions = [
        forms.prediction(label, forms.probabilities(*row), False, strange)  # noqa: FBT003  # a field, as `Prediction` has it
        for label, row, strange in zip(computed.labels, computed.listed, computed.unfamiliar, strict=True)
    ]
    _tell_cut(predictions, computed)
    return Written(_encode(forms.answer(predictions, computed.model, computed.number, computed.request)))


def _of_ranking(computed: Computed) -> Written:
    ranked = rankings_of(computed.interface, computed.array)
    predictions = [
        _RANKING(label, [Ranked(*each) for each in row], strange)
        for label, row, strange in zip(computed.labels, ranked, computed.unfamiliar, strict=True)
    ]
    return _written(predictions, computed)


def _of_text(computed: Computed) -> Written:
    return _written(list(map(_TEXT, computed.listed, computed.unfamiliar)), computed)


def _of_values(computed: Computed) -> Written:
    named = (_named(computed.interface, values) for values in computed.listed)
    return _written(list(map(_VALUES, named, computed.unfamiliar)), computed)


def _written(predictions: list[Any], computed: Computed) -> Written:
    _tell_cut(predictions, computed)
    return Written(_encode(_ANSWER(predictions, computed.model, computed.number, computed.request)))


def _tell_cut(predictions: list[Any], computed: Computed) -> None:
    """Most answers have nothing to tell of it, so it costs those nothing."""
    if cut := computed.cut:
        for prediction, names in zip(predictions, cut, strict=True):
            prediction.cut = names


_WRITERS = {"classes": _of_classes, "text": _of_text, "values": _of_values}


@lru_cache(maxsize=_FORMS_KEPT)
def _forms(classes: tuple[str, ...]) -> _Forms:
    return _Forms(_ANSWER, _PREDICTION, _probabilities(classes))


def _probabilities(classes: tuple[str, ...]) -> Any:
    places = {f"p{place}": name for place, name in enumerate(classes)}
    try:
        return msgspec.defstruct("Probabilities", [(place, float) for place in places], rename=places, gc=False)
    except ValueError:
        # A type cannot have fields whose names JSON has to escape.
        return lambda *row: dict(zip(classes, row, strict=True))


def _like(described: type) -> Any:
    """A type that is written as `described` is, but for what was cut where nothing was."""
    fields = [(name, Any, ()) if name == "cut" else (name, Any) for name in described.__dataclass_fields__]  # type: ignore[attr-defined]  # all are dataclasses
    return msgspec.defstruct(described.__name__, fields, omit_defaults=True, gc=False)


_ANSWER, _PREDICTION = _like(Answer), _like(Prediction)
_TEXT, _VALUES, _RANKING = _like(TextPrediction), _like(ValuesPrediction), _like(RankingPrediction)
