# SPDX-License-Identifier: Apache-2.0
import math
import sys

import pytest

from modelward.plugins import MissingExtraError
from modelward.privacy import AccountantsDisagreeError, InvalidMechanismError, Mechanism, check_delta, epsilon_of, mechanism, merged


def test_a_known_training_costs_what_is_published():
    loss = epsilon_of([Mechanism("gaussian", 1.1, sampling=0.01, times=10_000)], delta=1e-5)
    assert loss.rdp == pytest.approx(5.6320, abs=2e-4)
    assert loss.opacus == pytest.approx(5.6320, abs=2e-4)
    assert loss.epsilon == loss.pld == pytest.approx(5.193, abs=2e-3)
    assert loss.accountants.keys() == {"dp-accounting", "opacus"}
    assert "5.6320" in loss.compared


@pytest.mark.parametrize("noise", [0.7, 1.1, 5.0])
@pytest.mark.parametrize("sampling", [0.002, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("times", [1, 100, 1000])
def test_two_accountants_agree_within_two_percent_and_in_fact_a_fifth_of_one(noise, sampling, times):
    loss = epsilon_of([Mechanism("gaussian", noise, sampling=sampling, times=times)], delta=1e-6)
    assert loss.opacus is not None
    assert loss.opacus == pytest.approx(loss.rdp, rel=0.002, abs=1e-9)
    assert loss.epsilon <= loss.rdp


def test_accountants_that_differ_are_not_believed(monkeypatch):
    genuine = mechanism._load

    class Slip:
        package = "opacus"

        def epsilon(self, mechanisms, *, delta):
            return genuine("rdp").epsilon(mechanisms, delta=delta) * 1.03

    monkeypatch.setattr(mechanism, "_load", lambda name: Slip() if name == "opacus-rdp" else genuine(name))
    with pytest.raises(AccountantsDisagreeError, match="may differ by 2%"):
        epsilon_of([Mechanism("gaussian", 1.0)], delta=1e-6)


def test_laplace_noise_alone_costs_the_sum_of_its_epsilons_at_most():
    loss = epsilon_of([Mechanism("discrete-laplace", 1.0), Mechanism("discrete-laplace", 0.5)], delta=1e-9)
    assert loss.pure == 3.0
    assert loss.epsilon <= 3.0
    assert loss.opacus is None
    assert "nothing that Opacus could add up" in loss.compared


def test_many_small_looks_cost_less_than_their_sum():
    loss = epsilon_of([Mechanism("discrete-laplace", 20.0, times=200)], delta=1e-6)
    assert loss.pure == pytest.approx(10.0)
    assert loss.epsilon < 5.0


def test_noise_that_protects_nobody_is_still_added_up_at_once():
    loss = epsilon_of([Mechanism("gaussian", 0.02)], delta=1e-6)
    assert loss.pld is None
    assert loss.epsilon == loss.rdp > 1000


def test_nothing_costs_nothing():
    assert epsilon_of([], delta=1e-6).epsilon == 0


@pytest.mark.parametrize("delta", [0, -1e-6, 1, 2, math.nan, math.inf])
def test_a_delta_that_is_none_is_refused(delta):
    with pytest.raises(InvalidMechanismError, match="delta"):
        check_delta(delta)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "magic"},
        {"noise": 0},
        {"noise": -1},
        {"noise": math.nan},
        {"noise": math.inf},
        {"sampling": 0},
        {"sampling": 1.1},
        {"sampling": math.nan},
        {"times": 0},
        {"times": 10**9},
        {"kind": "discrete-laplace", "sampling": 0.5},
    ],
)
def test_what_is_no_mechanism_is_refused(asked):
    with pytest.raises(InvalidMechanismError):
        Mechanism(**{"kind": "gaussian", "noise": 1.0, **asked})


def test_the_same_looks_are_one():
    one, other = Mechanism("gaussian", 1.0, times=3), Mechanism("gaussian", 2.0)
    assert merged([other, one, one]) == merged([one, other, one]) == (Mechanism("gaussian", 1.0, times=6), other)


def test_without_the_extra_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    monkeypatch.delitem(sys.modules, "modelward.privacy.accountants.google_dp", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'modelward\[privacy\]'"):
        epsilon_of([Mechanism("gaussian", 1.0)], delta=1e-6)


def test_without_opacus_it_is_said_that_nobody_compared(monkeypatch):
    monkeypatch.setattr(mechanism, "find_spec", lambda name: None)
    loss = epsilon_of([Mechanism("gaussian", 1.0)], delta=1e-6)
    assert loss.opacus is None
    assert "Opacus is not installed" in loss.compared
    assert loss.accountants.keys() == {"dp-accounting"}
