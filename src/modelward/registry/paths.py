# SPDX-License-Identifier: Apache-2.0
"""Which paths a file of a version may have: such that every system unpacks them inside one folder, each to a file of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from modelward.errors import InvalidError

PATH_LIMIT = 200
FILES_LIMIT = 1000


class UnsafePathError(InvalidError):
    """A path that could leave the folder of a version, hide in it, or collide with another."""


def check_path(path: str) -> str:
    """`path` itself: relative, with forward slashes, in Unicode NFC, at most 200 characters, no part of it hidden.

    Raises:
        UnsafePathError: it is none of that.
    """
    fault = _fault(path)
    if fault:
        raise UnsafePathError(
            f"The path {path[:PATH_LIMIT]!r} {fault}. Use a relative path with forward slashes, such as `plots/roc.svg`."
        )
    return path


def check_paths(paths: Iterable[str]) -> None:
    """Every path alone, and all of them together: no two that differ in case alone, no file that is also a folder.

    Raises:
        UnsafePathError: one is unsafe, two collide, or there are more than 1,000.
    """
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(check_path(path).casefold(), path)
        if other is not path and other != path:
            raise UnsafePathError(f"The paths {other!r} and {path!r} differ in case alone. Rename one.")
    if len(seen) > FILES_LIMIT:
        raise UnsafePathError(f"There are {len(seen)} files; a version has at most {FILES_LIMIT}.")
    for folded, path in seen.items():
        parts = folded.split("/")
        if any("/".join(parts[:end]) in seen for end in range(1, len(parts))):
            raise UnsafePathError(f"A folder of the path {path!r} is itself the path of a file. Rename one.")


def _fault(path: str) -> str:
    if not path or len(path) > PATH_LIMIT:
        return f"has {len(path)} characters; 1 to {PATH_LIMIT} are allowed"
    # C: control and format characters, surrogates, unassigned; Z beyond the space: line and paragraph separators, odd blanks.
    if any(unicodedata.category(letter)[0] in "CZ" and letter != " " for letter in path):
        return "holds a control character or an invisible one"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in Unicode normal form C"
    if any(mark in path for mark in "\\:"):
        return "holds a backslash or a colon"
    parts = path.split("/")
    if parts[0] == "":
        return "is absolute"
    if "" in parts or any(part.strip() != part for part in parts):
        return "has an empty part, or one with blanks at an end"
    if any(part.startswith(".") or part.endswith(".") for part in parts):
        return "has a part that starts or ends with a dot"
    return ""
