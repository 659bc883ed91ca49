# SPDX-License-Identifier: Apache-2.0
"""Attempts to sign in, and how long whoever fails must wait: a rule for each of three counts.

Counted are an address with a person, an address alone, and a person alone. The last is waived where that person signed in from
that address before, so that no stranger keeps anybody out: a stranger's address is not theirs.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Literal

from modelward.audit import Event
from modelward.errors import UnavailableError

SIGN_IN_REFUSED: Final = Event(
    "session.refused", "A sign-in failed, or was not even tried because too many had; a flood of them is told in numbers."
)
USER_UNLOCKED: Final = Event("user.unlocked", "Failed sign-ins of a person were forgotten, so that they need not wait.")

Kind = Literal["pair", "address", "person"]
# How many times as many as for one person at one address.
_TIMES: Final[dict[Kind, int]] = {"pair": 1, "address": 6, "person": 10}
_FORGET_TIMES: Final = 4
_LEAST_FORGET: Final = timedelta(hours=1)
_MOST_DOUBLINGS: Final = 30
_IPV6_NETWORK_BITS: Final = 64
_ADDRESS_CHARACTERS: Final = 100
_REMEMBERED: Final = 100_000


class TooManyAttemptsError(UnavailableError):
    """Too many sign-ins failed, so that the next is only looked at later."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often it failed in a row; `until` when nothing more is looked at, and when it failed last."""

    failures: int
    last: datetime
    until: datetime

    def is_over(self, now: datetime, *, longest: timedelta) -> bool:
        """Whether it is so long ago that it counts no more."""
        return now >= max(self.until, self.last) + max(_LEAST_FORGET, _FORGET_TIMES * longest)


class Remembered:
    """The counts that this process saw last. One in the database that is gone, or older, was not written by Modelward: a count that
    is over is dropped, but what is forgiven is written down as nothing failed.
    """

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._held: OrderedDict[str, Count] = OrderedDict()
        self._most = most
        self._lock = Lock()

    def newest(self, key: str, found: Count | None) -> Count | None:
        """The count to believe, of that which was `found` and that which is remembered."""
        with self._lock:
            held = self._held.get(key)
        if held is not None and (found is None or found.last < held.last):
            return held
        if found is not None:
            self.keep(key, found)
        return found

    def keep(self, key: str, count: Count) -> None:
        """Remember a count; the one that was kept longest ago goes, where there are too many."""
        with self._lock:
            self._held.pop(key, None)
            self._held[key] = count
            if len(self._held) > self._most:
                self._held.popitem(last=False)


def failed_again(before: Count | None, kind: Kind, *, free: int, longest: timedelta, now: datetime) -> Count:
    """The count with one more failure: after `free` of them for a pair, each doubles the wait, from a second up to `longest`."""
    failures = 1 if before is None or before.is_over(now, longest=longest) else before.failures + 1
    beyond = failures - free * _TIMES[kind]
    wait = timedelta(0) if beyond < 0 else min(longest, timedelta(seconds=2 ** min(beyond, _MOST_DOUBLINGS)))
    return Count(failures, now, now + wait)


def is_told(failures: int) -> bool:
    """Whether a failure of that number is worth an entry of its own: the first, second, fourth, eighth…"""
    return failures & (failures - 1) == 0


def network_of(address: str) -> str:
    """What one machine can choose freely counts as one address: of IPv6, the network of 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_ADDRESS_CHARACTERS]
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ipaddress.ip_network((found, _IPV6_NETWORK_BITS), strict=False))
    return str(found)
