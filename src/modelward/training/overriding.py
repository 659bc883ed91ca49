# SPDX-License-Identifier: Apache-2.0
"""Changes one value of a written spec by its path, as `--set data.split.seed=3` does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modelward import strict_yaml
from modelward.training import document
from modelward.training.document import InvalidSpecError

_STEP = re.compile(r"(?P<key>[^.\[\]=]+)|\[(?P<place>[0-9]{1,4})\]")
_PATH = re.compile(r"[^.\[\]=]+(?:\.[^.\[\]=]+|\[[0-9]{1,4}\])*")


def override(text: str | bytes, assignments: Sequence[str]) -> str:
    """`text` with each `path=value` of `assignments` put in, as YAML. A path is `data.split.seed` or
    `candidates[1].knn.neighbours`; a value is YAML. What the result means is checked by `parse_spec`.

    Raises:
        InvalidSpecError: the text is not YAML, an assignment is not `path=value`, or its path leads nowhere.
    """
    spec = document.read(text)
    if not isinstance(spec, dict):
        raise InvalidSpecError("The spec: a mapping with the keys model, data and candidates belongs here.")
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        if not equals or not _PATH.fullmatch(path):
            raise InvalidSpecError(f"{assignment!r} is no assignment. Write `path=value`, such as `data.split.seed=3`.")
        steps = [match["key"] or int(match["place"]) for match in _STEP.finditer(path)]
        _put(spec, steps, document.read(value), path=path)
    return strict_yaml.write(spec)


def _put(spec: dict[str, Any], steps: Sequence[str | int], value: Any, *, path: str) -> None:
    place: Any = spec
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, int) and not (isinstance(place, list) and step < len(place)):
            raise InvalidSpecError(f"--set {path}: there is no entry [{step}]; {_size(place)}.")
        if isinstance(step, str) and not isinstance(place, dict):
            raise InvalidSpecError(f"--set {path}: {step!r} would lie inside a value that is no mapping.")
        if following is None:
            place[step] = value
        else:
            place = _entered(place, step, following)


def _entered(place: Any, step: str | int, following: str | int) -> Any:
    """What lies at `step`, made a mapping where `following` names a key in it: a bare recipe, or what the spec left out."""
    inner = place.get(step) if isinstance(place, dict) else place[step]
    if isinstance(following, str) and (inner is None or inner == following):
        inner = {} if inner is None else {inner: {}}
        place[step] = inner
    return inner


def _size(place: Any) -> str:
    return f"entries are counted from 0 to {len(place) - 1}" if isinstance(place, list) and place else "it is no list of values"
