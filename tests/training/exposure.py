# SPDX-License-Identifier: Apache-2.0
"""How much a model tells of a secret that was planted in its training data: exposure, after Carlini, Liu, Erlingsson, Kos and Song,
"The Secret Sharer" (USENIX Security 2019), section 4.2.

The secret is one of the candidates R, all as likely before. Whoever holds the model ranks them by how well the model takes each for
what it learned. The exposure is log2 |R| - log2 rank, in bits: log2 |R| where the secret comes first, 0 where it comes last. Of
equals the middle rank counts; where the model cannot tell them apart at all that is (|R| + 1) / 2, or an exposure of just below
1 bit.
"""

import math

import numpy as np


def exposure(losses, secret: int) -> float:
    """The exposure in bits of the candidate at `secret`; the model likes the candidates of the least `losses` [R] best."""
    losses = np.asarray(losses, dtype=np.float64)
    before, equal = int((losses < losses[secret]).sum()), int((losses == losses[secret]).sum())
    return math.log2(len(losses)) - math.log2(before + (equal + 1) / 2)


def losses_of(registry, version, rows, *, label: str):
    """The loss [R] that a version has of each of `rows`, if its label were `label`."""
    opened = registry.open(version)
    try:
        interface = opened.interface
        asked = [{name: row[name] for name in interface.names} for row in rows]
        chances = opened.predict(interface.columns(asked))[:, interface.classes.index(label)]
    finally:
        opened.close()
    return -np.log(np.maximum(chances.astype(np.float64), 1e-30))
