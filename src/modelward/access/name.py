# SPDX-License-Identifier: Apache-2.0
"""Names that people give to things: one rule for all of them."""

from __future__ import annotations

import re

from modelward.errors import InvalidError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SHOWN_CHARACTERS = 80


class InvalidNameError(InvalidError):
    """A name that cannot be given."""


def check_name(kind: str, name: str) -> str:
    """`name`, where it is 1 to 63 of a-z, 0-9 and hyphen, the first no hyphen: it is safe in a path, a URL and a shell.

    Raises:
        InvalidNameError: it is anything else; the message names the `kind` of thing and the rule.
    """
    if _NAME.fullmatch(name):
        return name
    shown = name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "…"
    raise InvalidNameError(
        f"{shown!r} cannot be the name of a {kind}. Use 1 to 63 characters out of a-z, 0-9 and hyphen; the first is no hyphen."
    )
