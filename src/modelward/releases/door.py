# SPDX-License-Identifier: Apache-2.0
"""The door of a release: what is done to questions before the version sees them, as the policy says that it was released under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PERSONS: Final = ("keep", "pseudonym", "redact", "refuse")


@dataclass(frozen=True, slots=True)
class Door:
    """What a policy asks for beside its rules.

    `persons` is what is done with identifiers in the texts of a question: they stay, the version sees pseudonyms in their place,
    which are turned back in what it answers, it sees their kind alone, or the question is refused.
    """

    persons: str = "keep"


NO_DOOR: Final = Door()
"""What a policy asks that says nothing of it."""
