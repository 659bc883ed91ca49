# SPDX-License-Identifier: Apache-2.0
"""Policies ready to be asked, whatever their number: for a question, only those are asked that could bear on it.

Each policy lies in drawers named after the heads of its scope. A question opens the few drawers whose heads it could match; the
engine then decides exactly. It is handed every policy that its own rules of scope could let match, so what it decides is what it
would decide over all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from typing import Any, Final, NamedTuple

import cedarpy

from modelward.access.cedar.policy_file import OF_ORIGIN, Drawer, Policy, PolicyFile
from modelward.errors import TooLargeError

# So many bear on one question at most: each costs a microsecond or so.
BEARING_LIMIT: Final = 100
_SETS_KEPT: Final = 4096


class TooManyBearError(TooLargeError):
    """So many policies have one scope that questions would wait for them."""


class Question(NamedTuple):
    """Who asks to do what with which thing, in which circumstances. A uid is a type and an id."""

    principal: tuple[str, str]
    action: str
    resource: tuple[str, str]
    role: str = ""
    tenant: str = ""
    resource_tenant: str = ""
    purpose: str = ""
    is_mtls: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the policies say: which permit, which forbid, what went wrong, and whether another time or connection could make it
    otherwise.
    """

    permits: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    depends_on_time: bool = False
    depends_on_origin: bool = False


@dataclass(slots=True)
class CompiledPolicies:
    """Every policy of several files, in drawers."""

    files: dict[str, PolicyFile] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    drawers: dict[Drawer, list[int]] = field(default_factory=dict)
    _sets: dict[tuple[int, ...], tuple[Any, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Iterable[PolicyFile]) -> CompiledPolicies:
        """The policies of files.

        Raises:
            TooManyBearError: more than `BEARING_LIMIT` have the same scope.
        """
        made = cls()
        for file in files:
            made.files[file.name] = file
            for policy in file.policies:
                made._add(policy)
        return made

    def ask(self, question: Question, *, now: datetime | None = None) -> Found:
        """What the policies say to the question. Whoever asks decides: a fault or a forbidding one is a no."""
        bearing = tuple(sorted({number for drawer in _drawers_of(question) for number in self.drawers.get(drawer, ())}))
        if not bearing:
            return Found()
        permits, forbids = self._set(bearing)
        entities = cedarpy.Entities.from_json_str(_entities(question))
        request = _request(question, now or datetime.now(UTC))
        faults: list[str] = []
        said = [self._asked(each, request, entities, faults) if each else () for each in (permits, forbids)]
        read = frozenset[str]().union(*(self.policies[number].reads for number in bearing))
        return Found(said[0], said[1], tuple(faults), "time" in read, not read.isdisjoint(OF_ORIGIN))

    def _asked(self, policies: Any, request: dict[str, Any], entities: Any, faults: list[str]) -> tuple[str, ...]:
        diagnostics = cedarpy.is_authorized(request, policies, entities).diagnostics
        faults += [self._readable(error) for error in diagnostics.errors]
        return tuple(sorted(self.policies[int(number)].name for number in diagnostics.reasons))

    def _readable(self, error: str) -> str:
        """A complaint of the engine with our name of the policy in place of its own."""
        before, quoted, rest = error.partition("`")
        number, _, after = rest.partition("`")
        known = quoted and number.isdecimal() and int(number) < len(self.policies)
        return f"{before}{self.policies[int(number)].name}{after}" if known else error

    def _set(self, bearing: tuple[int, ...]) -> tuple[Any, Any]:
        """Those that permit and those that forbid, parsed: apart, so that the engine names all of both."""
        found = self._sets.get(bearing)
        if found is None:
            if len(self._sets) >= _SETS_KEPT:
                self._sets.clear()
            forbids = [number for number in bearing if self.policies[number].forbids]
            found = self._parsed(set(bearing).difference(forbids)), self._parsed(forbids)
            self._sets[bearing] = found
        return found

    def _parsed(self, numbers: Iterable[int]) -> Any:
        forms = ",".join(f'"{number}":{self.policies[number].form}' for number in numbers)
        whole = f'{{"templates":{{}},"staticPolicies":{{{forms}}},"templateLinks":[]}}'
        return cedarpy.PolicySet.from_json_str(whole) if forms else None

    def _add(self, policy: Policy) -> None:
        self.policies.append(policy)
        for drawer in policy.drawers:
            lying = self.drawers.setdefault(drawer, [])
            lying.append(len(self.policies) - 1)
            if len(lying) > BEARING_LIMIT:
                raise TooManyBearError(
                    f"More than {BEARING_LIMIT} policies have the scope of {policy.name} (line {policy.line}), and "
                    "every question within it would wait for all of them. Nothing was changed. Name principals or resources "
                    "in their scopes, or put their conditions into one policy."
                )


def _drawers_of(question: Question) -> Iterator[Drawer]:
    principals, resources = _groups_of(question)
    return product(
        (None, question.principal[0], question.principal, *principals),
        (None, ("Action", question.action)),
        (None, question.resource[0], question.resource, *resources),
    )


def _groups_of(question: Question) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What the principal is in, and what the resource is in: of one that is both, all of it."""
    principals = [("Role", question.role)] * bool(question.role) + [("Tenant", question.tenant)] * bool(question.tenant)
    resources = [("Tenant", question.resource_tenant)] * bool(question.resource_tenant)
    if question.principal == question.resource:
        principals = resources = list(dict.fromkeys(principals + resources))
    return principals, resources


def _request(question: Question, now: datetime) -> dict[str, Any]:
    context: dict[str, Any] = {
        "purpose": question.purpose,
        "mtls": question.is_mtls,
        "time": {"__extn": {"fn": "datetime", "arg": now.strftime("%Y-%m-%dT%H:%M:%SZ")}},
    }
    if question.address:
        context["address"] = {"__extn": {"fn": "ip", "arg": question.address}}
    return {
        "principal": _uid(question.principal),
        "action": {"type": "Action", "id": question.action},
        "resource": _uid(question.resource),
        "context": json.dumps(context),
    }


def _entities(question: Question) -> str:
    principals, resources = _groups_of(question)
    groups = {question.principal: principals, question.resource: resources}
    made = [{"uid": _uid(thing), "attrs": {}, "parents": [_uid(group) for group in within]} for thing, within in groups.items()]
    return json.dumps(made)


def _uid(pair: tuple[str, str]) -> dict[str, str]:
    return {"type": pair[0], "id": pair[1]}
