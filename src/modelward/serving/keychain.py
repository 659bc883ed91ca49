# SPDX-License-Identifier: Apache-2.0
"""The keychain: the keys that are in use, in memory, so that a request asks no database who is calling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Final

from modelward.access import Access, Credential, has_shape, unknown_key
from modelward.errors import UnavailableError
from modelward.serving.allowance import Allowance

_LOOKS_A_SECOND = 50.0
TRUSTED_SECONDS = 10.0
HELD_LIMIT: Final = 100_000
_AGAIN_AT_ONCE = 64
_TURN_SECONDS = 0.5
_HOUR_SECONDS = 3600


class KeysUnreadableError(UnavailableError):
    """The keys could not be read for so long that one of them may have been revoked unseen, so none opens anything."""


class Keychain:
    """Knows callers by the keyed hash of their key. A key is read when it is first used, and when it changes. A revoked key is
    gone after the next `refresh`; an expired one at once. Keys that could not be looked after for `trusted_seconds` open nothing,
    until they can be.

    Of every key there is, a part of its hash is known, so that a flood of wrong ones asks the database nothing.
    """

    def __init__(
        self, access: Access, *, trusted_seconds: float = TRUSTED_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._access = access
        self._trusted_seconds = trusted_seconds
        self._clock = clock
        self._turn = Lock()
        self._seen: int | None = None
        self._epoch = 0
        self._hour = 0
        self._good_until = 0.0
        self._known: set[int] = set()
        # Nothing stands for a key that opens nothing any more.
        self._held: dict[str, Credential | None] = {}
        self._again: list[str] = []
        self._uses: dict[str, datetime] = {}
        self._told: dict[str, int] = {}
        self._looks = Allowance(_LOOKS_A_SECOND)

    @property
    def revision(self) -> int | None:
        """Another one after every change that access is decided by; None while no key opens anything."""
        return self._epoch if self._seen is not None and self._clock() < self._good_until else None

    def refresh(self) -> None:
        """Read again those of the keys in use that changed, and some of the others: who alters a row tells nobody.

        Raises:
            UnavailableError: the database cannot be asked now; the keys stay, as long as they are trusted. Whatever else it raises,
            no key opens anything.
        """
        began = self._clock()
        with self._nothing_opens_otherwise(), self._turn:
            if self._seen is None or self._access.revision() != self._seen:
                changed = self._access.changed_secrets(self._seen or 0)
                self._known.update(map(_short, changed.digests))
                self._read([digest for digest in changed.digests if digest in self._held])
                self._seen = changed.revision
                self._epoch += 1
            if not self._again:
                self._again = list(self._held)
            self._again, again = self._again[_AGAIN_AT_ONCE:], self._again[:_AGAIN_AT_ONCE]
            if again and self._read(again):
                self._epoch += 1
        if (hour := int(time.time() // _HOUR_SECONDS)) != self._hour:
            # Who has been known for an hour is asked for once more, so that it is seen who still comes.
            self._hour = hour
            self._epoch += 1
        self._good_until = began + self._trusted_seconds

    def credential(self, secret: str) -> Credential:
        """Who calls with this key, and until when.

        Raises:
            UnknownCredentialError: the key opens nothing; unknown, revoked and expired read the same. KeysUnreadableError.
            UnavailableError: it could not be read now.
        """
        # Asked once more here, a database that hangs would hold up everybody: who keeps the keys fresh finds out when it is well.
        if self._seen is not None and self._clock() >= self._good_until:
            raise KeysUnreadableError(
                f"The keys could not be read for {self._trusted_seconds:g} s, and one may have been revoked since, so none opens "
                "anything. Ask again later; whoever runs the service finds the cause with `modelward doctor`."
            )
        digest = self._access.credential_hash(secret)
        credential = self._held[digest] if digest in self._held else self._found(digest, secret)
        if credential is None or (credential.expires is not None and credential.expires <= datetime.now(UTC)):
            raise unknown_key()
        self.note_use(credential.actor.credential)
        return credential

    def note_uses(self) -> None:
        """Have it known which keys were used, once an hour for each: for a thread that may wait for the database.

        Raises:
            UnavailableError: the database cannot be written now; what was to be known is kept for the next time.
        """
        uses, self._uses = self._uses, {}
        if uses:
            try:
                self._access.note_uses(dict(uses))
            except UnavailableError:
                for key, used in uses.items():
                    self._uses.setdefault(key, used)
                raise

    def note_use(self, key: str) -> None:
        """A key of that id is used; whoever looked it up elsewhere says so here."""
        if self._told.get(key) != self._hour:
            self._told[key] = self._hour
            self._uses[key] = datetime.fromtimestamp(self._hour * _HOUR_SECONDS, UTC)

    def _found(self, digest: str, secret: str) -> Credential | None:
        """What a secret opens that was not used before."""
        if not has_shape("mw", secret):
            return None
        # A key made a moment ago is looked for, as often as a flood of wrong keys cannot make dear.
        if _short(digest) not in self._known and self._looks.take():
            self.refresh()
        if _short(digest) not in self._known:
            return None
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise UnavailableError("The keys are being read. Ask again in a moment.")
        try:
            with self._nothing_opens_otherwise():
                if len(self._held) >= HELD_LIMIT:
                    self._held = {}
                self._read([digest])
        finally:
            self._turn.release()
        return self._held.get(digest)

    def _read(self, digests: list[str]) -> bool:
        """Hold what those secrets open now; whether any opens another thing than before."""
        found = self._access.credentials(digests) if digests else {}
        now = {digest: found.get(digest) for digest in digests}
        is_other = any(self._held.get(digest) != credential for digest, credential in now.items())
        self._held.update(now)
        return is_other

    @contextmanager
    def _nothing_opens_otherwise(self) -> Iterator[None]:
        try:
            yield
        except UnavailableError:
            raise
        except Exception:
            # A damaged row would hide for ever that a key was revoked.
            self._held, self._known, self._again, self._seen = {}, set(), [], None
            raise


def _short(digest: str) -> int:
    """A part of a keyed hash, which is told apart from others well enough, and takes little memory."""
    return int(digest[:15], 16)
