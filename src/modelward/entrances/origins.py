# SPDX-License-Identifier: Apache-2.0
"""Where a request comes from: who connects, or whoever a trusted proxy says connected to it; and whether with a certificate."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from modelward.access import Origin, origin_at

if TYPE_CHECKING:
    from modelward.settings import Settings

FORWARDED: Final = b"x-forwarded-for"
# Where the protocol on a connection says for the web application that the client showed a certificate.
IS_MTLS: Final = "is_mtls"


def address_behind(address: str, headers: Iterable[tuple[bytes, bytes]], *, trusted: str) -> str:
    """The address of who asks: of who connects, or where that is one of the `trusted` proxies, whoever it says connected to it."""
    if not trusted:
        return address
    proxies = {_plain(part.strip()) for part in trusted.split(",") if part.strip()}
    lines = [value.decode("latin-1") for name, value in headers if name == FORWARDED]
    said = [part.strip() for line in lines for part in line.split(",")]
    while _plain(address) in proxies and said:
        address = _without_port(said.pop())
    return address


def _plain(address: str) -> str:
    """An address as it is written of IPv4, also where a socket of both kinds tells it as one of IPv6."""
    with suppress(ValueError):
        found = ip_address(address)
        return str(getattr(found, "ipv4_mapped", None) or found)
    return address


def _without_port(address: str) -> str:
    """What a proxy wrote that also tells the port: `192.0.2.7:4711`, `[2001:db8::7]:4711`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def origin_of(address: str, headers: Iterable[tuple[bytes, bytes]], *, settings: Settings, is_mtls: bool) -> Origin:
    """The origin of a request that comes on a connection from that address."""
    return origin_at(address_behind(address, headers, trusted=settings.trusted_proxies), is_mtls=is_mtls)


def origin_within(scope: Any, *, settings: Settings) -> Origin:
    """The origin of a request to the web application, by its ASGI scope."""
    client = scope.get("client")
    is_mtls = bool(scope.get("state", {}).get(IS_MTLS))
    return origin_of(client[0] if client else "", scope["headers"], settings=settings, is_mtls=is_mtls)
