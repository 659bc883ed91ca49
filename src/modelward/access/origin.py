# SPDX-License-Identifier: Apache-2.0
"""An origin: the connection that a question comes on, as far as policies may speak of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from modelward.errors import InvalidError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a question comes from. `address` is empty where it came on no connection, as what is done over the home itself.

    `is_mtls`: whoever connects showed a certificate of the authority that the service names.
    """

    address: str = ""
    is_mtls: bool = False


NOWHERE: Final = Origin()


class InvalidAddressError(InvalidError):
    """What is said to be an address is none."""


def origin_meant(address: str, *, is_mtls: bool = False) -> Origin:
    """The origin at an address that somebody typed; without one, nowhere.

    Raises:
        InvalidAddressError: it is none.
    """
    found = origin_at(address.strip(), is_mtls=is_mtls)
    if address.strip() and not found.address:
        raise InvalidAddressError(f"{address[:80]!r} is no address. Say one, such as 10.1.2.3 or 2001:db8::7.")
    return found


def origin_at(address: str, *, is_mtls: bool = False) -> Origin:
    """The origin at an address as sockets write it. An IPv4 address that came by IPv6 is what it is; what is none is left out."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return Origin("", is_mtls)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return Origin(str(mapped or found), is_mtls)
