# SPDX-License-Identifier: Apache-2.0
"""The page of terms of confidentiality, read, accepted and put; beside them, what everything in reach is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.entrances.console.session import FormError
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, NotFoundError, RefusedError

_PLACE = "/console/access/terms"


@dataclass(frozen=True, slots=True)
class PurposeRow:
    """What a live version, a dataset or a key is for. `fault` says why that cannot be told."""

    kind: str
    name: str
    purpose: str = ""
    fault: str = ""


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
        terms.accept(subject, digest=digest, by=visit.by)
    elif form.get("deed") == "put":
        terms.put(subject, form.get("text", "").replace("\r\n", "\n"), by=visit.by)
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
        now = datetime.now(UTC)
        valid = (key for key in platform.access.keys(by=by) if key.is_valid(now))
        yield from (PurposeRow("key", key.name, key.purpose) for key in valid)


async def _draw(visit: Visit, *, fault: ModelwardError | None = None, form: dict[str, str] | None = None) -> Response:
    offered = await run_in_threadpool(lambda: visit.platform.access.terms.list(by=visit.by))
    purposes = await run_in_threadpool(lambda: list(_purposes(visit)))
    return visit.page(
        "terms.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="terms",
        offered=offered,
        purposes=purposes,
        may_put=visit.by.may(Permission.TERMS_PUT),
        form=form if form and form.get("deed") == "put" else {},
        notice=str(fault) if fault else "",
    )
