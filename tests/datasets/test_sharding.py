# SPDX-License-Identifier: Apache-2.0
"""Shards: what belongs together lies in one of them, each is a dataset of its own, and all of them are the whole."""

import io

import msgspec
import numpy as np
import polars as pl
import pytest
from PIL import Image

import pictures
from modelward.access import Actor, NotPermittedError, Role
from modelward.datasets import DatasetExistsError, DatasetMissingError, Sharding, Shards, UndividedError

SAID = {"target": "y", "purpose": "tests", "owner": "tester"}
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def misspelt(text):
    return text.upper().replace("R", "x", 1)


def scaled(file):
    """The same picture, twice as large and in another format."""
    with Image.open(io.BytesIO(file)) as opened:
        sink = io.BytesIO()
        opened.resize((2 * opened.width, 2 * opened.height)).save(sink, "JPEG", quality=95)
    return sink.getvalue()


def of_values(draw):
    numbers = {f"n{at}": draw.normal(size=60) for at in range(10)}
    table = pl.DataFrame({**numbers, "y": draw.choice(["no", "yes"], 60)})
    return table, table.with_columns(n3=pl.lit(9.0))


def of_texts(draw):
    table = pl.DataFrame({"text": ["".join(draw.choice(LETTERS, 200)) for _ in range(60)], "y": draw.choice(["no", "yes"], 60)})
    return table, table.with_columns(pl.Series("text", [misspelt(text) for text in table["text"]]))


def of_images(draw):
    noise = [draw.integers(0, 256, (24, 24), dtype=np.uint8) for _ in range(60)]
    files = [pictures.png(pixels) for pixels in noise]
    table = pl.DataFrame({"image": files, "y": draw.choice(["no", "yes"], 60)})
    return table, table.with_columns(pl.Series("image", [scaled(file) for file in files]))


@pytest.mark.parametrize("kind", [of_values, of_texts, of_images])
def test_a_near_duplicate_never_lies_in_another_shard(datasets, admin, tmp_path, kind):
    """Each of sixty rows has a near-duplicate."""
    first, second = kind(np.random.default_rng(7))
    pl.concat([first, second]).write_parquet(tmp_path / "t.parquet")
    datasets.add("twins", [tmp_path / "t.parquet"], by=admin, **SAID)
    made = datasets.shard("twins", Sharding(parts=4, seed=3), by=admin)
    assert (made.clusters, made.largest_cluster) == (60, 2)
    assert [(each.dataset, each.rows) for each in made.shards] == [(f"twins-{part}", 30) for part in range(1, 5)]
    pair_of = {row: at % 60 for at, row in enumerate(datasets.table("twins", by=admin).rows())}
    assert len(pair_of) == 120
    held = [[pair_of[row] for row in datasets.table(each.dataset, by=admin).rows()] for each in made.shards]
    assert [len(set(pairs)) for pairs in held] == [15] * 4
    assert len(set().union(*held)) == 60


@pytest.fixture
def people(datasets, admin, declared, csv_file):
    return datasets.add("people", [csv_file], by=admin, positive="no", license="CC0-1.0", task="classes", **declared)


def test_a_shard_is_a_dataset_like_the_one_it_is_of(datasets, admin, people, ledger):
    datasets.shard("people", Sharding(parts=3, by="random", seed=5), by=admin)
    shards = [datasets.show(f"people-{part}", by=admin) for part in (1, 2, 3)]
    same = ("columns", "target", "positive", "sensitive", "purpose", "owner", "license", "task")
    assert all(getattr(shard, name) == getattr(people, name) for shard in shards for name in same)
    assert [shard.rows for shard in shards] == [67, 67, 66]
    assert (shards[1].shard.dataset, shards[1].shard.fingerprint, shards[1].shard.part) == ("people", people.fingerprint, 2)
    assert people.shard is None
    told = [logged.entry for logged in ledger.entries(newest_first=False) if logged.entry.event.startswith("dataset.")]
    assert [(entry.event, entry.subject) for entry in told[1:]] == [
        *(("dataset.registered", shard.name) for shard in shards),
        ("dataset.sharded", "people"),
    ]
    assert told[1].facts["shard"]["fingerprint"] == told[-1].facts["fingerprint"] == people.fingerprint
    assert (told[-1].facts["parts"], told[-1].facts["seed"], told[-1].facts["by"]) == (3, 5, "random")


def test_every_row_is_in_one_shard_in_its_order(datasets, admin, people):
    made = datasets.shard("people", Sharding(parts=3, by="random", seed=5), by=admin)
    whole = datasets.table("people", by=admin).with_row_index("row")
    parts = [datasets.table(each.dataset, by=admin) for each in made.shards]
    found = [part.join(whole, on=[name for name in part.columns if name != "town"], nulls_equal=True)["row"] for part in parts]
    assert all(rows.is_sorted() for rows in found)
    assert sorted(pl.concat(found).to_list()) == list(range(200))
    assert made.shards[0].classes == datasets.profile("people-1", by=admin).classes


def test_the_same_sharding_is_made_once(datasets, admin, people, ledger):
    sharding = Sharding(parts=3, by="random", seed=5)
    made = datasets.shard("people", sharding, by=admin)
    entries = len(list(ledger.entries(limit=1000)))
    assert datasets.shard("people", sharding, by=admin) == made
    assert len(list(ledger.entries(limit=1000))) == entries
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(made)), Shards) == made
    with pytest.raises(DatasetExistsError, match="The name 'people-1' is taken: that dataset holds other data"):
        datasets.shard("people", Sharding(parts=4, by="random", seed=5), by=admin)
    with pytest.raises(DatasetMissingError):
        datasets.show("people-4", by=admin)


def test_rows_of_one_value_lie_in_one_shard(datasets, admin, people):
    made = datasets.shard("people", Sharding(parts=3, by="column", column="town"), by=admin)
    towns = [set(datasets.table(each.dataset, by=admin)["town"].to_list()) for each in made.shards]
    assert made.clusters == 4
    assert sum(len(each) for each in towns) == len(set().union(*towns)) == 4


def test_histories_are_not_divided(datasets, admin, tmp_path):
    users = [f"u{at % 30}" for at in range(300)]
    log = {"who": users, "at": [float(at) for at in range(300)], "film": [f"film {at * 7 % 11}" for at in range(300)]}
    pl.DataFrame(log).write_csv(tmp_path / "log.csv")
    said = {**SAID, "target": "film", "task": "items", "user": "who", "time": "at"}
    datasets.add("log", [tmp_path / "log.csv"], by=admin, **said)
    with pytest.raises(UndividedError, match=r"whole\. Divide it `--by column --column who`"):
        datasets.shard("log", Sharding(parts=3), by=admin)
    made = datasets.shard("log", Sharding(parts=3, by="column", column="who"), by=admin)
    held = [set(datasets.table(each.dataset, by=admin)["who"].to_list()) for each in made.shards]
    assert [len(each) for each in held] == [10, 10, 10]
    assert len(set().union(*held)) == 30


@pytest.mark.parametrize(
    ("sharding", "said"),
    [
        ({"parts": 11}, "fewer than 20 rows each. Ask for at most 10"),
        ({"parts": 5, "by": "column", "column": "town"}, "200 rows in 4 clusters make no 5 parts"),
        (
            {"parts": 2, "by": "column", "column": "label"},
            "Shard 1 of 2 cannot be a dataset: The target 'label' has the same value",
        ),
        ({"parts": 3, "by": "column", "column": "twon"}, "There is no column 'twon'. Did you mean 'town'?"),
        ({"parts": 3, "by": "column"}, "need the column"),
        ({"parts": 3, "by": "town"}, "made by cluster, column, random, not by 'town'"),
        ({"parts": 3, "by": "random", "similarity": 0.8}, "a similarity is for those by cluster"),
        ({"parts": 3, "similarity": 0.2}, "lies between 0.5 and 1"),
        ({"parts": 3, "seed": -1}, "The seed is -1"),
        ({"parts": 1}, "The number of shards is 1"),
    ],
)
def test_what_cannot_be_divided_so_is_refused_and_nothing_is_registered(datasets, admin, people, vault, sharding, said):
    before = set(vault.digests())
    with pytest.raises(UndividedError) as refused:
        datasets.shard("people", Sharding(**sharding), by=admin)
    assert said in str(refused.value)
    assert [each.name for each in datasets.list(by=admin)] == ["people"]
    assert set(vault.digests()) == before


def test_who_may_only_read_makes_no_shards(datasets, people):
    with pytest.raises(NotPermittedError):
        datasets.shard("people", Sharding(parts=2), by=Actor(id="person:eve", name="eve", role=Role.AUDITOR))


def test_shards_of_the_same_rows_that_were_divided_in_another_way_are_not_taken_for_these(datasets, admin, tmp_path, ledger):
    table, _ = of_values(np.random.default_rng(7))
    table.write_parquet(tmp_path / "t.parquet")
    datasets.add("single", [tmp_path / "t.parquet"], by=admin, **SAID)
    made = datasets.shard("single", Sharding(parts=2, by="random"), by=admin)
    assert datasets.shard("single", Sharding(parts=2, by="random"), by=admin) == made
    with pytest.raises(DatasetExistsError, match="divided in another way"):
        datasets.shard("single", Sharding(parts=2, by="cluster"), by=admin)
