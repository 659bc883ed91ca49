# SPDX-License-Identifier: Apache-2.0
"""What follows from an erasure: which versions learned from the rows, or may have, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from modelward.access import Actor, Permission
from modelward.assessment.tracing import Sighting, most_seen, sighting_of
from modelward.datasets import Erased, ErasedPart, Parts, RecordedErasure, Records, Seen, seen_in
from modelward.registry import GRAPH_FILE, Registry, Version

Teller: TypeAlias = Callable[[datetime, tuple[str, str, str]], list[RecordedErasure]]
"""Knows of one dataset which erasures concern what was made then from that division; see `Erasing.teller`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An erasure, what versions saw of the rows, the `versions` among them that learned from some, or may have, and what to do."""

    erased: Erased
    sightings: tuple[Sighting, ...]
    versions: tuple[str, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionErased:
    """A version, and the erasures of rows that it learned from, or may have."""

    version: str
    erasures: tuple[RecordedErasure, ...]

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(each.gone for each in self.erasures)


def told_to(by: Actor | None, found: Iterable[RecordedErasure], *, of: Version) -> tuple[RecordedErasure, ...]:
    """Those erasures as `by` may know them: a version `of` another tenant's graph names no data of theirs."""

    def told(each: RecordedErasure) -> RecordedErasure:
        if by is None or each.dataset == of.lineage.dataset or by.may(Permission.DATA_READ, dataset=each.dataset):
            return each
        return replace(each, dataset="", before="", after="", kept_out=frozenset())

    return tuple(map(told, found))


def division_of(version: Version) -> tuple[str, str, str]:
    """Which rows it saw in which parts: its grant, the fingerprint of the rows, and the digest of the split."""
    return str(version.facts.get("grant", "")), version.lineage.fingerprint, version.lineage.split


def origins_in(registry: Registry) -> Callable[[Version], tuple[Version, ...]]:
    """Finds the origins of many versions, one after the other: those of one graph are looked up once, and of origins that saw the
    same rows in the same parts the oldest is enough.
    """
    known: dict[str, tuple[Version, ...]] = {}

    def origins(version: Version) -> tuple[Version, ...]:
        graph = next((file.digest for file in version.files if file.path == GRAPH_FILE), "")
        if not version.is_imported or not graph:
            return (version,)
        if graph not in known:
            oldest_last = sorted(registry.origins(version), key=lambda each: each.created, reverse=True)
            known[graph] = tuple({(each.lineage.dataset, *division_of(each)): each for each in oldest_last}.values())
        return known[graph]

    return origins


def seen_by(versions: Iterable[Version], records: Mapping[str, Callable[[str], Records]]) -> dict[str, list[Seen]]:
    """What is known of the rows that go in the divisions of those versions, for each dataset."""
    divided: dict[str, Parts] = {}
    sighted: dict[tuple[str, ...], Sighting] = {}
    found: dict[str, list[Seen]] = {}
    for version in versions:
        dataset, division = version.lineage.dataset, division_of(version)
        if dataset not in records or (dataset, *division) in sighted:
            continue
        sighting = sighted[dataset, *division] = sighting_of(version, records[dataset], divided=divided)
        if not sighting.unknown:
            grant, fingerprint, split = division
            counts = {"train": sighting.train, "validation": sighting.validation, "test": sighting.test}
            seen = Seen(grant=grant, fingerprint=fingerprint, split=split, outside=sighting.outside, **counts)
            found.setdefault(dataset, []).append(seen)
    return found


def sightings_of(
    erased: Erased,
    versions: Iterable[Version],
    *,
    origins: Callable[[Version], Iterable[Version]],
    concerns: Callable[[Version, str], bool],
) -> Iterator[Sighting]:
    """What each version saw of the rows, as those did that are its `origins`; `concerns` knows whether one may have seen any, of
    rows that left a fingerprint.
    """
    parts = {part.dataset: part for part in erased.parts if part.gone}
    for version in versions:
        saw = (
            _saw(each, part, concerns=concerns)
            for each in origins(version)
            if (part := parts.get(each.lineage.dataset)) is not None
        )
        if found := most_seen(version, saw):
            yield found


def _saw(version: Version, part: ErasedPart, *, concerns: Callable[[Version, str], bool]) -> Sighting | None:
    grant, *_ = division = division_of(version)
    if seen := seen_in(division, part.seen):
        return Sighting(version=version.name, train=seen.train, validation=seen.validation, test=seen.test, outside=seen.outside)
    if grant in part.kept_out:
        return Sighting(version=version.name, outside=part.gone)
    if concerns(version, part.fingerprint):
        return Sighting(version=version.name, unknown="Its division of the rows cannot be made again.")
    return None


def erasures_of(origins: Iterable[Version], teller: Callable[[str], Teller]) -> tuple[RecordedErasure, ...]:
    """The erasures that concern any of the `origins` of a version, each once, with the most rows that one of them had of it."""
    most: dict[tuple[str, datetime, str], RecordedErasure] = {}
    for origin in origins:
        name = origin.lineage.dataset
        for each in teller(name)(origin.created, division_of(origin)) if name else ():
            known = most.setdefault((each.dataset, each.at, each.before), each)
            if each.gone > known.gone:
                most[each.dataset, each.at, each.before] = each
    return tuple(sorted(most.values(), key=lambda each: (each.at, each.dataset)))


def may_have_learned(sightings: Iterable[Sighting]) -> tuple[str, ...]:
    """The versions that learned from some of the rows, were chosen by some, or may have been."""
    return tuple(each.version for each in sightings if each.train or each.validation or each.unknown)


def advice_after(erased: Erased, sightings: Sequence[Sighting]) -> tuple[str, ...]:
    """What follows, for people."""
    learned = [f"{each.version} ({_rows(each.train)})" for each in sightings if each.train]
    chosen = [f"{each.version} ({_rows(each.validation)})" for each in sightings if each.validation and not each.train]
    measured = [f"{each.version} ({_rows(each.test)})" for each in sightings if each.test and not (each.train or each.validation)]
    unknown = [each.version for each in sightings if each.unknown]
    said = [
        f"{what}: {', '.join(names)}."
        for what, names in (
            ("Learned from the rows", learned),
            ("Chosen between with their help, and not learned from them", chosen),
            ("May have learned from the rows, for its division of them cannot be made again", unknown),
        )
        if names
    ]
    if said:
        said.append(
            "Erasing takes the rows out of the data, and not out of these: weights were made with them, and files may hold some "
            "(the background of explanations; neighbours and support vectors). The default policy lets none of them go live any "
            "more. Train again, release the new version in their place, and take the old one offline with `modelward release "
            "pause` if that must not wait."
        )
    if measured:
        said.append(
            f"Only measured on the rows: {', '.join(measured)}. The model holds nothing of them, and may go live; it is not "
            "measured on rows any more, for its test rows are not what they were."
        )
    said = said or ["No version has seen the rows."]
    if erased.erased is not None:
        said.append(
            "Backups, and copies of the database from before, still open what was sealed then: run `modelward keys rotate-master`, "
            "take a new backup, and erase the old ones with their keyrings."
        )
    return tuple(said)


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"
