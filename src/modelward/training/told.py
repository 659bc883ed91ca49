# SPDX-License-Identifier: Apache-2.0
"""What the process that learns hands back, taken in a form, in bounds, and in words that move no terminal."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from modelward.compute import Frame, WorkshopLostError
from modelward.errors import ModelwardError, TooLargeError, kind_named
from modelward.registry import Interface
from modelward.training.bench import Prepared
from modelward.training.failing import Failure
from modelward.training.finding import FINDINGS, Finding
from modelward.training.making import Product

FILES_LIMIT, FILES_LIMIT_BYTES = 1000, 4 << 30
TOLD_LIMIT_BYTES = 1 << 20
_WORDS_LIMIT_CHARACTERS = 2000
_DIGEST = re.compile("[0-9a-f]{64}")


class TooMuchMadeError(TooLargeError):
    """Who learns hands over more than any model needs."""


@dataclass(slots=True)
class Files:
    """The files of a version, as they come."""

    content: dict[str, bytes] = field(default_factory=dict)
    _bytes: int = 0

    def keep(self, name: str, content: bytes) -> None:
        """Take one more.

        Raises:
            TooMuchMadeError: they are too many, or too large.
        """
        self._bytes += len(content)
        if len(self.content) >= FILES_LIMIT or self._bytes > FILES_LIMIT_BYTES:
            raise TooMuchMadeError(
                f"The candidate hands over more than {FILES_LIMIT} files, or more than {FILES_LIMIT_BYTES >> 30} GiB. Make it "
                "smaller."
            )
        self.content[name] = content


def prepared_told(head: dict[str, Any]) -> Prepared:
    """What is known of the rows of a run once they are prepared.

    Raises:
        TooMuchMadeError: it is too much. WorkshopLostError: it has another form.
    """
    _bounded(head.get("findings"))
    split = head.get("split_digest")
    try:
        if not isinstance(split, str) or not _DIGEST.fullmatch(split):
            raise msgspec.ValidationError("no digest")
        return Prepared(findings=findings_told(head.get("findings")), split_digest=split)
    except msgspec.ValidationError as wrong:
        raise WorkshopLostError("What is said of the prepared rows has no form. Please report it with the spec.") from wrong


def product_told(frame: Frame, files: Files) -> Product:
    """A candidate as it was made.

    Raises:
        TooMuchMadeError: what it tells of itself, beside what it takes and gives, is too much. msgspec.ValidationError: it has
            another form.
    """
    head = frame.head
    _bounded(*(head.get(part) for part in ("facts", "parameters", "findings")))
    return Product(
        files=files.content,
        interface=msgspec.convert(head["interface"], Interface),
        facts=msgspec.convert(head["facts"], dict[str, Any]),
        seconds=float(head["seconds"]),
        parameters=msgspec.convert(head["parameters"], dict[str, Any]),
        findings=findings_told(head["findings"]),
    )


def failure_told(told: Any) -> Failure:
    """A failure, whose words go into rows and whose kind goes into the ledger: a kind that nobody here knows is called an
    exception.
    """
    said = msgspec.convert(told, Failure)
    known = said.kind in {each.__qualname__ for each in _classes(ModelwardError)} or _is_builtin(said.kind)
    return replace(said, kind=said.kind if known else Exception.__name__, message=words(said.message))


def refusal_told(head: dict[str, Any]) -> ModelwardError:
    """The error that was raised at the other end: by its own class where this process knows it, else by its kind."""
    found = next((each for each in _classes(ModelwardError) if each.__qualname__ == head["class"]), None)
    kind = kind_named(str(head["of_kind"])) or ModelwardError
    try:
        return (found or kind)(words(head["message"]))
    except TypeError:
        # One that asks for more than words, which nobody raises there.
        return kind(words(head["message"]))


def findings_told(told: Any) -> tuple[Finding, ...]:
    """What was found: a few things, of the kinds that there are.

    Raises:
        msgspec.ValidationError: it has another form, or another kind.
    """
    found = msgspec.convert(told, tuple[Finding, ...])
    if strange := {each.kind for each in found} - FINDINGS.keys():
        raise msgspec.ValidationError(f"{len(strange)} kinds of findings that nobody knows")
    return tuple(replace(each, text=words(each.text), remedy=words(each.remedy)) for each in found)


def curves_told(told: Any) -> dict[str, tuple[float, ...]]:
    """Curves as they were sent; JSON knows no infinity, and nothing for a number stands for what is none."""
    return {str(name): tuple(float("nan") if value is None else value for value in values) for name, values in told.items()}


def words(told: Any) -> str:
    """What is said to people: not too much of it, and nothing that moves a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in str(told)[:_WORDS_LIMIT_CHARACTERS])


def _bounded(*told: Any) -> None:
    if sum(len(msgspec.json.encode(each)) for each in told) > TOLD_LIMIT_BYTES:
        raise TooMuchMadeError(f"Who learns tells more than {TOLD_LIMIT_BYTES >> 10} KiB of it. Make the recipe tell less.")


def _is_builtin(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, Exception)


def _classes(kind: type[ModelwardError]) -> Iterator[type[ModelwardError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _classes(each)
