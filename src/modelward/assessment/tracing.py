# SPDX-License-Identifier: Apache-2.0
"""Which versions ever saw somebody's records, and what follows: a dataset never changes, so each division can be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from modelward.datasets import Parts, Records, Split, make_split
from modelward.errors import InvalidError
from modelward.registry import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """How many of the records were training, validation and test rows of one version; `outside` were kept from it by its grant.
    Where its division cannot be made again, `unknown` says why, and any of them may have been any.
    """

    version: str
    train: int = 0
    validation: int = 0
    test: int = 0
    outside: int = 0
    unknown: str = ""

    @property
    def has_seen(self) -> bool:
        """Whether any of the records had a part in it, or may have had."""
        return bool(self.train or self.validation or self.test or self.unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What became of the records of a `dataset` that were looked for, of which there are `rows`; and what to do about it."""

    dataset: str
    column: str
    rows: int
    sightings: tuple[Sighting, ...]
    advice: tuple[str, ...]


def sighting_of(version: Version, records: Callable[[str], Records], *, divided: dict[str, Parts]) -> Sighting:
    """What one version saw of the records. `divided` keeps the divisions that were made, for versions of one run have the same."""
    try:
        found = records(str(version.facts.get("grant", "")))
    except InvalidError:
        return Sighting(version=version.name, unknown="What its grant showed of the data cannot be shown again.")
    dataset, lineage = found.dataset, version.lineage
    if dataset.fingerprint != lineage.fingerprint or "split" not in version.facts:
        return Sighting(version=version.name, unknown="It was made from other rows or columns than its grant says.")
    parts = divided.get(lineage.split) or _divided(version, found)
    if parts is None or parts.digest != lineage.split:
        return Sighting(version=version.name, unknown="Its division of the rows comes out otherwise today.")
    divided[lineage.split] = parts
    train, validation, test = (int(np.isin(found.rows, part).sum()) for part in (parts.train, parts.validation, parts.test))
    return Sighting(version=version.name, train=train, validation=validation, test=test, outside=found.outside)


def most_seen(version: Version, found: Iterable[Sighting | None]) -> Sighting | None:
    """Of what was found of the origins of a version, that which weighs most, as told of that version; None where nothing was."""
    told = [each for each in found if each is not None]
    if not told:
        return None
    most = max(told, key=lambda each: (bool(each.unknown), each.train, each.validation, each.test))
    return replace(most, version=version.name)


def _divided(version: Version, found: Records) -> Parts | None:
    """The division that the version says it was made from, made again; None where it says none that there can be, as one that came
    from elsewhere may.
    """
    dataset, facts = found.dataset, version.facts
    try:
        split = msgspec.convert(facts["split"], Split)
        features = msgspec.convert(facts.get("columns") or version.interface.names, list[str])
        if split.by == "cluster" and not set(features) <= set(found.table.columns):
            return None
        return make_split(found.table, dataset.target, split, features=features, task=dataset.task, log=dataset.log)
    except (InvalidError, msgspec.ValidationError):
        return None


def advice_for(sightings: Sequence[Sighting], *, dataset: str, rows: int) -> tuple[str, ...]:
    """What follows: versions that learned from the records go on telling of them, whatever becomes of the data. Where nothing was
    found at all, the value may be written otherwise.
    """
    learned = [each.version for each in sightings if each.train or each.unknown]
    chosen = [each.version for each in sightings if each.validation and each.version not in learned]
    measured = [each.version for each in sightings if each.test and each.version not in (*learned, *chosen)]
    said = []
    if learned:
        models = sorted({name.partition(":")[0] for name in learned})
        commands = "; ".join(f"modelward data grant {model} {dataset} --rows … --purpose …" for model in models)
        said.append(
            f"Learned from them: {', '.join(learned)}. Grant the data anew with a filter that leaves them out (`{commands}`), "
            "train again, and let the new version go live in their place; take them offline at once with `modelward release "
            "pause` if it must not wait."
        )
    if chosen:
        said.append(f"Chosen between with their help, and not learned from them: {', '.join(chosen)}. Train again when convenient.")
    if measured:
        said.append(
            f"Only measured on them: {', '.join(measured)}. The model holds nothing of them; measure anew after the change."
        )
    if not said and not rows:
        return (
            f"No row of {dataset!r} has that value. Write it as the data has it, without quotes; `modelward data show {dataset}` "
            "says what its columns hold.",
        )
    if not said:
        said.append("No version has seen them. Leave them out of grants to come with a filter of rows.")
    said.append(
        f"The rows themselves are taken out of {dataset!r} for good by `modelward data erase {dataset} --rows … --reason …`."
    )
    return tuple(said)
