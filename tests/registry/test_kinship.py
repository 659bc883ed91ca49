# SPDX-License-Identifier: Apache-2.0
"""A version that left the house and came back is known as what it was, whatever it says of itself by then."""

import sqlite3
from contextlib import closing

import onnx
import pytest

from conftest import new_secrets
from modelward.audit import Ledger
from modelward.registry import Registry
from modelward.registry.weights import weights_digest
from modelward.storage import OBJECT_STORES, Database, Keyring, Vault
from registry.tiny import INTERFACE, make_graph, put


@pytest.fixture
def other_house(tmp_path):
    """Another registry, with keys of its own."""
    home = tmp_path / "other"
    home.mkdir(mode=0o700)
    keyring, database = Keyring.create(home / "keys.json", secrets=new_secrets()), Database.in_file(home / "other.db")
    database.create_tables()
    ledger = Ledger(database, keyring, anchor=home / "ledger.checkpoint")
    ledger.create("modelward/other")
    yield Registry(database, Vault(OBJECT_STORES.load("file")((home / "objects").as_uri()), keyring, database), ledger, keyring)
    database.close()


def names(versions):
    return [each.name for each in versions]


def renamed(data: bytes) -> bytes:
    """The same graph under other names inside, with its tensors in another order, and other papers."""
    model = onnx.compose.add_prefix(onnx.load_model_from_string(data), "their_", rename_inputs=False, rename_outputs=False)
    tensors = list(model.graph.initializer)[::-1]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    model.producer_name = "another house"
    return model.SerializeToString()


def test_what_was_made_here_is_its_own_origin_also_where_another_is_the_same(registry, register):
    first, second = register(), register("same")
    assert (names(registry.origins(first)), names(registry.origins(second))) == (["income:1"], ["same:1"])


@pytest.mark.parametrize("is_signed", [True, False])
def test_one_that_was_put_under_another_origin_elsewhere_is_known_when_it_comes_back(
    registry, register, other_house, exported, tmp_path, admin, is_signed
):
    register("others", slope=0.5)
    other_house.import_folder(exported, "theirs", by=admin)
    other_house.export("theirs:1", tmp_path / "theirs", by=admin)
    key = other_house.public_key if is_signed else None
    back = registry.import_folder(tmp_path / "theirs", "back", public_key=key, by=admin)
    assert (back.lineage.dataset, back.is_imported) == ("", True)
    assert names(registry.origins(back)) == ["income:1"]


def test_one_whose_nodes_are_called_otherwise_is_known_by_what_it_learned(registry, register, exported, admin):
    register("others", slope=0.5)
    graph = exported / "model.onnx"
    assert renamed(graph.read_bytes()) != graph.read_bytes()
    graph.write_bytes(renamed(graph.read_bytes()))
    back = registry.import_folder(exported, "back", by=admin)
    assert names(registry.origins(back)) == ["income:1"]


def test_one_that_learned_something_else_is_a_stranger(registry, register, exported, admin):
    (exported / "model.onnx").write_bytes(make_graph(slope=0.03))
    stranger = registry.import_folder(exported, "stranger", by=admin)
    again = registry.import_folder(exported, "again", by=admin)
    assert names(registry.origins(stranger)) == ["stranger:1", "again:1"]
    assert names(registry.origins(again)) == ["again:1", "stranger:1"]


def test_versions_of_an_older_home_are_known_too_and_read_once(registry, register, exported, admin, home, vault, monkeypatch):
    back = registry.import_folder(exported, "back", by=admin)
    with closing(sqlite3.connect(home / "modelward.db")) as raw:
        assert raw.execute("DELETE FROM registry_graphs").rowcount == 2
        raw.commit()
    assert names(registry.origins(back)) == ["income:1"]
    graphs, read = [], type(vault).read
    monkeypatch.setattr(type(vault), "read", lambda self, digest, *, label: graphs.append(label) or read(self, digest, label=label))
    assert names(registry.origins(back)) == ["income:1"]
    assert not [label for label in graphs if "model.onnx" in label], "what is known is not read again"


def test_a_damaged_version_beside_it_hides_nothing(registry, register, exported, admin, home, vault):
    odd = register("odd", slope=0.7)
    back = registry.import_folder(exported, "back", by=admin)
    vault.discard(next(file.sealed for file in odd.files if file.path == "model.onnx"))
    with closing(sqlite3.connect(home / "modelward.db")) as raw:
        raw.execute("DELETE FROM registry_graphs")
        raw.commit()
    assert names(registry.origins(back)) == ["income:1"]


def test_numbers_and_not_names_decide_and_too_few_decide_nothing():
    graph = make_graph()
    assert weights_digest(renamed(graph)) == weights_digest(graph) != ""
    assert weights_digest(make_graph(slope=0.03)) != weights_digest(graph)
    model = onnx.load_model_from_string(graph)
    kept = [each for each in model.graph.initializer if each.name != "weights"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    assert weights_digest(model.SerializeToString()) == ""


def test_another_interface_makes_it_no_stranger(registry, admin, tmp_path):
    put(registry, admin, model="income", files={"model.onnx": make_graph()}, interface=INTERFACE)
    (tmp_path / "alone.onnx").write_bytes(make_graph())
    back = registry.import_folder(tmp_path / "alone.onnx", "back", by=admin)
    assert names(registry.origins(back)) == ["income:1"]
