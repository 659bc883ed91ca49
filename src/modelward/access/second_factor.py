# SPDX-License-Identifier: Apache-2.0
"""The second factor: codes of six figures that change every 30 seconds (TOTP, RFC 6238), and the recovery codes beside them.

The shared secret is sealed under a key that the keyring's pepper makes, bound to the person. A code is good for one sign-in.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from modelward.digest import KeyedDigest
from modelward.errors import ConflictError, RefusedError

STEP_SECONDS: Final = 30
DIGITS: Final = 6
RECOVERY_CODES: Final = 10
_SECRET_BYTES: Final = 20
_NONCE_BYTES: Final = 12
# A clock may be a step behind or ahead (RFC 6238, 5.2).
_SKEW_STEPS: Final = 1
_CODE: Final = re.compile(rf"[0-9]{{{DIGITS}}}")
# Without those that are taken for others: what is written on paper is read by people.
_RECOVERY_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_RECOVERY_GROUPS: Final = 3
_RECOVERY_GROUP: Final = 4


class SecondFactorThereError(ConflictError):
    """The person has a second factor already."""


class NoSecondFactorError(ConflictError):
    """The person has no second factor, or did not begin to set one up."""


class SecondFactorDueError(RefusedError):
    """The person's role asks for a second factor, and they have none yet."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator needs, this one time: its `secret` in base32, and the same as an `address` that a QR picture holds."""

    secret: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """Codes that open once each in place of the authenticator's, this one time."""

    codes: tuple[str, ...] = field(repr=False)


def draw_shared_secret() -> bytes:
    """A new secret of 160 bits (RFC 4226, 4)."""
    return os.urandom(_SECRET_BYTES)


def enrolment_of(name: str, secret: bytes) -> Enrolment:
    """What the authenticator of the person `name` is told."""
    text = base64.b32encode(secret).decode()
    asked = urlencode({"secret": text, "issuer": "Modelward", "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS})
    return Enrolment(text, f"otpauth://totp/{quote(f'Modelward:{name}')}?{asked}")


def code_at(secret: bytes, step: int) -> str:
    """The code of a step of 30 seconds since 1970."""
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS).generate(step * STEP_SECONDS).decode()  # noqa: S303  # as authenticators compute it


def step_of(code: str, *, secret: bytes, after: int, now: datetime) -> int | None:
    """The step later than `after` whose code it is, within one of `now`; None where it is none.

    Every step that could be meant is computed, whichever fits.
    """
    if not _CODE.fullmatch(code):
        return None
    this = int(now.timestamp()) // STEP_SECONDS
    fitting = [
        step
        for step in range(this - _SKEW_STEPS, this + _SKEW_STEPS + 1)
        if hmac.compare_digest(code_at(secret, step), code) and step > after
    ]
    return fitting[0] if fitting else None


def draw_recovery_codes() -> RecoveryCodes:
    """New ones, of 59 random bits each."""

    def group() -> str:
        return "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_GROUP))

    return RecoveryCodes(tuple("-".join(group() for _ in range(_RECOVERY_GROUPS)) for _ in range(RECOVERY_CODES)))


def plain_code(typed: str) -> str:
    """A code as it is compared: people add spaces and hyphens, and capitals."""
    return re.sub(r"[\s-]", "", typed).casefold()


class SharedSecrets:
    """Seals the secrets that authenticators share, each bound to its person."""

    def __init__(self, pepper: bytes) -> None:
        self._cipher = AESGCM(KeyedDigest(pepper).raw(b"second-factor"))

    def sealed(self, name: str, secret: bytes) -> str:
        """The secret as it is kept."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret, name.encode())).decode()

    def opened(self, name: str, kept: str) -> bytes | None:
        """The secret of that person; None where it is another's, or under another pepper."""
        raw = base64.b64decode(kept)
        try:
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
        except InvalidTag:
            return None
