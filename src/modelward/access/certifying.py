# SPDX-License-Identifier: Apache-2.0
"""The house's own authority: it signs the server's certificate, and those of clients and nodes.

The authority's key is a secret of the keyring, whose guard keeps it; the server's and the clients' keys are files (mode 0600), for
that is what TLS is made out of. Every certificate is on record before it is on the disk.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509

from modelward.access.actor import Actor
from modelward.access.certificate import (
    AUTHORITY_CREATED,
    CERTIFICATE_ISSUED,
    AuthorityExistsError,
    AuthorityMissingError,
    Certificate,
    CertificateTakenError,
    KeyPair,
    checked_hosts,
    described,
    make_authority,
    sign,
    utc_now,
)
from modelward.access.name import check_name
from modelward.access.permission import Permission
from modelward.audit import Event, Ledger
from modelward.settings import Settings
from modelward.storage import Database, Keyring, replace_durably

_SECRET: Final = "tls-authority"  # noqa: S105  # a name, not a secret
_AUTHORITY, _ISSUED = "ca.pem", "issued"
_ALWAYS = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  # compared with, not bound


class Certifying:
    """Makes certificates, in the folder `tls` of the home."""

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring, *, settings: Settings) -> None:
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._settings = settings

    def begin(self, *, hosts: Sequence[str] = (), by: Actor) -> list[Certificate]:
        """Make the authority and the server's certificate, for `hosts` beside this machine's own names; those two. One that was cut
        off goes on where it stopped.

        Raises:
            NotPermittedError: `by` lacks keys:manage. AuthorityExistsError: both are there; nothing is overwritten.
            InvalidHostError: a host is none.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        files = self._settings.tls_files
        if files.certificate.exists():
            raise AuthorityExistsError(
                f"{files.certificate} is there already. Nothing was overwritten. Run `modelward tls show`, or "
                "`modelward tls renew` for a new certificate of the server."
            )
        names = checked_hosts([*hosts, *self._usual_hosts(), *_ALWAYS])
        self._make_folder()
        authority = self._authority() or self._new_authority(by)
        place = files.certificate.with_name(_AUTHORITY)
        replace_durably(place, authority.certificate_pem, is_private=False)
        server = sign(names[0], hosts=names, serves=True, asks=False, authority=authority, now=utc_now())
        self._put(server, files.certificate, key_file=files.key, by=by)
        return [described(authority.certificate, file=str(place)), described(server.certificate, file=str(files.certificate))]

    def renew(self, *, hosts: Sequence[str] = (), by: Actor) -> Certificate:
        """A new certificate for the server, with the key and the hosts that it has, and `hosts` more. A running server takes it.

        Raises:
            NotPermittedError: `by` lacks keys:manage. AuthorityMissingError: nothing was begun. InvalidHostError: a host is none.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        authority, files = self._known_authority(), self._settings.tls_files
        try:
            before = KeyPair.of(files.key.read_bytes() + files.certificate.read_bytes())
        except (OSError, ValueError) as fault:
            raise AuthorityMissingError(
                f"{files.certificate} and {files.key} are no pair that could be renewed. Remove both and run `modelward tls init`."
            ) from fault
        names = checked_hosts([*described(before.certificate, file="").hosts, *hosts])
        made = sign(names[0], hosts=names, serves=True, asks=False, authority=authority, now=utc_now(), key=before.key)
        self._put(made, files.certificate, key_file=None, by=by)
        return described(made.certificate, file=str(files.certificate))

    def issue(self, name: str, *, hosts: Sequence[str] = (), by: Actor) -> Certificate:
        """A certificate for the client `name`; with `hosts` for a node, which also serves there.

        Raises:
            NotPermittedError: `by` lacks keys:manage. AuthorityMissingError: nothing was begun. CertificateTakenError: that name
            has one. InvalidNameError, InvalidHostError: the name or a host is none.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        authority, names = self._known_authority(), checked_hosts(hosts)
        place = self._settings.tls_files.certificate.with_name(_ISSUED) / f"{check_name('certificate', name)}.pem"
        if place.exists():
            raise CertificateTakenError(f"{place} is there already. Nothing was overwritten. Name another, or move it away.")
        self._make_folder()
        place.parent.mkdir(mode=0o700, exist_ok=True)
        made = sign(name, hosts=names, serves=bool(names), asks=True, authority=authority, now=utc_now())
        self._put(made, place, key_file=place.with_suffix(".key"), by=by)
        return described(made.certificate, file=str(place))

    def certificates(self, *, by: Actor) -> list[Certificate]:
        """The authority's, the server's and those issued; the soonest to end first.

        Raises:
            NotPermittedError: `by` lacks keys:manage.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        folder = self._settings.tls_files.certificate.parent
        places = [*folder.glob("*.pem"), *folder.glob(f"{_ISSUED}/*.pem")]
        found = [described(x509.load_pem_x509_certificate(place.read_bytes()), file=str(place)) for place in places]
        return sorted(found, key=lambda each: (each.ends, each.name))

    def _authority(self) -> KeyPair | None:
        return KeyPair.of(self._keyring.secret(_SECRET)) if self._keyring.has_secret(_SECRET) else None

    def _known_authority(self) -> KeyPair:
        found = self._authority()
        if found is None:
            raise AuthorityMissingError("The house has no authority yet. Run `modelward tls init`.")
        return found

    def _new_authority(self, by: Actor) -> KeyPair:
        made = make_authority(f"Modelward {os.urandom(4).hex()}", now=utc_now())
        self._record(AUTHORITY_CREATED, made.certificate, by=by)
        self._keyring.add_secret(_SECRET, made.key_pem + made.certificate_pem)
        return made

    def _put(self, made: KeyPair, place: Path, *, key_file: Path | None, by: Actor) -> None:
        """On record first: a certificate of which nothing is known never exists. Its key first: the certificate completes it."""
        self._record(CERTIFICATE_ISSUED, made.certificate, by=by)
        if key_file is not None:
            replace_durably(key_file, made.key_pem)
        replace_durably(place, made.certificate_pem, is_private=False)

    def _record(self, event: Event, certificate: x509.Certificate, *, by: Actor) -> None:
        told = described(certificate, file="")
        facts = {"kind": told.kind, "hosts": list(told.hosts), "serial": told.serial, "sha256": told.fingerprint}
        facts |= {"ends": told.ends.isoformat()}
        with self._database.change() as connection:
            self._ledger.record(connection, event, actor=by.id, subject=f"certificate {told.name}", facts=facts)

    def _make_folder(self) -> None:
        self._settings.tls_files.certificate.parent.mkdir(mode=0o700, exist_ok=True)

    def _usual_hosts(self) -> list[str]:
        """Where the settings have it serve; with none in particular, what this machine calls itself."""
        if self._settings.host not in _EVERYWHERE:
            return [self._settings.host]
        return [socket.gethostname()]
