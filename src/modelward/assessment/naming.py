# SPDX-License-Identifier: Apache-2.0
"""File names from names that users gave."""

from __future__ import annotations

import re

from modelward.digest import sha256_hex


def file_name(name: str) -> str:
    """A name that is safe in any path: kept where it is plain, else made plain and told apart by a few digits of its digest."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:40]
    return plain if plain == name else f"{plain}-{sha256_hex(name.encode())[:8]}".strip("-")
