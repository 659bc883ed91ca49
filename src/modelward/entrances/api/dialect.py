# SPDX-License-Identifier: Apache-2.0
"""A dialect: how one protocol asks a model, and how it is answered. All of them ask the same gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from modelward.registry import Interface
from modelward.serving import Asking, Written

Heading = Mapping[bytes, bytes]
"""The headers of a request, by their names in lower case."""


class Dialect(Protocol):
    """One protocol. It MUST keep nothing of what it reads, and say nothing of it in a fault."""

    def read(self, body: bytes, heading: Heading, interface: Interface) -> Asking:
        """The question in a body, against the interface of the version that answers.

        Raises:
            InvalidError: it is none; the message names the place, never a value.
        """
        ...

    def fault(self, error: Exception) -> Written:
        """How the protocol tells what went wrong. The status is up to the door."""
        ...
