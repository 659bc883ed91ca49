# SPDX-License-Identifier: Apache-2.0
"""A policy: the rules that a version must pass to go live, and how many people must approve besides.

A policy is YAML. It is read strictly, because a policy that says something else than its writer meant lets a version through:
a key or rule nobody knows, a key given twice, an alias or a number that is none is refused with its place.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from modelward.access import check_name
from modelward.digest import sha256_hex
from modelward.errors import InvalidError, NotFoundError
from modelward.releases.rule import Rule
from modelward.releases.rules import RULES

DEFAULT_POLICY = "default"
TEXT_LIMIT_CHARACTERS = 64 << 10
RULES_LIMIT = 100
APPROVALS_LIMIT = 10
_KEYS = ("name", "approvals", "rules")


class InvalidPolicyError(InvalidError):
    """The text is not a policy; the message names the place."""


class PolicyMissingError(NotFoundError):
    """No policy of that name was put here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyText:
    """A policy as it is kept: its text word for word, and who put it there. `number` counts the texts one name has had."""

    name: str
    number: int
    digest: str
    approvals: int
    text: str
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it decides: its rules, each with the words the policy file has for it."""

    name: str
    approvals: int
    rules: tuple[tuple[str, Rule], ...]


def parse_policy(text: str) -> Policy:
    """The policy that `text` writes down.

    Raises:
        InvalidPolicyError: it is too long, no YAML, or says something that a policy cannot; nothing is guessed.
    """
    document = _mapping(_load(text), "the policy")
    _only(document, _KEYS, "the policy")
    approvals, uses = document.get("approvals", 0), document.get("rules")
    if not isinstance(approvals, int) or isinstance(approvals, bool) or not 0 <= approvals <= APPROVALS_LIMIT:
        raise InvalidPolicyError(f"approvals: must be a whole number from 0 to {APPROVALS_LIMIT}.")
    if not isinstance(uses, list) or len(uses) > RULES_LIMIT:
        raise InvalidPolicyError(f"rules: must be a list of at most {RULES_LIMIT} rules, each like `- rule: signed`.")
    rules = tuple(_rule(_mapping(use, f"rules[{place}]"), f"rules[{place}]") for place, use in enumerate(uses))
    return Policy(check_name("policy", str(document.get("name", ""))), approvals, rules)


def builtin_policy() -> PolicyText:
    """The policy that comes with Modelward and holds until somebody puts another under its name."""
    text = files("modelward.releases").joinpath(f"{DEFAULT_POLICY}.yaml").read_text("utf-8")
    policy = parse_policy(text)
    return PolicyText(
        name=policy.name, number=0, digest=sha256_hex(text.encode()), approvals=policy.approvals, text=text, by="modelward", at=None
    )


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases, without a key that is given twice, and with the plain values of YAML 1.2 (10.3.2). PyYAML follows
    1.1, in which the `on` of a rule is a truth value, 010 is 8, 1:30 is 90 and `<<` pours one mapping into another.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise InvalidPolicyError(f"line {line}: an alias (`*name`) has no place in a policy.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 (the parent's signature)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise InvalidPolicyError(f"line {key.start_mark.line + 1}: a key must be a word.")
            if key.value in seen:
                raise InvalidPolicyError(f"line {node.start_mark.line + 1}: the key {key.value!r} is given twice.")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_PLAIN = {
    "null": (r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    "int": (r"[-+]?[0-9]+\Z", list("-+0123456789")),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z", list("-+.0123456789")),
}
_StrictLoader.yaml_implicit_resolvers = {}
for _kind, (_pattern, _first) in _PLAIN.items():
    _StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _first)
_StrictLoader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
_StrictLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))


def _load(text: str) -> Any:
    if len(text) > TEXT_LIMIT_CHARACTERS:
        raise InvalidPolicyError(f"The policy has {len(text)} characters; {TEXT_LIMIT_CHARACTERS} is the most.")
    try:
        return _StrictLoader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise InvalidPolicyError(
            f"{where}the policy is not YAML: {getattr(wrong, 'problem', None) or 'it is malformed'}."
        ) from wrong


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
    if any(isinstance(value, float) and not math.isfinite(value) for value in given.values()):
        raise InvalidPolicyError(f"{place} ({name}): a number must be finite.")
    words = ", ".join(f"{key}: {_words(value)}" for key, value in given.items())
    return f"{name} ({words})" if words else name, rule


def _words(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
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
