# SPDX-License-Identifier: Apache-2.0
"""Files that a client sends: within the limit, into a private folder that is gone when the request ends."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request

from modelward.entrances.api.bodies import BodyTooLargeError, MalformedBodyError

FILES_LIMIT = 64
_PLAIN_PATH = re.compile(r"[\w.-]{1,100}(/[\w.-]{1,100}){0,3}")
_CHUNK_BYTES = 1 << 20


@asynccontextmanager
async def received(request: Request, fields: Any, *, limit_bytes: int) -> AsyncIterator[tuple[Any, Path]]:
    """The form's fields as `fields`, and the folder in which its files lie under the paths that the client gave them.

    Raises:
        BodyTooLargeError, MalformedBodyError: it passes the limit, or is not the form that the route reads.
    """
    _check_length(request, limit_bytes)
    async with request.form(max_files=FILES_LIMIT, max_fields=200) as form:
        texts: dict[str, Any] = {}
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                texts.setdefault(name, []).append(value)
        with tempfile.TemporaryDirectory(prefix="modelward-upload-") as folder:
            for part in form.getlist("files"):
                await _write(part, Path(folder))
            yield _convert(texts, fields), Path(folder)


def _check_length(request: Request, limit_bytes: int) -> None:
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal():
        raise MalformedBodyError("An upload needs a Content-Length header, so that its size is known before it is read.")
    if int(declared) > limit_bytes:
        raise BodyTooLargeError(
            f"The upload is larger than {limit_bytes} bytes. Send less, or ask the operator to raise MODELWARD_UPLOAD_LIMIT_BYTES."
        )


async def _write(part: Any, folder: Path) -> None:
    if not isinstance(part, UploadFile):
        raise MalformedBodyError("The form's `files` must be files.")
    name = part.filename or ""
    if not _PLAIN_PATH.fullmatch(name) or ".." in name:
        raise MalformedBodyError("A file's name must be of letters, digits, dots, dashes and underscores, without `..`.")
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as sink:
        while chunk := await part.read(_CHUNK_BYTES):
            sink.write(chunk)


def _convert(texts: dict[str, list[str]], fields: Any) -> Any:
    """Repeated fields are lists, others texts."""
    lists = {field.name for field in msgspec.structs.fields(fields) if field.type not in {str, int, bool}}
    try:
        return msgspec.convert({name: given if name in lists else given[-1] for name, given in texts.items()}, fields, strict=False)
    except msgspec.ValidationError as wrong:
        raise MalformedBodyError(f"The form has another shape than this route reads: {wrong}.") from None
