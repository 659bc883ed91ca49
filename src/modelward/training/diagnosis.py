# SPDX-License-Identifier: Apache-2.0
"""Why a candidate is as it is: rules over what is known of a training once it ended. Each says nothing unless its interval does.

Pure: the same facts give the same findings, whoever made the curves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from modelward.training import remedies
from modelward.training.estimating import Figure, Values, difference, mean
from modelward.training.finding import Finding
from modelward.training.recipe import Gains, Labels, Probabilities

ACCURACY_GAP = 0.03
"""How much better training rows must be answered than validation rows, at the low end of the interval, to be overfitting."""
LOSS_GAP = 0.1
"""The same, of the log loss in nats."""
GAIN_GAP = 0.25
"""The share of what a candidate gains on training rows that it may lack on validation rows, where it answers with more than a few
classes.
"""
RARE_SHARE = 0.2
"""A class is rare that has less than this share of what it had if all classes were as frequent: a tenth of the rows, of two."""
_LAG, _LEAST_RARE = 0.1, 5
# Less than so much better is hardly better: in nats of the log loss, and of the balanced accuracy.
_LOSS_GAIN, _BALANCED_GAIN = 0.02, 0.05
_STILL = 0.01
_ROUNDING = 1e-4
_LEAST_ROWS = 20
_LEAST_EPOCHS = 6
# From so many epochs on a loss has a course; one that fell by less than this share on the whole was learnt from too slowly.
_LEAST_POINTS, _SLOW = 2, 0.05
# Who knows nothing loses log K, 9.2 of 10,000 answers. Beyond this the steps were too long, wherever the loss went since.
_BEYOND_GUESSING = 20.0
_LEAST_PROBABILITY = 1.2e-7


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Rows of one part, and what the trained estimator answered: labels [n], probabilities [n, K]."""

    labels: Labels
    probabilities: Probabilities

    @property
    def rows(self) -> int:
        return len(self.labels)

    @property
    def right(self) -> Values:
        """1 for each row that was decided rightly, 0 for the others."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels, dtype=np.float64)

    @property
    def losses(self) -> Values:
        """The log loss of each row, in nats."""
        given = self.probabilities[np.arange(self.rows), self.labels]
        return np.asarray(-np.log(np.clip(given, _LEAST_PROBABILITY, 1.0)), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a candidate: its curves, one value an epoch; its answers to training and validation rows (none where there
    are none); rows by class among all training rows; its parameters. `reference` are answers of the run's reference to the same
    training rows. `has_numbers` says whether the rows hold numbers that can be scaled.
    """

    training: Answered
    validation: Answered | None
    counts: Labels
    parameters: Mapping[str, Any]
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    reference: Probabilities | None = None
    seed: int = 0
    has_numbers: bool = True

    @property
    def is_weighted(self) -> bool:
        return self.parameters.get("class_weight") is not None


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """What explains how the candidate came out; nothing where nothing stands out."""
    if facts.training.rows < _LEAST_ROWS:
        return ()
    # One of the three, for what helps against the one makes the other worse.
    learnt = _too_much_by_accuracy(facts) or _too_little(facts) or _too_much_by_loss(facts)
    return tuple(each for each in (learnt, _imbalance(facts)) if each)


def diagnose_gains(
    gains: Gains, *, parameters: Mapping[str, Any], curves: Mapping[str, Sequence[float]], seed: int
) -> tuple[Finding, ...]:
    """The same of a candidate that answers with more than a few classes. What frequencies alone lose is taken off, for validation
    rows may ask for other answers than training rows.
    """
    training, validation = gains.training, gains.validation
    if len(training) < _LEAST_ROWS:
        return ()
    gain = mean(training, seed=seed)
    if gain.high < _LOSS_GAIN:
        text = f"On training rows it is hardly better, if at all, than the frequencies of what is answered. {_loss_told(gain)}"
        return (_learnt_too_little(text, parameters, curves, has_numbers=False),)
    gap = difference(training, validation, seed=seed) if len(validation) >= _LEAST_ROWS else None
    if gap is None or gap.low <= max(LOSS_GAP, GAIN_GAP * gain.value):
        return ()
    text = (
        f"Its log loss is lower than that of the frequencies of what is answered by {gain.value:.3f} on training rows and by "
        f"{validation.mean():.3f} on validation rows, a gap of {gap}."
    )
    return (Finding(kind="overfitting", text=text, remedy=remedies.learn_less(parameters)),)


def _too_much_by_accuracy(facts: Facts) -> Finding | None:
    training, validation = facts.training, facts.validation
    if validation is None or validation.rows < _LEAST_ROWS:
        return None
    gap = difference(training.right, validation.right, seed=facts.seed)
    if gap.low <= ACCURACY_GAP:
        return None
    first, second = training.right.mean(), validation.right.mean()
    text = f"The accuracy is {first:.3f} on training rows and {second:.3f} on validation rows, a gap of {gap}."
    return Finding(kind="overfitting", text=text, remedy=remedies.learn_less(facts.parameters))


def _too_much_by_loss(facts: Facts) -> Finding | None:
    """Of a candidate that decides as well on either part, and is too sure of itself on what it learnt from."""
    training, validation = facts.training, facts.validation
    if validation is None or validation.rows < _LEAST_ROWS:
        return None
    gap = difference(validation.losses, training.losses, seed=facts.seed)
    if gap.low <= LOSS_GAP:
        return None
    first, second = training.losses.mean(), validation.losses.mean()
    text = f"The log loss is {first:.3f} on training rows and {second:.3f} on validation rows, a gap of {gap}."
    return Finding(kind="overfitting", text=text, remedy=remedies.learn_less(facts.parameters))


def _too_little(facts: Facts) -> Finding | None:
    """Against always answering the frequencies of the classes, and against the reference; by two measures each, for a candidate
    that weighs its classes loses accuracy on purpose, and one of rare classes decides every row for the same with good reason.
    """
    text = _behind_constant(facts) or _behind_reference(facts)
    return _learnt_too_little(text, facts.parameters, facts.curves, has_numbers=facts.has_numbers) if text else None


def _learnt_too_little(
    text: str, parameters: Mapping[str, Any], curves: Mapping[str, Sequence[float]], *, has_numbers: bool
) -> Finding:
    """That `text` is so, and what the course of the training loss says to it."""
    losses = curves.get("training_loss", ())
    fallen = _fall_at_last(losses)
    if fallen is not None and abs(fallen) < _STILL:
        text = f"The training loss changed by {-fallen:+.2%} over the last third of {len(losses)} epochs. {text}"
        remedy = remedies.move_on(
            parameters, is_rising=_rises(losses), has_learnt=_course(losses) == "falling", has_numbers=has_numbers
        )
        return Finding(kind="plateau", text=text, remedy=remedy)
    course = _course(losses)
    if course != "unknown":
        text = f"The training loss went from {losses[0]:.3g} to {losses[-1]:.3g} in {len(losses)} epochs. {text}"
    return Finding(kind="underfitting", text=text, remedy=remedies.learn_more(parameters, course=course))


def _behind_constant(facts: Facts) -> str:
    for part, word in ((facts.training, "training"), (facts.validation, "validation")):
        if part is None or part.rows < _LEAST_ROWS:
            continue
        shares = np.bincount(part.labels, minlength=len(facts.counts)) / part.rows
        loss, balanced = _gains(part, np.tile(shares, (part.rows, 1)), seed=facts.seed)
        if loss.high < _LOSS_GAIN and balanced.high < _BALANCED_GAIN:
            return (
                f"On {word} rows it is hardly better, if at all, than always answering the frequencies of the classes. "
                f"{_compared(loss, balanced)}"
            )
    return ""


def _behind_reference(facts: Facts) -> str:
    if facts.reference is None:
        return ""
    theirs = Answered(labels=facts.training.labels, probabilities=facts.reference)
    loss, balanced = _gains(theirs, facts.training.probabilities, seed=facts.seed)
    if loss.low <= _LOSS_GAIN or balanced.low <= _LOSS_GAIN:
        return ""
    return (
        "On training rows it is behind a quick reference that did not learn from them. "
        f"{_compared(_opposite(loss), _opposite(balanced))}"
    )


def _compared(loss: Figure, balanced: Figure) -> str:
    """By how much it is better than another in words that need no sign, whichever way the figures lie."""
    if balanced.value >= 0:
        return f"{_loss_told(loss)} Its balanced accuracy is higher by {balanced}."
    return f"{_loss_told(loss)} Its balanced accuracy is lower by {_opposite(balanced)}."


def _loss_told(loss: Figure) -> str:
    return f"Its log loss is lower by {loss}." if loss.value >= 0 else f"Its log loss is higher by {_opposite(loss)}."


def _opposite(figure: Figure) -> Figure:
    return Figure(-figure.value, -figure.high, -figure.low)


def _gains(ours: Answered, rival: Probabilities, *, seed: int) -> tuple[Figure, Figure]:
    """By how much the log loss is lower and the balanced accuracy higher than the rival's on the same rows."""
    theirs, counts = Answered(labels=ours.labels, probabilities=rival), np.bincount(ours.labels)
    # The mean of these values over the rows is the balanced accuracy.
    weights = ours.rows / (np.count_nonzero(counts) * counts[ours.labels])
    return mean(theirs.losses - ours.losses, seed=seed), mean(weights * (ours.right - theirs.right), seed=seed)


def _fall_at_last(losses: Sequence[float]) -> float | None:
    """The share by which the loss fell over the last third of the epochs; None where there are too few, or no such share."""
    if len(losses) < _LEAST_EPOCHS:
        return None
    start = losses[-1 - len(losses) // 3]
    return (start - losses[-1]) / start if start > 0 else None


def _course(losses: Sequence[float]) -> remedies.Course:
    if len(losses) < _LEAST_POINTS or losses[0] <= 0:
        return "unknown"
    if losses[-1] > min(_BEYOND_GUESSING, losses[max(0, len(losses) - 1 - len(losses) // 3)]):
        return "rising"
    return "slow" if losses[0] - losses[-1] < _SLOW * losses[0] else "falling"


def _rises(losses: Sequence[float]) -> bool:
    """Whether the loss rose in one of three epochs at least, by more than rounding, or is beyond guessing."""
    if losses[-1] > _BEYOND_GUESSING:
        return True
    last = list(pairwise(losses[-1 - len(losses) // 3 :]))
    return sum(later > earlier * (1 + _ROUNDING) for earlier, later in last) * 3 >= len(last)


def _imbalance(facts: Facts) -> Finding | None:
    rarest = int(np.argmin(facts.counts))
    rows, every = int(facts.counts[rarest]), int(facts.counts.sum())
    part, word = (facts.validation, "validation") if facts.validation is not None else (facts.training, "training")
    is_rarest = part.labels == rarest
    if rows * len(facts.counts) >= RARE_SHARE * every or is_rarest.sum() < _LEAST_RARE or is_rarest.all():
        return None
    text = f"The rarest class has {rows:,} of {every:,} training rows."
    if facts.is_weighted:
        excess = mean(part.probabilities[:, rarest] - is_rarest, seed=facts.seed)
        if excess.low <= _LOSS_GAIN:
            return None
        text += f" The classes weighed the same in training, and on {word} rows it is given {excess} too much probability."
        return Finding(kind="imbalance", text=text, remedy="Where the probabilities count, leave `class_weight` out.")
    lag = difference(part.right[~is_rarest], part.right[is_rarest], seed=facts.seed)
    if lag.low <= _LAG:
        return None
    text += f" All rows weighed the same, and of its {word} rows a smaller share is found than of the others, by {lag}."
    return Finding(kind="imbalance", text=text, remedy=_against_imbalance(facts.parameters))


def _against_imbalance(parameters: Mapping[str, Any]) -> str:
    if "class_weight" in parameters:
        return "Set `class_weight: balanced` where finding it matters more than the accuracy, and judge by `balanced_accuracy`."
    return "Judge by `balanced_accuracy` or `roc_auc`, or take a recipe that has `class_weight`."
