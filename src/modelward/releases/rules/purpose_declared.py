# SPDX-License-Identifier: Apache-2.0
"""What it is for, and who answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelward.access import names_purpose
from modelward.releases.evidence import Evidence
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class PurposeDeclared:
    """The version has a purpose and an owner."""

    example: ClassVar[Mapping[str, Any]] = {}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse where either is empty, or the purpose names none."""
        there = {"purpose": names_purpose(evidence.purpose), "owner": bool(evidence.owner.strip())}
        missing = [name for name, is_there in there.items() if not is_there]
        if not missing:
            return Passed(f"purpose: {evidence.purpose}; owner: {evidence.owner}")
        return Refused(f"{evidence.version} has no {' and no '.join(missing)}. Write both in the training spec and train again.")
