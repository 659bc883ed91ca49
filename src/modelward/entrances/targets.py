# SPDX-License-Identifier: Apache-2.0
"""Which requests over HTTP are questions, and to whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httptools

from modelward.entrances.api import INFERENCE, VersionNumberError, is_question, named_model, names_nothing

if TYPE_CHECKING:
    from modelward.entrances.api import Dialect
    from modelward.errors import ModelwardError
    from modelward.settings import Settings

_KNOWN_LIMIT = 1000
_KNOWN_URL_BYTES = 512


@dataclass(frozen=True, slots=True)
class Target:
    """Where questions are sent: a route, the dialect that is spoken there, and the model that the path names."""

    template: str
    dialect: Dialect
    model: str
    number: int | None
    fault: ModelwardError | None = None


class Targets:
    """The targets there are. What was asked before is found at once."""

    def __init__(self, settings: Settings) -> None:
        self._known: dict[bytes, Target] = {}
        self._routes: list[tuple[re.Pattern[str], str, Dialect]] = [
            (_pattern(endpoint.path), endpoint.path, endpoint.handle(settings)) for endpoint in INFERENCE if is_question(endpoint)
        ]

    def find(self, url: bytes) -> Target | None:
        """The target of a POST to `url`; None where the web application answers it."""
        found = self._known.get(url)
        if found is None:
            found = self._look(url)
            if found is not None and found.fault is None and len(url) <= _KNOWN_URL_BYTES:
                # Strangers can fill it, too: it must stay small, and must not keep others out for ever.
                if len(self._known) >= _KNOWN_LIMIT:
                    self._known.clear()
                self._known[url] = found
        return found

    def _look(self, url: bytes) -> Target | None:
        try:
            raw = httptools.parse_url(url).path or b""
        except httptools.HttpParserInvalidURLError:
            return None
        if names_nothing(raw):
            return None
        path = unquote(raw.decode("ascii", "replace"))
        for pattern, template, dialect in self._routes:
            if (match := pattern.fullmatch(path)) is not None:
                return _target(template, dialect, match.groupdict())
        return None


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)))


def _target(template: str, dialect: Dialect, named: dict[str, str]) -> Target:
    try:
        return Target(template, dialect, *named_model(named))
    except VersionNumberError as fault:
        return Target(template, dialect, named["model"], None, fault)
