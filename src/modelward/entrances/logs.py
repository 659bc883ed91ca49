# SPDX-License-Identifier: Apache-2.0
"""The server's log: one JSON document on each line of standard error, in UTF-8, whoever wrote it, and never what a caller sent."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import Any

from structlog.processors import JSONRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict

from modelward.errors import cause_of, place_of
from modelward.privacy import DETECTORS, Book, Plan, Span, deidentify, find_spans

_FIELDS = ("request", "route", "status", "fault", "place", "cause", "left_out")
_REDACTED = Plan(otherwise="redact")
# Where a server listens is told in its log.
_TOLD = {"ip-address", "url"}
_LOG = logging.getLogger("modelward.server")


def write_json_lines(level: str) -> None:
    """Write what we and the libraries log, warn of or let fall as JSON lines; ours from `level` on, theirs from warnings on, for
    what they tell in more detail may hold what callers sent.
    """
    if isinstance(sys.stderr, io.TextIOWrapper):
        # JSON between programs is UTF-8, whatever the locale. A half of a character, which is none, is written as its escape.
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    handler = _Lines(sys.stderr)
    handler.addFilter(_name_faults)
    renderer = JSONRenderer(ensure_ascii=False)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[add_logger_name, add_log_level, ExtraAdder(_FIELDS), _without_texts],
            processors=[TimeStamper(fmt="iso", utc=True), _of_process, ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    least = getattr(logging, level.upper())
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)
    logging.getLogger("modelward").setLevel(least)
    logging.captureWarnings(capture=True)
    # What Python would print by itself, with the text of the fault.
    threading.excepthook = lambda lost: None if lost.exc_type is SystemExit else _lost("a thread ended", lost.exc_value)
    sys.unraisablehook = lambda lost: _lost("a fault that nobody could be told", lost.exc_value)


class _Lines(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        """A line that cannot be written as it was meant: what Python would print of it quotes its values. Where there is no room
        for any line, whoever wanted to write it goes on all the same.
        """
        lost = logging.LogRecord(
            record.name, logging.ERROR, record.pathname, record.lineno, "a line could not be written", (), None
        )
        with suppress(OSError):
            self.stream.write(self.format(lost) + self.terminator)


def _name_faults(line: logging.LogRecord) -> bool:
    """A fault that stands among the values of a message is told by its kind, too."""
    if isinstance(line.args, tuple):
        line.args = tuple(type(value).__name__ if isinstance(value, BaseException) else value for value in line.args)
    return True


def _lost(event: str, fault: BaseException | None) -> None:
    _LOG.error(event, exc_info=fault or True)


def _persons_in(text: str) -> list[Span]:
    return find_spans(text, [kind for kind in DETECTORS.names() if kind not in _TOLD])


def _of_process(_logger: Any, _level: str, line: EventDict) -> EventDict:
    """Which process says so: several workers write to one stream."""
    line["process"] = os.getpid()
    return line


def _without_texts(_logger: Any, _level: str, line: EventDict) -> EventDict:
    """The first line of the message alone without what names persons, and of a fault its kind, place and cause's kind: the rest may
    quote a payload.
    """
    line["event"] = deidentify(line["event"].strip().partition("\n")[0], _REDACTED, Book(), find=_persons_in).text
    if exc_info := line.pop("exc_info", None):
        kind, fault, _trace = exc_info
        line.update({"fault": kind.__name__, "place": place_of(fault), "cause": cause_of(fault)} if kind else {})
    line.pop("stack_info", None)
    return line
