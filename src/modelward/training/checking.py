# SPDX-License-Identifier: Apache-2.0
"""Checks what somebody wrote against the structure it should have, and says exactly where it is wrong and what was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from modelward.errors import InvalidError
from modelward.training.document import InvalidSpecError

T = TypeVar("T")
_SHOWN_CHARACTERS = 60
# What others call it: only for hints, no spec may say it so.
_MEANT: dict[str, tuple[str, ...]] = {
    "alpha": ("l2", "smoothing"),
    "batch": ("batch_size",),
    "bs": ("batch_size",),
    "depth": ("max_depth",),
    "d_model": ("width",),
    "dropout_rate": ("dropout",),
    "early_stopping": ("patience",),
    "early_stopping_rounds": ("patience",),
    "filters": ("channels",),
    "hidden_dim": ("hidden", "units", "width"),
    "hidden_layer_sizes": ("hidden",),
    "hidden_size": ("hidden", "units", "width"),
    "iterations": ("epochs", "rounds"),
    "k": ("neighbours",),
    "kernel_size": ("kernel",),
    "lambda": ("l2",),
    "lr": ("learning_rate",),
    "max_iter": ("iterations", "epochs", "rounds"),
    "max_leaves": ("max_leaf_nodes",),
    "min_child_samples": ("min_samples_leaf",),
    "n_epochs": ("epochs",),
    "n_estimators": ("trees", "rounds"),
    "n_heads": ("heads",),
    "n_layers": ("layers", "hidden"),
    "n_neighbors": ("neighbours",),
    "neurons": ("hidden", "units"),
    "nhead": ("heads",),
    "num_boost_round": ("rounds",),
    "num_epochs": ("epochs",),
    "num_heads": ("heads",),
    "num_layers": ("layers", "hidden"),
    "num_leaves": ("max_leaf_nodes", "leaves"),
    "penalty": ("l2", "C"),
    "random_state": ("seed",),
    "reg_alpha": ("l1",),
    "reg_lambda": ("l2",),
    "units": ("hidden",),
    "weight_decay": ("l2",),
}
_LISTS = inspect.VarTupleType | inspect.ListType | inspect.TupleType
# What YAML 1.1 reads as a truth or as nothing is shorter.
_PLAIN = re.compile(r"(?!(?i:yes|no|on|off|true|false|null|y|n)$)[A-Za-z_][\w-]*")


def check(value: Any, structure: type[T], *, path: str = "") -> T:
    """`value` as an instance of `structure`, a msgspec struct or a dataclass.

    Raises:
        InvalidSpecError: a key is unknown or missing, or a value has the wrong type or lies outside its limits.
    """
    _walk(value, inspect.type_info(structure), path)
    try:
        return msgspec.convert(value, structure)
    except msgspec.ValidationError as wrong:
        what, _, where = str(wrong).partition(" - at `$")
        raise InvalidSpecError(f"{_joined(path, where.rstrip('`')) or 'The spec'}: {_lower(what)}.") from wrong


def one_of(value: Any, allowed: Iterable[Any], *, path: str) -> None:
    """Refuse `value` unless it is one of `allowed`."""
    allowed = list(allowed)
    if not any(value == entry and type(value) is type(entry) for entry in allowed):
        raise InvalidSpecError(f"{path}: {_shown(value)} is no value it can have; {nearest(value, allowed)}")


def nearest(value: Any, allowed: Iterable[Any]) -> str:
    """`did you mean …? Allowed: …`"""
    names = [str(entry) for entry in allowed]
    meant = [name for name in _MEANT.get(str(value).lower().replace("-", "_"), ()) if name in names]
    close = meant or difflib.get_close_matches(str(value).lower(), names, n=1, cutoff=0.5)
    return (f"did you mean {close[0]}? " if close else "") + f"Allowed: {', '.join(names) or 'nothing'}."


def _walk(value: Any, kind: inspect.Type, path: str) -> None:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        if value is None and any(isinstance(entry, inspect.NoneType) for entry in kind.types):
            return
        others = [entry for entry in kind.types if not isinstance(entry, inspect.NoneType)]
        if len(others) == 1:
            _walk(value, others[0], path)
    elif isinstance(kind, inspect.StructType | inspect.DataclassType):
        _walk_mapping(value, kind, path)
    elif isinstance(kind, inspect.LiteralType):
        one_of(value, kind.values, path=path)
    elif isinstance(kind, inspect.EnumType):
        one_of(value, [entry.value for entry in kind.cls], path=path)
    elif isinstance(kind, _LISTS):
        _walk_list(value, kind, path)
    elif isinstance(kind, inspect.IntType | inspect.FloatType) and isinstance(value, list):
        such = f", such as `{_shown(value[0])}`" if value and isinstance(value[0], int | float) else ""
        raise InvalidSpecError(f"{path}: one number belongs here{such}, and no list.")


def _walk_list(value: Any, kind: inspect.VarTupleType | inspect.ListType | inspect.TupleType, path: str) -> None:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        raise InvalidSpecError(f"{path}: a list belongs here, such as `[{_shown(value)}]`, and not {_shown(value)} alone.")
    if not isinstance(value, list):
        raise InvalidSpecError(f"{path}: a list belongs here, and not {_shown(value)}.")
    types: tuple[inspect.Type, ...]
    most: int | None
    if isinstance(kind, inspect.TupleType):
        types, least, most = kind.item_types, len(kind.item_types), len(kind.item_types)
    else:
        types, least, most = (kind.item_type,) * len(value), kind.min_length or 0, kind.max_length
    if len(value) < least or (most is not None and len(value) > most):
        wanted = f"{least}" if least == most else f"{least} or more" if len(value) < least else f"at most {most}"
        raise InvalidSpecError(f"{path}: a list of {wanted} belongs here, and {_shown(value)} has {len(value)}.")
    for place, (entry, each) in enumerate(zip(value, types, strict=True)):
        _walk(entry, each, f"{path}[{place}]")


def _walk_mapping(value: Any, kind: inspect.StructType | inspect.DataclassType, path: str) -> None:
    fields = {field.encode_name: field for field in kind.fields}
    if not isinstance(value, dict):
        raise InvalidSpecError(f"{path or 'The spec'}: a mapping of {', '.join(fields)} belongs here, not {_shown(value)}.")
    for key in value:
        if key not in fields:
            deeper = next(_places(str(key), kind, path), "")
            meant = f"did you mean {deeper}? Allowed: {', '.join(fields)}." if deeper else nearest(key, fields)
            raise InvalidSpecError(f"{_joined(path, f'.{key}')}: unknown; {meant}")
    for name, field in fields.items():
        if name in value:
            _walk(value[name], field.type, _joined(path, f".{name}"))
        elif field.required:
            raise InvalidSpecError(f"{_joined(path, f'.{name}')}: missing; it is required.")
    if isinstance(kind, inspect.DataclassType):
        _build(value, kind, path)


def _places(key: str, kind: inspect.StructType | inspect.DataclassType, path: str) -> Iterator[str]:
    """Where below `kind`, which lies at `path`, there is a key of that name; those nearest to it first."""
    below = [(_joined(path, f".{field.encode_name}"), inner) for field in kind.fields for inner in _structures(field.type)]
    for place, inner in below:
        if any(field.encode_name == key for field in inner.fields):
            yield f"{place}.{key}"
    for place, inner in below:
        yield from _places(key, inner, place)


def _structures(kind: inspect.Type) -> Iterator[inspect.StructType | inspect.DataclassType]:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.StructType | inspect.DataclassType):
        yield kind
    elif isinstance(kind, inspect.UnionType):
        for entry in kind.types:
            yield from _structures(entry)


def _build(value: Any, kind: inspect.DataclassType, path: str) -> None:
    """Let a dataclass of another room check itself, where its place is still known."""
    try:
        msgspec.convert(value, kind.cls)
    except msgspec.ValidationError:
        return  # said better by `check`, which finds it again
    except InvalidError as wrong:
        raise InvalidSpecError(f"{path}: {wrong}") from wrong


def _joined(path: str, rest: str) -> str:
    return (path + rest).removeprefix(".")


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def exclusion(names: Sequence[str]) -> str:
    """The line of a spec that leaves these columns out; a name that YAML would read as something else is quoted."""
    written = (name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'" for name in names)
    return f"`data: {{exclude: [{', '.join(written)}]}}`"
