# SPDX-License-Identifier: Apache-2.0
"""A process that begins with several candidates loads their libraries without getting in its own way."""

import os
import subprocess
import sys
from pathlib import Path

from modelward.training import CandidateStatus
from training import house

SPEC = "model: grants\ndata: {dataset: people}\ncandidates: [decision-tree: {max_depth: 3}, naive-bayes]\n"


def test_candidates_that_begin_at_once_in_a_new_process_all_load(rooms, register, home, admin):
    """Before the loading was done one after the other, Python gave up on a deadlock of import locks most of the time."""
    register()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    command = [sys.executable, house.__file__, str(home), "train", SPEC]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = rooms.training.runs(by=admin)
    assert [(each.name, each.status, each.message) for each in run.candidates] == [
        (name, CandidateStatus.DONE, "") for name in ("decision-tree", "naive-bayes")
    ]
