# SPDX-License-Identifier: Apache-2.0
"""Numbers as Prometheus text. The library sees them when somebody asks, and at no other time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from modelward.serving import Distributions, Instrument, Kind, Numbers, Snapshot


class Exposition(Collector):
    """The text of what `read` says of some instruments, whenever `text` is asked for."""

    def __init__(self, instruments: Iterable[Instrument], read: Callable[[], Snapshot]) -> None:
        self._instruments = tuple(instruments)
        self._read = read
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: without this, the library would read all when the collector is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """As the library asks for it."""
        said = self._read()
        for instrument in self._instruments:
            yield _family(instrument, said.get(instrument.name, ()))


def _family(instrument: Instrument, samples: Sequence[tuple[Sequence[str], Numbers]]) -> Metric:
    name, about, labels = instrument.name, instrument.about, instrument.labels
    if isinstance(instrument, Distributions):
        distribution = HistogramMetricFamily(name, about, labels=labels)
        bounds = [*map(floatToGoString, instrument.bounds), "+Inf"]
        for values, (*counts, total) in samples:
            distribution.add_metric(values, list(zip(bounds, accumulate(counts), strict=True)), total)
        return distribution
    family = CounterMetricFamily(name, about, labels=labels) if instrument.kind is Kind.COUNTER else None
    gauge = family or GaugeMetricFamily(name, about, labels=labels)
    for values, (number,) in samples:
        gauge.add_metric(values, number)
    return gauge
