# SPDX-License-Identifier: Apache-2.0
"""Puts a made-up value of the same form in the place of the value, and writes both into the book."""

from __future__ import annotations

from modelward.privacy.forms import FORMS
from modelward.privacy.operator import InvalidOperatorError, Item


class Pseudonym:
    """A phone number for a phone number, an address at example.invalid for an e-mail address: nobody's, and always the same for one
    value of one book. The argument says which form it takes where the kind is not known: one of `FORMS`, such as `name`.
    """

    name = "pseudonym"
    is_reversible = True

    def __init__(self, argument: str) -> None:
        if argument and argument not in FORMS:
            raise InvalidOperatorError(f"`pseudonym` knows no form {argument[:40]!r}. There are: {', '.join(sorted(FORMS))}.")
        self._form = argument

    def hide(self, item: Item) -> str:
        """See `Operator.hide`."""
        return item.book.pseudonym(self._form or item.kind, item.value, written=item.written)
