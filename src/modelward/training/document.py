# SPDX-License-Identifier: Apache-2.0
"""YAML as the spec allows it: JSON's values, written by hand.

PyYAML follows YAML 1.1, in which `no` is false, `1e-3` is a text and `12:30` is 750. Here the YAML 1.2 core schema holds (section
10.3.2), without anchors, aliases, tags, merge keys, duplicate keys, infinities or not-a-number.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from modelward.errors import InvalidError, TooLargeError

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


class InvalidSpecError(InvalidError):
    """The training spec cannot be used; the message names the key, what it may be, and the nearest match."""


class SpecTooLargeError(InvalidSpecError, TooLargeError):
    """The training spec passes the limit of its size."""


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


class _Dumper(yaml.SafeDumper):
    """Quotes exactly what `_Loader` would read as something else than a text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Elsewhere PyYAML folds these line breaks of other alphabets into plain ones.
    style = '"' if any(mark in text for mark in "\x85\u2028\u2029\ufeff") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _quoted)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))
for _end in (_Loader, _Dumper):
    _end.yaml_implicit_resolvers = {}
    for _tag, _pattern, _first in _PLAIN:
        _end.add_implicit_resolver(_tag, _pattern, _first)


def read(text: str | bytes) -> Any:
    """The one document in `text`, as JSON values.

    Raises:
        InvalidSpecError: it is larger than 64 KiB, not UTF-8, not YAML, or uses what the spec does not take; with line and column.
    """
    try:
        raw = text.encode() if isinstance(text, str) else text
        if len(raw) > LIMIT_BYTES:
            raise SpecTooLargeError(f"The spec has {len(raw):,} bytes; {LIMIT_BYTES:,} is the limit. A spec holds no data.")
        loader = _Loader(raw.decode())
        try:
            return _plain(loader.get_single_data())
        finally:
            loader.dispose()
    except UnicodeError as wrong:
        raise InvalidSpecError("The spec is not text in UTF-8. Save it as UTF-8.") from wrong
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InvalidSpecError(f"The spec is not YAML that can be used{where}: {wrong.problem or wrong.context}.") from wrong
    except (yaml.YAMLError, ValueError, OverflowError) as wrong:
        raise InvalidSpecError("The spec holds a character or a number that cannot be read. Write it in plain UTF-8.") from wrong


def write(value: Any) -> str:
    """`value` as YAML that `read` reads back to the same."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def _fault(problem: str, mark: yaml.Mark | None) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)


def _plain(value: Any) -> Any:
    """`value`, if every number in it is one that JSON carries exactly and every text is one that UTF-8 can write."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise InvalidSpecError("The spec holds a number that is too large to be written down.")
    elif isinstance(value, int) and abs(value) > _EXACT_INTEGERS:
        raise InvalidSpecError(f"The spec holds a whole number beyond {_EXACT_INTEGERS:,}, which JSON does not carry exactly.")
    return value
