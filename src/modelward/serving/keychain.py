# SPDX-License-Identifier: Apache-2.0
"""The keychain: every valid key in memory, so that a request asks no database who is calling."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from modelward.access import Access, Credential, unknown_key
from modelward.errors import UnavailableError
from modelward.serving.allowance import Allowance

_LOOKS_A_SECOND = 50.0
TRUSTED_SECONDS = 10.0


class KeysUnreadableError(UnavailableError):
    """The keys could not be read for so long that one of them may have been revoked unseen, so none opens anything."""


class Keychain:
    """Knows callers by the keyed hash of their key. A revoked key is gone after the next `refresh`; an expired one at once. Keys
    that could not be looked after for `trusted_seconds` open nothing, until they can be.
    """

    def __init__(
        self, access: Access, *, trusted_seconds: float = TRUSTED_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._access = access
        self._trusted_seconds = trusted_seconds
        self._clock = clock
        self._revision: int | None = None
        self._good_until = 0.0
        self._held: dict[str, Credential] = {}
        self._looks = Allowance(_LOOKS_A_SECOND)

    @property
    def revision(self) -> int | None:
        """Another one after every change of keys; None while none opens anything."""
        return self._revision if self._clock() < self._good_until else None

    def refresh(self) -> None:
        """Read the keys again where any changed.

        Raises:
            UnavailableError: the database cannot be asked now; the keys stay, as long as they are trusted. Whatever else it raises,
            no key opens anything.
        """
        began = self._clock()
        try:
            revision = self._access.revision()
            if revision != self._revision:
                self._held = self._access.credentials()
                self._revision = revision
        except UnavailableError:
            raise
        except Exception:
            # A damaged row would hide for ever that a key was revoked.
            self._held, self._revision = {}, None
            raise
        self._good_until = began + self._trusted_seconds

    def credential(self, secret: str) -> Credential:
        """Who calls with this key, and until when.

        Raises:
            UnknownCredentialError: the key opens nothing; unknown, revoked and expired read the same. KeysUnreadableError.
        """
        # Asked once more here, a database that hangs would hold up everybody: who keeps the keys fresh finds out when it is well.
        if self._revision is not None and self._clock() >= self._good_until:
            raise KeysUnreadableError(
                f"The keys could not be read for {self._trusted_seconds:g} s, and one may have been revoked since, so none opens "
                "anything. Ask again later; whoever runs the service finds the cause with `modelward doctor`."
            )
        digest = self._access.credential_hash(secret)
        credential = self._held.get(digest)
        # A key made a moment ago is looked for, as often as a flood of wrong keys cannot make dear.
        if credential is None and self._looks.take():
            self.refresh()
            credential = self._held.get(digest)
        if credential is None or (credential.expires is not None and credential.expires <= datetime.now(UTC)):
            raise unknown_key()
        return credential
