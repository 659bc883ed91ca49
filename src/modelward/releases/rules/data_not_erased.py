# SPDX-License-Identifier: Apache-2.0
"""What somebody had erased is not released all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelward.releases.evidence import Evidence
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class DataNotErased:
    """None of the rows that the version may have learned from was erased since."""

    example: ClassVar[Mapping[str, Any]] = {}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse a version that may have learned from rows which are erased by now."""
        if not evidence.erased_rows:
            return Passed("no row that it may have learned from was erased")
        return Refused(
            f"{evidence.version} may have learned from rows that were erased since ({evidence.erased_rows} of them). Train again "
            "on the data as it is, and release the new version."
        )
