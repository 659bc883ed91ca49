# SPDX-License-Identifier: Apache-2.0
"""Who did not start a run sees how far it is and its curves, while it trains and afterwards."""

import math
import time

import pytest

from modelward.training import Status, parse_spec, standing, thinned

SPEC = "model: grants\ndata: {{dataset: people}}\ncandidates: [{}]\n"
NETWORK = "mlp: {hidden: [8], epochs: 12, patience: 50}"


class Reading:
    """Once a candidate is half done it waits until somebody else can read a curve of it, and keeps what was read."""

    def __init__(self, training, actor):
        self.training, self.actor = training, actor
        self.run, self.read = "", None

    def started(self, run):
        self.run = run.id

    def candidate(self, _name, share, _word):
        if self.read is None and share >= 0.5:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                found = self.training.show(self.run, by=self.actor)
                if found.candidates[0].standing.curves:
                    self.read = found
                    return
                time.sleep(0.005)


@pytest.mark.parametrize(("candidate", "curve"), [(NETWORK, "validation_loss"), ("lightgbm: {rounds: 40}", "validation_loss")])
def test_curves_can_be_read_while_a_candidate_trains(rooms, register, admin, monkeypatch, candidate, curve):
    monkeypatch.setattr(standing, "WRITE_SECONDS", 0.01)
    register()
    reading = Reading(rooms.training, admin)
    run = rooms.training.train(parse_spec(SPEC.format(candidate)), by=admin, progress=reading)
    assert reading.read is not None, "nothing could be read before it was done"
    assert reading.read.status is Status.RUNNING
    (before,), (after,) = (each.candidates for each in (reading.read, run))
    assert 0 < before.standing.share < after.standing.share == 1
    seen, whole = (each.standing.curves[curve] for each in (before, after))
    assert 0 < len(seen.values) < len(whole.values)
    assert whole.values[: len(seen.values)] == seen.values
    assert rooms.training.show(run.id, by=admin).candidates[0].standing == after.standing


def test_a_list_of_runs_leaves_the_curves_out(rooms, register, admin):
    register()
    rooms.training.train(parse_spec(SPEC.format(NETWORK)), by=admin)
    (listed,) = rooms.training.runs(by=admin)
    assert (listed.candidates[0].standing.share, listed.candidates[0].standing.curves) == (1, {})


def test_a_long_curve_is_thinned_and_keeps_its_end():
    whole = thinned([float(value) for value in range(1000)])
    assert (len(whole.values), whole.at[-1], whole.values[-1]) == (200, 1000, 999.0)
    assert {later - earlier for earlier, later in zip(whole.at, whole.at[1:], strict=False)} == {5}
    assert thinned([3.0, math.nan, 1 / 3, math.inf]) == thinned([3.0, math.nan, 0.333333, math.nan])
    assert thinned([3.0, math.nan, 1.0]).at == (1, 3)
    assert thinned([]).at == ()
