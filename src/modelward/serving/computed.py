# SPDX-License-Identifier: Apache-2.0
"""What an engine said: in a call, and of it to one question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.registry import texts_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from modelward.registry import Interface


_DECIMALS = 7


class CallAnswers:
    """What an engine said in one call: `array` [rows, …], as `Engine.answers` gives it, the same as lists, or as texts where texts
    are the answer, and row by row the features whose value training never saw, and the texts of which there was more than is read;
    `cut` is empty where there was of none. What several questions of a call need is made once.
    """

    __slots__ = ("_labels", "array", "cut", "interface", "is_familiar", "listed", "unfamiliar")

    def __init__(
        self,
        interface: Interface,
        array: npt.NDArray[Any],
        unfamiliar: Sequence[tuple[str, ...]],
        cut: Sequence[tuple[str, ...]] = (),
    ) -> None:
        self.interface = interface
        self.array = array
        self.listed: list[Any] = _listed(interface, array)
        self.unfamiliar = unfamiliar
        self.cut = cut
        self.is_familiar = not any(unfamiliar)
        self._labels: list[str] | None = None

    @property
    def labels(self) -> list[str]:
        """The most probable class of each row; the first in order among equals."""
        if self._labels is None:
            self._labels = labels_of(self.interface, self.array)
        return self._labels


class Computed:
    """What an engine said to one request: its part of the answers of a call. `listed` are its probabilities as lists, or
    what else each row is answered with, and `is_familiar` says that training saw the like of all its values.
    """

    __slots__ = ("_answers", "_start", "_stop", "interface", "is_familiar", "listed", "model", "number", "request")

    def __init__(self, answers: CallAnswers, start: int, stop: int, request: str, model: str, number: int) -> None:
        self._answers = answers
        self._start = start
        self._stop = stop
        self.interface = answers.interface
        self.is_familiar = answers.is_familiar or not any(answers.unfamiliar[start:stop])
        self.listed = answers.listed[start:stop]
        self.request = request
        self.model = model
        self.number = number

    @property
    def array(self) -> npt.NDArray[Any]:
        """[rows, …], as the engine gave it: probabilities in the order of the interface's classes, or what else is the answer."""
        return self._answers.array[self._start : self._stop]

    @property
    def labels(self) -> list[str]:
        """The most probable class of each row; the first in order among equals."""
        return self._answers.labels[self._start : self._stop]

    @property
    def unfamiliar(self) -> Sequence[tuple[str, ...]]:
        """Row by row, the features whose value training never saw."""
        return self._answers.unfamiliar[self._start : self._stop]

    @property
    def cut(self) -> Sequence[tuple[str, ...]]:
        """Row by row, the texts of which there was more than is read; nothing where there was of none."""
        if not self._answers.cut:
            return ()
        cut = self._answers.cut[self._start : self._stop]
        return cut if any(cut) else ()


def _listed(interface: Interface, array: npt.NDArray[Any]) -> list[Any]:
    if interface.answer == "text":
        return texts_of(array)
    return shortest(array).tolist() if interface.answer == "values" else array.tolist()  # type: ignore[no-any-return]  # numpy says Any


def shortest(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The numbers with as few decimals as tell each from every other float32: 3937.42, and not 3937.419921875. Of what more than
    six decimals tell, the number as it is.
    """
    wide = values.astype(np.float64)
    told, is_long = wide.copy(), np.ones(values.shape, dtype=bool)
    for decimals in range(_DECIMALS):
        if not is_long.any():
            break
        rounded = wide.round(decimals)
        fits = is_long & (rounded.astype(np.float32) == values)
        told[fits] = rounded[fits]
        is_long &= ~fits
    return told


def rankings_of(interface: Interface, probabilities: npt.NDArray[np.float32]) -> list[list[tuple[str, float]]]:
    """For each row the `interface.top` most probable classes with their probabilities, the first in order among equals; none whose
    probability is 0, but for the first.
    """
    best = (-probabilities).argsort(axis=1, kind="stable")[:, : interface.top]
    given = np.take_along_axis(probabilities, best, axis=1)
    return [
        [
            (interface.classes[place], share)
            for at, (place, share) in enumerate(zip(places, shares, strict=True))
            if share > 0 or not at
        ]
        for places, shares in zip(best.tolist(), given.tolist(), strict=True)
    ]


def labels_of(interface: Interface, probabilities: npt.NDArray[np.float32]) -> list[str]:
    """The most probable class of each row; the first in order among equals."""
    classes = interface.classes
    return [classes[place] for place in probabilities.argmax(axis=1).tolist()]
