# SPDX-License-Identifier: Apache-2.0
"""Questions and answers without what names persons in them, in the form they came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from modelward.privacy import Book, Plan, deidentify, find_spans

_PLAN = Plan(otherwise="redact")
# Between texts that are looked at together: no identifier has it, and no name goes on behind it.
_BETWEEN = "\n‖\n"
_LEAST_NUMBER = 10**6


@dataclass(frozen=True, slots=True)
class Hidden:
    """A body in which every identifier that was found is replaced, and how many of each kind were."""

    body: bytes
    counts: Mapping[str, int]


def without_persons(body: bytes) -> Hidden:
    """`body` with `<phone>` in the place of every telephone number, and so on for all that detectors find.

    In JSON the texts are looked at, what they are called by as well, and whole numbers that are identifiers become texts; it is
    written anew. In other text what is found is replaced where it stands. In what is no text, such as tensors in binary, the bytes
    of what is found in texts within are covered by as many asterisks, so that its form holds; numbers in it are not read.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _covered(body)
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        made = deidentify(text, _PLAN, Book())
        return Hidden(made.text.encode(), made.counts) if made.counts else Hidden(body, {})
    return _of_json(read, body)


def _of_json(read: object, body: bytes) -> Hidden:
    texts: dict[str, str] = {}
    _gather(read, texts)
    between = _BETWEEN
    while any(between in text for text in texts):
        between += _BETWEEN
    made = deidentify(between.join(texts), _PLAN, Book())
    if not made.counts:
        return Hidden(body, {})
    parts = made.text.split(between)
    if len(parts) != len(texts):
        # Something that was found reached over two texts. Each by itself, then.
        alone = [deidentify(text, _PLAN, Book()) for text in texts]
        counts = sum((Counter(each.counts) for each in alone), Counter[str]())
        return Hidden(msgspec.json.encode(_rewritten(read, dict(zip(texts, (each.text for each in alone), strict=True)))), counts)
    return Hidden(msgspec.json.encode(_rewritten(read, dict(zip(texts, parts, strict=True)))), made.counts)


def _gather(value: object, texts: dict[str, str]) -> None:
    """Every text of `value`, and every number that is long enough to be an identifier, once."""
    if isinstance(value, dict):
        for name, each in value.items():
            texts.setdefault(name, name)
            _gather(each, texts)
    elif isinstance(value, list):
        for each in value:
            _gather(each, texts)
    elif (text := _as_text(value)) is not None:
        texts.setdefault(text, text)


def _as_text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer() or abs(value) < _LEAST_NUMBER:
        return None
    return str(int(value))


def _rewritten(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {texts[name]: _rewritten(each, texts) for name, each in value.items()}
    if isinstance(value, list):
        return [_rewritten(each, texts) for each in value]
    text = _as_text(value)
    return value if text is None or texts[text] == text else texts[text]


def _covered(body: bytes) -> Hidden:
    text = body.decode(errors="surrogateescape")
    counts: Counter[str] = Counter()
    pieces, done = [], 0
    for span in find_spans(text):
        pieces.append(text[done : span.start].encode(errors="surrogateescape"))
        pieces.append(b"*" * len(text[span.start : span.end].encode(errors="surrogateescape")))
        counts[span.kind] += 1
        done = span.end
    pieces.append(text[done:].encode(errors="surrogateescape"))
    return Hidden(b"".join(pieces), counts)
