# SPDX-License-Identifier: Apache-2.0
"""De-identifying in the console: what would be hidden, then the button that makes the copy; and who stands behind a pseudonym."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.datasets import Anonymising, Hiding, InvalidHidingError, anonymising, columns_of
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError

_REFUSALS = (ConflictError, InvalidError, NotFoundError, RefusedError)


async def deidentify(visit: Visit) -> Response:
    """What would be found and hidden, and the form to have it done; or on to the copy that was made."""
    form, name = await visit.form(), visit.path["name"]
    copy, is_trial = form.get("copy", "").strip(), form.get("deed") != "make"
    found, fault = None, None
    try:
        hiding = Hiding(
            columns=columns_of(line for line in form.get("columns", "").splitlines() if line.strip()),
            drop=tuple(part.strip() for part in form.get("drop", "").split(",") if part.strip()),
            found=form.get("found", "").strip() or "pseudonym",
            anonymous=_anonymising(form),
        )
        found = await run_in_threadpool(
            lambda: visit.platform.deidentifying.deidentify(name, copy, hiding, is_trial=is_trial, by=visit.by)
        )
    except _REFUSALS as error:
        fault = error
    if found and found.fingerprint:
        return RedirectResponse(f"/console/data/{copy}#hidden-heading", 303)
    return visit.page(
        "deidentify.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="data",
        dataset=name,
        form=form,
        found=found,
        notice=str(fault) if fault else "",
    )


def _anonymising(form: dict[str, str]) -> Anonymising | None:
    k, sensitive = form.get("k", "").strip(), form.get("sensitive", "").strip()
    if k and not (k.isascii() and k.isdigit() and len(k) < 8):
        raise InvalidHidingError(f"k is {k[:40]!r}; it is a whole number.")
    quasi = [part.strip() for part in form.get("quasi", "").split(",") if part.strip()]
    return anonymising(k=int(k or 0), quasi=quasi, sensitive=sensitive, diversity=1 + bool(sensitive), closeness=1.0)


async def reidentify(visit: Visit) -> Response:
    """What pseudonyms stand for."""
    form, name = await visit.form(), visit.path["name"]
    texts = [line.strip() for line in form.get("texts", "").splitlines() if line.strip()]
    told, fault = None, None
    try:
        told = await run_in_threadpool(
            lambda: visit.platform.deidentifying.reidentify(name, texts, reason=form.get("reason", ""), by=visit.by)
        )
    except _REFUSALS as error:
        fault = error
    return visit.page(
        "reidentify.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="data",
        dataset=name,
        form=form,
        told=[*zip(texts, told.texts, strict=True)] if told else [],
        notice=str(fault) if fault else "",
    )


async def forget(visit: Visit) -> Response:
    """Destroy the book of pseudonyms; what stands against it is said beside the form that asks for them."""
    form, name = await visit.form(), visit.path["name"]
    try:
        await run_in_threadpool(visit.platform.deidentifying.forget, name, reason=form.get("reason", ""), by=visit.by)
    except _REFUSALS as error:
        page = {"dataset": name, "form": {}, "told": [], "notice": str(error)}
        return visit.page("reidentify.html", status=by_kind(error, STATUS), section="data", **page)
    return RedirectResponse(f"/console/data/{name}#hidden-heading", 303)
