# SPDX-License-Identifier: Apache-2.0
"""The weak points of an installation: what `modelward doctor --security` looks at, why it matters, and what to do about it.

A weak point is no fault. The house works, and somebody could do more to it than they need be able to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modelward.access import Actor, NotPermittedError, Permission
from modelward.app import security_of_house, security_of_machine
from modelward.app.machine import Machine
from modelward.app.weak_point import Premises, SecurityCheck
from modelward.errors import ModelwardError

if TYPE_CHECKING:
    from modelward.app.platform import Platform

Look = Callable[[Premises], SecurityCheck]
LOOKS: tuple[Look, ...] = (*security_of_house.LOOKS, *security_of_machine.LOOKS)


class Security:
    """Looks an installation over for weak points."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def look(self, *, machine: Machine | None = None, by: Actor) -> list[SecurityCheck]:
        """Everything that was looked at, the weak points first.

        Raises:
            NotPermittedError: `by` lacks keys:manage, or belongs to a part of the house alone.
        """
        by.require(Permission.KEYS_MANAGE)
        by.require_house()
        if by.tenant:
            raise NotPermittedError(f"{by.id} belongs to {by.tenant}, and this is about the whole house. Ask its administrator.")
        premises = Premises(self._platform, machine or Machine.here(), by)
        return sorted(_checked(premises), key=lambda check: not check.is_weak)


def _checked(premises: Premises) -> Iterator[SecurityCheck]:
    for look in LOOKS:
        try:
            yield look(premises)
        except (ModelwardError, OSError) as fault:
            what = look.__name__.replace("_", "-")
            told = str(fault) if isinstance(fault, ModelwardError) else f"{fault.strerror} ({fault.filename})"
            yield SecurityCheck(
                what=what,
                is_weak=True,
                found=f"It could not be looked at: {told}",
                why="What nobody can look at may be weak.",
                advice="Run `modelward doctor`.",
            )
