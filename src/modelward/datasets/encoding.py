# SPDX-License-Identifier: Apache-2.0
"""In what a file of text is written: UTF-8, or Chinese in GB 18030."""

from __future__ import annotations

import codecs
import itertools
import re
import shlex
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from modelward.datasets.dataset import UnreadableFileError

_BLOCK_BYTES = 1 << 20
# What is written in Chinese is nearly all in GB 2312, of which GB 18030 is the extension; Latin text read as GB 18030 is not.
_LEAST_SHARE_GB2312 = 0.9


def encoding_of(file: BinaryIO, *, source: str) -> str:
    """In what the whole file is written, which `source` names in messages.

    Raises:
        UnreadableFileError: in none of these, or it is no text.
    """
    is_first, wrong, place = True, None, 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for data in _blocks(file):
        if is_first and data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableFileError(f"{source} is UTF-16. Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 {shlex.quote(source)}`.")
        if b"\0" in data:
            raise UnreadableFileError(
                f"{source} is not text: it holds zero bytes. Save it as text, or a table as CSV, Excel or Parquet."
            )
        if wrong is None:
            wrong = _fault(decoder, data, place)
        place, is_first = place + len(data), False
    if wrong is None:
        wrong = _fault(decoder, b"", place, is_last=True)
    if wrong is None:
        return "utf-8-sig"
    if not _is_gb18030(file):
        raise UnreadableFileError(
            f"{source} is not UTF-8 (byte {wrong:,}), nor Chinese in GB 18030. Convert it to UTF-8, for instance from "
            f"Western European: `iconv -f WINDOWS-1252 -t UTF-8 {shlex.quote(source)}`."
        )
    return "gb18030"


def _fault(decoder: codecs.IncrementalDecoder, data: bytes, place: int, *, is_last: bool = False) -> int | None:
    """Where in the file the first byte stands that is no UTF-8, if there is one in `data`, which stands at `place`."""
    pending, _ = decoder.getstate()
    try:
        decoder.decode(data, is_last)
    except UnicodeDecodeError as wrong:
        return place - len(pending) + wrong.start
    return None


def _is_gb18030(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("gb18030")()
    beyond = common = 0
    try:
        for data in itertools.chain(_blocks(file), [b""]):
            words = re.sub(r"[\x00-\x7f]+", "", decoder.decode(data, not data))
            beyond += len(words)
            common += len(words.encode("gb2312", "ignore")) // 2
    except UnicodeDecodeError:
        return False
    return common >= _LEAST_SHARE_GB2312 * beyond


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(partial(file.read, _BLOCK_BYTES), b"")
