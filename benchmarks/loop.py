# SPDX-License-Identifier: Apache-2.0
"""What the training loop costs over a bare PyTorch loop that does the same work and nothing else.

Both train the same networks from the same first weights on the same batches with the same optimiser, and must end with the same
bits. The bare loop looks at no loss; ours adds up and checks each, measures gradients, asks whether a checkpoint is due, and is
watched as in a run: how far it is, and its curves, are told while it trains and written into a database. They take turns in one
process, and each pair gives a ratio, of the CPU seconds of all its threads, which others on the machine disturb least.

    python benchmarks/loop.py [--rounds 60] [--json figures.json]
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import described
from torch import nn

from modelward.storage import Database, Sealer
from modelward.training import SILENT, Candidate, Run, Status, store
from modelward.training.checkpoints import UNKEPT
from modelward.training.neural import ArrayBatches, Learning, Loss, Randomness, Task, Turn, learn
from modelward.training.neural.course import Course
from modelward.training.process import Process
from modelward.training.standing import Recording

SEED, RATE = 7, 1e-3
CPU = torch.device("cpu")
RUN = Run(
    id="run-1",
    model="benchmark",
    spec="",
    spec_digest="",
    dataset="benchmark",
    fingerprint="",
    seed=SEED,
    status=Status.RUNNING,
    candidates=(Candidate(name="mlp", recipe="mlp", parameters={}),),
    started=datetime.now(UTC),
    by="benchmark",
)


@dataclass(frozen=True)
class Work:
    """What is trained: sizes of the layers, rows of a batch, and how many of them an epoch has."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    steps: int
    epochs: int
    convolves: bool = False


WORKS = (
    Work("the perceptron that `mlp` is by default, 50 columns", (50, 64, 32, 2), 256, steps=120, epochs=5),
    Work("a perceptron of 256 and 256 units, 100 columns", (100, 256, 256, 10), 256, steps=40, epochs=5),
    Work("the same, 32 rows a batch", (100, 256, 256, 10), 32, steps=80, epochs=5),
    Work("convolutions of 16 and 32 channels, images of 16 × 16", (16, 32, 10), 64, steps=25, epochs=3, convolves=True),
)


@dataclass(frozen=True)
class Figure:
    name: str
    parameters: int
    step_microseconds: float
    ratio: float
    low: float
    high: float


def network_of(work: Work) -> nn.Sequential:
    torch.manual_seed(SEED)
    if work.convolves:
        first, second, classes = work.sizes
        layers = [nn.Conv2d(1, first, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(first, second, 3), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(second * 25, classes))
    parts: list[nn.Module] = []
    for before, after in zip(work.sizes, work.sizes[1:], strict=False):
        parts += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def rows_of(work: Work) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(SEED)
    shape = (1, 16, 16) if work.convolves else work.sizes[:1]
    rows = torch.randn(work.batch * work.steps, *shape, generator=draw)
    return rows, torch.randint(0, work.sizes[-1], (len(rows),), generator=draw)


def bare(network: nn.Module, rows: torch.Tensor, labels: torch.Tensor, work: Work) -> None:
    """The shortest loop that is right."""
    weights = [one for one in network.parameters() if one.ndim > 1]
    biases = [one for one in network.parameters() if one.ndim == 1]
    optimizer = torch.optim.Adam([{"params": weights, "weight_decay": 2e-4}, {"params": biases}], lr=RATE, fused=True)
    for epoch in range(1, work.epochs + 1):
        order = torch.from_numpy(np.random.Generator(np.random.PCG64([SEED, epoch])).permutation(len(rows)))
        for batch in order.split(work.batch):
            loss = nn.functional.cross_entropy(network(rows.index_select(0, batch)), labels.index_select(0, batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def ours(network: nn.Module, rows: torch.Tensor, labels: torch.Tensor, work: Work, *, home: Database) -> None:
    asked = Learning(learning_rate=RATE, schedule="constant", batch_size=work.batch, epochs=work.epochs)
    # Its writer begins, writes every two seconds, and once more at the end.
    with Recording(RUN.id, home, SILENT) as recording:
        learn(task_of(network, rows, labels, work), asked, progress=Watched(recording), checkpoints=UNKEPT)


@dataclass(frozen=True)
class Watched:
    """What a candidate tells while it trains goes the way it goes in a run."""

    recording: Recording

    def __call__(self, share: float, word: str = "", /) -> None:
        self.recording.candidate("mlp", 0.9 * share, f"training, {word}")

    def curves(self, so_far: Mapping[str, Sequence[float]], /) -> None:
        self.recording.curves("mlp", so_far)


@contextmanager
def home_with_a_run() -> Iterator[Database]:
    """A database as a home has it, in which one run is under way."""
    with tempfile.TemporaryDirectory() as folder:
        home = Database.in_file(Path(folder) / "modelward.db")
        home.create_tables()
        with home.change() as connection:
            store.add(connection, RUN, process=Process.current())
        yield home


def task_of(network: nn.Module, rows: torch.Tensor, labels: torch.Tensor, work: Work) -> Task:
    def loss(batch: tuple[torch.Tensor, ...]) -> Loss:
        return Loss(nn.functional.cross_entropy(network(batch[0]), batch[1]), batch[1].shape[0])

    return Task(
        name="benchmark",
        turns=(Turn(network=network, loss=loss),),
        batches=ArrayBatches(rows, labels, size=work.batch, seed=SEED),
        device=CPU,
        randomness=Randomness.of(SEED, CPU),
    )


def timed(train: Callable[..., None], work: Work, rows: torch.Tensor, labels: torch.Tensor) -> tuple[float, list[bytes]]:
    """CPU seconds of a training, of all threads, and the weights that came of it."""
    network = network_of(work)
    gc.collect()
    began = time.process_time()
    train(network, rows, labels, work)
    return time.process_time() - began, [one.detach().numpy().tobytes() for one in network.parameters()]


def measure(work: Work, rounds: int, *, home: Database) -> Figure:
    rows, labels = rows_of(work)
    watched = partial(ours, home=home)
    seconds = np.empty((rounds, 2))
    for lap in range(-1, rounds):
        # Who goes first changes, so that neither always finds the caches warm.
        found = {train: timed(train, work, rows, labels) for train in ((bare, watched) if lap % 2 else (watched, bare))}
        if found[bare][1] != found[watched][1]:
            raise SystemExit(f"{work.name}: the two loops did not end with the same weights.")
        # The first pair only warms up.
        if lap >= 0:
            seconds[lap] = found[bare][0], found[watched][0]
    low, high = interval(seconds[:, 1] / seconds[:, 0])
    middle = np.median(seconds, axis=0)
    parameters = sum(one.numel() for one in network_of(work).parameters())
    ratio = float(np.median(seconds[:, 1] / seconds[:, 0]))
    return Figure(work.name, parameters, float(middle[0] / work.steps / work.epochs * 1e6), ratio, low, high)


def interval(ratios: np.ndarray[Any, Any]) -> tuple[float, float]:
    """A 95 % interval of the median, by the bootstrap."""
    draw = np.random.default_rng(SEED)
    medians = np.median(draw.choice(ratios, size=(4000, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def checkpoint_milliseconds(work: Work) -> float:
    """What it takes to gather one checkpoint and to seal it; the disk comes on top."""
    rows, labels = rows_of(work)
    task = task_of(network_of(work), rows, labels, work)
    course = Course(task, Learning())
    # With what the optimiser remembers after a step.
    task.turns[0].loss((rows, labels)).mean.backward()
    course.players[0].optimizer.step()
    course.set_best()

    taken = []
    sealer = Sealer("it")
    for _ in range(20):
        began = time.thread_time()
        b"".join(sealer.seal(io.BytesIO(course.checkpoint())))
        taken.append(time.thread_time() - began)
    return float(np.median(taken) * 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="pairs of trainings of each network")
    parser.add_argument("--json", type=Path, help="where to put the figures")
    given = parser.parse_args()
    torch.set_num_threads(1)
    on = described()
    print(f"{on['processor']}, {on['system']}, {on['versions'].partition(',')[0]}, PyTorch {torch.__version__}\n")
    print("| trained | parameters | µs a step, bare | ours to bare | 95 % interval |\n|---|--:|--:|--:|--:|")
    figures = []
    with home_with_a_run() as home:
        for work in WORKS:
            one = measure(work, given.rounds, home=home)
            figures.append(one)
            numbers = f"{one.parameters:,} | {one.step_microseconds:,.0f} | {one.ratio:.3f} | {one.low:.3f} to {one.high:.3f}"
            print(f"| {one.name} | {numbers} |", flush=True)
    print(f"\nA checkpoint of {WORKS[1].name}: {checkpoint_milliseconds(WORKS[1]):.1f} ms of CPU, gathered and sealed.")
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n")


if __name__ == "__main__":
    main()
