# SPDX-License-Identifier: Apache-2.0
"""Files that a client sends: within the limit, into a private folder that is gone when the request ends."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_origin

import msgspec
from python_multipart.exceptions import FormParserError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from modelward.entrances.api.bodies import BodyTooLargeError, CallerLeftError, MalformedBodyError, told
from modelward.entrances.api.problems import HttpError
from modelward.errors import ModelwardError
from modelward.storage import passing_folder

FILES_LIMIT = 64
FIELDS_LIMIT = 200
_PLAIN_PATH = re.compile(r"[\w.-]{1,100}(/[\w.-]{1,100}){0,3}")


class LengthMissingError(HttpError):
    """An upload of unknown size."""

    status = 411


@asynccontextmanager
async def received(request: Request, fields: Any, *, limit_bytes: int) -> AsyncIterator[tuple[Any, Path]]:
    """The form's fields as `fields`, and the folder in which its files lie under the paths that the client gave them.

    Raises:
        BodyTooLargeError, MalformedBodyError, LengthMissingError: it passes the limit, or is not the form that the route reads.
    """
    _check_length(request, limit_bytes)
    form = await _form(request)
    try:
        texts: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                texts.setdefault(name, []).append(value)
        said = _convert(texts, fields)
        with passing_folder() as folder:
            for part in form.getlist("files"):
                await run_in_threadpool(_write, part, folder)
            try:
                yield said, folder
            except ModelwardError as fault:
                # Whoever reads a file names it by where it lies, which is nobody's business outside.
                fault.args = (str(fault).replace(f"{folder}/", ""),)
                raise
    finally:
        await form.close()


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=FILES_LIMIT, max_fields=FIELDS_LIMIT)
    except (HTTPException, FormParserError) as wrong:
        said = wrong.detail if isinstance(wrong, HTTPException) else "it is not the multipart form that its Content-Type says."
        raise MalformedBodyError(f"The form cannot be read: {said}") from None
    except ClientDisconnect:
        raise CallerLeftError("The connection was closed before the form was complete.") from None


def _check_length(request: Request, limit_bytes: int) -> None:
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal():
        raise LengthMissingError("An upload needs a Content-Length header, so that its size is known before it is read.")
    if int(declared) > limit_bytes:
        raise BodyTooLargeError(
            f"The upload is larger than {limit_bytes} bytes. Send less, or ask the operator to raise MODELWARD_UPLOAD_LIMIT_BYTES."
        )


def _write(part: UploadFile | str, folder: Path) -> None:
    if not isinstance(part, UploadFile):
        raise MalformedBodyError("The form's `files` must be files.")
    name = part.filename or ""
    if not _PLAIN_PATH.fullmatch(name) or ".." in name:
        raise MalformedBodyError("A file's name must be of letters, digits, dots, dashes and underscores, without `..`.")
    place = folder / name
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as sink:
            shutil.copyfileobj(part.file, sink)
    except (FileExistsError, NotADirectoryError):
        raise MalformedBodyError("Two of the files have the same name. Give each its own.") from None


def _convert(texts: Mapping[str, Sequence[str]], fields: Any) -> Any:
    """Fields that are lists take every text given, others the last one."""
    lists = {field.name for field in msgspec.structs.fields(fields) if get_origin(field.type) is list}
    try:
        return msgspec.convert({name: given if name in lists else given[-1] for name, given in texts.items()}, fields, strict=False)
    except msgspec.ValidationError as wrong:
        raise MalformedBodyError(f"The form has another shape than this route reads: {told(wrong)}.") from None
