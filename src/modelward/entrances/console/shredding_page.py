# SPDX-License-Identifier: Apache-2.0
"""The end of a dataset: the page that tells what will happen, and the proof of it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from modelward.access import Permission
from modelward.entrances.console.visit import Visit
from modelward.entrances.faults import STATUS, by_kind
from modelward.errors import InvalidError, ModelwardError

if TYPE_CHECKING:
    from modelward.datasets import Dataset


class OtherNameTypedError(InvalidError):
    """Who ends something for good typed another name than its own."""


async def show(visit: Visit) -> Response:
    """What will happen, and the form that asks for the name and the reason."""
    return await _draw(visit)


async def shred(visit: Visit) -> Response:
    """Destroy the keys of a dataset, where its name was typed."""
    form, name = await visit.form(), visit.path["name"]
    try:
        if form.get("typed", "").strip() != name:
            raise OtherNameTypedError("What was typed is not the name. Nothing was changed.")
        await run_in_threadpool(visit.platform.shredding.shred, name, reason=form.get("reason", ""), by=visit.by)
    except InvalidError as error:
        return await _draw(visit, fault=error, form=form)
    return RedirectResponse(f"/console/data/{name}", 303)


def shown_shredded(visit: Visit, dataset: Dataset) -> dict[str, Any]:
    """What is left of a dataset, and how its keys stand."""
    keys = visit.platform.shredding.keys(dataset.name, by=visit.by)
    return {"dataset": dataset, "gone": dataset.shredded, "keys": keys, "versions": _versions(visit, dataset.name)}


def _shown(visit: Visit) -> dict[str, Any]:
    name, shredding = visit.path["name"], visit.platform.shredding
    dataset = visit.platform.datasets.show(name, by=visit.by)
    if not shredding.may_shred(name, by=visit.by):
        visit.by.require(Permission.DATA_SHRED, dataset=name)
    others = [each for each in visit.platform.datasets.list(by=visit.by) if each.shard and each.shredded is None]
    return {
        "dataset": dataset,
        "keys": shredding.keys(name, by=visit.by),
        "versions": _versions(visit, name),
        "shards": [each.name for each in others if each.shard and each.shard.fingerprint == dataset.fingerprint],
    }


def _versions(visit: Visit, dataset: str) -> list[str]:
    """Those made from it, of the models that the visitor may see."""
    if not visit.by.may(Permission.MODELS_READ):
        return []
    registry = visit.platform.registry
    versions = (each for summary in registry.models(by=visit.by) for each in registry.versions(summary.model, by=visit.by))
    return [each.name for each in versions if each.lineage.dataset == dataset]


async def _draw(visit: Visit, *, fault: ModelwardError | None = None, form: dict[str, str] | None = None) -> Response:
    return visit.page(
        "shred.html",
        status=by_kind(fault, STATUS) if fault else 200,
        section="data",
        **await run_in_threadpool(_shown, visit),
        may_rotate=visit.by.may(Permission.KEYS_MANAGE) and not visit.by.tenant,
        form=form or {},
        notice=str(fault) if fault else "",
    )
