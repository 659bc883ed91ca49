# SPDX-License-Identifier: Apache-2.0
"""A spec is read exactly, or refused with the key, what is allowed, and what was meant."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward import strict_yaml
from modelward.errors import InvalidError, TooLargeError
from modelward.training import (
    RECIPES,
    InvalidSpecError,
    Objective,
    SpecTooLargeError,
    Status,
    document,
    override,
    parse_spec,
    render,
    spec_json_schema,
)
from modelward.training.recipe import takes
from modelward.training.spec import spec_json

ROOT = Path(__file__).parents[2]
LEAST = "model: income\ndata: {dataset: adult}\ncandidates: [decision-tree]\n"
FULL = """
model: income
purpose: pre-screening of grant applications        # who may use it for what
owner: social-affairs
data:
  dataset: adult
  target: income
  sensitive: [sex, race]
  exclude: [fnlwgt]
  prepare: {missing: median, outliers: clip, scale: standard, encode: one-hot}
  split: {by: random, test: 0.2, validation: 0.1, seed: 7}
candidates:
  - logistic-regression
  - decision-tree: {max_depth: 6}
  - gradient-boosting
  - mlp: {hidden: [256, 256], optimizer: adam, learning_rate: 1e-3, schedule: cosine, clip_norm: 1.0, epochs: 20, l2: 1e-4}
objective: {metric: roc_auc, prefer: smallest-within, tolerance: 0.005}
seed: 11
device: cpu
"""


def test_only_model_data_and_candidates_are_required():
    spec = parse_spec(LEAST)
    assert (spec.model, spec.data.dataset, spec.seed, spec.device) == ("income", "adult", 0, "cpu")
    assert (spec.purpose, spec.owner, spec.data.target, spec.data.sensitive) == (None, None, None, None)
    assert spec.data.split.by == "stratified"
    assert spec.objective == Objective(metric="roc_auc", prefer="smallest-within", tolerance=0.005)
    for key in ("model", "data", "candidates"):
        kept = "\n".join(line for line in LEAST.splitlines() if not line.startswith(key))
        with pytest.raises(InvalidSpecError, match=rf"^{key}: missing; it is required"):
            parse_spec(kept)


def test_the_spec_of_the_contract_is_read():
    spec = parse_spec(FULL)
    assert [candidate.recipe for candidate in spec.candidates] == [
        "logistic-regression",
        "decision-tree",
        "gradient-boosting",
        "mlp",
    ]
    assert spec.candidates[1].parameters["max_depth"] == 6
    mlp = spec.candidates[3].parameters
    assert (mlp["hidden"], mlp["learning_rate"], mlp["l2"]) == ([256, 256], 0.001, 0.0001)
    assert spec.data.sensitive == ("sex", "race")
    assert spec.data.exclude == ("fnlwgt",)
    assert (spec.data.split.by, spec.data.split.seed, spec.data.prepare.outliers) == ("random", 7, "clip")


def test_a_digest_speaks_of_the_meaning_and_not_of_the_writing():
    written_out = LEAST.replace("[decision-tree]", "\n  - decision-tree: {max_depth: 8}  # the default\n") + "seed: 0\n"
    assert parse_spec(written_out).digest == parse_spec(LEAST).digest
    assert parse_spec(written_out.replace("seed: 0", "seed: 1")).digest != parse_spec(LEAST).digest
    assert parse_spec(written_out.replace("max_depth: 8", "max_depth: 9")).digest != parse_spec(LEAST).digest


WRONG = {
    "unknown: 1": "unknown: unknown; ",
    "purpos: x": "purpos: unknown; did you mean purpose? Allowed: model, data, candidates, purpose, owner, objective, seed",
    "history: 3": "history: unknown; did you mean data.history? Allowed: model, data, candidates,",
    "dataset: adult": "dataset: unknown; did you mean data.dataset? Allowed: ",
    "similarity: 1": "similarity: unknown; did you mean data.split.similarity? Allowed: ",
    "seed: -1": "seed: expected `int` >= 0.",
    "seed: 4294967296": "seed: expected `int` <= 4294967295.",
    "seed: one": "seed: expected `int`, got `str`.",
    "seed: 1.5": "seed: expected `int`, got `float`.",
    "seed: true": "seed: expected `int`, got `bool`.",
    "device: gpu": "device: 'gpu' is no value it can have;",
    "objective: {metric: roc-auc}": "objective.metric: 'roc-auc' is no value it can have; did you mean roc_auc? Allowed: ",
    "objective: {tolerance: 2}": "objective.tolerance: expected `float` <= 1.0.",
    "objective: best": "objective: a mapping of metric, prefer, tolerance belongs here, not 'best'.",
    "purpose: ''": "purpose: expected `str` of length >= 1",
    'purpose: "two\\nlines"': "purpose: one line of printable text belongs here.",
    "purpose: ' ; . '": "purpose: ' ; . ' names no purpose. Say one, or leave the key out",
    "privacy: {epsilon: 3, delta: 1e-5}": "privacy: training under differential privacy is not available in this version",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_key_is_named_with_what_it_can_be(line):
    with pytest.raises(InvalidSpecError) as refused:
        parse_spec(LEAST + line + "\n")
    assert str(refused.value).startswith(WRONG[line])


WRONG_DATA = {
    "{}": "data.dataset: missing; it is required.",
    "adult": (
        "data: a mapping of dataset, target, positive, sensitive, text, image, history, series, exclude, prepare, augment, "
        "split belongs here, not 'adult'."
    ),
    "{dataset: adult, prepar: {}}": "data.prepar: unknown; did you mean prepare?",
    "{dataset: adult, prepare: {scale: standart}}": "data.prepare.scale: 'standart' is no value it can have; did you mean standard",
    "{dataset: adult, split: {by: cluster, similarity: 2}}": "data.split: The similarity is 2;",
    "{dataset: adult, split: {by: stratifed}}": "data.split.by: 'stratifed' is no value it can have; did you mean stratified?",
    "{dataset: adult, split: {test: 2}}": "data.split: The test share is 2;",
    "{dataset: adult, split: {seeed: 2}}": "data.split.seeed: unknown; did you mean seed?",
    "{dataset: adult, positive: 1}": 'data.positive: classes are texts, and this is none. Quote it: `positive: "1"`.',
    "{dataset: adult, positive: true}": 'data.positive: classes are texts, and this is none. Quote it: `positive: "true"`.',
    "{dataset: adult, sensitive: sex}": "data.sensitive: a list belongs here, such as `['sex']`, and not 'sex' alone.",
    "{dataset: adult, sensitive: [1]}": "data.sensitive[0]: expected `str`, got `int`.",
}


@pytest.mark.parametrize("data", WRONG_DATA)
def test_a_wrong_key_of_the_data_is_named_with_what_it_can_be(data):
    with pytest.raises(InvalidSpecError) as refused:
        parse_spec(f"model: income\ndata: {data}\ncandidates: [knn]\n")
    assert str(refused.value).startswith(WRONG_DATA[data])


WRONG_CANDIDATES = {
    "[]": "candidates: a list of 1 or more belongs here, and [] has 0.",
    "knn": "candidates: a list belongs here, such as `['knn']`, and not 'knn' alone.",
    "[knn, {decision-tree: {max_dept: 3}}]": (
        "candidates[1].decision-tree.max_dept: unknown; did you mean max_depth? Allowed: max_depth, min_samples_leaf,"
    ),
    "[{decision-tree: {max_depth: 0}}]": "candidates[0].decision-tree.max_depth: expected `int` >= 1.",
    "[{decision-tree: {criterion: ginny}}]": "candidates[0].decision-tree.criterion: 'ginny' is no value it can have;",
    "[{decision-tree: [3]}]": "candidates[0].decision-tree: a mapping of max_depth, ",
    "[desicion-tree]": "candidates[0].desicion-tree: unknown recipe; did you mean decision-tree? Allowed: autoencoder, cnn, ",
    "[{knn: {}, svm: {}}]": "candidates[0]: write the name of a recipe, or one name",
    "[[knn]]": "candidates[0]: write the name of a recipe, or one name",
    "[knn, svm, {knn: {}}]": "candidates[2]: knn stands there already with the same parameters.",
    f"[{', '.join(f'{{knn: {{neighbours: {n}}}}}' for n in range(1, 66))}]": "candidates: a list of at most 64 belongs here",
    "[mlp: {lr: 0.1}]": "candidates[0].mlp.lr: unknown; did you mean learning_rate? Allowed: ",
    "[mlp: {dropout-rate: 0.1}]": "candidates[0].mlp.dropout-rate: unknown; did you mean dropout? Allowed: ",
    "[gradient-boosting: {n_estimators: 9}]": "candidates[0].gradient-boosting.n_estimators: unknown; did you mean rounds?",
    "[random-forest: {n_estimators: 9}]": "candidates[0].random-forest.n_estimators: unknown; did you mean trees? Allowed: ",
    "[rnn: {hidden_size: 9}]": "candidates[0].rnn.hidden_size: unknown; did you mean units? Allowed: ",
    "[mlp: {hidden: 64}]": "candidates[0].mlp.hidden: a list belongs here, such as `[64]`, and not 64 alone.",
    "[mlp: {epochs: [9]}]": "candidates[0].mlp.epochs: one number belongs here, such as `9`, and no list.",
    "[cnn: {shape: [8]}]": "candidates[0].cnn.shape: a list of 2 or more belongs here, and [8] has 1.",
    "[rnn: {shape: [8, 8, 3]}]": "candidates[0].rnn.shape: a list of 2 belongs here, and [8,8,3] has 3.",
}


@pytest.mark.parametrize("candidates", WRONG_CANDIDATES)
def test_a_wrong_candidate_is_named_with_what_it_can_be(candidates):
    with pytest.raises(InvalidSpecError) as refused:
        parse_spec(f"model: income\ndata: {{dataset: adult}}\ncandidates: {candidates}\n")
    assert str(refused.value).startswith(WRONG_CANDIDATES[candidates])


@pytest.mark.parametrize("line", ["model: ../income", "model: Income", "model: ''", f"model: {'a' * 64}"])
def test_a_name_that_cannot_be_given_is_refused(line):
    with pytest.raises(InvalidError, match="name of a model"):
        parse_spec(LEAST.replace("model: income", line))


NOT_TAKEN = {
    "seed: &x 1\npurpose: *x": "anchors and aliases",
    "a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]": "anchors and aliases",
    "seed: 1\nseed: 2": "the key 'seed' stands twice",
    "data: {dataset: adult, dataset: adult}": "the key 'dataset' stands twice",
    "seed: !!python/object/apply:os.system ['true']": "tags (!) are not taken",
    "seed: !!int 1": "tags (!) are not taken",
    "1: 2": "every key must be a text",
    "? [a]\n: 1": "every key must be a text",
    "a: " + "[" * 30: "more than 20 levels deep",
    "a: [": "is not YAML",
    "--- 1\n--- 2": "another document",
    "a: 1e999": "too large",
    "a: 99999999999999999999": "beyond",
    f"a: {'9' * 5000}": "beyond",
    'a: "\\ud800"': "UTF-8",
    "a: \x07": "cannot be read",
}


@pytest.mark.parametrize("text", NOT_TAKEN)
def test_yaml_that_is_more_than_values_is_refused(text):
    with pytest.raises(InvalidSpecError) as refused:
        parse_spec(text)
    assert NOT_TAKEN[text] in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "text"])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(InvalidSpecError, match="The spec: a mapping of model, data, candidates"):
        parse_spec(text)


def test_a_spec_larger_than_the_limit_is_refused():
    assert parse_spec(LEAST + "#" * (60 << 10))
    with pytest.raises(SpecTooLargeError, match="65,536 is the limit") as refused:
        parse_spec(LEAST + "#" * (64 << 10))
    assert isinstance(refused.value, TooLargeError)


def test_bytes_that_are_no_utf_8_are_refused():
    assert parse_spec(LEAST.encode()) == parse_spec(LEAST)
    with pytest.raises(InvalidSpecError, match="UTF-8"):
        parse_spec(LEAST.encode("utf-16"))


def test_words_that_other_yaml_would_turn_into_something_else_stay_words():
    spec = parse_spec(LEAST.replace("{dataset: adult}", "{dataset: adult, exclude: [no, on, 12:30, 2024-01-01, 0x1F, 1_000]}"))
    assert spec.data.exclude == ("no", "on", "12:30", "2024-01-01", "0x1F", "1_000")


def test_a_value_is_overridden_by_its_path():
    changed = parse_spec(
        override(FULL, ["data.split.seed=3", "candidates[1].decision-tree.max_depth=4", "data.sensitive=[sex]", "owner=two words"])
    )
    assert changed.data.split.seed == 3
    assert changed.candidates[1].parameters["max_depth"] == 4
    assert changed.data.sensitive == ("sex",)
    assert changed.owner == "two words"
    assert changed.model == "income"


def test_an_override_makes_the_sections_that_it_needs():
    changed = parse_spec(override(LEAST, ["data.split.seed=3", "candidates[0].decision-tree.max_depth=4"]))
    assert changed.data.split.seed == 3
    assert changed.candidates[0].parameters["max_depth"] == 4


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("seed", "no assignment"),
        ("=3", "no assignment"),
        ("a..b=3", "no assignment"),
        ("a[x]=3", "no assignment"),
        ("candidates[7]=knn", r"no entry \[7\]; entries are counted from 0 to 0"),
        ("model[0]=x", r"no entry \[0\]; it is no list"),
        ("model.name=x", "'name' would lie inside a value"),
        ("candidates[0].knn.neighbours=3", "'knn' would lie inside a value"),
        ("seed=[", "is not YAML"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(assignment, message):
    with pytest.raises(InvalidSpecError, match=message):
        override(LEAST, [assignment])


def test_an_override_is_checked_like_what_was_written():
    with pytest.raises(InvalidSpecError, match=r"^data\.split\.sed: unknown; did you mean seed"):
        parse_spec(override(LEAST, ["data.split.sed=3"]))


def test_the_published_schema_is_the_one_that_the_code_has():
    published = json.loads((ROOT / "docs/reference/spec.schema.json").read_text())
    assert published == spec_json_schema(), "run `make docs`"


def test_the_schema_takes_what_is_taken_and_refuses_what_is_refused():
    schema = spec_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checks = jsonschema.Draft202012Validator(schema)
    for text in (LEAST, FULL, render(parse_spec(FULL))):
        checks.validate(document.read(text))
    for line in WRONG:
        if "printable" not in WRONG[line] and "names no purpose" not in WRONG[line]:
            assert not checks.is_valid(document.read(LEAST + line + "\n")), line
    for data in WRONG_DATA:
        if not WRONG_DATA[data].startswith("data.split: "):
            assert not checks.is_valid({"model": "m", "data": document.read(data), "candidates": ["knn"]}), data
    for candidates in WRONG_CANDIDATES:
        if "already" not in WRONG_CANDIDATES[candidates]:
            assert not checks.is_valid({"model": "m", "data": {"dataset": "d"}, "candidates": document.read(candidates)}), (
                candidates
            )


def test_every_key_and_every_recipe_is_documented():
    page = (ROOT / "docs/reference/spec.md").read_text()
    keys = set()

    def collect(part):
        for name, inner in part.get("properties", {}).items():
            keys.add(name)
            collect(inner)

    schema = spec_json_schema()
    collect(schema)
    for part in ("Data", "Prepare", "Split", "Objective"):
        collect(schema["$defs"][part])
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
    assert [name for name in RECIPES.names() if f"`{name}`" not in page] == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_a_spec(path):
    if "candidates:" in path.read_text():
        assert parse_spec(path.read_bytes()).candidates


WORDS = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Cn", "Co", "Cf"]), min_size=1, max_size=20).filter(
    lambda text: text.isprintable() and text.strip()
)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
# Never the defaults, which would be the bare recipe once more.
CANDIDATES = st.one_of(
    st.sampled_from([name for name in RECIPES if "table" in takes(RECIPES.load(name))]),
    st.builds(
        lambda depth, leaf: {"decision-tree": {"max_depth": depth, "min_samples_leaf": leaf}},
        st.integers(9, 60),
        st.integers(1, 99),
    ),
    st.builds(lambda strength: {"logistic-regression": {"C": strength}}, st.floats(2, 1e4)),
)
TEXT_CANDIDATES = st.one_of(
    st.sampled_from([name for name in RECIPES if "text" in takes(RECIPES.load(name))]),
    st.builds(lambda strength, most: {"text-linear": {"C": strength, "sequences": most}}, st.floats(2, 1e4), st.integers(1, 999)),
)


def specs(candidates, **data):
    """Specs of one sort of data."""
    return st.fixed_dictionaries(
        {
            "model": NAMES,
            "data": st.fixed_dictionaries(
                {"dataset": NAMES, **data},
                optional=DATA,
            ),
            "candidates": st.lists(candidates, min_size=1, max_size=4, unique_by=str),
        },
        optional={"purpose": WORDS, "owner": WORDS, "seed": st.integers(0, 2**32 - 1)},
    )


DATA = {
    "target": WORDS,
    "positive": WORDS,
    "sensitive": st.lists(WORDS, max_size=3),
    "exclude": st.lists(WORDS, max_size=3),
    "prepare": st.fixed_dictionaries({"lowercase": st.booleans(), "length": st.integers(1, 16384) | st.none()}),
    "split": st.fixed_dictionaries({"test": st.floats(0.01, 0.4), "seed": st.integers(0, 2**32 - 1)}),
}
SPECS = st.one_of(specs(CANDIDATES), specs(TEXT_CANDIDATES, text=WORDS))


@given(SPECS)
@settings(max_examples=60, deadline=None)
def test_a_spec_that_is_written_out_is_read_back_the_same(written):
    spec = parse_spec(strict_yaml.write(written))
    assert parse_spec(render(spec)) == spec
    assert parse_spec(render(spec)).digest == spec.digest
    assert parse_spec(spec_json(spec)) == spec
    assert (spec.purpose, spec.data.exclude) == (written.get("purpose"), tuple(written["data"].get("exclude", ())))


# What is wrong as a whole, or at a line.
WHOLE = re.compile(
    r"The spec(: a mapping of model, data, candidates"
    r"| is not YAML that can be used in line \d+, column \d+: .| is not text in UTF-8| holds a character| has [\d,]+ bytes)"
    r"|'.*' cannot be the name of a (model|dataset)\.",
    re.DOTALL,
)


def tells_the_place(why: str, text: str | bytes) -> bool:
    """Whether a refusal names the line, or a key that is there or is lacking."""
    return bool(WHOLE.match(why)) or why.startswith(("model", "data", "candidates", *document.read(text)))


def is_read_or_refused(text: str | bytes) -> bool:
    """Whether `text` is a spec; one reads the same when it is written out anew, and a refusal says where it is wrong."""
    why = ""
    try:
        spec = parse_spec(text)
    except InvalidError as refused:
        why = str(refused)
    if why:
        assert tells_the_place(why, text), why
        return False
    assert parse_spec(render(spec)) == spec
    return True


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text):
    is_read_or_refused(text)


def test_the_check_of_any_text_knows_both_ends():
    """The control: a spec is one, and what is none is refused."""
    assert is_read_or_refused(FULL)
    assert not is_read_or_refused(LEAST + "seed: -1")


PIECES = st.sampled_from(
    [
        *"[]{}:,&*!|>-?#%@'\"\n \t",
        "model",
        "data",
        "candidates",
        ": ",
        "\n  ",
        "- ",
        "<<",
        "{dataset: adult}",
        "[knn]",
        "1e400",
        "~",
        ".inf",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_anything_that_looks_like_yaml_is_read_or_refused(text):
    is_read_or_refused(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["model", "data", "candidates", "purpose", "objective", "seed", "privacy"]),
        JSON
        | st.fixed_dictionaries({"dataset": JSON, "split": JSON, "prepare": JSON})
        | st.lists(st.dictionaries(st.sampled_from(RECIPES.names()), JSON, max_size=2), max_size=2),
        max_size=5,
    )
)
@settings(max_examples=300, deadline=None)
def test_values_of_any_shape_are_read_or_refused(written):
    is_read_or_refused(json.dumps(written))


def test_the_statuses_are_words():
    assert [str(status) for status in Status] == ["running", "done", "failed", "interrupted"]
