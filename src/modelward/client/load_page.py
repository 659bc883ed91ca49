# SPDX-License-Identifier: Apache-2.0
"""The report of a load: one HTML file, no script, nothing loaded from anywhere, in English or Chinese; or its pictures alone."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from modelward.assessment import Language, pages_in
from modelward.client.load import Load
from modelward.client.load_pictures import amount, course, label_of, tail
from modelward.client.load_words import LOAD_WORDS

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class _Picture:
    title: str
    text: str
    source: str
    narrow_source: str


def report_page(load: Load, *, language: Language = "en") -> bytes:
    """The report as one file, which holds its pictures."""
    pages = pages_in(_TEMPLATES)
    pages.filters |= {"label": label_of, "amount": amount}
    steps = [step for step in load.steps if step.latencies is not None]
    pictures = [
        _Picture(
            "Towards the slowest answer",
            "Latency over percentile. Each nine takes as much room as the one before.",
            _source(tail(steps)),
            _source(tail(steps, is_narrow=True)),
        ),
        _Picture(
            "Over time",
            "The median, the 99th percentile and the greatest latency of each moment.",
            _source(course(steps)),
            _source(course(steps, is_narrow=True)),
        ),
    ]
    text = pages.get_template("load.html").render(
        load=load,
        pictures=pictures if steps else [],
        accidental=any(one.is_accidental for step in steps if step.latencies for one in step.latencies.percentiles),
        lang="zh-Hans" if language == "zh" else language,
        t=lambda text: LOAD_WORDS.word(text, language),
        say=lambda text: LOAD_WORDS.html(text, language),
    )
    return text.encode()


def _source(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"
