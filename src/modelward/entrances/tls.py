# SPDX-License-Identifier: Apache-2.0
"""TLS for every door of a server: made in one place out of the files that the settings name, and anew when these change."""

from __future__ import annotations

import logging
import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from modelward.errors import InvalidError
from modelward.settings import variable

if TYPE_CHECKING:
    import grpc
    from cryptography.x509 import Certificate

    from modelward.app import Check
    from modelward.settings import Settings

_LOG = logging.getLogger("modelward.tls")
# Forward secrecy and authenticated encryption for TLS 1.2, as every suite of TLS 1.3 has them.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# A group may read the key: a folder of keys often belongs to one, of those who serve with them.
_FOR_OTHERS = stat.S_IRWXO | stat.S_IWGRP
_SOON = timedelta(days=7)
_CERTIFICATE, _KEY, _CLIENT_CA = "tls_certificate", "tls_key", "tls_client_ca"
Stamps: TypeAlias = tuple[tuple[int, int] | None, ...]


class TlsFileError(InvalidError):
    """A file that TLS is made out of is not named, cannot be read, or is not what it should be."""


class Files(NamedTuple):
    """What TLS is made out of, looked over. The first certificate of the chain is the server's own; no CA means that clients need
    no certificate.
    """

    chain: bytes
    key: bytes
    client_ca: bytes
    certificate: Certificate


class Tls:
    """The TLS of one server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamps = _stamps(settings)
        self._files = _read(settings)
        self.context = _context(settings, self._files)
        ends = self._files.certificate.not_valid_after_utc
        if ends < datetime.now(UTC):
            _LOG.warning("the certificate of %s ended on %s: clients refuse it", variable(_CERTIFICATE), ends.date())

    def renew(self) -> None:
        """Take what the files hold by now: `context` is another one then, and whoever listens takes it. What is of no use is not
        taken.
        """
        stamps = _stamps(self._settings)
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            files = _read(self._settings)
            self.context = _context(self._settings, files)
        except TlsFileError as fault:
            _LOG.warning("the certificate in use stays in use: %s", str(fault))
            return
        self._files = files
        _LOG.info("a renewed certificate is in use")

    def rpc_credentials(self) -> grpc.ServerCredentials:
        """The same for a server of gRPC."""
        import grpc

        given = self._files

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            if self._files is given:
                return None
            given = self._files
            return configured(given)

        def configured(files: Files) -> grpc.ServerCertificateConfiguration:
            return grpc.ssl_server_certificate_configuration([(files.key, files.chain)], files.client_ca or None)

        return grpc.dynamic_ssl_server_credentials(
            configured(given), changed, require_client_authentication=bool(self._settings.tls_client_ca)
        )


def tls_of(settings: Settings) -> Tls | None:
    """The TLS that the settings ask for; None where they ask for none.

    Raises:
        TlsFileError: they name half of what it takes, or a file of no use.
    """
    return Tls(settings) if any(getattr(settings, name) for name in (_CERTIFICATE, _KEY, _CLIENT_CA)) else None


def certificate_checks(settings: Settings) -> Iterator[Check]:
    """What `modelward doctor` says of it."""
    from modelward.app import Check

    what = "TLS certificate"
    try:
        tls = tls_of(settings)
    except TlsFileError as fault:
        yield Check(what, str(fault), is_well=False)
        return
    if tls is not None:
        ends = _read(settings).certificate.not_valid_after_utc
        left = ends - datetime.now(UTC)
        found = f"ends on {ends.date()}" if left > _SOON else f"ends on {ends.date()}: renew it; a running server takes the new one"
        yield Check(what, found, is_well=left > _SOON)


def _read(settings: Settings) -> Files:
    for name in (_CERTIFICATE, _KEY):
        if not getattr(settings, name):
            given = next(other for other in (_CERTIFICATE, _KEY, _CLIENT_CA) if getattr(settings, other))
            raise TlsFileError(
                f"{variable(given)} is set and {variable(name)} is not. TLS takes a certificate and its key: name both files, or "
                "neither, for plain HTTP."
            )
    chain, key = _content(settings, _CERTIFICATE), _content(settings, _KEY)
    client_ca = _content(settings, _CLIENT_CA) if settings.tls_client_ca else b""
    certificate = _certificates(settings, _CERTIFICATE, chain)[0]
    if client_ca:
        _certificates(settings, _CLIENT_CA, client_ca)
    _check_key(settings, key, certificate)
    return Files(chain, key, client_ca, certificate)


def _context(settings: Settings, files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    name = _CERTIFICATE
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        if files.client_ca:
            name = _CLIENT_CA
            context.load_verify_locations(cadata=files.client_ca.decode("ascii"))
            is_required = settings.tls_client_certificates == "required"
            context.verify_mode = ssl.CERT_REQUIRED if is_required else ssl.CERT_OPTIONAL
            # Who resumes a session shows no certificate.
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
    except (OSError, UnicodeDecodeError) as fault:
        why = str(getattr(fault, "reason", "")).lower().replace("_", " ")
        raise _error(settings, name, f"cannot be used for TLS ({why}). Have a new one issued") from fault
    return context


def _content(settings: Settings, name: str) -> bytes:
    path = Path(getattr(settings, name))
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as fault:
        raise _error(settings, name, f"cannot be read: {fault.strerror}. Name a file in PEM that this account may read") from fault
    if name == _KEY and mode & _FOR_OTHERS:
        raise _error(settings, name, f"is open to others (mode {stat.S_IMODE(mode):04o}). Run `chmod 600 {path}`")
    return content


def _certificates(settings: Settings, name: str, content: bytes) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(content)
    except ValueError as fault:
        raise _error(settings, name, "holds no certificate that can be read. Name a file of certificates in PEM") from fault


def _check_key(settings: Settings, content: bytes, certificate: Certificate) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(content, None)
    except TypeError as fault:
        plain = "Write it without (`openssl pkey -in FILE -out KEY`), to a file that nobody else may read"
        raise _error(settings, _KEY, f"asks for a password. {plain}") from fault
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise _error(
            settings, _KEY, "holds no private key that can be read. Name the file of the certificate's key, in PEM"
        ) from fault
    if key.public_key() != certificate.public_key():
        raise _error(
            settings,
            _KEY,
            f"is not the key of the first certificate in {settings.tls_certificate}. Name the two that belong together",
        )


def _error(settings: Settings, name: str, what: str) -> TlsFileError:
    return TlsFileError(f"{variable(name)}: {getattr(settings, name)} {what}.")


def _stamps(settings: Settings) -> Stamps:
    """What changes when a file is written anew, or another put in its place."""

    def stamp(path: str) -> tuple[int, int] | None:
        try:
            found = Path(path).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    return tuple(stamp(path) for path in (settings.tls_certificate, settings.tls_key, settings.tls_client_ca) if path)
