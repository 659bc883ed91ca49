# SPDX-License-Identifier: Apache-2.0
"""A question on its way: who waits, until when, and what is known so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.registry import Interface, Table
    from modelward.serving.answer import Written
    from modelward.serving.computed import Computed
    from modelward.serving.deployments import Deployment
    from modelward.serving.question import Asking


class Standing:
    """That a caller may ask a model. It holds for every question of theirs until any key changes, or this one expires."""

    __slots__ = ("actor", "agreed", "caller", "expires", "is_limited", "model", "number", "revision")

    def __init__(
        self,
        actor: Actor,
        *,
        model: str,
        number: int | None,
        revision: int | None,
        expires: datetime | None,
    ) -> None:
        self.actor = actor
        self.caller = actor.credential or actor.id
        # The deployment that the actor was found to ask for what it is for, having accepted its terms.
        self.agreed: Deployment | None = None
        self.is_limited = actor.quota is not None
        self.model = model
        self.number = number
        self.revision = revision
        self.expires = expires

    @property
    def has_expired(self) -> bool:
        """Whether its key has."""
        return self.expires is not None and self.expires <= datetime.now(UTC)


class Pending:
    """One question, from its coming until its caller is told. It belongs to the event loop's thread.

    `written` is the answer once there is one, and `entry` where it stands in the ledger. `trail` is there only where somebody
    follows it. Subclasses say how to tell.
    """

    __slots__ = (
        "began",
        "caller",
        "deadline",
        "deployment",
        "entry",
        "group",
        "has_own_deadline",
        "is_recordable",
        "is_wanted",
        "payload",
        "priority",
        "render",
        "request",
        "rows",
        "standing",
        "table",
        "trail",
        "written",
    )

    standing: Standing
    caller: str
    payload: bytes
    request: str
    began: float
    deadline: float
    priority: int
    has_own_deadline: bool
    is_wanted: bool
    is_recordable: bool
    entry: int | None
    group: Hashable
    rows: int
    deployment: Deployment
    render: Callable[[Computed], Written]
    table: Table
    trail: object
    written: Written

    def __init__(
        self, standing: Standing, *, payload: bytes, request: str, seconds: float, priority: int = 0, has_own_deadline: bool = False
    ) -> None:
        self.standing = standing
        self.caller = standing.caller
        self.payload = payload
        self.request = request
        self.began = time.perf_counter()
        self.deadline = self.began + seconds
        self.priority, self.has_own_deadline = priority, has_own_deadline
        self.is_wanted = self.is_recordable = True
        self.entry = self.group = None
        self.rows = 0

    def read(self, interface: Interface) -> Asking:
        """What is asked, against the interface of the version that answers; raises what the caller is told."""
        raise NotImplementedError

    def tell(self, fault: Exception | None) -> None:
        """Give the caller the answer, which is written, or say what went wrong. Called once, unless nobody waits any more."""
        raise NotImplementedError

    def drop(self) -> None:
        """Nobody waits any more: what was not begun is not done, and what was not recorded is not on record."""
        self.is_recordable = False
        self.end()

    def end(self) -> None:
        """The caller is told, or gone."""
        self.is_wanted = False
