# SPDX-License-Identifier: Apache-2.0
"""Near-duplicates, planted or found by comparing every pair, lie in one cluster, and no cluster straddles a split."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from modelward.datasets import Clusters, InvalidSplitError, Split, UndividedError, compared, find_clusters, make_split, partition

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
FEATURES = ("n0", "n1", "n2", "n3", "n4", "n5", "c0", "c1", "c2", "c3")


def measured(rows, draw):
    """Six numbers and four categories, and a target, in which no two rows are alike."""
    numbers = {f"n{at}": draw.normal(size=rows) for at in range(6)}
    categories = {f"c{at}": draw.choice(["red", "green", "blue", None], rows).tolist() for at in range(4)}
    return pl.DataFrame({**numbers, **categories, "y": draw.choice(["no", "yes"], rows)})


def copied(table, places, draw):
    """The rows at `places` once more: measured anew, so that each number is a little off, and one value out of ten another."""
    rows = table[places].to_dicts()
    for row in rows:
        row.update({name: row[name] + draw.uniform(-0.004, 0.004) for name in FEATURES if name.startswith("n")})
        changed = draw.choice(FEATURES)
        row[changed] = 9.0 if changed.startswith("n") else "violet"
    return pl.DataFrame(rows, schema=table.schema)


def written(rows, draw):
    words = np.array(["".join(draw.choice(LETTERS, draw.integers(2, 9))) for _ in range(800)])
    return [" ".join(draw.choice(words, 40)) for _ in range(rows)]


def misspelt(text, draw):
    letters = list(text)
    for place in draw.choice(len(letters), 2, replace=False):
        letters[place] = draw.choice(LETTERS)
    return "".join(letters).upper().replace(" ", "\n ")


def planted(kind, rows, copies, seed):
    """A table in which row `rows + i` is a near-duplicate of row `i`, for as many as there are copies."""
    draw = np.random.default_rng(seed)
    if kind == "values":
        table = measured(rows, draw)
        return pl.concat([table, copied(table, list(range(copies)), draw)])
    if kind == "exact":
        table = measured(rows, draw)
        return pl.concat([table, table[:copies]])
    texts = written(rows, draw)
    texts += [misspelt(text, draw) for text in texts[:copies]]
    return pl.DataFrame(
        {"text": texts, "page": [float(place) for place in range(len(texts))], "y": ["no", "yes"] * (len(texts) // 2)}
    )


def astride(parts, one, other):
    """How many pairs of rows lie in two parts."""
    part_of = np.empty(sum(map(len, (parts.train, parts.validation, parts.test))), dtype=int)
    for number, rows in enumerate((parts.train, parts.validation, parts.test)):
        part_of[rows] = number
    return int((part_of[one] != part_of[other]).sum())


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(["exact", "values", "texts"]), seed=st.integers(0, 2**32 - 1), test=st.floats(0.15, 0.4))
def test_planted_near_duplicates_never_straddle_a_split(kind, seed, test):
    table, pairs = planted(kind, 200, 100, seed), np.arange(100)
    split = Split(by="cluster", test=test, validation=0.15, seed=seed)
    assert astride(make_split(table, "y", split), pairs, pairs + 200) == 0
    drawn = make_split(table, "y", Split(by="random", test=test, validation=0.15, seed=seed))
    assert astride(drawn, pairs, pairs + 200) > 10


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), similarity=st.floats(0.6, 1), rows=st.integers(20, 200))
def test_clusters_are_what_comparing_every_pair_gives(seed, similarity, rows):
    draw = np.random.default_rng(seed)
    values = draw.choice(["a", "b", "c", "d", ""], (rows, 8), p=[0.4, 0.3, 0.1, 0.1, 0.1])
    table = pl.DataFrame({f"c{at}": [value or None for value in values[:, at].tolist()] for at in range(8)})
    alike = (values[:, None] == values[None]).mean(axis=2) >= similarity - 1e-9
    _, wanted = connected_components(coo_array(alike), directed=False)
    found = find_clusters(table, table.columns, similarity=similarity)
    assert adjusted_rand_score(wanted, found.of_row) == 1.0


def shingles(text):
    ended = " ".join(text.lower().split()) + "\0" * 4
    return {ended[at : at + 5] for at in range(len(ended) - 4)}


def test_texts_are_alike_by_the_shingles_they_share():
    draw = np.random.default_rng(3)
    texts = written(60, draw)
    for place in range(60):
        text = texts[place]
        for _ in range(4):
            for _ in range(1 + place % 4):
                text = misspelt(text, draw)
            texts.append(text)
    sets = [shingles(text) for text in texts]
    alike = np.array([[2 * len(one & other) / (len(one) + len(other)) >= 0.9 for other in sets] for one in sets])
    _, wanted = connected_components(coo_array(alike), directed=False)
    assert 60 < wanted.max() < 300
    found = find_clusters(pl.DataFrame({"text": texts}), ["text"], similarity=0.9)
    assert adjusted_rand_score(wanted, found.of_row) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_planted_communities_are_found_again(seed):
    """Fifty families of 1 to 30 members, each a changed copy of one before it, among rows of their own."""
    draw = np.random.default_rng(seed)
    table = measured(400, draw)
    families, members = list(range(400)), [table]
    for family in range(50):
        for _ in range(int(draw.integers(0, 30))):
            earlier = table[[family]] if draw.random() < 0.5 else members[-1] if families[-1] == family else table[[family]]
            members.append(copied(earlier, [0], draw))
            families.append(family)
    together = pl.concat(members)
    found = find_clusters(together, FEATURES)
    assert adjusted_rand_score(families, found.of_row) >= 0.9
    assert adjusted_rand_score(families, draw.permutation(found.of_row)) < 0.1


def test_missing_values_agree_and_missing_texts_do_not():
    draw = np.random.default_rng(5)
    texts = [*written(40, draw), None, None, " ", ""]
    assert find_clusters(pl.DataFrame({"text": texts}), ["text"]).sizes.max() == 1
    numbers = {f"n{at}": [*draw.normal(size=40), None, None] for at in range(4)}
    assert find_clusters(pl.DataFrame(numbers), list(numbers)).of_row.tolist() == [*range(40), 40, 40]


def test_a_number_far_from_all_others_makes_nothing_alike():
    draw = np.random.default_rng(5)
    table = pl.DataFrame({f"n{at}": [*draw.normal(size=60), 1e300, -1e308, 1e308] for at in range(4)})
    assert find_clusters(table, table.columns).sizes.max() == 1
    twice = pl.concat([table, table[[3, 62]]])
    assert find_clusters(twice, twice.columns).of_row.tolist() == [*range(63), 3, 62]


SHOW = """
import numpy as np, polars as pl
from modelward.datasets import Split, make_split
draw = np.random.default_rng(11)
colours = draw.choice(["red", "green", "blue"], (300, 6)).tolist()
texts = [" ".join(draw.choice(["one", "two", "three", "four", "five"], 12)) for _ in range(300)]
for columns in ({f"c{at}": [row[at] for row in colours] for at in range(6)} | {"n": draw.normal(size=300)}, {"text": texts}):
    table = pl.DataFrame({**columns, "y": draw.choice(["no", "yes"], 300)})
    parts = make_split(table, "y", Split(by="cluster", seed=7))
    print(len(parts.clusters.sizes), parts.digest)
"""

FOR_EVER = """\
298 ede9031968f29a64dac951b9ce5370720aba1282bf86de7002a810ced398f085
288 e9083d669ff7033aad047e99e0b4fcff2d1b0240295138fb8cf32fb915438218
"""


def test_a_seed_means_the_same_parts_for_ever_however_python_hashes():
    said = {
        subprocess.run(
            [sys.executable, "-c", SHOW], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert said == {FOR_EVER}


def test_another_seed_gives_other_parts_of_the_same_clusters():
    table = planted("values", 200, 100, 1)
    one, again, other = (make_split(table, "y", Split(by="cluster", seed=seed)) for seed in (7, 7, 8))
    assert one.digest == again.digest != other.digest
    assert np.array_equal(one.clusters.of_row, other.clusters.of_row)


@pytest.mark.parametrize("seed", range(8))
def test_parts_have_their_shares_and_their_share_of_each_class(seed):
    table = planted("values", 300, 200, seed)
    parts = make_split(table, "y", Split(by="cluster", test=0.2, validation=0.1, seed=seed))
    assert abs(len(parts.test) - 100) <= 4
    assert abs(len(parts.validation) - 50) <= 4
    yes = (table["y"] == "yes").to_numpy()
    assert abs(yes[parts.test].mean() - yes.mean()) < 0.04


@pytest.mark.parametrize("seed", range(20))
def test_a_class_of_three_clusters_is_in_every_part(seed):
    draw = np.random.default_rng(seed)
    table = measured(200, draw).with_columns(y=pl.Series(["rare"] * 3 + ["no", "yes"] * 98 + ["no"]))
    table = pl.concat([table, copied(table, [0, 0, 1], draw)])
    parts = make_split(table, "y", Split(by="cluster", seed=seed))
    assert all("rare" in table[rows]["y"] for rows in (parts.train, parts.validation, parts.test))


def test_a_class_in_two_clusters_is_refused():
    draw = np.random.default_rng(0)
    table = measured(200, draw).with_columns(y=pl.Series(["rare"] * 2 + ["no", "yes"] * 99))
    table = pl.concat([table, copied(table, [0, 0, 0, 0], draw)])
    with pytest.raises(InvalidSplitError, match=r"would lack a class of the target.*a cluster of rows for each part"):
        make_split(table, "y", Split(by="cluster"))


def test_a_cluster_too_large_for_a_part_is_refused_and_what_makes_rows_alike_is_named():
    draw = np.random.default_rng(0)
    table = pl.DataFrame({f"flag{at}": ["secret"] * 390 + ["other"] * 10 for at in range(12)})
    table = table.with_columns(n=draw.normal(size=400), y=pl.Series(["no", "yes"] * 200))
    with pytest.raises(InvalidSplitError) as refused:
        make_split(table, "y", Split(by="cluster"))
    said = str(refused.value)
    assert "The 400 rows fall into 2 clusters of near-duplicates, the largest of 390 rows." in said
    assert "the train part would have 390 rows instead of about 280. Raise `similarity`" in said
    assert "one value in nearly every row: 'flag0', 'flag1'" in said
    assert "'n'" not in said
    assert "secret" not in said
    assert make_split(table, "y", Split(by="cluster", similarity=1.0)).clusters.sizes.max() == 1


def test_a_table_in_which_all_rows_are_equal_is_refused():
    table = pl.DataFrame({"x": ["a"] * 40, "y": ["no", "yes"] * 20})
    with pytest.raises(InvalidSplitError, match=r"1 clusters .* Remove copies"):
        make_split(table, "y", Split(by="cluster", similarity=1.0))


def test_only_the_features_that_are_named_count():
    draw = np.random.default_rng(0)
    table = planted("exact", 100, 50, 2).with_columns(**{f"id{at}": draw.normal(size=150) for at in range(4)})
    assert make_split(table, "y", Split(by="cluster")).clusters.sizes.max() == 1
    assert make_split(table, "y", Split(by="cluster"), features=FEATURES).clusters.sizes.tolist()[:50] == [2] * 50


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 12), min_size=12, max_size=60), parts=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_a_partition_divides_no_cluster_and_is_even(sizes, parts, seed):
    clusters = Clusters(np.repeat(np.arange(len(sizes)), sizes))
    part_of = partition(clusters, parts=parts, seed=seed)
    loads = np.bincount(part_of, minlength=parts)
    assert all(len(set(part_of[clusters.of_row == cluster].tolist())) == 1 for cluster in range(len(sizes)))
    assert loads.max() - loads.min() <= max(sizes)
    assert np.array_equal(part_of, partition(clusters, parts=parts, seed=seed))


def test_a_partition_that_cannot_be_even_is_refused():
    clusters = Clusters(np.repeat(np.arange(3), [60, 20, 20]))
    with pytest.raises(UndividedError, match="make no 4 parts"):
        partition(clusters, parts=4, seed=0)
    with pytest.raises(UndividedError, match="The largest cluster has 60 of 100 rows, and each of 3 parts would have 33"):
        partition(clusters, parts=3, seed=0)
    assert np.bincount(partition(clusters, parts=2, seed=0)).tolist() in ([60, 40], [40, 60])


def test_what_is_compared_is_counted_by_characters_where_rows_are_compared_by_their_texts():
    texts = [f"{row} " * 50 for row in range(10, 60)]
    table = pl.DataFrame({"text": texts, "kind": ["a", "b"] * 25, "number": range(50)})
    assert compared(table, ["kind", "number"]) == 100
    assert compared(table, ["text", "kind", "number"]) == 150 * 50


def recordings(rows, seed, *, steps=3000):
    """Series of two decimals that have nothing to do with each other, some with a gap."""
    draw = np.random.default_rng(seed)
    found = draw.random((rows, steps)).round(2).tolist()
    found[0][5] = None
    return found


def test_long_series_of_the_same_digits_are_not_taken_for_copies_of_each_other():
    table = pl.DataFrame({"wave": [json.dumps(each) for each in recordings(30, 0)], "y": ["a", "b"] * 15})
    assert len(find_clusters(table, ["wave"]).sizes) == 30
    assert compared(table, ["wave"]) > 30 * 3000
    assert find_clusters(table, ["wave"], similarity=0.5).sizes.max() == 1


def test_copies_of_series_lie_in_one_cluster_however_they_are_written_and_others_do_not():
    series = recordings(12, 1, steps=200)
    cut, noisy = series[1][:185], [*series[2][:150], *series[3][150:]]
    texts = [
        *map(json.dumps, series),
        json.dumps(series[0], separators=(",", ":")),
        json.dumps(cut),
        json.dumps(noisy),
        None,
        "[]",
        "[]",
    ]
    table = pl.DataFrame({"wave": texts, "words": ["the very same forty characters or more of words"] * len(texts)})
    found = find_clusters(table, ["words", "wave"]).of_row.tolist()
    # Two rows that are equal in all they hold are copies, whatever they lack.
    assert found == [*range(12), 0, 1, 12, 13, 14, 14]


def test_series_of_several_channels_are_compared_step_by_step():
    steps = [[at, -at] for at in range(100)]
    swapped = [[-at, at] for at in range(100)]
    late = steps[1:]
    table = pl.DataFrame({"wave": [json.dumps(each) for each in (steps, steps, swapped, late)]})
    assert find_clusters(table, ["wave"]).of_row.tolist() == [0, 0, 1, 2]
