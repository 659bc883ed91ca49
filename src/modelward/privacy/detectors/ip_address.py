# SPDX-License-Identifier: Apache-2.0
"""Addresses on the Internet, which name a household or a device."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from modelward.privacy.detector import LIKELY, Match
from modelward.privacy.folding import Folded

_FOUR = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\.?[0-9])")
_SIX = re.compile(
    r"(?<![0-9A-Za-z.])(?<![0-9A-Fa-f]:)(?=[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:|::)[0-9A-Fa-f:]{2,39}(?:\.[0-9]{1,3}){0,3}(?![0-9A-Za-z:])"
)


class IpAddressDetector:
    """An IPv4 or IPv6 address in the notation of RFC 4291 or RFC 4632, without a prefix length."""

    name = "ip-address"

    def find(self, text: Folded) -> Iterable[Match]:
        """See `Detector.find`."""
        found = [match for start, end in text.dialled for match in _FOUR.finditer(text.text, start, end)]
        if text.text.count(":") > 1:
            found += _SIX.finditer(text.text)
        for each in found:
            if _is_address(each[0]):
                yield Match(each.start(), each.end(), each[0].lower(), LIKELY)


def _is_address(written: str) -> bool:
    try:
        return not ip_address(written).is_unspecified
    except ValueError:
        return False
