# SPDX-License-Identifier: Apache-2.0
"""Puts something wider in the place of the value: the year of a day, a band of numbers, the region of an address, a network."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network

from modelward.privacy.days import read_day
from modelward.privacy.operator import InvalidOperatorError, Item, redacted

_TO = ("decade", "month", "network", "region", "year")
_REGION_HAN = re.compile(r"^\s*(\S{2,8}?(?:省|自治区|特别行政区|市))")
_NETWORK_BITS = {4: 24, 6: 48}


class Generalise:
    """By its argument `year`, `month` or `decade` of a day, a number for the width of a band, such as `10`, `network` of an IP
    address (/24, of IPv6 /48), `region` of an address. Without one what fits the value: year, network, region, or a band of 10.
    What it cannot read it redacts.
    """

    name = "generalise"
    is_reversible = False

    def __init__(self, argument: str) -> None:
        self._to = argument
        self._width = Decimal(10)
        if argument and argument not in _TO:
            self._to, self._width = "band", _width(argument)

    def hide(self, item: Item) -> str:
        """See `Operator.hide`."""
        said = item.written.strip()
        ways = {"network": _network, "region": _region, "band": self._band}
        if self._to in ways:
            wider = ways[self._to](said)
        elif self._to:
            wider = _day(said, self._to)
        elif item.kind in ("ip-address", "address"):
            wider = _network(said) if item.kind == "ip-address" else _region(said)
        else:
            wider = _day(said, "year") or self._band(said)
        return wider or redacted(item.kind)

    def _band(self, said: str) -> str:
        try:
            number = Decimal(said)
        except InvalidOperation:
            return ""
        if not number.is_finite() or abs(number) > 1e15:
            return ""
        low = math.floor(number / self._width) * self._width
        return f"{low.normalize():f} to {(low + self._width).normalize():f}"


def _width(argument: str) -> Decimal:
    try:
        width = Decimal(argument)
    except InvalidOperation:
        width = Decimal(0)
    if not (width.is_finite() and Decimal("1e-6") <= width <= Decimal(10**12)):
        raise InvalidOperatorError(
            f"`generalise` goes to {', '.join(_TO)}, or to bands of a width from 0.000001 to 1,000,000,000,000, not to "
            f"{argument[:40]!r}."
        )
    return width


def _day(said: str, to: str) -> str:
    if (read := read_day(said)) is None:
        return ""
    wider = {"year": f"{read.day.year:04}", "month": f"{read.day.year:04}-{read.day.month:02}"}
    return wider.get(to) or f"{read.day.year // 10 * 10:04}s"


def _network(said: str) -> str:
    try:
        address = ip_address(said)
    except ValueError:
        return ""
    return str(ip_network(f"{address}/{_NETWORK_BITS[address.version]}", strict=False))


def _region(said: str) -> str:
    """The province or city that a Chinese address begins with; what stands behind the last comma of another, without a number."""
    if found := _REGION_HAN.match(said):
        return found[1]
    _, comma, last = said.rpartition(",")
    last = last.strip()
    return last if comma and last and not any(character.isdigit() for character in last) else ""
