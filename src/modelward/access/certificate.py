# SPDX-License-Identifier: Apache-2.0
"""Certificates of a house's own authority: what stands in them, and how they are made."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, PrerequisiteError

AUTHORITY_CREATED: Final = Event("authority.created", "The house made itself an authority that signs its certificates.")
CERTIFICATE_ISSUED: Final = Event("certificate.issued", "The house's authority signed a certificate.")

AUTHORITY_DAYS: Final = 3650
# What browsers took as the most for years; a lost key is of use for no longer.
CERTIFICATE_DAYS: Final = 397
# A clock that is a little behind ours takes a certificate that was just made.
_EARLIER = timedelta(hours=1)
_DNS = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class AuthorityExistsError(ConflictError):
    """The house has an authority and a server's certificate already."""


class AuthorityMissingError(PrerequisiteError):
    """The house has no authority that could sign."""


class CertificateTakenError(ConflictError):
    """A certificate of that name is there already."""


class InvalidHostError(InvalidError):
    """What was named is neither the name of a host nor an address."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as people see it. `kind` is authority, server, client or node (which is both)."""

    name: str
    kind: str
    hosts: tuple[str, ...]
    serial: str
    fingerprint: str
    begins: datetime
    ends: datetime
    file: str

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative once it has."""
        return (self.ends - now).days


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return "KeyPair(…)"

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone, for everybody."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, for its file and for the keyring."""
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    @classmethod
    def of(cls, pem: bytes) -> KeyPair:
        """The one whose key and certificate stand in `pem`."""
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERTIFICATE") :]), key)


def checked_hosts(hosts: Sequence[str]) -> tuple[str, ...]:
    """The names and addresses, each once, in their order.

    Raises:
        InvalidHostError: one is neither; a pattern such as `*.example.org` is none.
    """
    return tuple(dict.fromkeys(_checked_host(host) for host in hosts))


def _checked_host(host: str) -> str:
    text = host.strip().lower().rstrip(".").strip("[]")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _DNS.fullmatch(text):
            return text
    raise InvalidHostError(
        f"{host[:80]!r} is neither the name of a host nor an address. Name it as clients do, such as models.example.org."
    )


def make_authority(name: str, *, now: datetime) -> KeyPair:
    """A new authority, which signs itself; it signs servers and clients, and no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = _begun(named, key.public_key(), now=now, days=AUTHORITY_DAYS).issuer_name(named)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    built = built.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return KeyPair(built.sign(key, hashes.SHA256()), key)


def sign(
    name: str,
    *,
    hosts: Sequence[str],
    serves: bool,
    asks: bool,
    authority: KeyPair,
    now: datetime,
    days: int = CERTIFICATE_DAYS,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> KeyPair:
    """A certificate for one that serves at `hosts`, asks, or both; with a fresh key unless it is told one. It never outlives the
    authority.
    """
    own = key or ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    days = min(days, (authority.certificate.not_valid_after_utc - now).days)
    built = _begun(named, own.public_key(), now=now, days=days).issuer_name(authority.certificate.subject)
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(_usage("digital_signature"), critical=True)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH] * serves + [ExtendedKeyUsageOID.CLIENT_AUTH] * asks
    built = built.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    built = built.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
        critical=False,
    )
    if hosts:
        built = built.add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
    return KeyPair(built.sign(authority.key, hashes.SHA256()), own)


def described(certificate: x509.Certificate, *, file: str) -> Certificate:
    """What people are shown of it."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        name=str(names[0].value) if names else "",
        kind=_kind(certificate),
        hosts=_hosts(certificate),
        serial=f"{certificate.serial_number:x}",
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        file=file,
    )


def _kind(certificate: x509.Certificate) -> str:
    try:
        purposes = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return "authority"
    if ExtendedKeyUsageOID.SERVER_AUTH in purposes:
        return "node" if ExtendedKeyUsageOID.CLIENT_AUTH in purposes else "server"
    return "client"


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in found)


def _begun(named: x509.Name, key: ec.EllipticCurvePublicKey, *, now: datetime, days: int) -> x509.CertificateBuilder:
    built = x509.CertificateBuilder().subject_name(named).public_key(key).serial_number(x509.random_serial_number())
    built = built.not_valid_before(now - _EARLIER).not_valid_after(now + timedelta(days=days))
    return built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _usage(*usages: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in usages for usage in _USAGES})


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def utc_now() -> datetime:
    """Now, in whole seconds, as certificates count."""
    return datetime.now(UTC).replace(microsecond=0)
