# SPDX-License-Identifier: Apache-2.0
"""Opens the same ledger again and again: in tests that copy it, tamper with it, or write to it from several processes."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings

from modelward.audit import Draft, Event, Ledger
from modelward.storage import Database, Keyring

# A busy machine is slow, which breaks no law.
law = settings(deadline=None, max_examples=50)

DONE = Event("test.done", "Something was done.")
SECRETS = {"ledger": hashlib.sha256(b"test ledger").digest(), "digests": hashlib.sha256(b"test digests").digest()}


def open_ledger(folder: Path, *, begin: bool = True) -> Ledger:
    """The ledger in `folder`, begun if there is none and nothing else is said."""
    path = folder / "keys.json"
    keyring = Keyring.open(path) if path.exists() else Keyring.create(path, secrets=SECRETS)
    database = Database(f"sqlite:///{folder / 'modelward.db'}")
    database.create_tables()
    ledger = Ledger(database, keyring, anchor=folder / "ledger.checkpoint")
    if begin:
        ledger.create("modelward/test")
    return ledger


def draft(number: int, *, request: str = "") -> Draft:
    facts = {"number": number, "digest": hashlib.sha256(b"%d" % number).hexdigest()}
    return Draft(DONE, actor=f"person:{number % 3}", subject=f"model:{number % 5}", facts=facts, request=request)


class Lone:
    """One draft for the ledger's writer, and who is told."""

    def __init__(self, one: Draft, done: Callable[[int | Exception], object] = print) -> None:
        self._one = one
        self._tell = done

    def drafts(self) -> list[Draft]:
        return [self._one]

    def done(self, first: int | Exception, entries: int) -> None:
        self._tell(first)


def close(ledger: Ledger) -> None:
    ledger._database.close()
