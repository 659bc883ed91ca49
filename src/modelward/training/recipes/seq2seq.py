# SPDX-License-Identifier: Apache-2.0
"""Sequence to sequence: reads a text and writes another, such as its translation. A recurrent encoder and decoder with
attention, or a Transformer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from modelward.registry import AnswerKind
from modelward.training.estimating import Values
from modelward.training.neural import (
    ArrayBatches,
    Batch,
    Learning,
    Loss,
    Randomness,
    Task,
    Turn,
    check_installed,
    dense_weights,
    device_named,
    learn,
)
from modelward.training.neural.decoding import Reader, Writing, draw
from modelward.training.neural.learning import Limit
from modelward.training.neural.vocabulary import END, PADDING, UNKNOWN, Alphabet, Ids, Units
from modelward.training.pairs import PairInputs
from modelward.training.recipe import Gains, InvalidParameterError, Made, Progress, Rows, Takes

if TYPE_CHECKING:
    import torch

    from modelward.training.neural.rewriter import Rewriter
    from modelward.training.neural.translator import Translator

    Network = Rewriter | Translator

_CHARACTERS_READ = 4000
_SHARE_WRITTEN_WHOLE = 0.99
_AT_ONCE = 256
_GAINS_OF, _GAINS_AT_ONCE = 500, 16


class Seq2SeqParameters(Learning, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `seq2seq`."""

    learning_rate: Annotated[float, Meta(gt=0, le=1000, description="Length of a step.")] = 3e-3
    batch_size: Annotated[int, Meta(ge=0, le=1_000_000, description="Pairs for one step; 0 means all of them.")] = 64
    clip_norm: Annotated[Limit | None, Meta(description="Longest gradient; none sets no limit.")] = 1.0
    architecture: Annotated[
        Literal["rnn", "transformer"],
        Meta(description="Reads and writes from place to place with a memory, or every place looks at all others."),
    ] = "rnn"
    cell: Annotated[Literal["gru", "lstm"], Meta(description="How it remembers; of `rnn`.")] = "gru"
    units: Annotated[
        int, Meta(ge=1, le=4096, description="Numbers it remembers, each way; of `transformer` the numbers that stand for a place.")
    ] = 128
    layers: Annotated[int, Meta(ge=1, le=8, description="Layers that read, and as many that write.")] = 1
    width: Annotated[
        int, Meta(ge=1, le=4096, description="Numbers by which it knows a character, or what it writes; of `rnn`.")
    ] = 64
    heads: Annotated[
        int, Meta(ge=1, le=64, description="Looks at all places side by side, which share the units; of `transformer`.")
    ] = 4
    inner: Annotated[int, Meta(ge=1, le=8192, description="Units at each place between two looks; of `transformer`.")] = 256
    writes: Annotated[
        Literal["characters", "subwords"],
        Meta(description="What it writes one after the other: characters, or what stands together most often inside of words."),
    ] = "subwords"
    vocabulary: Annotated[int, Meta(ge=2, le=50_000, description="Most different characters and subwords that it writes.")] = 500
    label_smoothing: Annotated[float, Meta(ge=0, lt=1, description="Share of what is to be written that is spread evenly.")] = 0.1
    beam: Annotated[
        int, Meta(ge=1, le=16, description="Texts that are followed side by side while it writes; 1 takes the likeliest each time.")
    ] = 4


@dataclass(frozen=True, slots=True)
class Seq2Seq:
    """Encoder and decoder with attention (Bahdanau, Cho and Bengio 2014; Luong, Pham and Manning 2015), or the Transformer (Vaswani
    et al. 2017, normalised first), trained with the true text before each unit; the best epoch by the validation loss is kept.

    Raises:
        InvalidParameterError: the heads cannot share the units. MissingExtraError: PyTorch or safetensors is not installed.
    """

    Parameters: ClassVar[type[Seq2SeqParameters]] = Seq2SeqParameters
    takes: ClassVar[Takes] = "text"
    answers: ClassVar[AnswerKind] = "text"
    sizes: ClassVar[tuple[str, ...]] = ("units", "width", "inner", "vocabulary")
    parameters: Seq2SeqParameters

    def __post_init__(self) -> None:
        check_installed("seq2seq")
        asked = self.parameters
        if asked.architecture == "transformer" and asked.units % asked.heads:
            raise InvalidParameterError(
                f"The {asked.heads} heads of the recipe 'seq2seq' cannot share {asked.units} units evenly. "
                f"Set `units: {asked.heads * math.ceil(asked.units / asked.heads)}`, or other `heads`."
            )

    def weights(self, inputs: PairInputs) -> int:
        """See `memory.Sized`."""
        asked = self.parameters
        if asked.architecture == "transformer":
            return _transformer_weights(asked, inputs)
        gates, states = {"lstm": (4, 2), "gru": (3, 1)}[asked.cell]
        u, w = asked.units, asked.width
        count = (_CHARACTERS_READ + asked.vocabulary) * w
        for place in range(asked.layers):
            count += 2 * gates * u * ((2 * u if place else w) + u + 2) + gates * u * ((u if place else w) + u + 2)
        return count + 2 * u * asked.layers * u * states + 2 * u * u + 3 * u * u + u * (asked.vocabulary + 1)

    def make(self, inputs: PairInputs, progress: Progress) -> Made:
        asked = self.parameters
        writing, pairs = _prepared(inputs, asked)
        device = device_named(inputs.device)
        randomness = Randomness.of(inputs.seed, device)
        network = _network(asked, writing, randomness, width=inputs.width)
        learnt = learn(
            _task(network, inputs, asked, pairs, device, randomness), asked, progress=progress, checkpoints=inputs.checkpoints
        )
        network.cpu()
        return Made(
            predict=lambda rows: _predict(network, rows, writing),
            graph=lambda: draw(_reader(network, width=inputs.width, beam=writing.beam), writing, width=inputs.width),
            parameters=sum(part.numel() for part in network.parameters()),
            notes=(*learnt.notes, *_notes(inputs, writing, pairs)),
            curves=learnt.curves,
            gains=lambda: _gains(network, pairs, vocabulary=len(writing.units.pieces), seed=inputs.seed),
        )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """What is read and what is written, in training and in validation, as numbers."""

    train: tuple[Ids, Ids]
    validation: tuple[Ids, Ids]


def _prepared(inputs: PairInputs, asked: Seq2SeqParameters) -> tuple[Writing, _Pairs]:
    """How answers are written, by the training texts alone, and all pairs in these terms."""
    alphabet = Alphabet.of(inputs.train, most=_CHARACTERS_READ)
    units = Units.of(inputs.train_texts, most=asked.vocabulary, are_subwords=asked.writes == "subwords")
    lengths = (units.ids(inputs.train_texts) != PADDING).sum(axis=1) - 1
    most = max(1, int(np.quantile(lengths, _SHARE_WRITTEN_WHOLE, method="higher")))
    writing = Writing(alphabet=alphabet, units=units, most=most, beam=min(asked.beam, len(units.pieces)), length=inputs.length)

    def part(points: Rows, texts: tuple[str, ...]) -> tuple[Ids, Ids]:
        return alphabet.ids(points), units.ids(texts, most=most)

    return writing, _Pairs(part(inputs.train, inputs.train_texts), part(inputs.validation, inputs.validation_texts))


def _transformer_weights(asked: Seq2SeqParameters, inputs: PairInputs) -> int:
    wide = asked.units
    attention, normal = 4 * dense_weights((wide, wide)), 2 * wide
    between = dense_weights((wide, asked.inner, wide))
    layers = asked.layers * (3 * attention + 2 * between + 5 * normal)
    places = _CHARACTERS_READ + asked.vocabulary + inputs.width + inputs.length + 1
    return layers + places * wide + 2 * normal + dense_weights((wide, asked.vocabulary))


def _network(asked: Seq2SeqParameters, writing: Writing, randomness: Randomness, *, width: int) -> Network:
    alphabet, vocabulary = writing.alphabet.size, len(writing.units.pieces)
    if asked.architecture == "transformer":
        from modelward.training.neural.rewriter import Rewriter

        return Rewriter(
            alphabet=alphabet,
            vocabulary=vocabulary,
            places=width,
            most=writing.most,
            width=asked.units,
            heads=asked.heads,
            layers=asked.layers,
            inner=asked.inner,
            dropout=asked.dropout,
            randomness=randomness,
        )
    from modelward.training.neural.translator import Translator

    return Translator(
        alphabet=alphabet,
        vocabulary=vocabulary,
        cell=asked.cell,
        width=asked.width,
        units=asked.units,
        layers=asked.layers,
        dropout=asked.dropout,
        randomness=randomness,
    )


def _reader(network: Network, *, width: int, beam: int) -> Reader:
    from modelward.training.neural.drawn_rewriter import DrawnRewriter
    from modelward.training.neural.drawn_translator import DrawnTranslator
    from modelward.training.neural.rewriter import Rewriter

    if isinstance(network, Rewriter):
        return lambda drawing, text: DrawnRewriter.read(drawing, network, text, width=width, beam=beam)
    return lambda drawing, text: DrawnTranslator.read(drawing, network, text, width=width, beam=beam)


def _task(
    network: Network,
    inputs: PairInputs,
    asked: Seq2SeqParameters,
    pairs: _Pairs,
    device: torch.device,
    randomness: Randomness,
) -> Task:
    import torch

    train, seen = ([torch.tensor(each) for each in part] for part in (pairs.train, pairs.validation))
    at_once = min(asked.judged_at_once, _AT_ONCE)
    return Task(
        name="seq2seq",
        turns=(Turn(network=network, loss=_loss(network, asked.label_smoothing)),),
        batches=ArrayBatches(*train, size=asked.batch_size, seed=inputs.seed),
        validation=ArrayBatches(*seen, size=at_once) if inputs.has_validation else None,
        device=device,
        randomness=randomness,
    )


def _loss(network: Network, smoothing: float) -> Callable[[Batch], Loss]:
    """The mean over all units that are to be written, ends included; what is never written is not learned."""
    from torch.nn import functional

    def loss(batch: Batch) -> Loss:
        characters, units = batch
        units = units[:, : int((units != PADDING).sum(dim=1).max())]
        wanted = units.masked_fill(units == UNKNOWN, PADDING)
        count = (wanted != PADDING).sum()
        logits = network(characters, units).flatten(0, 1)
        told = functional.cross_entropy(logits, wanted.flatten(), ignore_index=PADDING, label_smoothing=smoothing, reduction="sum")
        return Loss(told / count.clamp(min=1), count)

    return loss


def _gains(network: Network, pairs: _Pairs, *, vocabulary: int, seed: int) -> Gains:
    """Of each pair the mean over the units that are to be written, the true ones standing before each."""
    written = pairs.train[1]
    counts = np.bincount(written[written > UNKNOWN], minlength=vocabulary) + 1
    counts[END] = len(written)
    frequencies = np.log(counts / counts.sum())

    def of(part: tuple[Ids, Ids]) -> Values:
        places = np.random.default_rng(seed).permutation(len(part[0]))[:_GAINS_OF]
        some = [places[at : at + _GAINS_AT_ONCE] for at in range(0, len(places), _GAINS_AT_ONCE)]
        return np.concatenate([*(_gained(network, part[0][rows], part[1][rows], frequencies) for rows in some), np.empty(0)])

    return Gains(training=of(pairs.train), validation=of(pairs.validation))


def _gained(network: Network, characters: Ids, units: Ids, frequencies: Values) -> Values:
    import torch

    units = units[:, : int((units != PADDING).sum(axis=1).max())]
    is_asked = (units != PADDING) & (units != UNKNOWN)
    with torch.no_grad():
        likely = torch.log_softmax(network(torch.tensor(characters), torch.tensor(units)), dim=-1).numpy()
    wanted = np.where(is_asked, units, END)
    gained = np.take_along_axis(likely, wanted[:, :, None], axis=2)[:, :, 0] - frequencies[wanted]
    return np.asarray((gained * is_asked).sum(axis=1) / is_asked.sum(axis=1).clip(min=1), dtype=np.float64)


def _predict(network: Network, rows: Rows, writing: Writing) -> Any:
    """The code points of the answers, int32 [n, length]."""
    import torch

    from modelward.training.neural.following import write

    pieces, found = writing.units.pieces, np.zeros((len(rows), writing.length), dtype=np.int32)
    for start in range(0, len(rows), _AT_ONCE):
        ids = torch.tensor(writing.alphabet.ids(rows[start : start + _AT_ONCE]))
        with torch.no_grad():
            units = write(network, ids, beam=writing.beam, most=writing.most).tolist()
        for at, row in enumerate(units, start):
            text = "".join(pieces[unit] for unit in row)[: writing.length]
            found[at, : len(text)] = [ord(letter) for letter in text]
    return found


def _notes(inputs: PairInputs, writing: Writing, pairs: _Pairs) -> tuple[str, ...]:
    units = pairs.train[1]
    cut = int((units[:, -1] > END).sum())
    unknown = int((units == UNKNOWN).any(axis=1).sum())
    read, writes = writing.alphabet.size - 2, len(writing.units.pieces) - 2
    told = [f"It reads {read:,} characters and writes {writes:,} units, at most {writing.most} in an answer."]
    if cut:
        told.append(f"{cut:,} of {len(inputs.train):,} training pairs are longer, and are learned up to there.")
    if unknown:
        told.append(f"{unknown:,} training pairs hold characters that are too rare to be written. Raise `vocabulary`.")
    return tuple(told)
