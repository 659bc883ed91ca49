# SPDX-License-Identifier: Apache-2.0
"""Addresses on the Internet, which name a household or a device."""

from __future__ import annotations

from ipaddress import ip_address


class IpAddressDetector:
    """An IPv4 or IPv6 address in the notation of RFC 4291 or RFC 4632, without a prefix length."""

    name = "ip-address"

    def matches(self, text: str) -> bool:
        """See `Detector.matches`."""
        try:
            ip_address(text)
        except ValueError:
            return False
        return True
