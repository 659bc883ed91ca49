# SPDX-License-Identifier: Apache-2.0
"""A policy: the rules that a version must pass to go live, and how many people must approve besides.

A policy is YAML, read by `strict_yaml`. A key or rule nobody knows is refused with its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from modelward import strict_yaml
from modelward.access import check_name
from modelward.digest import sha256_hex
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError, TooLargeError
from modelward.releases.door import NO_DOOR, PERSONS, Door
from modelward.releases.evidence import Evidence
from modelward.releases.release import Decision
from modelward.releases.rule import Graded, Passed, Rule
from modelward.releases.rules import RULES

DEFAULT_POLICY = "default"
EVERY_MODEL = "*"
RULES_LIMIT = 100
APPROVALS_LIMIT = 10
_KEYS = ("name", "models", "approvals", "rules", "door")


class InvalidPolicyError(InvalidError):
    """The text is not a policy; the message names the place."""


class PolicyTooLargeError(InvalidPolicyError, TooLargeError):
    """The policy passes the limit of its size."""


class PolicyMissingError(NotFoundError):
    """No policy of that name was put here."""


class PolicyNotGoverningError(RefusedError):
    """A proposal names a policy, and another one governs the model."""


class ModelGovernedError(ConflictError):
    """A policy names a model that another policy governs."""


class UnrecordedPolicyError(RefusedError):
    """The database holds another policy than the ledger says was put in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyText:
    """A policy as it is kept: its text word for word, and who put it there. `number` counts the texts one name has had.

    `models` are those it governs: names, or "*" alone for every model that no other policy names; none where it governs by
    being named alone. `lacks` are the rules of the policy that comes with Modelward which this one does not hold; it is told, not
    kept.
    """

    name: str
    number: int
    digest: str
    approvals: int
    text: str
    by: str
    at: datetime | None
    models: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it decides: its rules, each with the words the policy file has for it."""

    name: str
    approvals: int
    rules: tuple[tuple[str, Rule], ...]
    models: tuple[str, ...] = ()
    door: Door = NO_DOOR


def parse_policy(text: str) -> Policy:
    """The policy that `text` writes down.

    Raises:
        InvalidPolicyError: it is too long, no YAML, or says something that a policy cannot; nothing is guessed.
        InvalidNameError: its name, or that of a model, cannot be given.
    """
    written = strict_yaml.read(text, noun="policy", invalid=InvalidPolicyError, too_large=PolicyTooLargeError)
    document = _mapping(written, "the policy")
    _only(document, _KEYS, "the policy")
    approvals, uses = document.get("approvals", 0), document.get("rules")
    if not isinstance(approvals, int) or isinstance(approvals, bool) or not 0 <= approvals <= APPROVALS_LIMIT:
        raise InvalidPolicyError(f"approvals: must be a whole number from 0 to {APPROVALS_LIMIT}.")
    if not isinstance(uses, list) or len(uses) > RULES_LIMIT:
        raise InvalidPolicyError(f"rules: must be a list of at most {RULES_LIMIT} rules, each like `- rule: signed`.")
    rules = tuple(_rule(_mapping(use, f"rules[{place}]"), f"rules[{place}]") for place, use in enumerate(uses))
    models = _models(document["models"]) if "models" in document else ()
    return Policy(check_name("policy", str(document.get("name", ""))), approvals, rules, models, _door(document))


def door_of(text: str) -> Door:
    """The door of the policy that `text` writes down, whose rules need not be installed any more.

    Raises:
        InvalidPolicyError: it is no YAML, or says something that a door cannot.
    """
    written = strict_yaml.read(text, noun="policy", invalid=InvalidPolicyError, too_large=PolicyTooLargeError)
    return _door(_mapping(written, "the policy"))


def governing(policies: Iterable[PolicyText], model: str) -> PolicyText | None:
    """The one of the `policies` in place under which versions of `model` are decided: the one that names it, else the one for
    every model; None where neither is there, and a proposal chooses.
    """
    found = {name: policy for policy in policies for name in policy.models}
    return found.get(model) or found.get(EVERY_MODEL)


def decide(policy: Policy, evidence: Evidence) -> tuple[Decision, ...]:
    """What every rule of `policy` says, not only the first that refuses. A policy without rules refuses."""
    if not policy.rules:
        return (Decision("policy", "refused", f"the policy {policy.name} has no rules, and no rules let nothing through"),)
    verdicts = [(words, rule.check(evidence)) for words, rule in policy.rules]
    return tuple(
        Decision(words, "passed", verdict.seen) if isinstance(verdict, Passed) else Decision(words, "refused", verdict.reason)
        for words, verdict in verdicts
    )


def builtin_policy() -> PolicyText:
    """The policy that comes with Modelward and holds until somebody puts another under its name."""
    text = files("modelward.releases").joinpath(f"{DEFAULT_POLICY}.yaml").read_text("utf-8")
    policy = parse_policy(text)
    return PolicyText(
        name=policy.name, number=0, digest=sha256_hex(text.encode()), approvals=policy.approvals, text=text, by="modelward", at=None
    )


def with_lacks(policy: PolicyText) -> PolicyText:
    """The policy, with what it lacks; a text with rules that are not installed any more lacks nothing that could be told."""
    with suppress(InvalidError):
        return dataclasses.replace(policy, lacks=lacking(words for words, _ in parse_policy(policy.text).rules))
    return policy


def lacking(words: Iterable[str]) -> tuple[str, ...]:
    """The rules of the policy that comes with Modelward that are not among those, by their names; one that is there and asks for
    less, with what ours asks for.
    """
    held: dict[str, list[str]] = {}
    for each in words:
        held.setdefault(each.partition(" ")[0], []).append(each)
    lacks = []
    for ours, rule in _built_in_rules():
        name = ours.partition(" ")[0]
        if not any(_asks_as_much(each, rule) for each in held.get(name, ())):
            lacks.append(ours if name in held else name)
    return tuple(lacks)


@cache
def _built_in_rules() -> tuple[tuple[str, Rule], ...]:
    return parse_policy(builtin_policy().text).rules


def _asks_as_much(words: str, rule: Rule) -> bool:
    """Whether the rule that a policy file has these words for lets nothing through that `rule` refuses."""
    name, _, given = words.partition(" ")
    with suppress(InvalidPolicyError, PolicyTooLargeError):
        text = f"{{{given[1:-1]}}}"
        parameters = strict_yaml.read(text, noun="rule", invalid=InvalidPolicyError, too_large=PolicyTooLargeError)
        _, written = _rule({"rule": name, **_mapping(parameters, name)}, name)
        return written == rule or (isinstance(written, Graded) and written.asks_as_much_as(rule))
    return True  # Of a rule that is not installed any more nothing can be told.


def _models(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise InvalidPolicyError(f'models: must be a list of names such as `[income, credit]`, or `["{EVERY_MODEL}"]` for all.')
    if EVERY_MODEL in value and len(value) > 1:
        raise InvalidPolicyError(f'models: "{EVERY_MODEL}" is every model; nothing stands beside it.')
    for name in value:
        if value.count(name) > 1:
            raise InvalidPolicyError(f"models: {name[:80]!r} is named twice.")
    return tuple(name if name == EVERY_MODEL else check_name("model", name) for name in value)


def _door(document: Mapping[str, Any]) -> Door:
    said = _mapping(document.get("door", {}), "door")
    _only(said, [field.name for field in dataclasses.fields(Door)], "door")
    persons = said.get("persons", NO_DOOR.persons)
    if persons not in PERSONS:
        raise InvalidPolicyError(f"door: persons: {_unknown('way', str(persons), list(PERSONS))}")
    return Door(persons)


def _rule(use: Mapping[str, Any], place: str) -> tuple[str, Rule]:
    """The words for it, and the rule, of one entry of the list."""
    name = use.get("rule")
    if not isinstance(name, str) or name not in RULES.names():
        raise InvalidPolicyError(f"{place}: {_unknown('rule', str(name), RULES.names())}")
    kind = RULES.load(name)
    given = {key: value for key, value in use.items() if key != "rule"}
    _only(given, [field.name for field in dataclasses.fields(kind)], f"{place} ({name})")
    try:
        rule = msgspec.convert(given, kind)
    except msgspec.ValidationError as wrong:
        example = ", ".join(f"{key}: {value}" for key, value in kind.example.items())
        raise InvalidPolicyError(f"{place} ({name}): {wrong}. Write it like `rule: {name}, {example}`.") from wrong
    words = ", ".join(f"{key}: {_words(value)}" for key, value in given.items())
    return f"{name} ({words})" if words else name, rule


def _words(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidPolicyError(f"{place}: must be keys with values; a policy has {', '.join(_KEYS)}.")
    return value


def _only(given: Iterable[str], known: Iterable[str], place: str) -> None:
    known = list(known)
    for key in given:
        if key not in known:
            raise InvalidPolicyError(f"{place}: {_unknown('key', key, known)}")


def _unknown(kind: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    there = f"There are: {', '.join(known)}." if known else "It takes none."
    return f"no {kind} is called {name[:80]!r}. " + (f"Did you mean {near[0]!r}? " if near else "") + there


def unrecorded_policy(name: str) -> UnrecordedPolicyError:
    """The error that says which policy is not the one that was put in place."""
    return UnrecordedPolicyError(
        f"The policy {name} in the database is not the one that the ledger tells of, so nothing is decided. "
        "Run `modelward audit verify`, and restore the database from a backup."
    )
