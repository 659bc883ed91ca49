# SPDX-License-Identifier: Apache-2.0
"""The manifest: one document, one digest."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.digest import sha256_hex
from modelward.registry import InvalidManifestError, Lineage, Manifest, parse_manifest
from modelward.registry.manifest import ManifestFile
from registry.tiny import INTERFACE, LINEAGE

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
LINEAGES = st.builds(
    Lineage,
    dataset=TEXT,
    fingerprint=TEXT,
    split=TEXT,
    spec=TEXT,
    run=TEXT,
    recipe=TEXT,
    parameters=st.dictionaries(TEXT, JSON, max_size=3),
    seed=st.integers(0, 2**32),
    code=TEXT,
    libraries=st.dictionaries(TEXT, TEXT, max_size=3),
)
MANIFESTS = st.builds(
    Manifest,
    model=TEXT,
    number=st.integers(1, 10**6),
    files=st.lists(st.builds(ManifestFile, TEXT, TEXT, st.integers(0, 2**40)), max_size=3).map(tuple),
    lineage=LINEAGES,
    purpose=TEXT,
    owner=TEXT,
    facts=st.dictionaries(TEXT, JSON, max_size=3),
    created=st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)),
    by=TEXT,
)


@given(manifest=MANIFESTS)
def test_a_manifest_is_read_back_as_it_was_written(manifest):
    raw = manifest.to_json()
    assert parse_manifest(raw) == manifest
    assert parse_manifest(raw).to_json() == raw


@given(one=MANIFESTS, other=MANIFESTS)
def test_different_manifests_have_different_digests(one, other):
    assert (one == other) == (sha256_hex(one.to_json()) == sha256_hex(other.to_json()))


def small(**changes) -> Manifest:
    given_fields = {
        "model": "income",
        "number": 1,
        "files": (ManifestFile("interface.json", sha256_hex(INTERFACE.to_json()), len(INTERFACE.to_json())),),
        "lineage": LINEAGE,
        "purpose": "p",
        "owner": "o",
        "facts": {},
        "created": datetime(2026, 1, 1, tzinfo=UTC),
        "by": "person:root",
    }
    return Manifest(**given_fields | changes)


def test_bytes_that_are_not_canonical_are_refused():
    raw = small().to_json()
    parse_manifest(raw)
    for other in (
        json.dumps(json.loads(raw), indent=1).encode(),
        raw + b"\n",
        raw.replace(b'"number":1', b'"number":1.0'),
        raw.replace(b'"owner":"o"', b'"owner":"o","more":1'),
        raw.replace(b'"by":', b'"by":"twice","by":'),
    ):
        assert other != raw
        with pytest.raises(InvalidManifestError):
            parse_manifest(other)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"\xff", b"null", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(raw):
    with pytest.raises(InvalidManifestError):
        parse_manifest(raw)


def test_a_manifest_of_a_later_format_is_refused_by_name():
    with pytest.raises(InvalidManifestError, match="modelward-version-9"):
        parse_manifest(small(format="modelward-version-9").to_json())


@pytest.mark.parametrize("fact", [float("nan"), float("inf"), 2**60])
def test_numbers_that_json_cannot_hold_exactly_are_refused(fact):
    with pytest.raises(InvalidManifestError, match="income:1"):
        small(facts={"loss": fact}).to_json()


def test_the_version_lists_the_manifest_itself_and_is_named_by_it():
    manifest = small()
    version = manifest.version(interface=INTERFACE.to_json(), sealed={"manifest.json": "aa"})
    assert version.digest == sha256_hex(manifest.to_json())
    assert [(file.path, file.sealed) for file in version.files] == [("interface.json", ""), ("manifest.json", "aa")]
