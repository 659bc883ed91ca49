# SPDX-License-Identifier: Apache-2.0
"""Evidence grows old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from modelward.releases.evidence import Evidence
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class AssessedWithin:
    """The version's trust report is at most `days` old."""

    days: Annotated[int, Meta(ge=1, le=3650)]

    example: ClassVar[Mapping[str, Any]] = {"days": 30}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse where there is no report of this very version, or an older one."""
        todo = f"Run `modelward assess {evidence.version}`."
        if evidence.report is None or evidence.report_age_days is None:
            return Refused(f"{evidence.version} was not assessed. {todo}")
        age = f"{evidence.report_age_days:.1f} days"
        if 0 <= evidence.report_age_days <= self.days:
            return Passed("assessed less than a day ago" if evidence.report_age_days < 1 else f"assessed {age} ago")
        if evidence.report_age_days < 0:
            return Refused(f"the assessment is dated {age.removeprefix('-')} in the future. Set the clock right. {todo}")
        return Refused(f"the last assessment is {age} old, and may be {self.days} at most. {todo}")

    def asks_as_much_as(self, other: object) -> bool:
        """Whether no older report passes than with `other`."""
        return isinstance(other, AssessedWithin) and self.days <= other.days
