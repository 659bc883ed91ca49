# SPDX-License-Identifier: Apache-2.0
"""Passwords: which are taken, and what is kept of one.

What is kept is argon2id (RFC 9106) over the HMAC-SHA-256 of the password under the keyring's pepper, so that whoever has the
database alone cannot even begin to guess.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from modelward.access.common_passwords import is_common
from modelward.digest import keyed_digest
from modelward.errors import InvalidError, UnavailableError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from modelward.settings import Settings

T = TypeVar("T")
LEAST_CHARACTERS: Final = 12
MOST_CHARACTERS: Final = 1024
_NAME_COUNTS_FROM: Final = 3
# Each takes the memory of the settings while it runs, and a flood of sign-ins must not take all there is.
_AT_ONCE: Final = 2
_PATIENCE_SECONDS: Final = 10.0


class WeakPasswordError(InvalidError):
    """A password that is too short, too long, or among the first that anybody tries."""


class HashingBusyError(UnavailableError):
    """So many passwords are being checked that this one had no turn."""


def plain_form(password: str) -> str:
    """One form of all that look the same: the same password typed on two keyboards may differ in its code points (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, name: str) -> str:
    """The `plain_form` of a password that the person `name` may take.

    Raises:
        WeakPasswordError: they may not; the message says why, and never repeats it.
    """
    plain = plain_form(password)
    if len(plain) < LEAST_CHARACTERS:
        raise WeakPasswordError(
            f"The password has fewer than {LEAST_CHARACTERS} characters. Take several words that only you put together."
        )
    if len(plain) > MOST_CHARACTERS:
        raise WeakPasswordError(f"The password has more than {MOST_CHARACTERS} characters. Take a shorter one.")
    if _leans_on(name, plain.casefold()):
        raise WeakPasswordError(
            "The password is little more than the person's name. Take several words that only you put together."
        )
    if is_common(plain):
        raise WeakPasswordError(
            "The password is among the first that anybody tries. Take several words that only you put together."
        )
    return plain


def _leans_on(name: str, password: str) -> bool:
    """Whether too little is left of a password without the person's name."""
    names = [name, name[::-1], *name.split("-")]
    return any(
        len(each) >= _NAME_COUNTS_FROM and each in password and len(password.replace(each, "")) < LEAST_CHARACTERS for each in names
    )


class Hasher:
    """Makes and checks what is kept of passwords, at the cost that the settings say. At most two at once in a process."""

    def __init__(self, pepper: bytes, *, settings: Settings) -> None:
        self._pepper = pepper
        self._settings = settings
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self.calls = 0

    def kept(self, password: str) -> str:
        """What is kept of a password. Raises `HashingBusyError`."""
        return self._in_turn(lambda: self._argon.hash(self._peppered(password)))

    def fits(self, kept: str | None, password: str) -> bool:
        """Whether `kept` was made of that password. None fits nothing, at the same cost: nobody learns who has one.

        Raises:
            HashingBusyError: it was not found out.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        def verify() -> bool:
            try:
                self._argon.verify(kept or self._of_nobody, self._peppered(password))
            except (VerificationError, InvalidHashError):
                return False
            return kept is not None

        return self._in_turn(verify)

    def is_cheaper(self, kept: str) -> bool:
        """Whether `kept` cost less than a new one would, so that it is better made anew."""
        from argon2 import extract_parameters

        found, wanted = extract_parameters(kept), self._settings
        return found.memory_cost < wanted.password_memory_kib or found.time_cost < wanted.password_passes

    def _in_turn(self, work: Callable[[], T]) -> T:
        if not self._turns.acquire(timeout=_PATIENCE_SECONDS):
            raise HashingBusyError("Many people sign in at this moment. Nothing was changed. Try again.")
        try:
            self.calls += 1
            return work()
        finally:
            self._turns.release()

    def _peppered(self, password: str) -> str:
        return keyed_digest(self._pepper, b"password:" + plain_form(password).encode("utf-8", "backslashreplace"))

    @cached_property
    def _argon(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        settings = self._settings
        return PasswordHasher(
            time_cost=settings.password_passes, memory_cost=settings.password_memory_kib, parallelism=settings.password_lanes
        )

    @cached_property
    def _of_nobody(self) -> str:
        return self._argon.hash("")
