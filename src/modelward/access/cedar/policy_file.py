# SPDX-License-Identifier: Apache-2.0
"""A file of policies as it is asked: what of each policy is found out once, whatever other files there are.

Each policy lies in drawers named after the heads of its scope: principal, action, resource.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, TypeAlias

from modelward.access.cedar.checking import Statement

OF_ORIGIN: Final = ("address", "mtls")

Head: TypeAlias = tuple[str, str] | str | None
Drawer: TypeAlias = tuple[Head, Head, Head]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: its name for people, with the file's, its line there, its form for the engine, and the drawers it lies in."""

    name: str
    line: int
    form: str
    forbids: bool
    reads: frozenset[str]
    drawers: tuple[Drawer, ...]


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The policies of one file, in its order. `digest` is that of the text they were read from."""

    name: str
    digest: str
    policies: tuple[Policy, ...]

    @classmethod
    def of(cls, name: str, digest: str, statements: Iterable[Statement]) -> PolicyFile:
        """The file of that name which holds the statements."""
        return cls(name, digest, tuple(_policy(name, each) for each in statements))


def _policy(file: str, statement: Statement) -> Policy:
    form = statement.form
    heads = (_heads(form[part]) for part in ("principal", "action", "resource"))
    return Policy(
        name=f"{file}/{statement.name}",
        line=statement.line,
        form=json.dumps(form),
        forbids=statement.effect == "forbid",
        reads=frozenset(_reads(form)),
        drawers=tuple(product(next(heads), next(heads), next(heads))),
    )


def _reads(form: Any) -> Iterator[str]:
    """Which of the circumstances a policy looks at; all that change, where it looks at them as a whole."""
    match form:
        case {".": {"left": {"Var": "context"}, "attr": attribute}} | {"has": {"left": {"Var": "context"}, "attr": attribute}}:
            yield str(attribute)
        case {"Var": "context"}:
            yield from ("time", *OF_ORIGIN)
        case dict():
            for part in form.values():
                yield from _reads(part)
        case list():
            for part in form:
                yield from _reads(part)


def _heads(scope: dict[str, Any]) -> list[Head]:
    """By what a scope can be recognized: nothing, a type, or uids, one of which the thing must be, or be in."""
    match scope:
        case {"op": "All"}:
            return [None]
        case {"entity": entity}:
            return [(entity["type"], entity["id"])]
        case {"entities": entities}:
            return [(entity["type"], entity["id"]) for entity in entities]
        case {"op": "is", "in": {"entity": entity}}:
            return [(entity["type"], entity["id"])]
        case {"op": "is", "entity_type": kind}:
            return [str(kind)]
    raise ValueError(scope)
