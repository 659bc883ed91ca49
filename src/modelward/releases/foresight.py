# SPDX-License-Identifier: Apache-2.0
"""What can be seen of a policy before it decides: patterns that no clause will ever fit, unless somebody brings an assessor."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from modelward.assessment import Measure, known_measures
from modelward.releases.policy import Policy
from modelward.releases.rule import Rule

_SIGNS = frozenset("*?[")


def unmeasured(policy: Policy) -> dict[str, str]:
    """The patterns of `policy` that fit no measure of an assessor installed here, each with what was meant, perhaps; nothing
    where no measure is near.
    """
    known = known_measures()
    asked = dict.fromkeys(pattern for _, rule in policy.rules for pattern in _patterns(rule))
    return {pattern: _nearest(pattern, known) for pattern in asked if not any(_may_fit(pattern, each) for each in known)}


def _patterns(rule: Rule) -> Iterator[str]:
    yield from getattr(rule, "clauses", ())
    if one := getattr(rule, "clause", ""):
        yield one


def _may_fit(pattern: str, measure: Measure) -> bool:
    """Whether a clause of `measure` can fit. Between the assessor and the key stands what the data has: a column, a group."""
    head, tail = pattern.partition(".")[0], pattern.rpartition(".")[2]
    return _may_be(head, measure.assessor) and _may_be(tail, measure.key)


def _may_be(written: str, name: str) -> bool:
    # A part with a wildcard may run on into the next one.
    return written == name or not _SIGNS.isdisjoint(written)


def _nearest(pattern: str, known: list[Measure]) -> str:
    between = pattern.partition(".")[2].rpartition(".")[0]
    meant = [".".join(filter(None, (each.assessor, between, each.key))) for each in known]
    return next(iter(get_close_matches(pattern, meant, n=1)), "")
