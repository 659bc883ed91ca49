# SPDX-License-Identifier: Apache-2.0
"""Where it comes from is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modelward.releases.evidence import Evidence
from modelward.releases.rule import Passed, Refused, Verdict


@dataclass(frozen=True)
class LineageComplete:
    """The version names the fingerprint of its data, its split, its spec, its run and the code that made it."""

    example: ClassVar[Mapping[str, Any]] = {}

    def check(self, evidence: Evidence) -> Verdict:
        """Refuse a version of which any of these is unknown."""
        if evidence.lineage_complete:
            return Passed("data, split, spec, run and code are on record")
        return Refused(
            f"{evidence.version} does not say which data, split, spec, run and code made it. Train it here, with "
            "`modelward train SPEC.yaml`, or release it under a policy without this rule."
        )
