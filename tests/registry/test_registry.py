# SPDX-License-Identifier: Apache-2.0
"""The verbs of the registry, told as promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import onnx
import pytest

from modelward.access import Actor, NotPermittedError, Role
from modelward.audit import Event
from modelward.errors import InvalidError
from modelward.registry import (
    Dossier,
    DossierMissingError,
    GraphUnfitError,
    InvalidManifestError,
    InvalidVersionError,
    ModelFileImmutableError,
    ModelMissingError,
    ModelSummary,
    Registry,
    UnsafePathError,
    Version,
    VersionClosedError,
    VersionMissingError,
    VersionNumberMissingError,
    parse_manifest,
)
from modelward.storage import NoSpaceError, Vault
from registry.tiny import INTERFACE, LINEAGE, ROWS, make_graph, put
from storage.swept import SweptOnce

ASSESSED = Event("version.assessed", "A version was measured.")


def test_a_registered_version_is_found_as_it_was_handed_out(registry, register, admin):
    version = register()
    assert (version.name, version.by, version.lineage, version.interface) == ("income:1", "person:root", LINEAGE, INTERFACE)
    assert registry.find("income:1", by=admin) == version
    assert [file.path for file in version.files] == ["interface.json", "manifest.json", "model.onnx", "preparation.json"]


def test_numbers_count_up_by_model(registry, register, admin):
    assert [register().number, register().number, register("churn").number] == [1, 2, 1]
    assert [version.name for version in registry.versions("income", by=admin)] == ["income:1", "income:2"]
    assert [(model.model, model.versions, model.latest) for model in registry.models(by=admin)] == [
        ("churn", 1, 1),
        ("income", 2, 2),
    ]


def test_the_nouns_travel_as_json(registry, register, admin):
    version = register()
    for noun, kind in (
        (version, Version),
        (registry.dossier(version), Dossier),
        (registry.models(by=admin)[0], ModelSummary),
    ):
        assert msgspec.json.decode(msgspec.json.encode(noun), type=kind) == noun


def test_the_manifest_says_everything_and_its_digest_names_the_version(registry, register):
    version = register()
    manifest = parse_manifest(registry.read(version, "manifest.json"))
    assert (manifest.model, manifest.number, manifest.lineage, manifest.facts) == ("income", 1, LINEAGE, version.facts)
    assert {file.path for file in manifest.files} == {"model.onnx", "preparation.json", "interface.json"}
    assert next(file.digest for file in version.files if file.path == "manifest.json") == version.digest


def test_the_same_files_twice_are_two_versions(register):
    first, second = register(), register()
    assert first.digest != second.digest


def test_nothing_readable_of_a_version_lies_in_the_home(home, register):
    register(**{"notes.txt": b"unmistakable text of a note"})
    everything = b"".join(file.read_bytes() for file in (home / "objects").rglob("*") if file.is_file())
    rows = (home / "modelward.db").read_bytes() + (home / "modelward.db-wal").read_bytes()
    assert everything
    assert b"income:1" in rows
    for secret in (b"unmistakable text", b"LabelEncoder", b"nurse"):
        assert secret not in everything
        assert secret not in rows


def test_an_open_version_answers_like_the_graph_does_alone(registry, register):
    import onnxruntime

    opened = registry.open(register())
    columns = opened.interface.columns(ROWS)
    alone = onnxruntime.InferenceSession(make_graph(), providers=["CPUExecutionProvider"]).run(["probabilities"], columns)[0]
    answer = opened.predict(columns)
    assert answer.dtype == np.float32
    assert answer.shape == (2, 2)
    np.testing.assert_array_equal(answer, alone)


def test_many_threads_may_ask_one_open_version(registry, register):
    opened = registry.open(register())
    columns = opened.interface.columns(ROWS * 50)
    expected = opened.predict(columns)
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: opened.predict(columns), range(64)):
            np.testing.assert_array_equal(answer, expected)


def test_a_closed_version_answers_no_more(registry, register):
    opened = registry.open(register())
    opened.close()
    with pytest.raises(VersionClosedError, match="income:1"):
        opened.predict(INTERFACE.columns(ROWS))


def test_a_version_without_a_graph_is_kept_and_does_not_answer(registry, admin):
    version = put(registry, admin, files={"notes.txt": b"weights come later"})
    assert registry.read(version, "notes.txt") == b"weights come later"
    with pytest.raises(DossierMissingError, match=r"model\.onnx"):
        registry.open(version)


def test_the_first_card_says_that_nothing_was_assessed(registry, register):
    card = registry.read(register(), "README.md").decode()
    assert card.startswith("---\n")
    assert "Not assessed yet" in card


def test_attaching_signs_a_new_dossier_and_keeps_the_old_ones(registry, register, admin):
    version = register()
    files = {"trust_report.json": b"{}", "plots/roc.svg": b"<svg/>", "README.md": b"# assessed"}
    second = registry.attach(version, files, event=ASSESSED, facts={"clauses": 0}, by=admin)
    third = registry.attach(version, {"trust_report.json": b"[]"}, event=ASSESSED, facts={}, by=admin)
    assert (second.sequence, third.sequence, second.event) == (2, 3, "version.assessed")
    assert registry.dossier(version) == third
    assert registry.dossier(version, sequence=2) == second
    assert registry.read(version, "trust_report.json") == b"[]"
    assert registry.read(version, "trust_report.json", sequence=2) == b"{}"
    assert registry.read(version, "README.md", sequence=2) == b"# assessed"
    assert b"Not assessed yet" in registry.read(version, "README.md", sequence=1)
    assert b"files beside this card" in registry.read(version, "README.md")
    assert registry.find("income:1", by=admin) == version


def test_what_is_attached_never_replaces_a_file_of_the_version(registry, register, admin):
    version = register()
    for path in ("model.onnx", "Model.ONNX", "interface.json", "manifest.json", "model.sig", "public-key.pem"):
        with pytest.raises(ModelFileImmutableError, match=path):
            registry.attach(version, {path: b"{}"}, event=ASSESSED, facts={}, by=admin)
    assert registry.dossier(version).sequence == 1


def test_a_dossier_or_file_that_is_not_there_is_named_with_what_there_is(registry, register):
    version = register()
    with pytest.raises(DossierMissingError, match="has no dossier 7"):
        registry.dossier(version, sequence=7)
    with pytest.raises(DossierMissingError, match=r"no file 'plan\.md'.*model\.onnx"):
        registry.read(version, "plan.md")


def test_unknown_names_are_told_apart(registry, register, admin):
    with pytest.raises(ModelMissingError, match="none yet"):
        registry.find("income:1", by=admin)
    register()
    with pytest.raises(VersionMissingError, match=r"no version 2\. There are: income:1"):
        registry.find("income:2", by=admin)
    with pytest.raises(ModelMissingError, match=r"'churn'\. There are: income"):
        registry.find("churn:1", by=admin)
    with pytest.raises(VersionNumberMissingError, match="income:1"):
        registry.find("income", by=admin)
    for name in ("income:0", "income:x", "income:1:2", "../etc:1", "income:", "INCOME:1"):
        with pytest.raises(InvalidError):
            registry.find(name, by=admin)


def test_permissions_are_needed_for_every_verb(registry, register, tmp_path):
    version = register()
    elsewhere = Actor(id="person:ada", name="ada", role=Role.ADMINISTRATOR, models=("churn",))
    changing = [
        lambda by: put(registry, by),
        lambda by: registry.attach(version, {"a.txt": b""}, event=ASSESSED, facts={}, by=by),
        lambda by: registry.export("income:1", tmp_path / "out", by=by),
        lambda by: registry.import_folder(tmp_path, "income", by=by),
    ]
    reading = [
        lambda by: registry.versions("income", by=by),
        lambda by: registry.find("income:1", by=by),
        lambda by: registry.verify("income:1", by=by),
    ]
    caller = Actor(id="service:till", name="till", role=Role.CALLER)
    for actor, acts in ((caller, changing), (elsewhere, changing + reading)):
        for act in acts:
            with pytest.raises(NotPermittedError):
                act(actor)
    assert registry.models(by=elsewhere) == []
    assert not (tmp_path / "out").exists()


def test_registering_and_attaching_are_in_the_ledger(registry, register, ledger, admin):
    version = register()
    registry.attach(version, {"trust_report.json": b"{}"}, event=ASSESSED, facts={"clauses": 3}, by=admin)
    assessed, registered = [logged.entry for logged in ledger.entries(subject="income:1")]
    assert (registered.event, registered.actor, registered.facts["digest"]) == ("version.registered", "person:root", version.digest)
    assert (assessed.event, assessed.facts["clauses"], assessed.facts["dossier"]) == ("version.assessed", 3, 2)
    assert ledger.verify().is_sound


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({}, InvalidVersionError),
        ({"../escape.txt": b""}, UnsafePathError),
        ({"/etc/passwd.txt": b""}, UnsafePathError),
        ({"manifest.json": b"{}"}, ModelFileImmutableError),
        ({"README.md": b""}, ModelFileImmutableError),
        ({"a.txt": b"", "A.txt": b""}, UnsafePathError),
    ],
)
def test_files_that_cannot_be_in_a_version_leave_nothing(registry, vault, admin, files, error):
    with pytest.raises(error):
        registry.register("income", files, lineage=LINEAGE, interface=INTERFACE, purpose="p", owner="o", facts={}, by=admin)
    assert registry.models(by=admin) == []
    assert list(vault.digests()) == []


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "x" * 2001])
def test_a_purpose_is_one_line_that_says_something(registry, admin, text):
    with pytest.raises(InvalidVersionError, match="purpose"):
        put(registry, admin, purpose=text)


def test_a_graph_whose_ends_are_not_those_of_the_interface_is_refused(registry, vault, admin):
    def ends(change):
        model = onnx.load_model_from_string(make_graph())
        change(model.graph)
        return {"model.onnx": model.SerializeToString()}

    def rename(graph):
        graph.input[0].name = "years"

    def retype(graph):
        graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.STRING

    def drop(graph):
        del graph.output[1]

    for change, wording in ((rename, "'age'"), (retype, "'age'.*number"), (drop, "probabilities")):
        with pytest.raises(GraphUnfitError, match=wording):
            put(registry, admin, files=ends(change))
    assert list(vault.digests()) == []


def test_facts_that_json_cannot_hold_are_refused(registry, vault, admin):
    with pytest.raises(InvalidManifestError, match="finite"):
        put(registry, admin, facts={"loss": float("nan")})
    assert list(vault.digests()) == []


def test_versions_registered_at_once_get_different_numbers(database, registry, vault, admin):
    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(lambda _: put(registry, admin), range(12)))
    assert sorted(version.number for version in versions) == list(range(1, 13))
    assert all(registry.verify(version.name, by=admin).is_sound for version in versions)
    assert vault.sweep(named=registry.sealed_objects, idle_seconds=0).objects == 0


class SmallShelf:
    """A real store of objects on a disk with room for some more only."""

    def __init__(self, store, room):
        self._store, self._room = store, room

    def put(self, source):
        if not self._room:
            raise NoSpaceError("No space left.")
        self._room -= 1
        return self._store.put(source)

    def __getattr__(self, name):
        return getattr(self._store, name)


@pytest.mark.parametrize("room", range(6))
def test_a_full_disk_leaves_no_version_and_no_object(home, database, vault, ledger, keyring, admin, room):
    small = Registry(database, Vault(SmallShelf(vault._store, room), keyring, database), ledger, keyring)
    with pytest.raises(NoSpaceError):
        put(small, admin, files={"model.onnx": make_graph(), "preparation.json": b"{}"})
    assert small.models(by=admin) == []
    assert list(vault.digests()) == []
    assert put(Registry(database, vault, ledger, keyring), admin).name == "income:1"


def test_a_version_whose_files_are_swept_before_their_rows_are_written_is_sealed_again(database, vault, ledger, keyring, admin):
    swept = SweptOnce(vault._store, after=4, vault=vault, database=database, named=Registry.sealed_objects)
    registry = Registry(database, Vault(swept, keyring, database), ledger, keyring)
    version = put(registry, admin)
    assert registry.verify(version.name, by=admin).is_sound
    assert [version.number for version in registry.versions("income", by=admin)] == [1]
