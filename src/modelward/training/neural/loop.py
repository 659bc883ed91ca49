# SPDX-License-Identifier: Apache-2.0
"""The loop: the one way in which networks are trained here.

An epoch is so many steps, a step is one batch: forward, backward, and the optimiser moves the weights. A training may be stopped at
any moment, in whatever way, and goes on from its last checkpoint to the same bits: batches follow from the seed and the epoch, the
rate from the place, and all else is in the checkpoint (`course`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from modelward.training.neural.batches import Batch, Batches
from modelward.training.neural.checkpoint import State, Tally
from modelward.training.neural.course import Course, Player
from modelward.training.neural.devices import is_mixed
from modelward.training.neural.learning import Learning
from modelward.training.neural.losses import Loss
from modelward.training.neural.optimizers import clip, gradient_norm, penalise
from modelward.training.neural.schedules import learning_rate, plateaus
from modelward.training.neural.task import Task, Turn
from modelward.training.recipe import DivergedError, one_thread, tell_curves

if TYPE_CHECKING:
    import torch

    from modelward.training.checkpoints import Checkpoints
    from modelward.training.recipe import Progress

VALIDATION, RATE, NORM = "validation_loss", "learning_rate", "gradient_norm"
# Measuring the gradients of a small network in each step would cost a twentieth of the step.
_MEASURED_EVERY = 64
_TELL_SECONDS = 0.1
_NOTHING = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a training came to: a value of each curve for each epoch, and sentences about how it went."""

    curves: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...]


def learn(task: Task, asked: Learning, *, progress: Progress, checkpoints: Checkpoints) -> Learnt:
    """Train the networks of `task`; they end on its device, with the weights of the best epoch, or of the last without validation.

    Raises:
        DivergedError: a loss or a gradient is no number any more; the message says in which step, and what to change.
        PrecisionMissingError: the device has not the precision that is asked for. Whatever `progress` raises: then what was learnt
            is in a checkpoint.
    """
    import torch

    one_thread()
    torch.set_num_threads(1)
    loop = _Loop(task, asked, progress, checkpoints)
    loop.go_on()
    while not loop.is_over:
        loop.begin_epoch()
        for batch in task.batches.epoch(loop.state.epoch, first=loop.state.step):
            loop.step(batch)
        loop.end_epoch()
    loop.course.conclude()
    return Learnt(curves={name: tuple(values) for name, values in loop.state.curves.items()}, notes=loop.notes)


class _Loop:
    def __init__(self, task: Task, asked: Learning, progress: Progress, checkpoints: Checkpoints) -> None:
        self._task = task
        self._asked = asked
        self._progress = progress
        self._checkpoints = checkpoints
        self._is_mixed = is_mixed(task.device, asked.precision)
        self._is_on_cpu = task.device.type == "cpu"
        self._clips = asked.clip_norm is not None or asked.clip_value is not None
        self._rates: list[float] = []
        self._told = -math.inf
        self._resumed = ""
        self.course = Course(task, asked)

    def go_on(self) -> None:
        """Take up the last checkpoint, where there is one."""
        if (found := self._checkpoints.load()) is None:
            return
        if why := self.course.take_up(found):
            self._checkpoints.refuse(why)
            return
        self._resumed = (
            f"It was stopped, and went on after step {self.state.step} of epoch {self.state.epoch}; "
            "time and energy are those since then."
        )

    @property
    def state(self) -> State:
        return self.course.state

    @property
    def is_over(self) -> bool:
        """Whether all epochs ran, or the last ones brought no better validation loss."""
        ended = self.state.epoch - 1
        return ended >= self._asked.epochs or (self.state.best_epoch > 0 and ended - self.state.best_epoch >= self._asked.patience)

    def begin_epoch(self) -> None:
        curves, steps = self.state.curves, self._task.batches.steps
        count = plateaus(curves.get(VALIDATION) or curves.get(self._task.turns[0].curve, []))
        first, whole = (self.state.epoch - 1) * steps, self._asked.epochs * steps
        self._rates = [learning_rate(self._asked, step=first + step, steps=whole, plateaus=count) for step in range(steps)]
        for network in self.course.networks:
            network.train()

    def step(self, batch: Batch) -> None:
        """Let each turn move the weights of its network once.

        What stands here is done in each step: beside a small network, ten calls of Python are some per cent.
        """
        state, asked = self.course.state, self._asked
        if not self._is_on_cpu:
            batch = self._moved(batch)
        for turn, player in zip(self._task.turns, self.course.players, strict=True):
            player.set_rate(self._rates[state.step])
            if asked.accumulate == 1:
                loss = self._loss(turn, batch)
                # Only now: where the loss is no number, the gradients of the step before say why.
                player.forget()
                loss.mean.backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it untyped
            else:
                self._accumulate(turn, player, batch)
            if asked.l1:
                penalise(turn.network, asked.l1)
            if state.step % _MEASURED_EVERY == 0:
                self._measure(turn.network)
            if self._clips:
                clip(turn.network, asked)
            player.optimizer.step()
        if self.course.average:
            self.course.average.update((state.epoch - 1) * len(self._rates) + state.step)
        state.step += 1
        self._after_step()

    def _loss(self, turn: Turn, batch: Batch) -> Loss:
        if self._is_mixed:
            with self._numbers():
                loss = turn.loss(batch)
        else:
            loss = turn.loss(batch)
        value, weight = loss.mean.item(), float(loss.weight)
        # What is infinite or no number is not 0 after it was taken from itself.
        if value - value != 0.0:
            self._diverged("its loss is no longer a number")
        losses = self.course.state.tally.losses
        total, whole = losses.get(turn.curve, _NOTHING)
        losses[turn.curve] = (total + value * weight, whole + weight)
        return loss

    def _accumulate(self, turn: Turn, player: Player, batch: Batch) -> None:
        """Compute the gradients of a batch part by part: those of the weighted mean of the parts."""
        whole: torch.Tensor | float = 0.0
        for place, part in enumerate(zip(*(each.chunk(self._asked.accumulate) for each in batch), strict=True)):
            loss = self._loss(turn, part)
            if place == 0:
                player.forget()
            (loss.mean * loss.weight).backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it untyped
            whole = whole + loss.weight
        for weight in player.weights:
            if weight.grad is not None:
                weight.grad.div_(whole)

    def _measure(self, network: torch.nn.Module) -> None:
        if (norm := gradient_norm(network)) is None:
            return
        if not math.isfinite(norm):
            self._diverged("its gradient is no longer a number")
        total, count = self.state.tally.norms
        self.state.tally.norms = (total + norm, count + 1)

    def end_epoch(self) -> None:
        """Note what the epoch brought, judge the weights, and keep a copy of the best."""
        state = self.state
        for curve, (total, weight) in state.tally.losses.items():
            self._note(curve, total / weight)
        if self._task.validation is not None:
            judged = self._judged(self._task.validation)
            if not math.isfinite(judged):
                self._diverged("its validation loss is no longer a number")
            self._note(VALIDATION, judged)
        self._note(RATE, self._rates[-1])
        norm, measured = state.tally.norms
        self._note(NORM, norm / max(measured, 1))
        state.epoch, state.step, state.tally = state.epoch + 1, 0, Tally()
        tell_curves(self._progress, state.curves)
        self._tell()

    def _judged(self, validation: Batches) -> float:
        """The validation loss; the weights are kept where it is the best so far."""
        import torch

        turn, total, whole = self._task.turns[0], 0.0, 0.0
        for network in self.course.networks:
            network.train(mode=False)
        with self.course.averaged(), torch.no_grad():
            for batch in validation.epoch(1):
                with self._numbers():
                    loss = turn.loss(self._moved(batch))
                total, whole = total + float(loss.mean) * float(loss.weight), whole + float(loss.weight)
            judged = total / whole
            if self.state.best is None or judged < self.state.best:
                self.state.best, self.state.best_epoch = judged, self.state.epoch
                self.course.set_best()
        return judged

    def _numbers(self) -> AbstractContextManager[object]:
        import torch

        return torch.autocast(self._task.device.type, dtype=torch.bfloat16) if self._is_mixed else nullcontext()

    def _moved(self, batch: Batch) -> Batch:
        return tuple(part.to(self._task.device, non_blocking=True) for part in batch)

    def _diverged(self, fault: str) -> NoReturn:
        asked, state, steps = self._asked, self.state, self._task.batches.steps
        norms = [norm for network in self.course.networks if (norm := gradient_norm(network)) is not None]
        last = f" The last gradient had the norm {max(norms):.3g}." if norms else ""
        clipping = "set clip_norm: 1.0" if asked.clip_norm is None else f"lower clip_norm (it is {asked.clip_norm:g})"
        raise DivergedError(
            # Behind the last step the epoch is judged.
            f"The recipe {self._task.name!r} diverged in epoch {state.epoch}, at step {min(state.step + 1, steps)} of its {steps}: "
            f"{fault}.{last} Lower learning_rate (it is {asked.learning_rate:g}), or {clipping}."
        )

    def _note(self, curve: str, value: float) -> None:
        self.state.curves.setdefault(curve, []).append(value)

    def _after_step(self) -> None:
        if self._checkpoints.is_due():
            self._checkpoints.save(self.course.checkpoint)
        if time.monotonic() - self._told >= _TELL_SECONDS:
            self._tell()

    def _tell(self) -> None:
        """Say how far it is. Who stops a training may want to go on with it."""
        state, self._told = self.state, time.monotonic()
        done = state.epoch - 1 + state.step / self._task.batches.steps
        try:
            self._progress(done / self._asked.epochs, self._words())
        except BaseException:
            self._checkpoints.save(self.course.checkpoint)
            raise

    def _words(self) -> str:
        """Where it is, and the losses of the last epoch that ended."""
        state = self.state
        words = [f"epoch {min(state.epoch, self._asked.epochs)} of {self._asked.epochs}"]
        for name, curve in (("loss", self._task.turns[0].curve), ("validation", VALIDATION)):
            if values := state.curves.get(curve):
                words.append(f"{name} {values[-1]:.4g}")
        return ", ".join(words)

    @property
    def notes(self) -> tuple[str, ...]:
        """How it went, in sentences."""
        ran, device = self.state.epoch - 1, self._task.device.type
        kept = f"It ran {ran} epochs and kept epoch {self.state.best_epoch}, the one with the lowest validation loss."
        if not self.state.best_epoch:
            kept = f"There were no validation rows to stop by; it ran all {ran} epochs."
        numbers = " with bfloat16 in mixed precision" if self._is_mixed else ""
        where = f"It was trained on the device {device!r}{numbers}." if numbers or device != "cpu" else ""
        return tuple(note for note in (kept, where, self._resumed) if note)
