# SPDX-License-Identifier: Apache-2.0
"""A house to train in, made-up people to train on, and recipes that go wrong. Run as a program, it trains until it is killed."""

import os
import random
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import msgspec

ANCHOR = "ledger.checkpoint"


def rooms_over(database, vault, ledger, keyring, settings):
    """The rooms that training stands on, and training itself."""
    from modelward.access import Agreeing
    from modelward.datasets import Datasets
    from modelward.registry import Registry
    from modelward.training import Training

    database.create_tables()
    terms = Agreeing(database, ledger, keyring)
    datasets, registry = Datasets(database, vault, ledger, keyring, settings=settings), Registry(database, vault, ledger, keyring)
    training = Training(database, ledger, datasets, registry, vault, settings=settings)
    return SimpleNamespace(terms=terms, datasets=datasets, registry=registry, training=training, ledger=ledger, database=database)


def reopened(home: Path):
    """The same rooms over a home that another process left."""
    from modelward.audit import Ledger
    from modelward.settings import read_settings
    from modelward.storage import OBJECT_STORES, Database, Keyring, Vault

    keyring, database = Keyring.open(home / "keys.json"), Database(f"sqlite:///{home / 'modelward.db'}")
    vault = Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, database)
    return rooms_over(database, vault, Ledger(database, keyring, anchor=home / ANCHOR), keyring, read_settings(home=home))


def people(rows=240, *, seed=1) -> str:
    """A table with a pattern: who is older, works more and lives in the north gets the grant."""
    draw = random.Random(seed)
    lines = ["age,hours,town,member,grant"]
    for _ in range(rows):
        age, hours = draw.randint(18, 80), draw.choice(["", *range(5, 60)])
        town, member = draw.choice(["north", "south", "east", ""]), draw.choice(["true", "false"])
        chance = age / 100 + int(hours or 30) / 100 + (0.3 if town == "north" else 0) + draw.gauss(0, 0.1)
        lines.append(f"{age},{hours},{town},{member},{'yes' if chance > 0.85 else 'no'}")
    return "\n".join(lines) + "\n"


class NoParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None."""


class SlowParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long it takes."""

    seconds: float = 30.0


class BatchParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many rows at once."""

    batch_size: int = 160


@dataclass(frozen=True)
class Broken:
    """A recipe that does nothing right; each kind of going wrong is a subclass."""

    Parameters = NoParameters
    parameters: NoParameters


class Diverging(Broken):
    def make(self, inputs, progress):
        from modelward.training import DivergedError

        progress(0.5)
        raise DivergedError("The loss became infinite. Lower `learning_rate`.")


class Greedy(Broken):
    def make(self, inputs, progress):
        raise MemoryError


class Insatiable(Broken):
    """It has no memory for more than fifty rows at once."""

    Parameters = BatchParameters

    def make(self, inputs, progress):
        if len(inputs.train) > 50 and self.parameters.batch_size > 50:
            raise MemoryError
        return honest().make(inputs, progress)


class Talkative(Broken):
    def make(self, inputs, progress):
        raise ValueError("could not convert 'Ada Example, 3 Mill Lane' to float")


class Unfaithful(Broken):
    """Its graph answers otherwise than what was trained."""

    def make(self, inputs, progress):
        made = honest().make(inputs, progress)
        return replace(made, predict=lambda rows: made.predict(rows)[:, ::-1])


class Overreaching(Broken):
    """It hands in a file of its own, and one that is training's to write."""

    def make(self, inputs, progress):
        return replace(honest().make(inputs, progress), files={"own.json": b"[1]", "training.json": b'"mine"'})


class Slow(Broken):
    Parameters = SlowParameters

    def make(self, inputs, progress):
        until = time.monotonic() + self.parameters.seconds
        while time.monotonic() < until:
            progress(0.5)
            time.sleep(0.01)
        return honest().make(inputs, progress)


def honest():
    from modelward.training import RECIPES

    recipe = RECIPES.load("naive-bayes")
    return recipe(recipe.Parameters())


BROKEN = {
    kind.__name__.lower(): f"{{module}}:{kind.__name__}"
    for kind in (Diverging, Greedy, Insatiable, Overreaching, Talkative, Unfaithful, Slow)
}


def plant(places) -> None:
    """List the broken recipes in a table of recipes."""
    for name, place in BROKEN.items():
        places[name] = place.format(module=__name__)


class Told:
    """Watches a run, and passes each word on."""

    def __init__(self, tell):
        self.tell = tell

    def started(self, run):
        self.tell(f"started {run.id}")

    def candidate(self, name, share, word):
        self.tell(f"{name} {word}")


def main(home: str, verb: str, what: str) -> None:
    from modelward.access import Actor, Role
    from modelward.training import RECIPES, parse_spec

    plant(RECIPES.places)
    training, by = reopened(Path(home)).training, Actor(id="person:root", name="root", role=Role.ADMINISTRATOR)
    told = Told(lambda line: os.write(1, f"{line}\n".encode()))
    if verb == "train":
        training.train(parse_spec(what), by=by, progress=told)
    else:
        training.resume(what, by=by, progress=told)


if __name__ == "__main__":
    # Whoever starts a process in the background may have it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(*sys.argv[1:])
