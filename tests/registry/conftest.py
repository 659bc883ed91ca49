# SPDX-License-Identifier: Apache-2.0
"""A registry over a fresh home, with the small classifier of `tiny` to put on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelward.registry import Registry, Version
from registry.tiny import make_graph, put


@pytest.fixture
def registry(database, vault, ledger, keyring) -> Registry:
    return Registry(database, vault, ledger, keyring)


@pytest.fixture
def register(registry, admin) -> Callable[..., Version]:
    """Register the small classifier."""

    def put_tiny(model: str = "income", *, slope: float = 0.02, **files: bytes) -> Version:
        given = {"model.onnx": make_graph(slope=slope), "preparation.json": b'{"steps":[]}', **files}
        purpose = "pre-screening of grant applications"
        facts = {"seconds": 1.25, "parameters": 8}
        return put(registry, admin, model=model, files=given, purpose=purpose, owner="social-affairs", facts=facts)

    return put_tiny


@pytest.fixture
def exported(registry, register, admin, tmp_path) -> Path:
    """The folder of `income:1`, exported."""
    register()
    registry.export("income:1", tmp_path / "exported", by=admin)
    return tmp_path / "exported"
