# SPDX-License-Identifier: Apache-2.0
"""What `modelward data` shows of what was declared and found."""

import pytest

SAID = ["--target", "grant", "--purpose", "tests", "--owner", "tests"]
TABLE = "age,since,grant\n" + "\n".join(
    f"{20 + place % 40},2024-03-{1 + place % 9:02},{'yes' if place % 3 else 'no'}" for place in range(60)
)


@pytest.fixture
def table(fresh):
    return fresh.file("table.csv", TABLE)


def test_what_nobody_stated_is_said_where_the_data_is_added(fresh, table):
    done = fresh("data", "add", "unsaid", table, *SAID)
    assert "'no' (the rarer one) is taken" in " ".join(done.out.split())
    said = fresh("data", "add", "said", table, *SAID, "--positive", "yes")
    assert "is taken" not in said.out
    for words in (("data", "show", "said"), ("data", "profile", "said")):
        assert fresh(*words, "--json").json["positive"] == "yes"
        assert ["positive", "yes"] in [line.split() for line in fresh(*words).out.splitlines()]


def test_data_that_is_registered_already_is_said_to_be(fresh, table):
    words = ("data", "add", "people", table, *SAID)
    assert "registered already" not in fresh(*words).out
    again = fresh(*words)
    assert (again.code, again.out.splitlines()[0]) == (
        0,
        "people is registered already, with the same data and the same declaration.",
    )


def test_dates_and_row_counters_are_pointed_out_where_the_data_is_added(fresh):
    text = "\n".join(f"{row}{',' + str(place) if place else ',number'}" for place, row in enumerate(TABLE.splitlines()))
    said = fresh("data", "add", "people", fresh.file("numbered.csv", text), *SAID).out
    assert "dates Column 'since' holds dates" in said
    assert "row-counter Column 'number' only counts the rows. Leave it out." in said


def test_a_class_that_is_not_there_is_refused_with_the_nearest(fresh, table):
    with fresh.nothing_written():
        done = fresh("data", "add", "people", table, *SAID, "--positive", "Yess")
    assert (done.code, "Did you mean 'yes'? The classes are 'yes', 'no'" in done.err) == (2, True)


def test_a_folder_is_named_and_refused(fresh, table):
    with fresh.nothing_written():
        done = fresh("data", "add", "people", ".", *SAID)
    assert done.code == 2
    assert "Reading . …" in done.err
    assert ". is a folder. Name the file in it" in done.err


def test_days_are_shown_without_a_time(fresh, table):
    assert fresh("data", "add", "people", table, *SAID).code == 0
    assert "2024-03-01 to 2024-03-09" in fresh("data", "profile", "people").out


def test_a_split_by_cluster_shows_its_clusters(fresh, table):
    fresh("data", "add", "people", table, table, *SAID)
    words = ("data", "split", "people", "--by", "cluster", "--similarity", "1")
    shown = [line.split() for line in fresh(*words).out.splitlines()]
    assert ["clusters", "60"] in shown
    assert ["rows", "of", "the", "largest", "2"] in shown
    assert fresh(*words, "--json").json["split"]["similarity"] == 1
    assert "clusters" not in fresh("data", "split", "people").out
    refused = fresh("data", "split", "people", "--similarity", "1")
    assert (refused.code, "for one by cluster" in refused.err) == (2, True)


def test_a_wide_table_has_a_line_for_each_kind_of_warning_and_not_for_each_column(fresh):
    columns = 40
    head = ",".join(f"day{place}" for place in range(columns))
    rows = [",".join(f"2024-03-{1 + (row + place) % 9:02}" for place in range(columns)) for row in range(60)]
    text = "\n".join([f"{head},age,grant", *(f"{row},{at},{'yes' if at % 2 else 'no'}" for at, row in enumerate(rows))])
    said = fresh("data", "add", "wide", fresh.file("wide.csv", text), *SAID).out
    lines = [line for line in said.splitlines() if line.startswith("dates ")]
    assert len(lines) == 2
    assert "39 others: day1, day2, day3, day4, day5, day6, day7, day8, …" in " ".join(said.split())
    assert "… and 2 columns more. `modelward data show wide` tells all." in said
    shown = fresh("data", "show", "wide").out
    assert "columns more" not in shown
    assert any(line.startswith("grant ") for line in shown.splitlines())


def test_ten_even_classes_are_not_called_imbalanced_and_a_rare_one_is(fresh):
    even = "size,digit\n" + "\n".join(f"{place * 7 % 101},{'abcdefghij'[place % 10]}" for place in range(399))
    told = fresh("data", "add", "even", fresh.file("even.csv", even), "--target", "digit", "--purpose", "t", "--owner", "t")
    assert (told.code, "imbalance" in told.out) == (0, False)
    rare = "size,digit\n" + "\n".join(f"{place * 7 % 101},{'a' if place % 20 else 'b'}" for place in range(400))
    assert (
        "imbalance"
        in fresh("data", "add", "rare", fresh.file("rare.csv", rare), "--target", "digit", "--purpose", "t", "--owner", "t").out
    )


def test_a_dataset_with_a_misspelt_name_is_answered_with_the_nearest(terminal):
    assert "Did you mean 'people'?" in terminal("data", "show", "peopel").err


def test_a_shard_says_what_it_is_one_of(fresh, table):
    fresh("data", "add", "people", table, table, *SAID)
    shown = fresh("data", "shard", "people", "--parts", "2", "--similarity", "1").out
    assert [line.split()[:2] for line in shown.splitlines() if "people-" in line] == [["people-1", "60"], ["people-2", "60"]]
    assert "rows of the largest   2" in shown
    assert "1 of 2 of people" in " ".join(fresh("data", "show", "people-1").out.split())
    refused = fresh("data", "shard", "people", "--parts", "7")
    assert (refused.code, "Ask for at most 6." in refused.err) == (2, True)


def test_what_a_dataset_has_not_is_no_row(fresh, table):
    """A table of rows for classes has no user, no time and no shard; a log has no favourable class."""
    plain = fresh("data", "add", "people", table, *SAID).out
    rows = [f"u{at % 20},{at},film {at % 7}" for at in range(200)]
    log = fresh.file("log.csv", "\n".join(["who,at,film", *rows]))
    said = ("--target", "film", "--task", "items", "--user", "who", "--time", "at", "--purpose", "t", "--owner", "t")
    added = fresh("data", "add", "log", log, *said).out
    named = [{line.split()[0] for line in each.splitlines() if line} for each in (plain, added)]
    assert not named[0] & {"task", "user", "time", "shard"}
    assert "positive" in named[0]
    assert {"task", "user", "time"} <= named[1]
    assert not named[1] & {"positive", "shard"}
    assert not {line.split()[0] for line in fresh("data", "profile", "log").out.splitlines() if line} & {"positive", "classes"}


def test_a_column_that_several_others_repeat_is_named_once(fresh):
    lines = ["a,b,c,d,kind", *(f"{at},{2 * at},{3 * at},{4 * at},{'xy'[at % 2]}" for at in range(40))]
    said = fresh("data", "add", "alike", fresh.file("alike.csv", "\n".join(lines)), "--target", "kind", *SAID[2:]).out
    (line,) = [line for line in said.splitlines() if "correlated … and the same kind" in line]
    named = line.partition("others: ")[2].partition(".")[0].split(", ")
    assert len(named) == len(set(named)) > 1


def test_versions_that_nobody_can_compare_are_to_be_assessed(fresh):
    lines = ["size,age", *(f"{at % 17},{at * at % 23}" for at in range(120))]
    words = ("data", "add", "bare", fresh.file("bare.csv", "\n".join(lines)), "--task", "none", *SAID[2:])
    assert fresh(*words).code == 0
    one, two = "isolation-forest: {trees: 5}", "isolation-forest: {trees: 6}"
    spec = fresh.file("odd.yaml", f"model: odd\ndata: {{dataset: bare}}\ncandidates: [{{{one}}}, {{{two}}}]\n")
    assert "Next: modelward assess odd:1\n" in fresh("train", spec).err


def test_a_list_of_datasets_tells_which_are_shredded(fresh, table):
    for name in ("kept", "gone"):
        fresh("data", "add", name, table, *SAID)
    assert "shredded" not in fresh("data", "list").out
    fresh("data", "shred", "gone", "--reason", "the consent ended")
    lines = [line.split()[:2] for line in fresh("data", "list").out.splitlines()]
    assert ["gone", "shredded"] in lines
    assert ["kept", "60"] in lines
