# SPDX-License-Identifier: Apache-2.0
"""MLflow's own clients, unchanged, ask `modelward serve`. They live in an environment of their own, which is made once."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrances.api.house import ROW, Process, build, client
from modelward import __version__

ROOT = Path(__file__).parents[3]
PLACE = ROOT / ".cache" / "mlflow-client"
# The part of MLflow that has the clients, and what they make bodies with.
NEEDED = ["mlflow-skinny==3.17.2", "pandas==3.1.1", "numpy==2.4.6", "scipy==1.17.1"]
NAMES = list(ROW)
ROWS = [[40, 38.5, "public"], [None, 5.0, None], [71.25, 12.5, "private"]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def python() -> Path:
    """A Python that has MLflow. Where it cannot be installed the tests are skipped, and fail where all should be there."""
    PLACE.parent.mkdir(exist_ok=True)
    ready = PLACE / "ready"
    with (PLACE.parent / "mlflow-client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists() or ready.read_text() != "\n".join(NEEDED):
            uv = [sys.executable, "-m", "uv", "--quiet"]
            made = subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, str(PLACE)], capture_output=True, text=True)
            if made.returncode == 0:
                words = [*uv, "pip", "install", "--python", str(PLACE / "bin" / "python"), *NEEDED]
                made = subprocess.run(words, capture_output=True, text=True, timeout=250)
            if made.returncode:
                told = f"MLflow's clients cannot be installed, so nothing of theirs was tried: {made.stderr[-300:]}"
                pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
            ready.write_text("\n".join(NEEDED))
    return PLACE / "bin" / "python"


@pytest.fixture(scope="module")
def told(python, tmp_path_factory) -> dict:
    """What MLflow's clients were told, and beside it what the records protocol answers."""
    folder = tmp_path_factory.mktemp("mlflow")
    house = build(folder)
    key = house.key()
    netrc = folder / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login anybody password {key}\n")
    netrc.chmod(0o600)
    with Process(house.settings.home) as server:
        words = [
            str(python),
            str(Path(__file__).with_name("mlflow_caller.py")),
            str(server.port),
            json.dumps(NAMES),
            json.dumps(ROWS),
        ]
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "NETRC": str(netrc), "MLFLOW_TRACKING_TOKEN": key}
        environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        with client(server.url, key) as http:
            rows = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
            expected = http.post("/v1/models/income/predict", json={"rows": rows}).raise_for_status().json()["predictions"]
    house.platform.close()
    return json.loads(done.stdout.splitlines()[-1]) | {"expected": expected}


def test_the_scoring_client_finds_the_server_and_its_version(told):
    assert told["version"] == __version__


def test_whatever_the_clients_are_given_is_answered_with_labels(told):
    assert told["has_nan"], "the client wrote a missing number as a word that JSON has not"
    assert len(told["labels"]) == 6
    for given, labels in told["labels"].items():
        assert labels == [each["label"] for each in told["expected"]], given


def test_the_scoring_client_reads_probabilities_as_an_array(told):
    assert told["probabilities"] == [list(each["probabilities"].values()) for each in told["expected"]]
    assert told["classes"] == list(told["expected"][0]["probabilities"])


def test_the_clients_are_told_what_went_wrong_and_no_value(told):
    refused = told["refused"]
    assert "BAD_REQUEST" in refused["a row that does not fit"]
    assert "feature 'age' must be a number" in refused["a row that does not fit"]
    assert "very-secret-payload" not in refused["a row that does not fit"]
    assert "RESOURCE_DOES_NOT_EXIST" in refused["a model that is not there"]
    assert "RESOURCE_DOES_NOT_EXIST" in refused["a model that is not there, as an endpoint"]
