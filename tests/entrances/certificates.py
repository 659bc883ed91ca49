# SPDX-License-Identifier: Apache-2.0
"""Authorities, and the certificates that they sign for servers on this machine and for clients."""

import ipaddress
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Issued:
    """The files of a certificate and of its key."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        return {"tls_certificate": str(self.certificate), "tls_key": str(self.key)}


class Authority:
    """A CA of its own, whose certificate is in `file`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"authority {next(_NUMBERS)}")
        built = _dated(x509.CertificateBuilder(), days=365).subject_name(self._name).issuer_name(self._name)
        built = built.public_key(self._key.public_key())
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = x509.KeyUsage(**dict.fromkeys(USAGES, False) | {"key_cert_sign": True, "crl_sign": True})
        built = built.add_extension(usage, critical=True)
        built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        self.file = folder / f"authority-{next(_NUMBERS)}.pem"
        self.file.write_bytes(_pem(built.sign(self._key, hashes.SHA256())))

    def issue(self, *, days: float = 30, kind: str = "ec", password: bytes = b"") -> Issued:
        """A certificate for 127.0.0.1 and localhost, or for a client; it ended before today where `days` is less than 0."""
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
        built = _dated(x509.CertificateBuilder(), days=days).subject_name(_named("one")).issuer_name(self._name)
        built = built.public_key(key.public_key())
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        built = built.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        built = built.add_extension(identifier, critical=False)
        number = next(_NUMBERS)
        issued = Issued(self._folder / f"certificate-{number}.pem", self._folder / f"key-{number}.pem")
        issued.certificate.write_bytes(_pem(built.sign(self._key, hashes.SHA256())))
        form = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        issued.key.touch(0o600)
        issued.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form))
        return issued


USAGES = (
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


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _dated(built: x509.CertificateBuilder, *, days: float) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    built = built.serial_number(x509.random_serial_number())
    return built.not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
