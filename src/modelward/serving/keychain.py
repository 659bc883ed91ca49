# SPDX-License-Identifier: Apache-2.0
"""The keychain: every valid key in memory, so that a request asks no database who is calling."""

from __future__ import annotations

from datetime import UTC, datetime

from modelward.access import Access, Credential, unknown_key
from modelward.errors import UnavailableError
from modelward.serving.allowance import Allowance

_LOOKS_A_SECOND = 50.0


class Keychain:
    """Knows callers by the keyed hash of their key. A revoked key is gone after the next `refresh`; an expired one at once.

    `revision` is another one after every change of keys.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self.revision: int | None = None
        self._held: dict[str, Credential] = {}
        self._looks = Allowance(_LOOKS_A_SECOND)

    def refresh(self) -> None:
        """Read the keys again where any changed.

        Raises:
            UnavailableError: the database cannot be asked now; the keys stay. Whatever else it raises, no key opens anything.
        """
        try:
            revision = self._access.revision()
            if revision != self.revision:
                self._held = self._access.credentials()
                self.revision = revision
        except UnavailableError:
            raise
        except Exception:
            # A damaged row would hide for ever that a key was revoked.
            self._held, self.revision = {}, None
            raise

    def credential(self, secret: str) -> Credential:
        """Who calls with this key, and until when.

        Raises:
            UnknownCredentialError: the key opens nothing; unknown, revoked and expired read the same.
        """
        digest = self._access.credential_hash(secret)
        credential = self._held.get(digest)
        # A key made a moment ago is looked for, as often as a flood of wrong keys cannot make dear.
        if credential is None and self._looks.take():
            self.refresh()
            credential = self._held.get(digest)
        if credential is None or (credential.expires is not None and credential.expires <= datetime.now(UTC)):
            raise unknown_key()
        return credential
