# SPDX-License-Identifier: Apache-2.0
"""Trains networks where there is little memory, and prints what became of them as JSON. Run as a program: it limits itself."""

import json
import resource
import sys

import numpy as np
import psutil

ROWS = 60_000
ONE_LAYER = {"hidden": [1024], "batch_size": 0, "epochs": 1}


def inputs(rows):
    from modelward.training import Inputs

    random = np.random.default_rng(0)
    columns = random.normal(size=(rows, 8)).astype(np.float32)
    labels = (columns[:, 0] > 0).astype(np.int64)
    return Inputs(train=columns, train_labels=labels, validation=columns[:50], validation_labels=labels[:50], classes=("no", "yes"))


def unheard(*_):
    """Nobody is told how far it is."""


unheard.curves = unheard


def attempt(parameters, rows, *, may_retry=False):
    from modelward.training.checkpoints import UNKEPT
    from modelward.training.energy import Meter
    from modelward.training.failing import what_went_wrong
    from modelward.training.making import Terms, _learn
    from modelward.training.run import Candidate

    candidate, meter = Candidate(name="mlp", recipe="mlp", parameters=parameters), Meter(watts_per_core=8, is_alone=True)
    try:
        terms = Terms(may_retry=may_retry)
        learnt = _learn(candidate, rows, terms=terms, meter=meter, report=unheard, checkpoints=UNKEPT, retry=UNKEPT)
    except Exception as fault:  # noqa: BLE001  # as a run takes every failure
        return {"failed": what_went_wrong(fault, candidate, rows)[1]}
    return {"made": learnt.parameters, "findings": [each.text for each in learnt.findings]}


def main(room_bytes):
    attempt(ONE_LAYER, inputs(200))
    rows = inputs(ROWS)
    held = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (held + room_bytes, held + room_bytes))
    told = {
        "fail": attempt(ONE_LAYER, rows),
        "smaller-batch": attempt(ONE_LAYER, rows, may_retry=True),
        "absurd": attempt({"hidden": [4096] * 16}, rows, may_retry=True),
    }
    sys.stdout.write(f"{json.dumps(told)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
