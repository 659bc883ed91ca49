# SPDX-License-Identifier: Apache-2.0
"""Training makes versions, and says of each candidate that it cannot make why."""

import json

import msgspec
import pytest

from modelward.access import Actor, NotPermittedError, Role
from modelward.datasets import DatasetMissingError, InvalidSplitError, Split, make_split
from modelward.training import (
    CandidateStatus,
    InvalidParameterError,
    Run,
    RunFailedError,
    Status,
    UnfitCandidateError,
    UnusableDataError,
    UnusableFeatureError,
    parse_spec,
)
from modelward.training.recipe import takes
from modelward.training.recipes import RECIPES
from training.house import Told, people

SPEC = """
model: grants
data: {dataset: people, split: {seed: 3}}
candidates: [naive-bayes, decision-tree: {max_depth: 3}, naive-bayes: {smoothing: 2.0}]
seed: 5
"""


def events(rooms):
    return [logged.entry.event for logged in rooms.ledger.entries(newest_first=False)]


def with_candidates(*names):
    return parse_spec(f"model: grants\ndata: {{dataset: people}}\ncandidates: [{', '.join(names)}]\n")


def test_each_candidate_becomes_a_version_in_the_order_of_the_spec(rooms, register, admin):
    register()
    run = rooms.training.train(parse_spec(SPEC), by=admin)
    assert run.status is Status.DONE
    assert [each.name for each in run.candidates] == ["naive-bayes", "decision-tree", "naive-bayes-2"]
    assert run.versions == ("grants:1", "grants:2", "grants:3")
    assert {each.status for each in run.candidates} == {CandidateStatus.DONE}
    assert run.candidates[1].parameters["max_depth"] == 3
    versions = rooms.registry.versions("grants", by=admin)
    assert [version.lineage.recipe for version in versions] == ["naive-bayes", "decision-tree", "naive-bayes"]
    assert rooms.training.show(run.id, by=admin) == run
    assert rooms.training.runs(by=admin) == [run]
    assert msgspec.convert(msgspec.to_builtins(run), Run) == run


def test_every_recipe_of_a_table_with_classes_is_made_by_a_run(rooms, register, admin):
    register()
    for name in RECIPES.names():
        recipe = RECIPES.load(name)
        if "table" in takes(recipe):
            quick = "{epochs: 2}" if "epochs" in recipe.Parameters.__struct_fields__ else "{}"
            run = rooms.training.train(with_candidates(f"{name}: {quick}"), by=admin)
            assert [each.status for each in run.candidates] == [CandidateStatus.DONE], name


def test_what_a_recipe_hands_in_lies_in_the_version_and_replaces_nothing_of_training(rooms, register, admin, broken):
    register()
    rooms.training.train(with_candidates("overreaching", "ebm: {bags: 2}"), by=admin)
    overreaching, glass = rooms.registry.versions("grants", by=admin)
    assert rooms.registry.read(overreaching, "own.json") == b"[1]"
    assert json.loads(rooms.registry.read(overreaching, "training.json"))["parameters"] > 0
    terms = json.loads(rooms.registry.read(glass, "shapes.json"))["terms"]
    assert {axis["feature"] for term in terms for axis in term["axes"]} == {"age", "hours", "town", "member"}


def test_a_version_says_what_it_was_made_from(rooms, register, admin):
    dataset = register()
    spec = parse_spec(SPEC)
    run = rooms.training.train(spec, by=admin)
    version = rooms.registry.versions("grants", by=admin)[1]
    lineage = version.lineage
    assert (lineage.dataset, lineage.fingerprint) == ("people", dataset.fingerprint)
    assert (lineage.spec, lineage.run, lineage.seed, lineage.recipe) == (spec.digest, run.id, 5, "decision-tree")
    assert lineage.split == rooms.datasets.split("people", spec.data.split, by=admin).digest
    assert lineage.libraries["scikit-learn"]
    assert (version.purpose, version.owner) == ("to test training", "the tests")
    facts = version.facts
    assert facts["rows"] == {"train": 168, "validation": 24, "test": 48}
    assert facts["parity"]["rows"] == 48
    assert facts["parity"]["largest_difference"] <= 1e-4
    assert facts["energy_low_joules"] < facts["energy_joules"] < facts["energy_high_joules"]
    assert facts["energy_method"].startswith("cpu-time")
    assert facts["parameters"] > 0
    assert (facts["sensitive"], facts["split"]["seed"]) == (["town"], 3)
    assert parse_spec(rooms.registry.read(version, "spec.json")) == spec
    assert json.loads(rooms.registry.read(version, "preparation.json"))["encode"] == "one-hot"
    assert "notes" in json.loads(rooms.registry.read(version, "training.json"))


def test_the_interface_is_what_the_data_was(rooms, register, admin):
    register()
    rooms.training.train(with_candidates("naive-bayes"), by=admin)
    interface = rooms.registry.find("grants:1", by=admin).interface
    assert interface.classes == ("no", "yes")
    assert [(each.name, each.kind, each.nullable) for each in interface.features] == [
        ("age", "number", False),
        ("hours", "number", True),
        ("town", "category", True),
        ("member", "category", False),
    ]
    assert interface.features[2].categories == ("east", "north", "south")
    assert interface.features[3].categories == ("false", "true")


def test_the_interface_holds_what_the_training_rows_held_and_no_other_row(rooms, register, admin):
    head, *rows = people(240).splitlines()
    rows = [f"2024-{place // 28 + 1:02}-{place % 28 + 1:02},{row}" for place, row in enumerate(rows)]
    rows[-2:] = ["2024-12-30,99,40,west,true,yes", "2024-12-31,19,90,west,false,no"]
    register(text="\n".join([f"moment,{head}", *rows]) + "\n")
    rooms.training.train(spec_with("split: {by: time, column: moment}"), by=admin)
    age, hours, town, _ = rooms.registry.find("grants:1", by=admin).interface.features
    assert (age.maximum < 99, hours.maximum < 90, town.categories) == (True, True, ("east", "north", "south"))
    row = {"age": 99, "hours": None, "town": "west", "member": True}
    interface = rooms.registry.find("grants:1", by=admin).interface
    assert interface.encode([interface.table_of_rows([row])]).unfamiliar == [("age", "town")]


def test_a_rare_category_without_a_column_of_its_own_was_seen(rooms, register, admin):
    head, *rows = people(120).splitlines()
    rows = [f"{place % 7},{row}".replace("6,", "seven,", 1) for place, row in enumerate(rows)]
    register(text="\n".join([f"group,{head}", *(f"g{row}" for row in rows)]) + "\n")
    rooms.training.train(spec_with("prepare: {max_categories: 2}"), by=admin)
    group = rooms.registry.find("grants:1", by=admin).interface.features[0]
    assert (group.name, len(group.categories)) == ("group", 7)


def test_a_served_row_is_prepared_as_a_trained_one(rooms, register, admin):
    """The graph that answers rows of JSON gives what the table's rows gave when they were compared."""
    from modelward.training.columns import columns_of

    register()
    rooms.training.train(with_candidates("decision-tree"), by=admin)
    version = rooms.registry.find("grants:1", by=admin)
    opened = rooms.registry.open(version)
    table = rooms.datasets.table("people", by=admin)
    by_table = opened.predict(columns_of(table, version.interface.features))
    names = [feature.name for feature in version.interface.features]
    by_rows = opened.predict(version.interface.columns(table.select(names).to_dicts()))
    assert by_table.tolist() == by_rows.tolist()
    assert by_table.std() > 0
    opened.close()


def test_the_same_spec_data_and_seed_make_the_same_bytes(rooms, register, admin):
    register()
    spec = with_candidates("decision-tree", "random-forest: {trees: 8}", "naive-bayes")
    first, second = rooms.training.train(spec, by=admin), rooms.training.train(spec, by=admin)
    other = rooms.training.train(parse_spec(SPEC.replace("seed: 3", "seed: 4")), by=admin)
    digests = {
        run.id: [
            file.digest
            for name in run.versions
            for file in rooms.registry.find(name, by=admin).files
            if file.path in {"model.onnx", "preparation.json", "spec.json"}
        ]
        for run in (first, second, other)
    }
    assert digests[first.id] == digests[second.id]
    assert not set(digests[first.id]) & set(digests[other.id])


def test_what_is_done_is_in_the_ledger(rooms, register, admin):
    register()
    run = rooms.training.train(with_candidates("naive-bayes"), by=admin)
    assert events(rooms)[2:] == ["dataset.granted", "dataset.read", "run.started", "version.registered", "run.finished"]
    started = rooms.ledger.entries(event="run.started")[0].entry
    assert (started.subject, started.actor) == (run.id, "person:root")
    assert started.facts["candidates"] == ["naive-bayes"]
    assert rooms.ledger.verify().is_sound


def test_progress_is_told(rooms, register, admin):
    register()
    told = []
    run = rooms.training.train(with_candidates("naive-bayes", "decision-tree"), by=admin, progress=Told(told.append))
    assert told[0] == f"started {run.id}"
    assert "naive-bayes training" in told
    assert {"naive-bayes grants:1", "decision-tree grants:2"} <= set(told)


def test_a_candidate_that_fails_leaves_the_others_alone(rooms, register, admin, broken):
    register()
    names = ("diverging", "naive-bayes", "greedy", "talkative", "unfaithful", "decision-tree")
    run = rooms.training.train(with_candidates(*names), by=admin)
    assert run.status is Status.DONE
    assert run.versions == ("grants:1", "grants:2")
    by_name = {each.name: each for each in run.candidates}
    assert {name: str(each.status) for name, each in by_name.items()} == {
        "diverging": "failed",
        "naive-bayes": "done",
        "greedy": "failed",
        "talkative": "failed",
        "unfaithful": "refused",
        "decision-tree": "done",
    }
    assert "Lower `learning_rate`" in by_name["diverging"].message
    assert "MODELWARD_TRAINING_WORKERS=1" in by_name["greedy"].message
    assert "in 48 of 48 rows" in by_name["unfaithful"].message
    assert by_name["talkative"].message.startswith("An unexpected ValueError in make.")
    assert rooms.training.show(run.id, by=admin) == run
    assert events(rooms).count("candidate.failed") == 4
    entries = rooms.ledger.entries()
    assert "Ada" not in str(entries) + str(run), "what a library says of a row is told nobody"


def test_a_run_without_a_version_fails_with_every_reason(rooms, register, admin, broken):
    register()
    with pytest.raises(RunFailedError, match=r"made no version\. diverging: .*; unfaithful: ") as failed:
        rooms.training.train(with_candidates("diverging", "unfaithful"), by=admin)
    (run,) = rooms.training.runs(by=admin)
    assert run.id in str(failed.value)
    assert run.status is Status.FAILED
    assert run.versions == ()
    assert events(rooms)[-1] == "run.failed"
    assert "runs resume" not in str(failed.value), "it would end the same"
    with pytest.raises(RunFailedError):
        rooms.training.resume(run.id, by=admin)


def test_a_run_that_lacked_memory_may_be_resumed_and_says_so(rooms, register, admin, broken):
    register()
    with pytest.raises(RunFailedError, match="go on with `modelward runs resume run-"):
        rooms.training.train(with_candidates("diverging", "greedy"), by=admin)


@pytest.mark.parametrize(
    ("candidate", "more", "said"),
    [
        ("cnn: {shape: [3, 7]}", "", r"candidates\[1\]\.cnn: `shape: \[3, 7, 1\]` has 21 places, and the prepared rows have"),
        ("rnn: {shape: [3, 7]}", "", r"candidates\[1\]\.rnn: `shape: \[3, 7\]` has 21 places"),
        ("transformer: {shape: [3, 7]}", "", r"candidates\[1\]\.transformer: `shape: \[3, 7\]` has 21 places"),
        ("transformer: {width: 30, heads: 4}", "", r"candidates\[1\]\.transformer: The 4 heads .* Set `width: 32`"),
        (
            "isolation-forest: {normal: maybe}",
            "",
            r"candidates\[1\]\.isolation-forest: normal: 'maybe' is no class\. Write 'no' or",
        ),
        ("mlp", "device: xpu\n", r"candidates\[1\]\.mlp: PyTorch finds no device 'xpu' here\. Train with `device: cpu`"),
    ],
)
def test_what_could_only_fail_is_refused_before_there_is_a_run(rooms, register, admin, candidate, more, said):
    register()
    written = f"model: grants\ndata: {{dataset: people}}\ncandidates: [naive-bayes, {candidate}]\n{more}"
    with pytest.raises(UnfitCandidateError, match=said):
        rooms.training.train(parse_spec(written), by=admin)
    assert rooms.training.runs(by=admin) == []
    assert "run.started" not in events(rooms)


def test_a_device_that_only_networks_need_is_not_asked_for_by_others(rooms, register, admin):
    register()
    written = "model: grants\ndata: {dataset: people}\ncandidates: [naive-bayes]\ndevice: xpu\n"
    assert rooms.training.train(parse_spec(written), by=admin).versions == ("grants:1",)


def test_nobody_trains_without_permission(rooms, register, admin):
    register()
    for actor in (
        Actor(id="person:olga", name="olga", role=Role.AUDITOR),
        Actor(id="service:x", name="x", role=Role.DATA_SCIENTIST, models=("other",)),
    ):
        with pytest.raises(NotPermittedError):
            rooms.training.train(with_candidates("naive-bayes"), by=actor)
    assert rooms.training.runs(by=admin) == []


def test_a_run_is_shown_to_those_who_may_see_its_model(rooms, register, admin):
    register()
    run = rooms.training.train(with_candidates("naive-bayes"), by=admin)
    other = Actor(id="service:x", name="x", role=Role.DATA_SCIENTIST, models=("other",))
    assert rooms.training.runs(by=other) == []
    with pytest.raises(NotPermittedError):
        rooms.training.show(run.id, by=other)
    own = Actor(id="service:y", name="y", role=Role.DATA_SCIENTIST, models=("grants",))
    assert rooms.training.runs(by=own) == [run]


def spec_with(data):
    return parse_spec(f"model: grants\ndata: {{dataset: people, {data}}}\ncandidates: [naive-bayes]\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("target: member", "data.target: the spec predicts 'member'"),
        ("sensitive: [towm]", "data.sensitive: 'towm' is not declared sensitive in dataset 'people'; did you mean town"),
        ("positive: maybe", "data.positive: 'maybe' cannot be the favourable class: no row has it. The classes are 'no', 'yes'"),
        ("exclude: [agee]", "data.exclude: there is no feature 'agee' in 'people'; did you mean age"),
        ("exclude: [grant]", "data.exclude: there is no feature 'grant'"),
        ("exclude: [age, hours, town, member]", "data.exclude: no feature is left"),
    ],
)
def test_a_spec_that_does_not_go_with_the_data_is_refused_and_nothing_written(rooms, register, admin, data, message):
    register()
    with pytest.raises(UnusableDataError) as refused:
        rooms.training.train(spec_with(data), by=admin)
    assert str(refused.value).startswith(message)
    assert rooms.training.runs(by=admin) == []


def test_a_spec_may_narrow_what_is_sensitive(rooms, register, admin):
    register(sensitive=("town", "member"))
    rooms.training.train(spec_with("sensitive: [member], exclude: [member, age]"), by=admin)
    version = rooms.registry.find("grants:1", by=admin)
    assert version.facts["sensitive"] == ["member"]
    assert [feature.name for feature in version.interface.features] == ["hours", "town"]


def test_a_version_keeps_the_favourable_class_of_the_data_unless_the_spec_states_the_other(rooms, register, admin):
    dataset = register()
    (other,) = {"yes", "no"} - {dataset.positive}
    rooms.training.train(with_candidates("naive-bayes"), by=admin)
    rooms.training.train(spec_with(f'positive: "{other}"'), by=admin)
    kept = [version.facts["positive"] for version in rooms.registry.versions("grants", by=admin)]
    assert kept == [dataset.positive, other]


def test_a_version_of_three_classes_has_no_favourable_one(rooms, register, admin):
    head, *rows = people(90).splitlines()
    lines = [f"{row.rpartition(',')[0]},{('low', 'middle', 'high')[at % 3]}" for at, row in enumerate(rows)]
    register(text="\n".join([head, *lines]) + "\n")
    rooms.training.train(with_candidates("naive-bayes"), by=admin)
    assert rooms.registry.find("grants:1", by=admin).facts["positive"] == ""


def column(name, value):
    """The people with one more column."""
    head, *rows = people(60).splitlines()
    return "\n".join([f"{name},{head}", *(f"{value(place)},{row}" for place, row in enumerate(rows))]) + "\n"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("note", lambda place: f"a remark of its own {place}", "Column 'note' holds free text"),
        ("born", lambda place: f"1990-01-{place % 28 + 1:02}", "Column 'born' holds dates"),
        ("row", lambda place: place + 1, "Column 'row' only counts the rows"),
    ],
)
def test_a_column_that_cannot_be_a_feature_is_refused_with_the_remedy(rooms, register, admin, name, value, message):
    register(text=column(name, value))
    with pytest.raises(UnusableDataError) as refused:
        rooms.training.train(with_candidates("naive-bayes"), by=admin)
    assert str(refused.value).startswith(message)
    assert f"`data: {{exclude: [{name}]}}`" in str(refused.value)
    assert rooms.training.train(spec_with(f"exclude: [{name}]"), by=admin).status is Status.DONE


def test_all_columns_that_cannot_be_features_are_named_at_once_with_the_line_to_write(rooms, register, admin):
    head, *rows = people(60).splitlines()
    more = (f"{place + 1},2024-01-{place % 28 + 1:02},2024-02-{place % 28 + 1:02},a remark {place}" for place in range(60))
    register(text="\n".join([f"row,born,seen: at,note,{head}", *(f"{a},{b}" for a, b in zip(more, rows, strict=True))]) + "\n")
    with pytest.raises(UnusableDataError) as refused:
        rooms.training.train(spec_with("exclude: [hours]"), by=admin)
    line = "exclude: [hours, row, born, 'seen: at', note]"
    assert all(named in str(refused.value) for named in ("'row' only", "'born', 'seen: at' holds dates", "'note' holds", line))
    assert rooms.training.train(spec_with(line), by=admin).status is Status.DONE


def test_the_date_by_which_rows_are_divided_is_no_feature(rooms, register, admin):
    register(text=column("moment", lambda place: f"2024-{place // 28 + 1:02}-{place % 28 + 1:02}"))
    rooms.training.train(spec_with("split: {by: time, column: moment}"), by=admin)
    names = [feature.name for feature in rooms.registry.find("grants:1", by=admin).interface.features]
    assert "moment" not in names
    assert "age" in names


def test_a_class_that_some_part_lacks_is_refused(rooms, register, admin):
    rows = people(60).splitlines()
    rows = [row.rsplit(",", 1)[0] + (",yes" if place == 1 else ",no") if place else row for place, row in enumerate(rows)]
    register(text="\n".join(rows) + "\n")
    with pytest.raises(InvalidSplitError, match="lack a class"):
        rooms.training.train(with_candidates("naive-bayes"), by=admin)


def test_a_dataset_that_is_not_there_is_refused(rooms, admin):
    with pytest.raises(DatasetMissingError, match="'people'"):
        rooms.training.train(with_candidates("naive-bayes"), by=admin)


def test_a_feature_without_a_value_in_the_training_rows_is_refused(rooms, register, admin):
    register(text=people(60))
    held_out = make_split(rooms.datasets.table("people", by=admin), "grant", Split()).test[0]
    register("sparse", column("rare", lambda place: 7.5 if place == held_out else ""))
    with pytest.raises(UnusableFeatureError, match="'rare' has no value in the training rows"):
        rooms.training.train(parse_spec("model: grants\ndata: {dataset: sparse}\ncandidates: [naive-bayes]\n"), by=admin)
    assert rooms.training.runs(by=admin) == []


def test_parameters_are_checked_again_where_they_are_used():
    from modelward.training import RECIPES
    from modelward.training.recipe import configure

    with pytest.raises(InvalidParameterError):
        configure(RECIPES.load("knn"), name="knn", parameters={"neighbors": 3})
