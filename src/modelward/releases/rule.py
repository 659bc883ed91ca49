# SPDX-License-Identifier: Apache-2.0
"""A rule looks at the evidence and says whether a version may go live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from modelward.releases.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Passed:
    """The rule has no objection; `seen` says what it looked at."""

    seen: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The rule says no. There is no refusal without a reason."""

    reason: str


Verdict: TypeAlias = Passed | Refused


class Rule(Protocol):
    """One condition of a policy.

    A rule is a frozen dataclass whose fields are its parameters, as a policy file writes them; a field with a default may be
    left out. The same evidence MUST give the same verdict: no clock, no network, no database, no chance. What was not measured
    MUST NOT pass, so that evidence without anything in it is refused by every rule.
    """

    example: ClassVar[Mapping[str, Any]]
    """Parameters as a policy file would write them: shown where somebody wrote them wrong, and used by the contract tests."""

    def check(self, evidence: Evidence) -> Verdict:
        """The verdict, with the figures it rests on."""
        ...


@runtime_checkable
class Graded(Protocol):
    """A rule that can be written more and less strictly, and says which is which. Of others only equal ones ask for as much."""

    def asks_as_much_as(self, other: object) -> bool:
        """Whether this one passes nothing that `other`, a rule of its kind, refuses."""
        ...
