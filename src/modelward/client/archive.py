# SPDX-License-Identifier: Apache-2.0
"""Archives from a service, unpacked without trusting what is in them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from modelward.client.connection import StrangeAnswerError
from modelward.storage import whole_folder

_ARCHIVE_LIMIT_BYTES = 1 << 32


def unpack(archive: bytes, folder: Path) -> int:
    """Write a ZIP archive's files into a new folder, all of them or none; how many.

    Raises:
        StrangeAnswerError: it is no archive, a name in it leads out of the folder, or it unpacks to too much.
        FolderTakenError, FolderUnusableError, NoSpaceError: see `whole_folder`.
    """
    with _opened(archive) as packed:
        members = packed.infolist()
        if sum(member.file_size for member in members) > _ARCHIVE_LIMIT_BYTES:
            raise StrangeAnswerError("The archive unpacks to more than 4 GiB. It is not unpacked.")
        with whole_folder(folder) as incoming:
            places = [(member, (incoming / member.filename).resolve()) for member in members]
            if any(not place.is_relative_to(incoming.resolve()) for _, place in places):
                raise StrangeAnswerError("The archive holds a path that leads out of its folder. It is not unpacked.")
            for member, place in places:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(packed.read(member))
    return len(members)


def _opened(archive: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(archive))
    except zipfile.BadZipFile as wrong:
        raise StrangeAnswerError("The answer is not the archive that was asked for. Check the address.") from wrong
