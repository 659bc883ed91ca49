# SPDX-License-Identifier: Apache-2.0
"""How the house signs people in by an OpenID provider: what the settings say, looked over once when a server starts."""

from __future__ import annotations

import ipaddress
import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from modelward.access import parse_roles_of_groups, parse_tenants_of_groups
from modelward.errors import InvalidError
from modelward.settings import variable

if TYPE_CHECKING:
    from modelward.settings import Settings

# Algorithms of public keys, with the kind of key and the curve that each takes. One whose key is a secret of both sides is not
# offered: a provider's public key must never pass for such a secret.
ALGORITHMS: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
}
CALLBACK: Final = "/console/sign-in/provider/callback"
_SECRET_LIMIT_BYTES: Final = 4096


class ProviderSettingError(InvalidError):
    """A setting about the sign-in provider is of no use, or lacks another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Who vouches for people, and what is asked and believed of them."""

    issuer: str
    client_id: str
    secret_file: str
    callback: str
    scopes: str
    name_claim: str
    groups_claim: str
    algorithms: tuple[str, ...]
    skew_seconds: int
    hosts: frozenset[str]
    trust: ssl.SSLContext

    def client_secret(self) -> str:
        """The secret that the provider gave out, as the file holds it now; empty where there is none.

        Raises:
            ProviderSettingError: the file cannot be read, is open to others, or holds nothing.
        """
        return _secret_in(self.secret_file) if self.secret_file else ""

    def admits(self, url: object) -> bool:
        """Whether the issuer's endpoint may lie at `url`: at its own host or one that the settings name, under its own scheme."""
        if not isinstance(url, str) or not url.isascii() or any(mark.isspace() for mark in url):
            return False
        try:
            parts, own = urlsplit(url), urlsplit(self.issuer)
            place, there = _origin(parts), _origin(own)
        except ValueError:
            return False
        if parts.username is not None or parts.password is not None or parts.fragment or parts.scheme != own.scheme:
            return False
        return place == there or (parts.scheme == "https" and parts.netloc.lower() in self.hosts)


def configuration_of(settings: Settings) -> Configuration | None:
    """What the settings say of a provider; None where they name none.

    Raises:
        ProviderSettingError, InvalidRolesError, InvalidTenantsError: they say something of no use.
    """
    if not settings.oidc_issuer:
        return None
    for name in ("oidc_client_id", "oidc_console_url", "oidc_roles"):
        if not getattr(settings, name):
            raise ProviderSettingError(
                f"{variable('oidc_issuer')} is set and {variable(name)} is not. Set both (docs/how-to/sign-in-oidc.md), or none."
            )
    parse_roles_of_groups(settings.oidc_roles)
    parse_tenants_of_groups(settings.oidc_tenants)
    for name in ("oidc_issuer", "oidc_console_url"):
        _check_address(settings, name)
    found = Configuration(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        secret_file=settings.oidc_client_secret_file,
        callback=settings.oidc_console_url.rstrip("/") + CALLBACK,
        scopes=_scopes(settings.oidc_scopes),
        name_claim=settings.oidc_name_claim,
        groups_claim=settings.oidc_groups_claim,
        algorithms=_algorithms(settings.oidc_algorithms),
        skew_seconds=settings.oidc_skew_seconds,
        hosts=frozenset(settings.oidc_hosts.lower().split()),
        trust=_trust(settings.oidc_ca),
    )
    found.client_secret()
    return found


def provider_title(settings: Settings) -> str:
    """What the sign-in page calls the provider; empty where there is none."""
    return (settings.oidc_title or urlsplit(settings.oidc_issuer).netloc) if settings.oidc_issuer else ""


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine and no other."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def _check_address(settings: Settings, name: str) -> None:
    """Nothing, where the setting is a URL that one may trust: https, or http on this very machine.

    Raises:
        ProviderSettingError: it is another.
    """
    url = getattr(settings, name)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    is_plain = bool(host) and parts.username is None and parts.password is None and not parts.query and not parts.fragment
    if not is_plain or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise ProviderSettingError(
            f"{variable(name)} is {url[:80]!r}, and can be https://HOST[:PORT][/PATH]; http only on this very machine (127.0.0.1)."
        )


def _scopes(text: str) -> str:
    return " ".join(dict.fromkeys(["openid", *text.split()]))


def _algorithms(text: str) -> tuple[str, ...]:
    names = tuple(text.split())
    wrong = [name for name in names if name not in ALGORITHMS]
    if wrong or not names:
        told = ", ".join(repr(name[:20]) for name in wrong) or "nothing"
        raise ProviderSettingError(f"{variable('oidc_algorithms')} names {told}, and can name {', '.join(ALGORITHMS)}.")
    return names


def _trust(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file or None)
    except (OSError, ssl.SSLError) as fault:
        raise ProviderSettingError(
            f"{variable('oidc_ca')} names {file!r}, which holds no CA in PEM. Name one that does."
        ) from fault


def _secret_in(file: str) -> str:
    name = variable("oidc_client_secret_file")
    try:
        with Path(file).open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            held = opened.read(_SECRET_LIMIT_BYTES + 1)
    except OSError as fault:
        raise ProviderSettingError(f"{name} names {file!r}, which cannot be read: {fault.strerror}.") from fault
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ProviderSettingError(f"{name} names {file!r}, which others may open (mode {mode:04o}). Run `chmod 600` on it.")
    text = held.decode("utf-8", "replace").strip()
    if not text or len(held) > _SECRET_LIMIT_BYTES or not text.isprintable():
        raise ProviderSettingError(f"{name} names {file!r}, which does not hold one line of at most {_SECRET_LIMIT_BYTES} bytes.")
    return text
