# SPDX-License-Identifier: Apache-2.0
"""Nothing unsigned goes live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelward.releases.evidence import Evidence
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class Signed:
    """The version's signature verifies, and every file has the digest that was signed."""

    example: ClassVar[Mapping[str, Any]] = {}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse a version whose signature or files do not verify."""
        if evidence.signed:
            return Passed(f"the signature over {evidence.digest[:12]} verifies")
        return Refused(f"the signature of {evidence.version} does not verify. Run `modelward model verify {evidence.version}`.")
