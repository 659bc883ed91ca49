# SPDX-License-Identifier: Apache-2.0
"""E-mail addresses (RFC 5321, without quoted local parts and address literals)."""

from __future__ import annotations

import re

_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")


class EmailDetector:
    """A local part of dotted atoms and a domain of at least two labels, the last not a number."""

    name = "email"

    def matches(self, text: str) -> bool:
        """See `Detector.matches`."""
        local, at, domain = text.rpartition("@")
        labels = domain.split(".")
        return (
            bool(at)
            and len(local) <= 64
            and len(domain) <= 253
            and len(labels) > 1
            and not labels[-1].isdigit()
            and len(labels[-1]) > 1
            and bool(_LOCAL.fullmatch(local))
            and all(_LABEL.fullmatch(label) for label in labels)
        )
