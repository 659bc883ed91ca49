# SPDX-License-Identifier: Apache-2.0
"""What to change where a candidate learnt too much or too little: the parameters that its recipe has, with the values they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

_MOST = 2
# The first that a recipe has are named, so those that do most stand first. A larger value of one kind learns more by heart.
_LENGTHS = ("epochs", "rounds")
_SIZES = ("hidden", "units", "channels", "width")
_LARGER_LEARNS_MORE = ("max_depth", "max_leaf_nodes", "C", *_SIZES, *_LENGTHS)
_LARGER_LEARNS_LESS = ("min_samples_leaf", "neighbours", "dropout", "l2", "smoothing", "l1", "pruning")


def learn_less(parameters: Mapping[str, Any]) -> str:
    """What to write against overfitting."""
    said = _changes(parameters, lower=_LARGER_LEARNS_MORE, larger=_LARGER_LEARNS_LESS)
    return " ".join([*said, "More training rows help, too."])


Course = Literal["unknown", "falling", "slow", "rising"]
"""Where a training loss went: still falling at the end, fallen by hardly anything on the whole, or risen at the end."""


def learn_more(parameters: Mapping[str, Any], *, course: Course = "unknown") -> str:
    """What to write against underfitting: what the course of the loss asks for, where there is one."""
    if course == "rising":
        said = _changes(parameters, lower=("learning_rate",), larger=())
    elif course == "slow":
        said = _changes(parameters, lower=(), larger=("learning_rate", *_LENGTHS))
    elif course == "falling":
        said = _changes(parameters, lower=(), larger=(*_LENGTHS, *_SIZES))
    else:
        said = _changes(parameters, lower=_LARGER_LEARNS_LESS, larger=_LARGER_LEARNS_MORE)
    return " ".join([*said, "Or try another recipe; where none learns anything, the columns do not tell the target."])


def move_on(parameters: Mapping[str, Any], *, is_rising: bool, has_learnt: bool = False, has_numbers: bool = True) -> str:
    """What to write against a plateau: a loss that rises and falls asks for shorter steps, one that lies still for longer ones, or
    for a larger network where it has learnt before it lay still.
    """
    if is_rising:
        said = _changes(parameters, lower=("learning_rate",), larger=())
    else:
        said = _changes(parameters, lower=(), larger=(*_SIZES, "learning_rate") if has_learnt else ("learning_rate",))
    other = [name for name in ("schedule", "optimizer", "activation") if name in parameters]
    if other:
        said.append(f"Try another {' or '.join(f'`{name}`' for name in other[:2])}.")
    if has_numbers:
        said.append("Scale the numbers with `prepare: {outliers: clip, scale: standard}`.")
    return " ".join(said)


def _changes(parameters: Mapping[str, Any], *, lower: Sequence[str], larger: Sequence[str]) -> list[str]:
    down = [_change("Lower", name, parameters[name]) for name in lower if _is_set(parameters.get(name))]
    up = [_change("Raise", name, parameters[name]) for name in larger if _is_given(parameters.get(name))]
    # One each way tells more than two of the same.
    return [*down[:1], *up[:1], *down[1:], *up[1:]][:_MOST]


def _change(verb: str, name: str, value: Any) -> str:
    if isinstance(value, Sequence):
        return f"{'Fewer or smaller' if verb == 'Lower' else 'More or larger'} `{name}` layers."
    return f"{verb} `{name}` (it is {value:g})."


def _is_given(value: Any) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool)) or (isinstance(value, Sequence) and _is_numbers(value))


def _is_set(value: Any) -> bool:
    """Whether it can be lowered."""
    return _is_given(value) and value != 0


def _is_numbers(value: Sequence[Any]) -> bool:
    return not isinstance(value, str) and bool(value) and all(isinstance(part, int | float) for part in value)
