# SPDX-License-Identifier: Apache-2.0
"""At the end the last spans are sent for as long as somebody takes them, and nobody waits for a collector that is gone."""

import threading
import time

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from modelward.entrances import otel
from modelward.entrances.otel import Sending, SpanMaker
from modelward.entrances.traces import Trail

PATIENCE_SECONDS = 20
TAKEN, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


class Collector(SpanExporter):
    """Does with each batch in turn what it is told to: it gives what came of it."""

    def __init__(self, *answers) -> None:
        self._answers = iter(answers)
        self.spans = 0
        self.is_over = threading.Event()

    def export(self, spans) -> SpanExportResult:
        told = next(self._answers)(self)
        self.spans += len(spans) if told is TAKEN else 0
        return told

    def shutdown(self) -> None:
        self.is_over.set()

    def takes(self) -> SpanExportResult:
        return TAKEN

    def fails(self) -> SpanExportResult:
        return LOST

    def tries_again(self) -> SpanExportResult:
        """As exporters do while nobody answers, until they are told that it is over."""
        assert self.is_over.wait(PATIENCE_SECONDS)
        return LOST

    def takes_slowly(self) -> SpanExportResult:
        """Longer than anybody waits without a doubt."""
        assert self.is_over.wait(PATIENCE_SECONDS)
        time.sleep(0.05)
        return TAKEN

    def takes_a_while(self) -> SpanExportResult:
        time.sleep(otel._DOUBT_SECONDS / 10)
        return TAKEN


@pytest.fixture
def make(monkeypatch):
    """Makes spans that go to an exporter, one in each batch."""
    monkeypatch.setattr(otel, "_DOUBT_SECONDS", 0.5)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")

    def made(collector, *, spans) -> SpanMaker:
        maker = SpanMaker([Sending(collector)])
        maker.make([Trail(0.0) for _ in range(spans)])
        return maker

    return made


def test_who_tries_in_vain_is_told_that_it_is_over_and_how_much_is_lost_is_logged(make, caplog):
    collector = Collector(Collector.tries_again)
    make(collector, spans=3).close()
    assert collector.is_over.is_set()
    assert collector.spans == 0
    assert "3 spans are not sent" in caplog.text


def test_as_long_as_batches_are_taken_all_are_sent_however_many_there_are(make, caplog):
    collector = Collector(*[Collector.takes_a_while] * 20)
    make(collector, spans=20).close()
    assert collector.spans == 20
    assert not caplog.records


def test_what_is_on_its_way_to_a_slow_collector_arrives(make):
    collector = Collector(Collector.takes, Collector.takes_slowly)
    make(collector, spans=2).close()
    assert collector.spans == 2


def test_nobody_waits_for_a_collector_that_failed_and_now_says_nothing(make):
    asked, over, ended = threading.Event(), threading.Event(), threading.Event()

    def says_nothing(_collector) -> SpanExportResult:
        asked.set()
        over.wait(PATIENCE_SECONDS)
        ended.set()
        return LOST

    collector = Collector(Collector.fails, says_nothing)
    maker = make(collector, spans=2)
    assert asked.wait(PATIENCE_SECONDS)
    maker.close()
    assert not ended.is_set()
    assert collector.is_over.is_set()
    over.set()
