# SPDX-License-Identifier: Apache-2.0
"""The page of terms of confidentiality, read, accepted and put; beside them, what everything in reach is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Key, OfferedTerms, Permission
from modelward.entrances.console.session import FormError
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, NotFoundError, RefusedError

_PLACE = "/console/access/terms"
_KEYS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class PurposeRow:
    """What a live version, a dataset or a key is for. `fault` says why that cannot be told."""

    kind: str
    name: str
    purpose: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ConcernedKeys:
    """The valid keys that reach what has terms, the newest first: those that accepted them, and those that lack it."""

    accepted: Sequence[Key]
    lacking: Sequence[Key]


class UnknownKeyError(NotFoundError):
    """What was typed is neither the name nor the id of a valid key."""


async def show(visit: Visit) -> Response:
    """The terms of what the visitor reaches, and the purposes beside them."""
    return await _draw(visit)


async def change(visit: Visit) -> Response:
    """Accept terms, or put new ones; what stands against it is shown above them."""
    form = await visit.form()
    try:
        await run_in_threadpool(_change, visit, form)
    except (ConflictError, InvalidError, NotFoundError) as error:
        return await _draw(visit, fault=error, form=form)
    return RedirectResponse(_PLACE, 303)


def _change(visit: Visit, form: dict[str, str]) -> None:
    terms, subject = visit.platform.access.terms, form.get("subject", "").strip()
    if form.get("deed") == "accept":
        # Nobody accepts what was put after they read: the form names the text that it was shown with.
        if not (digest := form.get("digest", "")):
            raise FormError("The form does not say which terms are accepted. Open the page again.")
        key = form.get("key", "").strip()
        if "key" in form:
            visit.by.require(Permission.KEYS_MANAGE)
            # An empty field means no key, and never whoever sends it.
            key = _key_meant(visit, key)
        terms.accept(subject, digest=digest, key=key, by=visit.by)
    elif form.get("deed") == "put":
        # Nor does anybody put them in the place of others than the page showed.
        text, replaces = form.get("text", "").replace("\r\n", "\n"), form.get(f"seen {subject}", "none")
        terms.put(subject, text, replaces=replaces, by=visit.by)
    else:
        raise FormError("The form says nothing to do. Open the page again.")


def _purposes(visit: Visit) -> Iterator[PurposeRow]:
    """Of what the visitor may see, and of nothing else."""
    platform, by = visit.platform, visit.by
    for model, release in sorted(platform.releases.live().items()):
        if by.may(Permission.MODELS_READ, model=model):
            name = f"{model}:{release.number}"
            try:
                yield PurposeRow("model", name, platform.registry.find(name, by=by).purpose)
            except (RefusedError, NotFoundError) as error:
                # One version that was tampered with hides no other.
                yield PurposeRow("model", name, fault=str(error))
    if by.may(Permission.DATA_READ):
        yield from (PurposeRow("dataset", dataset.name, dataset.purpose) for dataset in platform.datasets.list(by=by))
    if by.may(Permission.KEYS_MANAGE):
        yield from (PurposeRow("key", key.name, key.purpose) for key in islice(_valid_keys(visit), _KEYS_SHOWN))


def _keys(visit: Visit, offered: Sequence[OfferedTerms]) -> dict[str, ConcernedKeys]:
    """Of each subject, the valid keys that reach it, the newest first; for who manages keys."""
    if not visit.by.may(Permission.KEYS_MANAGE):
        return {}
    terms = visit.platform.access.terms
    valid, found = _valid_keys(visit), {}
    for each in (each.terms for each in offered if each.terms.text):
        kind, _, name = each.subject.partition(":")
        reach = [key for key in valid if kind == "dataset" or key.models is None or name in key.models]
        accepted = terms.accepted_by(each.subject, each.digest, by=visit.by)
        found[each.subject] = ConcernedKeys(
            accepted=[key for key in reach if key.actor.id in accepted],
            lacking=[key for key in reach if key.actor.id not in accepted],
        )
    return found


def _valid_keys(visit: Visit) -> list[Key]:
    now = datetime.now(UTC)
    return [key for key in reversed(visit.platform.access.keys(by=visit.by)) if key.is_valid(now)]


def _key_meant(visit: Visit, typed: str) -> str:
    """The id of the valid key that has the name, or the id, that was typed."""
    keys = _valid_keys(visit)
    named = [key.id for key in keys if key.name == typed] or [key.id for key in keys if key.id == typed]
    if not named:
        raise UnknownKeyError(f"No valid key is called {typed[:80]!r}. The page of keys shows them all.")
    return named[0]


async def _draw(visit: Visit, *, fault: ModelwardError | None = None, form: dict[str, str] | None = None) -> Response:
    offered = await run_in_threadpool(lambda: visit.platform.access.terms.list(by=visit.by))
    purposes = await run_in_threadpool(lambda: list(_purposes(visit)))
    return visit.page(
        "terms.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="terms",
        offered=offered,
        keys=await run_in_threadpool(_keys, visit, offered),
        purposes=purposes,
        keys_shown=_KEYS_SHOWN,
        may_put=visit.by.may(Permission.TERMS_PUT),
        form=form or {},
        notice=str(fault) if fault else "",
    )
