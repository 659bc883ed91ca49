# SPDX-License-Identifier: Apache-2.0
"""Notes beside a result, on standard error: what was written may be right, and is wrong by a letter more often."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from modelward.entrances.cli.desk import Desk
from modelward.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from modelward.releases import PolicyText


_NAMED: Final = re.compile(r'\b(Person|Service|Model|Dataset|Tenant)\s*::\s*"([^"\\]*)"')
_COMMENT: Final = re.compile(r"(?m)^\s*//.*$")


def note_models_to_come(desk: Desk, models: Sequence[str], *, what: str) -> None:
    """A key or a policy may come before its model; a name that is wrong by a letter should not go unnoticed."""
    known = [found.model for found in desk.house.registry.models(by=desk.actor)] if models else []
    for model in models:
        if model not in known:
            desk.say(f"Note: no model is called {model} yet; the {what} it once there is one.{nearest(model, known)}")


def note_thing_to_come(desk: Desk, subject: str) -> None:
    """Terms may come before what they are of; a name that is wrong by a letter protects nothing."""
    kind, _, name = subject.partition(":")
    with suppress(RefusedError):
        if kind == "model":
            known = [found.model for found in desk.house.registry.models(by=desk.actor)]
        else:
            known = [found.name for found in desk.house.datasets.list(by=desk.actor)]
        if name not in known:
            desk.say(f"Note: no {kind} is called {name} yet; the terms hold once there is one.{nearest(name, known)}")


def note_strangers(desk: Desk, policies: str) -> None:
    """Policies may come before whom or what they name; of a name that is wrong by a letter they mean nobody."""
    for kind, name in sorted({(found[1], found[2]) for found in _NAMED.finditer(_COMMENT.sub("", policies))}):
        with suppress(RefusedError):
            known = _known(desk, kind, name)
            if name not in known:
                desk.say(
                    f"Note: there is no {kind}::{json.dumps(name)} yet; the policy means it once there is.{nearest(name, known)}"
                )


def _known(desk: Desk, kind: str, name: str) -> list[str]:
    by = desk.actor
    match kind:
        case "Person":
            return [each.name for each in desk.house.access.users(by=by)]
        case "Service":
            house = desk.house.access
            return [each.name for each in (*house.keys(name=name, limit=1000, by=by), *house.keys(limit=1000, by=by))]
        case "Tenant":
            return [each.name for each in desk.house.tenants.list(by=by)]
        case "Dataset":
            return [each.name for each in desk.house.datasets.list(by=by)]
        case _:
            return [each.model for each in desk.house.registry.models(by=by)]


def note_unmeasured(desk: Desk, policy: str) -> None:
    """A policy may ask for what an assessor to come will measure; a service elsewhere has assessors of its own."""
    from modelward.releases import parse_policy, unmeasured

    found = {} if desk.is_remote else unmeasured(parse_policy(policy))
    for pattern, near in found.items():
        meant = f" The nearest there is: {near}." if near else ""
        desk.say(f"Note: no assessor here measures {pattern}; the policy refuses until one does.{meant}")


def note_lacks(desk: Desk, policy: PolicyText) -> None:
    """A policy of one's own may ask for less than the one that comes with Modelward; whoever puts it should know."""
    if policy.lacks:
        desk.say(
            f"Note: {policy.name} lacks rules of the policy that comes with Modelward: {', '.join(policy.lacks)}. What they ask "
            "for holds up nothing that it decides. Add them, as `rule: NAME`, unless that is meant."
        )


def note_erased(desk: Desk, name: str) -> None:
    """Of a version that may have learned from what was erased since, that it may; for who may look at versions."""
    with suppress(RefusedError, NotFoundError):
        for each in desk.house.assessment.erasures(desk.house.registry.find(name, by=desk.actor), by=desk.actor):
            data = each.dataset or "data of others"
            desk.say(
                f"Note: {name} may have learned from rows of {data} that were erased since ({each.gone} of them, on "
                f"{each.at:%Y-%m-%d}). Train again, and release the new version."
            )


def note_erased_of(desk: Desk, model: str) -> None:
    """Of the versions of a model that may have learned from what was erased since, that they may, and how many rows."""
    with suppress(RefusedError, NotFoundError):
        told = [f"{each.version} ({each.rows})" for each in desk.house.assessment.erased_versions(model, by=desk.actor)]
        if told:
            desk.say(f"Note: may have learned from rows that were erased since: {', '.join(told)}. Train again, and release that.")


def nearest(name: str, known: Sequence[str]) -> str:
    """A word on the one of the `known` names that is nearest; nothing where none is near."""
    near = get_close_matches(name, known, n=1)
    return f" The nearest there is: {near[0]}." if near else ""
