# SPDX-License-Identifier: Apache-2.0
"""An answer's tensors: `label`, BYTES [rows], and `probabilities`, FP32 [rows, classes]; or `text`, BYTES [rows]; or `values`, FP32
[rows, …].

The parameter `unfamiliar` names for each row the features whose value training never saw; it is JSON in a text, for the protocol's
parameters are texts, numbers or booleans.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from modelward.entrances.open_inference.datatypes import TensorError
from modelward.entrances.open_inference.packed_values import packed_texts
from modelward.registry import LABEL, PROBABILITIES, TEXT, VALUES, AnswerKind
from modelward.serving import Written

if TYPE_CHECKING:
    from modelward.serving import Computed

OUTPUTS: dict[AnswerKind, tuple[str, ...]] = {"classes": (LABEL, PROBABILITIES), "text": (TEXT,), "values": (VALUES,)}
TEXTS = frozenset({LABEL, TEXT})
"""The outputs that are texts, one a row; the others are numbers."""
_NAME_SHOWN = 100
_FORMS_KEPT = 256
_encode = msgspec.json.Encoder().encode


class Wanted(NamedTuple):
    """One output to send, as JSON or packed."""

    name: str
    is_packed: bool = False


EVERYTHING = {answer: tuple(map(Wanted, names)) for answer, names in OUTPUTS.items()}
_EVERYTHING_PACKED = {answer: tuple(Wanted(name, is_packed=True) for name in names) for answer, names in OUTPUTS.items()}


def check_parameters(parameters: Container[str]) -> None:
    """Refuse what would change the meaning of a question or an answer, and is not offered. What nobody knows changes nothing.

    Raises:
        TensorError: there is such a parameter.
    """
    for name, what in _NOT_OFFERED.items():
        if name in parameters:
            raise TensorError(f"The parameter `{name}` is not offered: {what}")


def wanted_outputs(asked: Sequence[Wanted], answer: AnswerKind, *, is_packed: bool = False) -> tuple[Wanted, ...]:
    """What to send of such an answer, in the order in which it was asked for; all, and as `is_packed` says, where nothing is named.

    Raises:
        TensorError: there is no output of that name, or it is named twice.
    """
    if not asked:
        return (_EVERYTHING_PACKED if is_packed else EVERYTHING)[answer]
    names = [each.name for each in asked]
    unknown = [name for name in names if name not in OUTPUTS[answer]]
    if unknown:
        raise TensorError(f"No output is called {unknown[0][:_NAME_SHOWN]!r}. There are: {', '.join(OUTPUTS[answer])}.")
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
    unfamiliar = _quoted(_nothing_unfamiliar(rows)) if computed.is_familiar else _encode(unfamiliar_text(computed.unfamiliar))
    form = _form(computed.model, computed.number, rows, computed.interface.answer_shape, wanted)
    text = form % (_encode(id or computed.request), unfamiliar, *held)
    if not packed:
        return Written(text)
    length = (b"inference-header-content-length", b"%d" % len(text))
    return Written(b"".join((text, *packed)), "application/octet-stream", (length,))


def _listed_output(name: str, computed: Computed) -> bytes:
    """The JSON of one output's values."""
    if name == LABEL:
        return b"[%b]" % b",".join([_quoted(label) for label in computed.labels])
    if name != PROBABILITIES:
        return _encode(computed.listed if name == TEXT else computed.array.ravel().tolist())
    listed = computed.listed
    return _encode(listed[0] if len(listed) == 1 else list(chain.from_iterable(listed)))


@lru_cache(maxsize=_FORMS_KEPT)
def _form(model: str, number: int, rows: int, shape: tuple[int, ...], wanted: tuple[Wanted, ...]) -> bytes:
    """The JSON of an answer, with places for its id, for what is unfamiliar, and for each output's values or their size."""
    outputs = []
    for name, is_packed in wanted:
        head = _TEXTS_HEAD % (name.encode(), rows) if name in TEXTS else _NUMBERS_HEAD % (name.encode(), _encode((rows, *shape)))
        outputs.append(head + (b'"parameters":{"binary_data_size":%b}}' if is_packed else b'"data":%b}'))
    beginning = b'{"model_name":%b,"model_version":"%d",' % (_encode(model).replace(b"%", b"%%"), number)
    return beginning + b'"id":%b,"parameters":{"unfamiliar":%b},"outputs":[' + b",".join(outputs) + b"]}"


def packed_output(name: str, computed: Computed) -> bytes:
    """The bytes of one output."""
    if name == LABEL:
        return b"".join([_packed(label) for label in computed.labels])
    if name == TEXT:
        return packed_texts(computed.listed)
    return computed.array.astype("<f4", copy=False).tobytes()


def unfamiliar_text(unfamiliar: Sequence[tuple[str, ...]]) -> str:
    """The features of each row whose value training never saw, as JSON."""
    return _encode(unfamiliar).decode() if any(unfamiliar) else _nothing_unfamiliar(len(unfamiliar))


_TEXTS_HEAD = b'{"name":"%b","datatype":"BYTES","shape":[%d],'
_NUMBERS_HEAD = b'{"name":"%b","datatype":"FP32","shape":%b,'
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
