# SPDX-License-Identifier: Apache-2.0
"""An answer's tensors: `label`, BYTES [rows], and `probabilities`, FP32 [rows, classes]; or `text`, BYTES [rows]; or `values`, FP32
[rows, …]. Values that have names, such as those of a row of a table, are a tensor each, called so: FP32 [rows], or BYTES [rows] of
those that stand for a category.

The parameter `unfamiliar` names for each row the features whose value training never saw; it is JSON in a text, for the protocol's
parameters are texts, numbers or booleans. `cut` names likewise the texts of which there was more than is read; it is left out where
there is none.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
import numpy as np

from modelward.entrances.open_inference.datatypes import TensorError
from modelward.entrances.open_inference.packed_values import packed_texts
from modelward.registry import LABEL, PROBABILITIES, TEXT, VALUES, AnswerKind
from modelward.serving import Written

if TYPE_CHECKING:
    from modelward.registry import Interface
    from modelward.serving import Computed

_OUTPUTS: dict[AnswerKind, tuple[str, ...]] = {"classes": (LABEL, PROBABILITIES), "text": (TEXT,), "values": (VALUES,)}
_TEXTS = frozenset({LABEL, TEXT})
_NAME_SHOWN = 100
_Shown: TypeAlias = tuple[AnswerKind, tuple[int, ...], tuple[tuple[str, bool], ...]]
_FORMS_KEPT = 256
_encode = msgspec.json.Encoder().encode


class Wanted(NamedTuple):
    """One output to send, as JSON or packed."""

    name: str
    is_packed: bool = False


class Output(NamedTuple):
    """What an output is called, whether it is of texts, and its shape behind the rows."""

    name: str
    is_text: bool
    shape: tuple[int, ...]


def outputs_of(interface: Interface) -> tuple[Output, ...]:
    """The outputs of a version."""
    return _outputs(*_shown_by(interface))


def _shown_by(interface: Interface) -> _Shown:
    """All that decides what the outputs are, which is less to compare than a whole interface."""
    return interface.answer, interface.answer_shape, interface.named_values


@lru_cache(maxsize=_FORMS_KEPT)
def _outputs(answer: AnswerKind, shape: tuple[int, ...], named: tuple[tuple[str, bool], ...]) -> tuple[Output, ...]:
    if named:
        return tuple(Output(name, is_text, ()) for name, is_text in named)
    return tuple(Output(name, name in _TEXTS, () if name in _TEXTS else shape) for name in _OUTPUTS[answer])


def check_parameters(parameters: Container[str]) -> None:
    """Refuse what would change the meaning of a question or an answer, and is not offered. What nobody knows changes nothing.

    Raises:
        TensorError: there is such a parameter.
    """
    for name, what in _NOT_OFFERED.items():
        if name in parameters:
            raise TensorError(f"The parameter `{name}` is not offered: {what}")


def output_names(interface: Interface) -> tuple[str, ...]:
    """What the outputs of a version are called."""
    return interface.values or _OUTPUTS[interface.answer]


@lru_cache(maxsize=_FORMS_KEPT)
def everything(known: tuple[str, ...], *, is_packed: bool = False) -> tuple[Wanted, ...]:
    """All of the outputs."""
    return tuple(Wanted(name, is_packed) for name in known)


def wanted_outputs(asked: Sequence[Wanted], known: tuple[str, ...], *, is_packed: bool = False) -> tuple[Wanted, ...]:
    """Which of the known outputs to send, in the order in which they were asked for; all, and as `is_packed` says, where none is
    named.

    Raises:
        TensorError: there is no output of that name, or it is named twice.
    """
    if not asked:
        return everything(known, is_packed=is_packed)
    names = [each.name for each in asked]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise TensorError(f"No output is called {unknown[0][:_NAME_SHOWN]!r}. There are: {', '.join(known)}.")
    if len(set(names)) < len(names):
        raise TensorError("An output is asked for twice. Name each once.")
    return tuple(asked)


def written(computed: Computed, *, id: str | None, wanted: tuple[Wanted, ...]) -> Written:
    """The answer over REST: JSON, and behind it what is to be packed. Without an `id` it has that of the request."""
    listed = computed.listed
    rows, held, packed = len(listed), [], []
    for name, is_packed in wanted:
        if is_packed:
            packed.append(packed_output(name, computed))
            held.append(b"%d" % len(packed[-1]))
        else:
            held.append(_listed_output(name, computed))
    unfamiliar = _quoted(_nothing_unfamiliar(rows)) if computed.is_familiar else _encode(names_text(computed.unfamiliar))
    form = _form(computed.model, computed.number, rows, _shown_by(computed.interface), wanted)
    cut = b',"cut":' + _encode(names_text(computed.cut)) if computed.cut else b""
    text = form % (_encode(id or computed.request), unfamiliar, cut, *held)
    if not packed:
        return Written(text)
    length = (b"inference-header-content-length", b"%d" % len(text))
    return Written(b"".join((text, *packed)), "application/octet-stream", (length,))


def _listed_output(name: str, computed: Computed) -> bytes:
    """The JSON of one output's values."""
    if computed.interface.values:
        return _encode(computed.interface.named_column(name, computed.listed))
    if name == LABEL:
        return b"[%b]" % b",".join([_quoted(label) for label in computed.labels])
    if name != PROBABILITIES:
        return _encode(computed.listed if name == TEXT else np.array(computed.listed).ravel().tolist())
    listed = computed.listed
    return _encode(listed[0] if len(listed) == 1 else list(chain.from_iterable(listed)))


@lru_cache(maxsize=_FORMS_KEPT)
def _form(model: str, number: int, rows: int, shown: _Shown, wanted: tuple[Wanted, ...]) -> bytes:
    """The JSON of an answer, with places for its id, what is unfamiliar, what was cut, and each output's values or their size."""
    outputs, of = [], {each.name: each for each in _outputs(*shown)}
    for name, is_packed in wanted:
        datatype = b"BYTES" if of[name].is_text else b"FP32"
        head = b'{"name":%b,"datatype":"%b","shape":%b,' % (_encode(name), datatype, _encode((rows, *of[name].shape)))
        outputs.append(head.replace(b"%", b"%%") + (b'"parameters":{"binary_data_size":%b}}' if is_packed else b'"data":%b}'))
    beginning = b'{"model_name":%b,"model_version":"%d",' % (_encode(model).replace(b"%", b"%%"), number)
    return beginning + b'"id":%b,"parameters":{"unfamiliar":%b%b},"outputs":[' + b",".join(outputs) + b"]}"


def packed_output(name: str, computed: Computed) -> bytes:
    """The bytes of one output."""
    if computed.interface.values:
        column = computed.interface.named_column(name, computed.listed)
        return packed_texts(column) if type(column[0]) is str else np.array(column, dtype="<f4").tobytes()
    if name == LABEL:
        return b"".join([_packed(label) for label in computed.labels])
    if name == TEXT:
        return packed_texts(computed.listed)
    return computed.array.astype("<f4", copy=False).tobytes()


def names_text(names: Sequence[tuple[str, ...]]) -> str:
    """The features that are named of each row, as JSON."""
    return _encode(names).decode() if any(names) else _nothing_unfamiliar(len(names))


_SHARED_MEMORY = "send and take the data in the bodies."
_NOT_OFFERED = {
    "sequence_id": "each request stands alone. Leave it out.",
    "classification": "ask for the output `label`, and leave it out.",
    "shared_memory_region": _SHARED_MEMORY,
    "shared_memory_byte_size": _SHARED_MEMORY,
}


@lru_cache(maxsize=_FORMS_KEPT)
def _quoted(label: str) -> bytes:
    return _encode(label)


@lru_cache(maxsize=_FORMS_KEPT)
def _packed(label: str) -> bytes:
    return packed_texts((label,))


@lru_cache(maxsize=_FORMS_KEPT)
def _nothing_unfamiliar(rows: int) -> str:
    return "[" + ",".join(["[]"] * rows) + "]"
