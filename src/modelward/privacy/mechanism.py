# SPDX-License-Identifier: Apache-2.0
"""Mechanisms of differential privacy, and what several of them tell of one row together: epsilon, for a delta.

The unit is one row, and neighbours differ by one row that is there or not. An epsilon is the most that the logarithm of the odds
between the two can be moved by all that was answered, but for the share delta of cases.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Final, Literal, Protocol, get_args

from modelward.errors import InvalidError, RefusedError
from modelward.plugins import installed_versions
from modelward.privacy.accountants import ACCOUNTANTS

AGREEMENT: Final = 0.02
# Of sampled Gaussian noise both libraries compute whole orders exactly. Between low ones dp-accounting says up to a half more than
# is so, or leaves them out: the two would differ, and neither be wrong.
ORDERS: Final = (2, 3, 4, *(tenths / 10 for tenths in range(41, 110)), *range(11, 64), 128, 256, 512, 1024)
# Beyond this, distributions of the loss take minutes to add up, and nobody is protected either way.
_PLD_LIMIT: Final = 60.0
_TIMES_LIMIT: Final = 10_000_000
Kind = Literal["gaussian", "laplace", "discrete-laplace"]


class InvalidMechanismError(InvalidError):
    """That is no mechanism of differential privacy, or no delta."""


class AccountantsDisagreeError(RefusedError):
    """Two accountants that should say the same do not; neither is believed."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Randomised looks at rows, as an accountant reads them.

    `noise` is, for Gaussian noise, its standard deviation in units of the L2 sensitivity; for Laplace noise its scale in units of
    the L1 sensitivity, so that one look has the epsilon 1/noise. `discrete-laplace` is Laplace noise of whole steps, which tells a
    little more. `sampling` is the share of the rows that each look draws, each row by itself (Poisson). `times` counts the looks.
    """

    kind: Kind
    noise: float
    sampling: float = 1.0
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InvalidMechanismError(f"A mechanism is one of {', '.join(get_args(Kind))}, not {str(self.kind)[:40]!r}.")
        if not (math.isfinite(self.noise) and self.noise > 0):
            raise InvalidMechanismError(f"The noise is {self.noise:g} times the sensitivity; it is a number above 0.")
        if not 0 < self.sampling <= 1:
            raise InvalidMechanismError(f"The share of rows of a look is {self.sampling:g}; it lies above 0 and is at most 1.")
        if not 1 <= self.times <= _TIMES_LIMIT:
            raise InvalidMechanismError(f"There are {self.times} looks; their number is from 1 to {_TIMES_LIMIT:,}.")
        if self.kind == "discrete-laplace" and self.sampling != 1:
            raise InvalidMechanismError("Looks with discrete Laplace noise see all rows: no accountant here adds up sampled ones.")

    @property
    def pure_epsilon(self) -> float:
        """The epsilon of all its looks with a delta of 0; infinite for Gaussian noise."""
        return math.inf if self.kind == "gaussian" else self.times / self.noise

    def unsampled(self) -> Mechanism:
        """The same looks at all rows, which tell more."""
        return replace(self, sampling=1.0)


class Accountant(Protocol):
    """Adds up what mechanisms tell.

    What it says MUST be an upper bound of the epsilon of all `mechanisms` together, one after the other, for that delta, where one
    row is there or not.
    """

    package: str

    def epsilon(self, mechanisms: Sequence[Mechanism], *, delta: float) -> float:
        """The epsilon; infinite where it has no bound."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What mechanisms tell together. `epsilon` is the certificate: the least of the bounds beside it, each of which holds.

    `pld` adds up distributions of the loss; None where the rest is so large already that nobody is protected. `rdp` adds up Rényi
    divergences. `opacus` does that by another implementation: None where no noise is Gaussian, or where that is not installed;
    `compared` says which. `pure` is the plain sum of epsilons with a delta of 0, None where some noise has none.
    """

    epsilon: float
    delta: float
    pld: float | None = None
    rdp: float | None = None
    opacus: float | None = None
    pure: float | None = None
    compared: str = ""
    accountants: dict[str, str] = field(default_factory=dict)


def check_delta(delta: float) -> float:
    """The delta.

    Raises:
        InvalidMechanismError: it is none.
    """
    if not 0 < delta < 1:
        raise InvalidMechanismError(f"The delta is {delta:g}; it lies between 0 and 1, far below one part in the number of rows.")
    return delta


def merged(mechanisms: Iterable[Mechanism]) -> tuple[Mechanism, ...]:
    """The same looks, each mechanism named once; in an order of their own, so that they add up to the same."""
    times: Counter[Mechanism] = Counter()
    for each in mechanisms:
        times[replace(each, times=1)] += each.times
    ordered = sorted(times.items(), key=lambda item: (item[0].kind, item[0].noise, item[0].sampling))
    return tuple(replace(one, times=number) for one, number in ordered)


def epsilon_of(mechanisms: Iterable[Mechanism], *, delta: float) -> Loss:
    """What the mechanisms tell together; nothing where there are none.

    Raises:
        InvalidMechanismError: delta is none. MissingExtraError: no accountant is installed.
        AccountantsDisagreeError: dp-accounting and Opacus differ by more than 2 %.
    """
    check_delta(delta)
    if not (together := merged(mechanisms)):
        return Loss(epsilon=0.0, delta=delta, compared="Nothing was spent.")
    pure = math.fsum(each.pure_epsilon for each in together)
    rdp = _load("rdp").epsilon(together, delta=delta)
    pld = _load("pld").epsilon(together, delta=delta) if min(rdp, pure) <= _PLD_LIMIT else None
    opacus, compared = _compared(together, rdp, delta=delta)
    return Loss(
        epsilon=min(bound for bound in (pld, rdp, pure) if bound is not None),
        delta=delta,
        pld=pld,
        rdp=rdp,
        opacus=opacus,
        pure=pure if math.isfinite(pure) else None,
        compared=compared,
        accountants=installed_versions(("dp-accounting", "opacus") if opacus is not None else ("dp-accounting",)),
    )


def randomised_response_curve(epsilon: float, orders: Iterable[float]) -> list[float]:
    """The Rényi divergence, of each order above 1, of randomised response, which tells all that an epsilon lets anything tell.

    Mironov 2017, Rényi differential privacy, proposition 5; with p = e^epsilon / (1 + e^epsilon).
    """
    return [_response(epsilon, order) for order in orders]


def _response(epsilon: float, order: float) -> float:
    # log(p^a q^(1-a) + q^a p^(1-a)) with log p = -log1p(e^-epsilon) and log q = log p - epsilon.
    top = -math.log1p(math.exp(-epsilon))
    first, second = top + (order - 1) * epsilon, top - order * epsilon
    return max(0.0, (first + math.log1p(math.exp(second - first))) / (order - 1))


def _compared(mechanisms: Sequence[Mechanism], rdp: float, *, delta: float) -> tuple[float | None, str]:
    if all(each.kind != "gaussian" for each in mechanisms):
        return None, "No noise is Gaussian, so there was nothing that Opacus could add up."
    if find_spec("opacus") is None:
        return None, "Opacus is not installed, so nobody checked dp-accounting: `pip install 'modelward[privacy]'`."
    if any(each.kind == "laplace" for each in mechanisms):
        return None, "Opacus does not know Laplace noise, so nobody checked dp-accounting."
    opacus = _load("opacus-rdp").epsilon(mechanisms, delta=delta)
    apart = 0.0 if opacus == rdp else abs(opacus - rdp) / max(opacus, rdp)
    if not apart <= AGREEMENT:
        raise AccountantsDisagreeError(
            f"dp-accounting says epsilon {rdp:.4f} and Opacus {opacus:.4f} for the same looks; they may differ by {AGREEMENT:.0%}. "
            "Nothing is spent. Run `pip check`, and install the pinned versions of both."
        )
    return opacus, f"dp-accounting {rdp:.4f} and Opacus {opacus:.4f} by Rényi divergences: {apart:.2%} apart."


def _load(name: str) -> Accountant:
    accountant: Accountant = ACCOUNTANTS.load(name)()
    return accountant
