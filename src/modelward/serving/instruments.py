# SPDX-License-Identifier: Apache-2.0
"""Instruments: counters, readings and distributions as plain numbers, which cost next to nothing to keep.

Nothing here knows how numbers are shown. An instrument has the name and the labels under which others show it, in base units.
Labels come from bounded sets and never from what a caller sent.

Any thread may add, and any may read meanwhile: CPython lets no other thread in while `held[key] += number` reads and stores.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from typing import ClassVar, Protocol, TypeAlias

Labels: TypeAlias = tuple[str, ...]
Numbers: TypeAlias = list[float]
"""Of a counter or gauge one number; of a distribution how many values fell under each bound, how many above all, and their sum."""
Snapshot: TypeAlias = dict[str, list[tuple[Sequence[str], Numbers]]]
"""What the instruments said at one moment, by name: the numbers for each combination of labels. It is JSON as it is."""


class Kind(Enum):
    """What becomes of the numbers of several processes: a counter's and a distribution's are added, and stay when one ends."""

    COUNTER = "counter"
    GAUGE = "gauge"
    DISTRIBUTION = "histogram"


class Instrument(Protocol):
    """Something that is read. `is_greatest`: of the gauges of several processes the greatest counts; otherwise they are added."""

    @property
    def name(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def labels(self) -> Labels: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def is_greatest(self) -> bool: ...

    def samples(self) -> Iterator[tuple[Labels, Numbers]]:
        """The numbers for each combination of labels there is so far."""
        ...


class Counter:
    """How often something happened. Its name ends in `_total`."""

    kind: ClassVar = Kind.COUNTER
    is_greatest: ClassVar = False

    def __init__(self, name: str, about: str, *, labels: Labels = ()) -> None:
        self.name, self.about, self.labels = name, about, labels
        self._counts: defaultdict[Labels, float] = defaultdict(int)
        if not labels:
            self._counts[()] = 0

    def add(self, labels: Labels = (), number: float = 1) -> None:
        """It happened so often."""
        self._counts[labels] += number

    def samples(self) -> Iterator[tuple[Labels, Numbers]]:
        """See `Instrument`."""
        return ((labels, [number]) for labels, number in dict(self._counts).items())


class Reading:
    """What a function says when it is asked. What it cannot say now, because it raises, is left out."""

    labels: ClassVar[Labels] = ()

    def __init__(
        self,
        name: str,
        about: str,
        read: Callable[[], float] = lambda: 0,
        *,
        kind: Kind = Kind.GAUGE,
        is_greatest: bool = False,
    ) -> None:
        self.name, self.about, self.kind, self.is_greatest = name, about, kind, is_greatest
        self._read = read

    def follow(self, read: Callable[[], float]) -> None:
        """Ask this function from now on."""
        self._read = read

    def samples(self) -> Iterator[tuple[Labels, Numbers]]:
        """See `Instrument`."""
        # What is wrong with one must not hide the others, least of all then.
        with suppress(Exception):
            yield (), [self._read()]


class Distribution:
    """How many of the values that were added lie under each bound (inclusive), and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """One value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def add_many(self, values: Iterable[float]) -> None:
        """Some values."""
        counts, bounds, total = self._counts, self._bounds, 0.0
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            total += value
        self._sum += total

    @property
    def numbers(self) -> Numbers:
        """How many values fell between each two bounds, how many above all, and their sum."""
        return [*self._counts, self._sum]


class Distributions:
    """A distribution for each combination of labels. Whoever adds often keeps what `of` gives."""

    kind: ClassVar = Kind.DISTRIBUTION
    is_greatest: ClassVar = False

    def __init__(self, name: str, about: str, *, bounds: Sequence[float], labels: Labels = ()) -> None:
        self.name, self.about, self.labels, self.bounds = name, about, labels, tuple(bounds)
        self._held: dict[Labels, Distribution] = {}

    def of(self, *labels: str) -> Distribution:
        """The one with these labels, always the same."""
        return self._held.get(labels) or self._held.setdefault(labels, Distribution(self.bounds))

    def samples(self) -> Iterator[tuple[Labels, Numbers]]:
        """See `Instrument`."""
        return ((labels, held.numbers) for labels, held in self._held.copy().items())


class Panel:
    """Some instruments, read together; and what those of several processes say together."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.instruments = {instrument.name: instrument for instrument in instruments}

    def snapshot(self) -> Snapshot:
        """What they say now."""
        return {name: list(instrument.samples()) for name, instrument in self.instruments.items()}

    def merged(self, snapshots: Iterable[Snapshot]) -> Snapshot:
        """What several snapshots say together. A name that no instrument here has is left out."""
        held: dict[str, dict[Labels, Numbers]] = {name: {} for name in self.instruments}
        for snapshot in snapshots:
            for name in held.keys() & snapshot.keys():
                join = max if self.instruments[name].is_greatest else _sum
                for labels, numbers in snapshot[name]:
                    key = tuple(labels)
                    before = held[name].get(key)
                    held[name][key] = numbers if before is None else [join(pair) for pair in zip(before, numbers, strict=True)]
        return {name: list(samples.items()) for name, samples in held.items()}

    def lasting(self, snapshot: Snapshot) -> Snapshot:
        """What of a snapshot still counts once its process has ended: no gauge."""
        return {
            name: samples
            for name, samples in snapshot.items()
            if name in self.instruments and self.instruments[name].kind is not Kind.GAUGE
        }


def _sum(pair: tuple[float, float]) -> float:
    return pair[0] + pair[1]
