# SPDX-License-Identifier: Apache-2.0
"""Small tables of every kind of column, the same on every run, and the shelf over a fresh home."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest


def small_table(rows: int = 200, seed: int = 7) -> pl.DataFrame:
    """Numbers, categories, booleans and dates with gaps, and a target of two classes that they tell a little of."""
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 90, rows)
    score = np.round(draw.normal(size=rows), 3)
    label = np.where(age + 20 * draw.normal(size=rows) > 50, "yes", "no")
    start = datetime(2021, 1, 1)
    return pl.DataFrame(
        {
            "age": [int(value) for value in age],
            "score": [None if place % 17 == 3 else float(value) for place, value in enumerate(score)],
            "town": [
                None if place % 11 == 5 else str(name) for place, name in enumerate(draw.choice(["Ulm", "Jena", "Gera"], rows))
            ],
            "member": [bool(value) for value in draw.integers(0, 2, rows)],
            "joined": [start + timedelta(hours=int(hours)) for hours in draw.integers(0, 9000, rows)],
            "label": [str(value) for value in label],
        }
    )


@pytest.fixture
def table() -> pl.DataFrame:
    return small_table()


@pytest.fixture
def csv_file(table, tmp_path):
    path = tmp_path / "people.csv"
    table.write_csv(path)
    return path


@pytest.fixture
def room(home, database, vault, ledger, keyring):
    """Opens the shelf with some settings."""
    from modelward.datasets import Datasets
    from modelward.settings import Settings

    database.create_tables()
    return lambda **settings: Datasets(
        database, vault, ledger, keyring, settings=Settings(home=home, **{"upload_limit_bytes": 1 << 20} | settings)
    )


@pytest.fixture
def datasets(room):
    return room()


@pytest.fixture
def declared():
    """What every registration of the small table says."""
    return {"target": "label", "sensitive": ["town"], "purpose": "planning of courses", "owner": "adult-education"}
