# SPDX-License-Identifier: Apache-2.0
"""The page of captures: which models' questions are kept, which are, and what one says, read on record."""

from __future__ import annotations

import math
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.entrances.console.session import FormError
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import ConflictError, InvalidError, ModelwardError, NotFoundError, RefusedError
from modelward.serving import CapturedExchange, InvalidCaptureRuleError

_PLACE = "/console/access/captures"
_SHOWN = 100


async def show(visit: Visit) -> Response:
    """What is ruled, and what is kept, as far as the visitor may see it."""
    asked = visit.request.query_params.get("request", "")
    return await _draw(visit, form={"request": asked[:80]} if asked else {})


async def change(visit: Visit) -> Response:
    """Rule, end a rule, read one, or shred one; what stands against it is shown above."""
    form = await visit.form()
    try:
        read = await run_in_threadpool(_change, visit, form)
    except (ConflictError, InvalidError, NotFoundError, RefusedError) as error:
        return await _draw(visit, fault=error, form=form)
    return RedirectResponse(_PLACE, 303) if read is None else await _draw(visit, read=read)


def _change(visit: Visit, form: dict[str, str]) -> CapturedExchange | None:
    captures, deed, reason = visit.platform.captures, form.get("deed"), form.get("reason", "")
    model, request = form.get("model", "").strip(), form.get("request", "").strip()
    if deed == "read":
        return captures.read(request, reason=reason, by=visit.by)
    if deed == "shred":
        captures.shred([request], reason=reason, by=visit.by)
    elif deed == "on":
        captures.rule(model, share=_number(form, "percent") / 100, days=int(_number(form, "days")), reason=reason, by=visit.by)
    elif deed == "off":
        captures.end(model, reason=reason, by=visit.by)
    else:
        raise FormError("The form says nothing to do. Open the page again.")
    return None


def _number(form: dict[str, str], field: str) -> float:
    with suppress(ValueError):
        number = float(form.get(field, "").strip()[:20])
        if math.isfinite(number):
            return number
    raise InvalidCaptureRuleError("The percentage and the days are numbers. Write them as 1 and 30.")


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


async def _draw(
    visit: Visit, *, fault: ModelwardError | None = None, form: dict[str, str] | None = None, read: CapturedExchange | None = None
) -> Response:
    captures, by = visit.platform.captures, visit.by
    sees = by.may(Permission.CAPTURES_READ)
    rules = await run_in_threadpool(lambda: captures.rules(by=by))
    kept = await run_in_threadpool(lambda: captures.list(limit=_SHOWN, by=by)) if sees else None
    return visit.page(
        "captures.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="access",
        tab="captures",
        rules=rules,
        kept=kept,
        shown=_SHOWN,
        may_rule=by.may(Permission.CAPTURES_RULE),
        read=read,
        said=[(content, _text(content)) for content in (read.question, read.answer)] if read else [],
        form=form or {},
        notice=str(fault) if fault else "",
    )
