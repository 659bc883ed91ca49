# SPDX-License-Identifier: Apache-2.0
"""Energy is measured where there is a meter, estimated otherwise, and says which."""

import time

import pytest

from modelward.training.energy import Meter


def busy(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return "done"


@pytest.fixture
def powercap(tmp_path):
    """Two packages with counters, the second one below the first's sub-zones."""
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0", "dtpm"):
        zone = tmp_path / name
        zone.mkdir()
        (zone / "energy_uj").write_text("1000000\n")
        (zone / "max_energy_range_uj").write_text("9999999\n")
    return tmp_path


def advance(powercap, zone, microjoules):
    (powercap / zone / "energy_uj").write_text(f"{microjoules}\n")


def test_without_a_meter_cpu_time_is_multiplied_by_the_assumed_power(tmp_path):
    done, effort = Meter(watts_per_core=10, is_alone=True, powercap=tmp_path / "none").measure(lambda: busy(0.05))
    assert done == "done"
    assert effort.cpu_seconds >= 0.05
    assert effort.energy.joules == pytest.approx(effort.cpu_seconds * 10)
    assert (effort.energy.low, effort.energy.high) == (effort.energy.joules * 0.5, effort.energy.joules * 2)
    assert effort.energy.method.startswith("cpu-time: 10 W")


def test_waiting_costs_time_and_no_energy(tmp_path):
    _, effort = Meter(watts_per_core=10, is_alone=True, powercap=tmp_path / "none").measure(lambda: time.sleep(0.1))
    assert effort.seconds >= 0.1
    assert effort.energy.joules < 0.5


def test_counters_of_every_package_are_read_and_their_parts_not_twice(powercap):
    def work():
        advance(powercap, "intel-rapl:0", 3_000_000)
        advance(powercap, "intel-rapl:1", 1_500_000)
        advance(powercap, "intel-rapl:0:0", 2_000_000)

    _, effort = Meter(watts_per_core=10, is_alone=True, powercap=powercap).measure(work)
    assert effort.energy.joules == pytest.approx(2.5)
    assert effort.energy.low < effort.energy.joules < effort.energy.high
    assert effort.energy.method.startswith("rapl:")


def test_a_counter_that_starts_again_at_nothing_is_understood(powercap):
    _, effort = Meter(watts_per_core=10, is_alone=True, powercap=powercap).measure(
        lambda: advance(powercap, "intel-rapl:0", 500_000)
    )
    assert effort.energy.joules == pytest.approx(9.5)


def test_the_package_is_not_blamed_on_one_of_several_jobs(powercap):
    _, effort = Meter(watts_per_core=10, is_alone=False, powercap=powercap).measure(lambda: advance(powercap, "intel-rapl:0", 9))
    assert effort.energy.method.startswith("cpu-time:")


def test_a_counter_that_cannot_be_read_is_no_fault(powercap):
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    _, effort = Meter(watts_per_core=10, is_alone=True, powercap=powercap).measure(lambda: None)
    assert effort.energy.method.startswith("cpu-time:")
