# SPDX-License-Identifier: Apache-2.0
"""Whom a client trusts, and what it shows of itself, over TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from modelward.errors import InvalidError


class TrustFileError(InvalidError):
    """A file that a client's TLS is made out of is missing, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Files in PEM: the authorities to trust, in place of the well-known ones; the certificate to show, and its key, which may lie
    in the same file.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS of a client.

        Raises:
            TrustFileError: a file is missing, or is not what it should be.
        """
        if self.key is not None and self.certificate is None:
            raise TrustFileError(
                "There is a key to show to the service, and no certificate. Name both (MODELWARD_CLIENT_CERTIFICATE)."
            )
        try:
            context = ssl.create_default_context(cafile=self.ca) if self.ca else httpx.create_ssl_context()
        except OSError as fault:
            raise TrustFileError(
                f"{self.ca or 'The file of the well-known authorities'} cannot be read as certificates in PEM: {_why(fault)}. Name "
                "the file of the CA that signed the service's certificate (MODELWARD_CLIENT_CA)."
            ) from fault
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            self._show(context, self.certificate)
        return context

    def _show(self, context: ssl.SSLContext, certificate: Path) -> None:
        try:
            # A key that asks for a password must not ask at a terminal where nobody sits.
            context.load_cert_chain(certificate, self.key, password=lambda: "")
        except OSError as fault:
            with_key = f" with {self.key}" if self.key else ""
            raise TrustFileError(
                f"{certificate}{with_key} cannot be shown to the service: {_why(fault)}. Name a certificate and its key, in PEM "
                "and without a password (MODELWARD_CLIENT_CERTIFICATE, MODELWARD_CLIENT_CERTIFICATE_KEY)."
            ) from fault


def _why(fault: OSError) -> str:
    reason = getattr(fault, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else fault.strerror or "it holds none"
