# SPDX-License-Identifier: Apache-2.0
"""Rows of releases and policies.

`entry` is the index of the ledger entry that speaks of a row's last change. The ledger only grows, so the greatest `entry`
tells a server whether anything changed since it looked.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from modelward.releases.policy import PolicyText
from modelward.releases.release import OPEN_STATES, STANDING_STATES, Release, ReleaseState
from modelward.storage import SCHEMA, Connection

_releases = sa.Table(
    "releases",
    SCHEMA,
    sa.Column("serial", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model", sa.String(63), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("live_since", sa.String(40), nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Column("policy_text", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False, index=True),
)
_is_live = _releases.c.state == ReleaseState.LIVE.value
sa.Index("one_live_release_of_a_model", _releases.c.model, unique=True, sqlite_where=_is_live)
sa.Index("releases_of_a_model", _releases.c.model, _releases.c.serial)

_policies = sa.Table(
    "release_policies",
    SCHEMA,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)


class ReleaseStore:
    """Reads and writes rows within a transaction that somebody else opened."""

    def next_id(self, connection: Connection) -> str:
        """The id of the next release."""
        return f"r-{(connection.scalar(sa.select(sa.func.max(_releases.c.serial))) or 0) + 1}"

    def add(self, connection: Connection, release: Release, *, policy_text: str, entry: int) -> None:
        """A new row."""
        connection.execute(_releases.insert().values(serial=_serial(release.id), policy_text=policy_text, **_row(release, entry)))

    def put(self, connection: Connection, release: Release, *, entry: int) -> None:
        """The row as it is now."""
        connection.execute(_releases.update().where(_releases.c.serial == _serial(release.id)).values(**_row(release, entry)))

    def get(self, connection: Connection, id: str) -> Release | None:
        """The release called `id`."""
        return _release(connection.scalar(sa.select(_releases.c.document).where(_releases.c.serial == _serial(id))))

    def policy_text(self, connection: Connection, id: str) -> str:
        """The text under which the release was proposed."""
        return str(connection.scalar(sa.select(_releases.c.policy_text).where(_releases.c.serial == _serial(id))))

    def all(self, connection: Connection, *, model: str = "", state: ReleaseState | None = None) -> list[Release]:
        """Releases of one model, in one state, or all; the newest first."""
        query = sa.select(_releases.c.document).order_by(_releases.c.serial.desc())
        query = query.where(_releases.c.model == model) if model else query
        query = query.where(_releases.c.state == state.value) if state else query
        return [msgspec.json.decode(document, type=Release) for document in connection.scalars(query)]

    def standing(self, connection: Connection, model: str) -> Release | None:
        """The live release of `model`, or the one that was live and is paused."""
        query = sa.select(_releases.c.document).where(_releases.c.model == model, _state_in(STANDING_STATES))
        return _release(connection.scalar(query))

    def open_for(self, connection: Connection, model: str, number: int) -> Release | None:
        """The release of that version that is still on its way, or live."""
        query = sa.select(_releases.c.document).where(_releases.c.model == model, _releases.c.number == number)
        return _release(connection.scalar(query.where(_state_in(OPEN_STATES))))

    def last_superseded(self, connection: Connection, model: str) -> Release | None:
        """The release of `model` that was live before the present one, and was not paused when another took its place."""
        query = sa.select(_releases.c.document).where(_releases.c.model == model, _state_in([ReleaseState.SUPERSEDED]))
        newest_first = connection.scalars(query.order_by(_releases.c.live_since.desc(), _releases.c.serial.desc()))
        return next((release for release in map(_release, newest_first) if release and not release.pause), None)

    def revision(self, connection: Connection) -> int:
        """Grows with every change of any release."""
        newest = connection.scalar(sa.select(sa.func.max(_releases.c.entry)))
        return -1 if newest is None else int(newest)

    def add_policy(self, connection: Connection, policy: PolicyText) -> None:
        """One more text of a policy; earlier ones stay."""
        row = {"name": policy.name, "number": policy.number, "document": msgspec.json.encode(policy)}
        connection.execute(_policies.insert().values(row))

    def policy(self, connection: Connection, name: str) -> PolicyText | None:
        """The newest text of the policy called `name`."""
        query = sa.select(_policies.c.document).where(_policies.c.name == name).order_by(_policies.c.number.desc()).limit(1)
        document = connection.scalar(query)
        return None if document is None else msgspec.json.decode(document, type=PolicyText)

    def policies(self, connection: Connection) -> list[PolicyText]:
        """The newest text of every policy, by name."""
        query = sa.select(_policies.c.document).order_by(_policies.c.name, _policies.c.number)
        newest = (msgspec.json.decode(document, type=PolicyText) for document in connection.scalars(query))
        return list({policy.name: policy for policy in newest}.values())


def _state_in(states: Iterable[ReleaseState]) -> sa.ColumnElement[bool]:
    return _releases.c.state.in_([state.value for state in states])


def _row(release: Release, entry: int) -> dict[str, object]:
    return {
        "model": release.model,
        "number": release.number,
        "state": release.state.value,
        "live_since": release.live_since.isoformat(timespec="microseconds") if release.live_since else "",
        "document": msgspec.json.encode(release),
        "entry": entry,
    }


def _release(document: bytes | None) -> Release | None:
    return None if document is None else msgspec.json.decode(document, type=Release)


def _serial(id: str) -> int:
    """The number in `r-12`; one that no release has where it is no id."""
    digits = id.removeprefix("r-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else -1
