# SPDX-License-Identifier: Apache-2.0
"""One thing that was looked at for security."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.app.machine import Machine
    from modelward.app.platform import Platform

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityCheck:
    """What was found of one thing; of a weak point, why it matters, and what to do."""

    what: str
    is_weak: bool
    found: str
    why: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Premises:
    """Where one looks: the house, the machine that it stands on, and who looks."""

    platform: Platform
    machine: Machine
    by: Actor


def well(what: str, found: str) -> SecurityCheck:
    """Nothing weak."""
    return SecurityCheck(what=what, is_weak=False, found=found)


def weak(what: str, found: str, *, why: str, advice: str) -> SecurityCheck:
    """A weak point."""
    return SecurityCheck(what=what, is_weak=True, found=found, why=why, advice=advice)


def named(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f", + {len(names) - _SHOWN}" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
