# SPDX-License-Identifier: Apache-2.0
"""Files: those of a version's signed directory that are meant for reading, receipts, and the console's own."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from modelward.access import Permission
from modelward.assessment import REPORT_FILE
from modelward.entrances.console.session import DOCUMENT_POLICY
from modelward.entrances.console.visit import Visit
from modelward.errors import NotFoundError, RefusedError
from modelward.training import SHAPES_FILE

_DOCUMENTS = {
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".pem": "text/plain; charset=utf-8",
}
_STATIC = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"


class NotADocumentError(RefusedError):
    """A file that is not for reading in a browser: weights, or rows of training data."""


class FileMissingError(NotFoundError):
    """The console has no such file."""


def is_shown(path: str) -> bool:
    """Whether a file of a signed directory is for reading: papers, pictures and the terms of a glass box are, weights and rows of
    data are not.
    """
    return path in (REPORT_FILE, SHAPES_FILE) or path.startswith("evidence/") or PurePosixPath(path).suffix in _DOCUMENTS


async def document(visit: Visit) -> Response:
    """One paper of a version's signed directory, as it was signed, fenced in so that nothing in it can act."""
    model, number, path = (visit.path[name] for name in ("model", "number", "path"))
    visit.by.require(Permission.MODELS_READ, model=model)
    if not is_shown(path):
        raise NotADocumentError(
            f"This file of {model}:{number} is not shown in a browser. Who may export takes it out, on record: "
            f"`modelward model export {model}:{number} --to DIR`."
        )
    version = await run_in_threadpool(visit.platform.registry.find, f"{model}:{number}", by=visit.by)
    content = await run_in_threadpool(visit.platform.registry.read, version, path)
    kind = _DOCUMENTS.get(PurePosixPath(path).suffix, "application/json")
    return Response(content, headers={"content-security-policy": DOCUMENT_POLICY}, media_type=kind)


async def report(visit: Visit) -> Response:
    """The trust report as one page in the visitor's language, made from the report that was signed."""
    model, number = visit.path["model"], visit.path["number"]
    visit.by.require(Permission.MODELS_READ, model=model)
    page = await run_in_threadpool(visit.platform.assessment.page, f"{model}:{number}", language=visit.language, by=visit.by)
    if page is None:
        raise FileMissingError(f"{model}:{number} was not assessed. Run `modelward assess {model}:{number}`.")
    return Response(page, headers={"content-security-policy": DOCUMENT_POLICY}, media_type=_DOCUMENTS[".html"])


async def receipt(visit: Visit) -> Response:
    """The receipt of one request, to keep."""
    request = visit.path["request"]
    text = await run_in_threadpool(visit.platform.auditing.receipt, request, by=visit.by)
    return _download(text, f"{re.sub(r'[^A-Za-z0-9-]', '_', request)[:80]}.tlog-proof")


async def checkpoint(visit: Visit) -> Response:
    """The signed checkpoint, to keep elsewhere."""
    head = await run_in_threadpool(visit.platform.auditing.checkpoint, by=visit.by)
    return _download(head.text, f"ledger-{head.size}.checkpoint")


async def public_key(visit: Visit) -> Response:
    """The line that verifies receipts offline."""
    text = await run_in_threadpool(visit.platform.auditing.public_key, by=visit.by)
    return _download(f"{text}\n", "ledger-public-key.txt")


async def static(visit: Visit) -> Response:
    """A style sheet or picture of the console's own."""
    name = visit.path["name"]
    if name not in visit.drawn.static:
        raise FileMissingError("The console has no such file.")
    headers = {"cache-control": _KEPT_FOR_EVER if visit.drawn.is_current(name, visit.asked("v")) else "no-cache"}
    return Response(visit.drawn.static[name], headers=headers, media_type=_STATIC[PurePosixPath(name).suffix])


def _download(text: str, name: str) -> Response:
    return PlainTextResponse(text, headers={"content-disposition": f'attachment; filename="{name}"'})
