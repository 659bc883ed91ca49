# SPDX-License-Identifier: Apache-2.0
"""Sets second factors up, takes their codes, and ends them, within the transactions of whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal

from modelward.access.credential import WrongPasswordError, hash_secret
from modelward.access.on_record import OnRecord
from modelward.access.seal import AlteredRowError, Seal
from modelward.access.second_factor import (
    Enrolment,
    NoSecondFactorError,
    RecoveryCodes,
    SecondFactorThereError,
    SharedSecrets,
    draw_recovery_codes,
    draw_shared_secret,
    enrolment_of,
    plain_code,
    step_of,
)
from modelward.access.store import second_factors as rows
from modelward.storage import Connection

Proof = Literal["none needed", "authenticator", "recovery code"]


class SecondFactors:
    """What is asked of people beside their password."""

    def __init__(self, pepper: bytes, seal: Seal, record: OnRecord) -> None:
        self._pepper = pepper
        self._seal = seal
        self._secrets = SharedSecrets(pepper)
        self._record = record

    def proof(self, connection: Connection, name: str, code: str) -> Proof | None:
        """By what the person may come in: they need no code, or this is one, and it is used up by that; None where it is not.

        Raises:
            AlteredRowError: the second factor was altered, or taken away by something other than Modelward.
        """
        factor = rows.factor(connection, name, seal=self._seal)
        if factor is None or not factor.is_confirmed:
            self._check_off_record(name)
            return "none needed"
        secret, typed = self._secrets.opened(name, factor.secret), plain_code(code)
        step = step_of(typed, secret=secret, after=factor.step, now=datetime.now(UTC)) if secret else None
        if step is not None:
            rows.take_step(connection, name, step, seal=self._seal)
            return "authenticator"
        taken = rows.take_recovery_code(connection, name, self._code_hash(name, typed), seal=self._seal)
        return "recovery code" if taken else None

    def begin(self, connection: Connection, name: str) -> Enrolment:
        """The secret for an authenticator; it asks nothing of anybody before it is confirmed. Raises `SecondFactorThereError`."""
        self._check_none(connection, name)
        secret = draw_shared_secret()
        rows.put_factor(connection, name, secret=self._secrets.sealed(name, secret), seal=self._seal)
        return enrolment_of(name, secret)

    def confirm(self, connection: Connection, name: str, code: str) -> RecoveryCodes:
        """The authenticator works. Raises `SecondFactorThereError`, `NoSecondFactorError`, `WrongPasswordError`."""
        now, codes = datetime.now(UTC), draw_recovery_codes()
        self._check_none(connection, name)
        factor = rows.factor(connection, name, seal=self._seal)
        secret = self._secrets.opened(name, factor.secret) if factor else None
        if factor is None or secret is None:
            raise NoSecondFactorError("No second factor is being set up. Begin on the page of your account.")
        step = step_of(plain_code(code), secret=secret, after=factor.step, now=now)
        if step is None:
            raise WrongPasswordError(
                "The code is not right. See whether the clocks of this server and of your device agree, and enter the next code, "
                "or begin anew."
            )
        hashes = [self._code_hash(name, plain_code(each)) for each in codes.codes]
        rows.confirm_factor(connection, name, step=step, hashes=hashes, now=now, seal=self._seal)
        return codes

    def _check_none(self, connection: Connection, name: str) -> None:
        factor = rows.factor(connection, name, seal=self._seal)
        if factor and factor.is_confirmed:
            raise SecondFactorThereError("You have a second factor already. End it first, on the page of your account.")
        self._check_off_record(name)

    def gone(self, connection: Connection, names: Iterable[str]) -> Iterator[str]:
        """Those of the people of these names whose second factor the ledger tells of, and no row does."""
        held = rows.with_rows(connection)
        return (name for name in names if name not in held and self.is_on_record(name))

    def is_on_record(self, name: str) -> bool:
        """Whether the ledger tells of a second factor of that person."""
        return self._record.has_second_factor(name)

    def _check_off_record(self, name: str) -> None:
        if self.is_on_record(name):
            raise AlteredRowError(
                f"The ledger tells of a second factor of {name}, and something other than Modelward took it away, so no password "
                f"opens anything. An administrator has them begin anew: `modelward users invite {name}`; `modelward audit verify` "
                "shows whether the ledger is whole."
            )

    def _code_hash(self, name: str, code: str) -> str:
        return hash_secret(self._pepper, f"recovery:{name}:{code}")
