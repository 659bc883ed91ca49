# SPDX-License-Identifier: Apache-2.0
"""A training that goes on in one process is watched from others: by `modelward runs show`, and on the pages of the console."""

import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from entrances.console.conftest import words_of
from modelward.access import Role, local_actor

# It would take many minutes: the test stops it once it has seen enough.
SPEC = """
model: patient
data: {dataset: people, target: grant, split: {by: stratified, test: 0.3, validation: 0.2}}
candidates:
  - naive-bayes
  - mlp: {hidden: [4], epochs: 10000, patience: 10000, batch_size: 2, schedule: constant}
"""


@contextmanager
def training(home, folder):
    """`modelward train` over a home, as a process of its own, with what it says in a file."""
    (folder / "patient.yaml").write_text(SPEC)
    command = [sys.executable, "-m", "modelward", "train", str(folder / "patient.yaml"), "--home", str(home)]
    with (folder / "said").open("w+") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            yield process
        finally:
            process.kill()


def awaited(look, *, process, folder):
    """What `look` finds, as soon as it finds something, while the process goes on."""
    while process.poll() is None:
        if found := look():
            return found
    raise AssertionError((folder / "said").read_text())


def shown(home, run):
    """What `modelward runs show` says in a third process."""
    command = [sys.executable, "-m", "modelward", "runs", "show", run, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_training_is_watched_from_other_processes_while_it_goes_on(own_house, tmp_path):
    home, runs = own_house.platform.settings.home, own_house.platform.training
    visitor = own_house.visitor(Role.ADMINISTRATOR)
    with training(home, tmp_path) as process:

        def begun():
            return next((run.id for run in runs.runs(by=local_actor()) if run.model == "patient"), "")

        def drawn():
            page = visitor.get(f"/runs/{run}").text
            return page if re.search(r'<img src="/console(/runs/[^"]+)"', page) else ""

        def told():
            said = shown(home, run)
            return said if "validation loss" in said and "patient:1" in said else ""

        run = awaited(begun, process=process, folder=tmp_path)
        page = awaited(drawn, process=process, folder=tmp_path)
        assert "<progress" in page
        assert 'http-equiv="refresh"' in page
        (picture,) = re.findall(r'<img src="/console(/runs/[^"]+)"', page)
        assert "validation loss" in visitor.get(picture).text
        said = awaited(told, process=process, folder=tmp_path)
        assert re.search(r"naive-bayes +done +patient:1", said)
        assert re.search(r"mlp +running", said)
        process.send_signal(signal.SIGINT)
        process.wait()
    after = words_of(visitor.get(f"/runs/{run}").text)
    assert "It was stopped before its end" in after
    assert "validation loss" in after
    assert f"modelward runs resume {run}" in after
