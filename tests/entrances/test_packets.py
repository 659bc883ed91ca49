# SPDX-License-Identifier: Apache-2.0
"""Who reads every packet learns nothing of what is asked over TLS; over plain HTTP, all of it."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from entrances.api.house import build
from modelward.access import local_actor

TESTS = Path(__file__).parents[1]


def in_a_network_of_its_own() -> list[str]:
    """The words before a command that runs it in a new network namespace, in which it may read packets."""
    found = shutil.which("unshare")
    words = [found or "unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    probe = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"
    if not found or not shutil.which("ip") or subprocess.run([*words, sys.executable, "-c", probe], capture_output=True).returncode:
        why = "NOT PROVEN HERE: this machine lets nobody read packets in a network namespace (unshare, ip, AF_PACKET)"
        warnings.warn(pytest.PytestWarning(why), stacklevel=1)
        pytest.skip(why)
    return words


@pytest.mark.filterwarnings("default::pytest.PytestWarning")
def test_no_packet_shows_a_key_a_question_or_an_answer_over_tls_and_plain_http_shows_all(tmp_path):
    words = in_a_network_of_its_own()
    house = build(tmp_path)
    house.platform.certifying.begin(by=local_actor())
    key = house.key()
    house.platform.close()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [*words, sys.executable, "-m", "entrances.captured", str(house.settings.home), key]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["plain"] == {"bytes": told["plain"]["bytes"], "key": True, "question": True, "answer": True}
    assert told["tls"] == {"bytes": told["tls"]["bytes"], "key": False, "question": False, "answer": False}
    assert told["tls"]["bytes"] > told["plain"]["bytes"] > 500, "it captured both conversations whole"
