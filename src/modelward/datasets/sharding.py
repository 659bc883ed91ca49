# SPDX-License-Identifier: Apache-2.0
"""Shards: a dataset divided into several of one size, for the members of a federation, or for training in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.datasets.allotting import UndividedError, partition
from modelward.datasets.clusters import LEAST_SIMILARITY, SIMILARITY, Clusters, find_clusters, of_one_value
from modelward.datasets.dataset import LEAST_ROWS, Shard
from modelward.datasets.declaration import Declaration
from modelward.datasets.description import Description, Made, describe_table
from modelward.datasets.layout import unknown_column
from modelward.datasets.profile import Profile
from modelward.datasets.table import Table, frame_of
from modelward.errors import ConflictError, InvalidError

if TYPE_CHECKING:
    import polars as pl

PARTS_LIMIT = 1000
SHARDING_WAYS = ("cluster", "column", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharding:
    """How to divide a dataset into `parts` shards of about one size.

    `cluster` keeps rows together that near-duplicates link, those of which at least the share `similarity` is the same. `column`
    keeps rows together that have one value in `column`, such as a person, a household or a hospital. `random` draws rows. `seed`
    decides which go where.
    """

    parts: int
    by: Literal["cluster", "column", "random"] = "cluster"
    seed: int = 0
    column: str | None = None
    similarity: float = SIMILARITY

    def __post_init__(self) -> None:
        if self.by not in SHARDING_WAYS:
            raise UndividedError(f"Shards are made by {', '.join(SHARDING_WAYS)}, not by {str(self.by)[:40]!r}.")
        if not 2 <= self.parts <= PARTS_LIMIT:
            raise UndividedError(f"The number of shards is {self.parts}; it lies between 2 and {PARTS_LIMIT:,}.")
        if not 0 <= self.seed < 1 << 32:
            raise UndividedError(f"The seed is {self.seed}; it is a whole number from 0 to {(1 << 32) - 1}.")
        if (self.by == "column") != (self.column is not None):
            raise UndividedError("Shards by column, and no others, need the column whose values are kept together: `--column COL`.")
        if not LEAST_SIMILARITY <= self.similarity <= 1:
            raise UndividedError(f"The similarity is {self.similarity:g}; it lies between {LEAST_SIMILARITY:g} and 1, like 0.9.")
        if self.by != "cluster" and self.similarity != SIMILARITY:
            raise UndividedError(f"The shards are by {self.by}; a similarity is for those by cluster. Leave it out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSummary:
    """One shard: the dataset it was registered as, and its rows of each class, where the target has classes."""

    dataset: str
    rows: int
    classes: dict[str, int]
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """What a sharding gave. `clusters` counts the groups of rows that were kept together, `largest_cluster` the rows of one."""

    dataset: str
    sharding: Sharding
    clusters: int
    largest_cluster: int
    shards: tuple[ShardSummary, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Divided:
    """The rows of each shard, in their order in the dataset, and the groups that were kept together."""

    tables: tuple[pl.DataFrame, ...]
    clusters: Clusters

    @property
    def facts(self) -> dict[str, int]:
        """How many groups there are, and how many rows the largest has."""
        return {"clusters": len(self.clusters.sizes), "largest_cluster": int(self.clusters.sizes.max())}


def divide(table: Table, sharding: Sharding, *, target: str, user: str = "") -> Divided:
    """Divide `table` as `sharding` says; clusters are found in all columns but the `target`. A log of interactions, which has a
    `user`, is divided by that column, so that each history stays whole. The same table and sharding give the same shards.

    Raises:
        UndividedError: a shard would have too few rows, there are too few clusters or one is too large, there is no such column, or
            histories would be divided.
    """
    if user and sharding.column != user:
        raise UndividedError(
            f"The shards of a log of interactions keep each user's history whole. Divide it `--by column --column {user}`."
        )
    if table.height < LEAST_ROWS * sharding.parts:
        raise UndividedError(
            f"{sharding.parts} shards of {table.height:,} rows would have fewer than {LEAST_ROWS} rows each. Ask for at most "
            f"{table.height // LEAST_ROWS}."
        )
    # Each row is compared with others, and goes to one of many tables, so that all of them have to lie in memory.
    rows = frame_of(table)
    clusters = _kept_together(rows, sharding, target=target)
    part_of = partition(clusters, parts=sharding.parts, seed=sharding.seed)
    return Divided(tuple(rows[np.flatnonzero(part_of == part)] for part in range(sharding.parts)), clusters)


class ShardsOfTenantError(ConflictError):
    """The shards would be called as what a tenant has, and so be the tenant's."""


def shards_of_tenant(dataset: str) -> ShardsOfTenantError:
    """The refusal to divide a dataset of the house that is called as a tenant is."""
    return ShardsOfTenantError(
        f"The shards of dataset {dataset!r} would be called {shard_name(dataset, 1)} and so on, and belong to the tenant "
        f"{dataset}. Nothing was divided. Register the same data under another name first: `modelward data add`."
    )


def shard_name(dataset: str, part: int) -> str:
    """The name of the shard numbered `part`, from 1."""
    return f"{dataset}-{part}"


def is_called_shard(name: str, dataset: str) -> bool:
    """Whether `name` is what a shard of `dataset` would be called."""
    return name.startswith(f"{dataset}-") and name[len(dataset) + 1 :].isdecimal()


def may_be_shard(name: str) -> bool:
    """Whether a shard could be called so."""
    whole, _, part = name.rpartition("-")
    return bool(whole) and part.isdecimal()


def wholes_by_name(name: str) -> Iterator[str]:
    """What it would be a shard of, and of what that would be one, as far as names tell."""
    while may_be_shard(name):
        name = name.rpartition("-")[0]
        yield name


def described_shards(divided: Divided, whole: Description, *, declared: Declaration, sharding: Sharding) -> dict[str, Made]:
    """What is registered of each shard of the dataset described as `whole`, by its name.

    Raises:
        UndividedError: a shard is no table to learn from.
    """
    made, profile = {}, whole.profile
    for part, table in enumerate(divided.tables, 1):
        name = shard_name(profile.dataset, part)
        shard = Shard(dataset=profile.dataset, fingerprint=profile.fingerprint, part=part, **asdict(sharding))
        try:
            described = describe_table(table, name=name, declared=declared, positive=profile.positive, columns=whole.columns)
        except InvalidError as refused:
            raise UndividedError(f"Shard {part} of {sharding.parts} cannot be a dataset: {refused} Or ask for fewer.") from refused
        made[name] = Made(table, replace(described, shard=shard))
    return made


def summary_of(divided: Divided, profiles: Sequence[Profile], *, dataset: str, sharding: Sharding) -> Shards:
    """What is told of the shards with these profiles."""
    shards = (
        ShardSummary(dataset=each.dataset, rows=each.rows, classes=each.classes, fingerprint=each.fingerprint) for each in profiles
    )
    return Shards(dataset=dataset, sharding=sharding, shards=tuple(shards), **divided.facts)


def _kept_together(rows: pl.DataFrame, sharding: Sharding, *, target: str) -> Clusters:
    if sharding.by == "random":
        return Clusters(np.arange(rows.height))
    if sharding.column is None:
        return find_clusters(rows, [name for name in rows.columns if name != target], similarity=sharding.similarity)
    if sharding.column not in rows.columns:
        raise UndividedError(f"The shards are by column. {unknown_column(sharding.column, rows.columns)}")
    return of_one_value(rows.get_column(sharding.column))
