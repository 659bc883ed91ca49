# SPDX-License-Identifier: Apache-2.0
"""Names that users gave, columns and groups for instance, as parts of clause ids and of file names."""

from __future__ import annotations

import re
import unicodedata

from modelward.digest import sha256_hex

_PART_LIMIT = 80
# What would end a part of an id, stand for something else in the pattern of a policy, or quote itself.
_SPECIAL = frozenset("%.=*?[]\\/'\"`")


def id_part(name: str) -> str:
    """`name` as a part of a clause's id: letters of any script, digits and most signs stay, all else is percent-encoded UTF-8.

    No two names of up to 80 encoded characters have the same part; longer ones end in digits of their digest. As the pattern of a
    policy an id therefore fits itself and nothing else.
    """
    part = "".join(letter if _is_plain(letter) else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in name)
    return part if len(part) <= _PART_LIMIT else f"{part[:_PART_LIMIT]}~{sha256_hex(name.encode())[:16]}"


def file_name(name: str) -> str:
    """A name that is safe in any path: kept where it is plain, else made plain and told apart by a few digits of its digest."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:40]
    return plain if plain == name else f"{plain}-{sha256_hex(name.encode())[:8]}".strip("-")


def _is_plain(letter: str) -> bool:
    # C and Z: control, invisible and blank characters, which nobody could copy from a report into a policy with certainty.
    return letter not in _SPECIAL and unicodedata.category(letter)[0] not in "CZ"
