# SPDX-License-Identifier: Apache-2.0
"""Objects as files of one folder, two levels deep by the first digits of the digest."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from modelward.digest import sha256_of_stream
from modelward.storage.disk import NoSpaceError, is_full, is_idle
from modelward.storage.durability import make_durable
from modelward.storage.objects import ObjectChangedError, ObjectMissingError, check_digest, is_digest

_CHUNK_BYTES = 1 << 20
_PRIVATE = 0o700


class LocalFolder:
    """The embedded default. A file is written beside its place, made durable, then renamed into it."""

    def __init__(self, url: str) -> None:
        self._folder = Path(unquote(urlsplit(url).path))
        self._incoming = self._folder / "incoming"
        self._folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        self._incoming.mkdir(mode=_PRIVATE, exist_ok=True)

    def put(self, source: BinaryIO) -> str:
        """See `ObjectStore.put`."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as sink:
                digest = _copy(source, sink)
                sink.flush()
                os.fsync(sink.fileno())
            place = self._place(digest)
            if not place.parent.is_dir():
                place.parent.mkdir(mode=_PRIVATE, exist_ok=True)
                make_durable(self._folder)
            Path(name).replace(place)
            make_durable(place.parent)
        except OSError as fault:
            Path(name).unlink(missing_ok=True)
            if is_full(fault):
                raise NoSpaceError(
                    f"No space left under {self._folder}. Nothing was stored. Free some space and try again."
                ) from fault
            raise
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest

    def open(self, digest: str) -> BinaryIO:
        """See `ObjectStore.open`. The file is read twice: once to check it, once by the caller."""
        try:
            stream = self._place(digest).open("rb")
        except FileNotFoundError as missing:
            raise ObjectMissingError(
                f"Object {digest[:16]}… is not in {self._folder}. Restore it from a backup; "
                "`modelward doctor` lists what is missing."
            ) from missing
        if sha256_of_stream(stream) != digest:
            stream.close()
            raise ObjectChangedError(
                f"Object {digest[:16]}… in {self._folder} was changed. It is not opened. Restore it from a backup."
            )
        stream.seek(0)
        return stream

    def holds(self, digest: str) -> bool:
        """See `ObjectStore.holds`."""
        return self._place(digest).is_file()

    def delete(self, digest: str) -> None:
        """See `ObjectStore.delete`."""
        self._place(digest).unlink(missing_ok=True)

    def digests(self, *, idle_seconds: float = 0.0) -> Iterator[str]:
        """See `ObjectStore.digests`. A put writes a new file, so the time of the file is the time of the last put."""
        for file in self._folder.glob("??/*"):
            if is_digest(file.name) and is_idle(file, idle_seconds):
                yield file.name

    def remove_fragments(self, *, idle_seconds: float) -> int:
        """See `ObjectStore.remove_fragments`."""
        cut_off = [file for file in self._incoming.iterdir() if is_idle(file, idle_seconds)]
        for file in cut_off:
            file.unlink(missing_ok=True)
        return len(cut_off)

    def _place(self, digest: str) -> Path:
        return self._folder / check_digest(digest)[:2] / digest


def _copy(source: BinaryIO, sink: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
        sink.write(chunk)
    return digest.hexdigest()
