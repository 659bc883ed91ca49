# SPDX-License-Identifier: Apache-2.0
"""YAML as people hand it in, specs and policies alike: JSON's values, written by hand.

What says something else than its writer meant trains the wrong model, or lets one through. PyYAML follows YAML 1.1, in which `no`
is false, `1e-3` is a text, 010 is 8 and `12:30` is 750. Here the YAML 1.2 core schema holds (section 10.3.2), without anchors,
aliases, tags, merge keys, duplicate keys, infinities or not-a-number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from typing import Any

import yaml

from modelward.errors import InvalidError

LIMIT_BYTES = 64 << 10
_DEPTH_LIMIT = 20
_EXACT_INTEGERS = 2**53

_PLAIN = (
    ("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    ("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+\Z"), list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"),
        list("-+.0123456789"),
    ),
)


class _Loader(yaml.SafeLoader):
    """Values of JSON only. It is not handed to a function of PyYAML, for it is used once, by `read`."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs lack this one
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _fault("anchors and aliases (& and *) are not taken; write the value out", event.start_mark)
        if getattr(event, "tag", None):
            raise _fault("tags (!) are not taken; write the value alone", event.start_mark)
        self.depth += 1
        if self.depth > _DEPTH_LIMIT:
            raise _fault(f"more than {_DEPTH_LIMIT} levels deep", event.start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  # PyYAML's
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise _fault("every key must be a text; quote it", key.start_mark)
            if key.value in seen:
                raise _fault(f"the key {key.value!r} stands twice in the same place", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _integer(_: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    digits = node.value.lstrip("+-").lstrip("0") or "0"
    if len(digits) > len(str(_EXACT_INTEGERS)) or int(digits) > _EXACT_INTEGERS:
        raise _fault(f"a whole number beyond {_EXACT_INTEGERS:,}, which JSON does not carry exactly", node.start_mark)
    return -int(digits) if node.value.startswith("-") else int(digits)


def _number(_: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    if math.isinf(number := float(node.value)):
        raise _fault("a number that is too large to be written down", node.start_mark)
    return number


def _text(_: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    if any("\ud800" <= character <= "\udfff" for character in node.value):
        raise _fault("half a character, which UTF-8 cannot write", node.start_mark)
    return str(node.value)


class _Dumper(yaml.SafeDumper):
    """Quotes exactly what `_Loader` would read as something else than a text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Elsewhere PyYAML folds these line breaks of other alphabets into plain ones.
    style = '"' if any(mark in text for mark in "\x85\u2028\u2029\ufeff") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _quoted)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor("tag:yaml.org,2002:str", _text)
for _end in (_Loader, _Dumper):
    _end.yaml_implicit_resolvers = {}
    for _tag, _pattern, _first in _PLAIN:
        _end.add_implicit_resolver(_tag, _pattern, _first)


def read(text: str | bytes, *, noun: str, invalid: type[InvalidError], too_large: type[InvalidError]) -> Any:
    """The one document in `text`, as JSON values. `noun` is what a message calls it: spec, policy.

    Raises:
        invalid: it is not UTF-8, not YAML, or uses what is not taken here; with line and column where there is one.
        too_large: it has more than 64 KiB.
    """
    try:
        raw = text.encode() if isinstance(text, str) else text
        if len(raw) > LIMIT_BYTES:
            raise too_large(f"The {noun} has {len(raw):,} bytes; {LIMIT_BYTES:,} is the limit. A {noun} holds no data.")
        return _load(raw.decode())
    except UnicodeError as wrong:
        raise invalid(f"The {noun} is not text in UTF-8. Save it as UTF-8.") from wrong
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise invalid(f"The {noun} is not YAML that can be used{where}: {wrong.problem or wrong.context}.") from wrong
    except (yaml.YAMLError, ValueError, OverflowError) as wrong:
        raise invalid(f"The {noun} holds a character that cannot be read. Write it in plain UTF-8.") from wrong


def write(value: Any) -> str:
    """`value` as YAML that `read` reads back to the same."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def _load(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _fault(problem: str, mark: yaml.Mark | None) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)
