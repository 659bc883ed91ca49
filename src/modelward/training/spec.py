# SPDX-License-Identifier: Apache-2.0
"""The training spec: which data, which candidates, how they are prepared, divided and chosen between.

A spec is written by hand, in YAML; `parse_spec` refuses what it does not know. `docs/reference/spec.md` explains every key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from modelward import strict_yaml
from modelward.access import check_name, names_purpose
from modelward.datasets import Split
from modelward.digest import canonical_json, sha256_hex
from modelward.plugins import UnknownPluginError
from modelward.registry import USUAL_METRICS
from modelward.training import document
from modelward.training.augmenting import Augment
from modelward.training.checking import check, nearest
from modelward.training.document import InvalidSpecError
from modelward.training.preparation import Prepare
from modelward.training.recipe import Takes, answers, takes, uses_labels
from modelward.training.recipes import RECIPES

CANDIDATES_LIMIT = 64
# Only for the schema: `check_name` says it better.
Name = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9][a-z0-9-]{0,62}$"})]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
ColumnName = Annotated[str, Meta(min_length=1, max_length=200)]
ClassName = Annotated[str, Meta(min_length=1)]
Metric = Literal[
    "accuracy",
    "accuracy_taught",
    "balanced_accuracy",
    "bleu",
    "brier",
    "chrf",
    "ece",
    "exact_match",
    "f1",
    "hr_10",
    "mrr",
    "ndcg_10",
    "precision",
    "recall",
    "roc_auc",
]

WithoutMemory = Literal["fail", "smaller-batch"]

# What the contract names and a later version brings: said plainly, instead of "unknown".
_LATER = {"privacy": "training under differential privacy is not available in this version; leave the section out"}


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is learned from. Target, favourable class and sensitive columns are the dataset's own unless they are given; `target`
    may only repeat it, `positive` may be the other class, `sensitive` may narrow.
    """

    dataset: Annotated[Name, Meta(description="Name of a registered dataset.")]
    target: Annotated[ColumnName | None, Meta(description="Column to predict; the dataset's own target.")] = None
    positive: Annotated[ClassName | None, Meta(description="The favourable class of a target of two; the dataset's own.")] = None
    sensitive: Annotated[
        tuple[ColumnName, ...] | None, Meta(description="Columns by which fairness is measured; the dataset's own, or fewer.")
    ] = None
    text: Annotated[
        ColumnName | None, Meta(description="Column of text to learn from instead of the table; the other columns are no features.")
    ] = None
    image: Annotated[
        ColumnName | None,
        Meta(description="Column of images to learn from instead of the table; the other columns are no features."),
    ] = None
    history: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(
            description="Of a log of interactions: learn from the last so many items that each user took, instead of a table; what "
            "is left out of a recommendation because it was taken before is what stands in there."
        ),
    ] = None
    series: Annotated[
        ColumnName | None,
        Meta(description="Column of series of numbers to learn from instead of the table; the other columns are no features."),
    ] = None
    exclude: Annotated[tuple[ColumnName, ...], Meta(description="Columns that are no features of the model.")] = ()
    prepare: Annotated[Prepare, Meta(description="How columns become numbers.")] = Prepare()
    augment: Annotated[
        Augment | None, Meta(description="Training rows of a table that are added to those there are; none adds none.")
    ] = None
    split: Annotated[Split, Meta(description="How rows are divided.")] = Split()


class CandidateSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One recipe and all its parameters, those that the spec leaves out included."""

    recipe: str
    parameters: dict[str, Any]


class Objective(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How candidates are chosen between: the best by `metric`, or the smallest that comes within `tolerance` of it."""

    metric: Annotated[
        Metric,
        Meta(
            description="Measured on the test rows; unless said `ndcg_10` where histories are learned from, "
            "`chrf` where texts are written, `accuracy_taught` where rows are generated."
        ),
    ] = "roc_auc"
    prefer: Annotated[Literal["best", "smallest-within"], Meta(description="What the recommendation picks.")] = "smallest-within"
    tolerance: Annotated[float, Meta(ge=0, le=1, description="How far from the best is near enough.")] = 0.005


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The spec as it is written, with `candidates` still a name or a mapping each."""

    model: Annotated[Name, Meta(description="Name of the model whose versions the candidates become.")]
    data: Data
    candidates: Annotated[list[Any], Meta(min_length=1, max_length=CANDIDATES_LIMIT, description="Recipes to train.")]
    purpose: Annotated[Text | None, Meta(description="Who may use the model for what; the dataset's own purpose.")] = None
    owner: Annotated[Text | None, Meta(description="Who answers for the model; the dataset's own owner.")] = None
    objective: Annotated[Objective, Meta(description="How the candidates are compared.")] = Objective()
    seed: Annotated[int, Meta(ge=0, lt=2**32, description="Seed of everything random in training.")] = 0
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps", "xpu"],
        Meta(description="Where recipes that can use an accelerator train; `auto` takes one where there is one."),
    ] = "cpu"
    out_of_memory: Annotated[
        WithoutMemory,
        Meta(
            description="What becomes of a candidate that runs out of memory: it fails, or is tried once more with smaller batches."
        ),
    ] = "fail"


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A spec that holds. Equal specs have equal digests, however they were written down."""

    model: str
    data: Data
    candidates: tuple[CandidateSpec, ...]
    purpose: str | None = None
    owner: str | None = None
    objective: Objective = Objective()
    seed: int = 0
    device: str = "cpu"
    out_of_memory: WithoutMemory = "fail"

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of every value, defaults included."""
        return sha256_hex(canonical_json(self))


def parse_spec(text: str | bytes) -> Spec:
    """The spec in `text`, YAML or JSON.

    Raises:
        InvalidSpecError: it is not YAML as it is taken here, or a key is unknown, missing or has a value it cannot have. The
            message gives the path of the key, what is allowed and the nearest match.
        InvalidError: a name or a split that the rooms which own them refuse.
    """
    written = document.read(text)
    _refuse_later(written)
    _refuse_unquoted(written)
    form = check(written, _Form)
    check_name("model", form.model)
    check_name("dataset", form.data.dataset)
    for name, line in (("purpose", form.purpose), ("owner", form.owner)):
        if line is not None and not (line.isprintable() and line.strip()):
            raise InvalidSpecError(f"{name}: one line of printable text belongs here.")
    if not names_purpose(form.purpose or "", or_none=True):
        raise InvalidSpecError(f"purpose: {form.purpose!r} names no purpose. Say one, or leave the key out for that of the grant.")
    if form.data.augment and offered(form.data) not in ("table", "image"):
        raise InvalidSpecError(
            f"data.augment: rows are added to tables and images, and this is a {offered(form.data)}. Leave the key out."
        )
    if form.data.history is not None and (
        form.data.text is not None or form.data.image is not None or form.data.positive is not None
    ):
        raise InvalidSpecError("data.history: it goes with none of `data.text`, `data.image` and `data.positive`. Leave them out.")
    candidates = tuple(_candidate(entry, form.data, path=f"candidates[{place}]") for place, entry in enumerate(form.candidates))
    for place, candidate in enumerate(candidates):
        if candidate in candidates[:place]:
            raise InvalidSpecError(f"candidates[{place}]: {candidate.recipe} stands there already with the same parameters.")
    given = {name: getattr(form, name) for name in form.__struct_fields__}
    if "metric" not in (written.get("objective") or {}):
        given["objective"] = msgspec.structs.replace(form.objective, metric=_usual_metric(form.data, candidates))
    return Spec(**{**given, "candidates": candidates})


def _usual_metric(data: Data, candidates: Sequence[CandidateSpec]) -> Metric:
    if data.history is not None:
        return USUAL_METRICS["items"]
    kinds = {answers(RECIPES.load(each.recipe)) for each in candidates}
    return USUAL_METRICS[kinds.pop() if len(kinds) == 1 else "classes"]


def render(spec: Spec) -> str:
    """`spec` as YAML with every default written out; `parse_spec` reads it back to an equal spec."""
    return strict_yaml.write(_form(spec))


def spec_json(spec: Spec) -> bytes:
    """`spec` as canonical JSON with every default written out; `parse_spec` reads that too."""
    return canonical_json(_form(spec))


def spec_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a spec, with every recipe and its parameters."""
    recipes = {name: RECIPES.load(name).Parameters for name in sorted(RECIPES.places)}
    (form, *parameters), parts = msgspec.json.schema_components([_Form, *recipes.values()], ref_template="#/$defs/{name}")
    top = parts.pop("_Form")
    assert form == {"$ref": "#/$defs/_Form"}
    parts["Candidate"] = {
        "title": "Candidate",
        "anyOf": [
            {"enum": list(recipes)},
            *(
                {"type": "object", "properties": {name: shape}, "required": [name], "additionalProperties": False}
                for name, shape in zip(recipes, parameters, strict=True)
            ),
        ],
    }
    top["properties"]["candidates"]["items"] = {"$ref": "#/$defs/Candidate"}
    for part in parts.values():
        if "properties" in part:
            part["additionalProperties"] = False
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "title": "Modelward training spec", "$defs": parts}
    return dict(msgspec.json.decode(msgspec.json.encode(schema)))


def _form(spec: Spec) -> dict[str, Any]:
    """`spec` as it could have been written by hand."""
    form = dict(msgspec.json.decode(msgspec.json.encode(spec)))
    form["candidates"] = [{entry["recipe"]: entry["parameters"]} for entry in form["candidates"]]
    return form


def _refuse_later(written: Any) -> None:
    if isinstance(written, dict) and "privacy" in written:
        raise InvalidSpecError(f"privacy: {_LATER['privacy']}.")


def _refuse_unquoted(written: Any) -> None:
    data = written.get("data") if isinstance(written, dict) else None
    stated = data.get("positive") if isinstance(data, dict) else None
    if isinstance(stated, bool | int):
        text = str(stated).lower()
        raise InvalidSpecError(f'data.positive: classes are texts, and this is none. Quote it: `positive: "{text}"`.')


def _candidate(entry: Any, data: Data, *, path: str) -> CandidateSpec:
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, dict) or len(entry) != 1:
        raise InvalidSpecError(f"{path}: write the name of a recipe, or one name and its parameters like `knn: {{neighbours: 5}}`.")
    ((name, given),) = entry.items()
    try:
        recipe = RECIPES.load(name)
    except UnknownPluginError as unknown:
        raise InvalidSpecError(f"{path}.{name}: unknown recipe; {nearest(name, RECIPES.names())}") from unknown
    _check_takes(takes(recipe), data, path=f"{path}.{name}")
    if data.augment and data.augment.smote and not uses_labels(recipe):
        raise InvalidSpecError(
            f"{path}.{name}: the recipe learns from no label, and would take what `data.augment.smote` makes up for rows that "
            "somebody collected. Train it in a spec without."
        )
    parameters = check({} if given is None else given, recipe.Parameters, path=f"{path}.{name}")
    return CandidateSpec(recipe=name, parameters=msgspec.json.decode(msgspec.json.encode(parameters)))


def offered(data: Data) -> Takes:
    """What the data is for a recipe: a table, the texts, images or series of one column, or the histories of a log."""
    named: list[Takes] = [each for each in _OF_ONE_COLUMN if getattr(data, each) is not None]
    if len(named) > 1:
        both = " and ".join(f"`{each}`" for each in named)
        raise InvalidSpecError(f"data: {both} are both there, and a recipe learns from one of them. Leave one out.")
    if named:
        return named[0]
    return "table" if data.history is None else "sequence"


def columns_read(data: Data) -> tuple[str, ...]:
    """Every column that the spec names to be read, for whatever use."""
    one = (data.target, data.text, data.image, data.series, data.split.column)
    return tuple(dict.fromkeys([*filter(None, one), *(data.sensitive or ())]))


_OF_ONE_COLUMN: tuple[Takes, ...] = ("text", "image", "series")
_HOW: dict[Takes, str] = {
    "table": "leave `data.text`, `data.image`, `data.series` and `data.history` out",
    "text": "name the column of text, `data: {text: COLUMN}`",
    "image": "name the column of images, `data: {image: COLUMN}`",
    "series": "name the column of series, `data: {series: COLUMN}`",
    "sequence": "say how many of the last items of a user are learned from, `data: {history: 50}`",
}


def _check_takes(taken: tuple[Takes, ...], data: Data, *, path: str) -> None:
    given = offered(data)
    if given in taken:
        return
    fitting = ", ".join(name for name in RECIPES if given in takes(RECIPES.load(name)))
    how = " or ".join(_HOW[each] for each in taken)
    raise InvalidSpecError(
        f"{path}: the recipe learns from {_named(taken)}, and this data is {_named((given,))}. For this recipe {how}; from "
        f"{_named((given,))} learn: {fitting}."
    )


def _named(taken: tuple[Takes, ...]) -> str:
    return " or ".join("an image" if each == "image" else f"a {each}" for each in taken)
