# SPDX-License-Identifier: Apache-2.0
"""Hides what is found in a text, and finds out again what pseudonyms stand for."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from modelward.privacy.book import Book
from modelward.privacy.finding import find_spans
from modelward.privacy.forms import SHAPES
from modelward.privacy.operator import Item, Operator, operator_of, redacted
from modelward.privacy.span import Span

Finder = Callable[[str], Sequence[Span]]
_LOOKS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """Which operator hides what: `by_kind` names it for some kinds, `otherwise` for all others, as in `mask:4`."""

    otherwise: str = "pseudonym"
    by_kind: Mapping[str, str] = field(default_factory=dict)

    def operators(self) -> Callable[[str], Operator]:
        """What gives the operator of a kind.

        Raises:
            UnknownPluginError, InvalidOperatorError: there is none as one that is named.
        """
        made = {kind: operator_of(said) for kind, said in self.by_kind.items()}
        other = operator_of(self.otherwise)
        return lambda kind: made.get(kind, other)


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A text whose identifiers are hidden, and how many of each kind were."""

    text: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the text that is being made. `kind` is "" for what nobody touched."""

    text: str
    kind: str = ""
    is_reversible: bool = False


def deidentify(text: str, plan: Plan, book: Book, *, find: Finder = find_spans, subject: str = "") -> Deidentified:
    """Put what the `plan` says in the place of every identifier that `find` finds in `text`. The same text, plan and book give the
    same; what became a pseudonym stands in `book`.

    What comes out is looked at again, for one identifier may have stood over a part of another: whatever is then found outside of
    pseudonyms is redacted. Where `text` holds a pseudonym of the book already, that gets one of its own, so that `restore` gives it
    back as it stood.

    Raises:
        UnknownPluginError, InvalidOperatorError: the plan names an operator that there is not. BookFullError.
    """
    operators = plan.operators()
    counts: Counter[str] = Counter()
    parts: list[_Part] = []
    done = 0
    for span in _with_own(text, [*find(text)], book):
        written = text[span.start : span.end]
        operator = operators(span.kind)
        parts += [_Part(text[done : span.start])] if span.start > done else []
        if operator.name == "keep":
            parts.append(_Part(written, span.kind, is_reversible=True))
        else:
            hidden = operator.hide(Item(written, span.value, span.kind, book, subject))
            parts.append(_Part(hidden, span.kind, operator.is_reversible))
            counts[span.kind] += 1
        done = span.end
    if not parts:
        return Deidentified(text, {})
    parts.append(_Part(text[done:]))
    for _ in range(_LOOKS):
        left = [*_left(parts, find)]
        if not left:
            break
        counts.update(span.kind for span in left)
        parts = [*_covered(parts, left)]
    return Deidentified("".join(part.text for part in parts), dict(sorted(counts.items())))


def restore(text: str, book: Book) -> Deidentified:
    """`text` with every pseudonym of `book` turned into what it stands for, as that was written where it was met first; how many of
    each kind were.
    """
    counts: Counter[str] = Counter()
    pieces, done = [], 0
    for start, pseudonym in _pseudonyms(text, book):
        meant = book.meaning(pseudonym)
        if meant is None or start < done:
            continue
        pieces += [text[done:start], meant.written]
        done = start + len(pseudonym)
        counts[meant.kind] += 1
    return Deidentified("".join([*pieces, text[done:]]), dict(sorted(counts.items())))


def give_back(text: str, book: Book, *, find: Finder = find_spans) -> Deidentified:
    """`restore`, of a text that answers one whose identifiers became pseudonyms of `book`: whatever else is found in it is
    redacted, and how many of each kind were is told.
    """
    places: list[tuple[int, int, str, str]] = []
    for start, pseudonym in _pseudonyms(text, book):
        meant = book.meaning(pseudonym)
        if meant and (not places or start >= places[-1][1]):
            places.append((start, start + len(pseudonym), meant.written, ""))
    own = list(places)
    places += [
        (span.start, span.end, redacted(span.kind), span.kind)
        for span in find(text)
        if not any(start < span.end and span.start < end for start, end, *_ in own)
    ]
    pieces, done = [], 0
    for start, end, shown, _ in sorted(places):
        pieces += [text[done:start], shown]
        done = end
    return Deidentified("".join([*pieces, text[done:]]), dict(sorted(Counter(kind for *_, kind in places if kind).items())))


def _pseudonyms(text: str, book: Book) -> list[tuple[int, str]]:
    """Every pseudonym of the book in `text`, with where it begins; of those that begin at one place the longest first."""
    if not len(book):
        return []
    found = ((match.start(), match[1]) for mark, shape in SHAPES if mark in text for match in shape.finditer(text))
    return sorted((each for each in found if book.meaning(each[1])), key=lambda each: (each[0], -len(each[1])))


def _with_own(text: str, spans: list[Span], book: Book) -> list[Span]:
    """The spans, and the pseudonyms of the book outside of them."""
    if not (own := _pseudonyms(text, book)):
        return spans
    taken = bytearray(len(text))
    for span in spans:
        taken[span.start : span.end] = b"\1" * (span.end - span.start)
    for start, pseudonym in own:
        end, meant = start + len(pseudonym), book.meaning(pseudonym)
        if meant and not any(taken[start:end]):
            taken[start:end] = b"\1" * len(pseudonym)
            spans.append(Span(start, end, meant.kind, pseudonym))
    return sorted(spans, key=lambda span: span.start)


def _left(parts: Sequence[_Part], find: Finder) -> Iterator[Span]:
    """What is found again and is no pseudonym: it touches none."""
    kept, at = [], 0
    for part in parts:
        kept += [(at, at + len(part.text))] if part.is_reversible else []
        at += len(part.text)
    waiting = deque(kept)
    for span in find("".join(part.text for part in parts)):
        while waiting and waiting[0][1] <= span.start:
            waiting.popleft()
        if not waiting or waiting[0][0] >= span.end:
            yield span


def _covered(parts: Sequence[_Part], spans: Sequence[Span]) -> Iterator[_Part]:
    """The parts, with what lies under the spans redacted; a part that a span reaches into stays where it does not."""
    waiting, at = deque(spans), 0
    for part in parts:
        start, end, within = at, at + len(part.text), 0
        while waiting and waiting[0].start < end:
            span = waiting[0]
            low, high = max(span.start - start, 0), min(span.end - start, len(part.text))
            yield _Part(part.text[within:low], part.kind, part.is_reversible)
            # Told once, where it begins.
            yield _Part(redacted(span.kind) if span.start >= start else "", span.kind)
            within = high
            if span.end > end:
                break
            waiting.popleft()
        yield _Part(part.text[within:], part.kind, part.is_reversible)
        at = end
