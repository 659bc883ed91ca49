# SPDX-License-Identifier: Apache-2.0
"""What written texts share with the true ones: counted by sacrebleu row by row, so that rows can be drawn again, and summed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from modelward.assessment.intervals import Floats

UNCOUNTED = "The package 'sacrebleu' is not installed. Run `pip install 'modelward[translation]'`."
"""Why nothing is counted."""
_BETA_SQUARED = 4.0
_BLEU_ORDER = 4


def is_counted() -> bool:
    """Whether there is what counts."""
    return find_spec("sacrebleu") is not None


def counted(texts: Sequence[str], true: Sequence[str], *, metric: str, tokens: str = "") -> Floats:
    """What sacrebleu counts in each row [n, counts]: for chrF of each order the runs written, true and shared; for BLEU the words
    written and true, then of each order the runs shared, then those written.
    """
    from sacrebleu.metrics.bleu import BLEU as WORDS
    from sacrebleu.metrics.chrf import CHRF as CHARACTERS

    counting = CHARACTERS() if metric == "chrf" else WORDS(tokenize=tokens)
    # What its own bootstrap draws from; a test holds the scores made of it here to its own.
    found = counting._extract_corpus_statistics(list(texts), [list(true)])  # noqa: SLF001  # its scores alone cannot be drawn from
    return np.array(found, dtype=np.float64)


def chrf(counts: Floats) -> Floats:
    """The chrF [b] of summed counts [b, 3 * order]."""
    written, true, shared = (counts[:, side::3] for side in range(3))
    is_there = (written > 0) & (true > 0)
    orders = np.maximum(is_there.sum(axis=1), 1)
    precision, recall = (
        np.where(is_there, shared / np.where(is_there, of, 1.0), 0.0).sum(axis=1) / orders for of in (written, true)
    )
    below = _BETA_SQUARED * precision + recall
    return np.asarray(100 * (1 + _BETA_SQUARED) * precision * recall / np.where(below > 0, below, 1.0), dtype=np.float64)


def bleu(counts: Floats) -> Floats:
    """The BLEU [b] of summed counts [b, 2 + 2 * order], with exponential smoothing of what is nowhere shared."""
    written, true = counts[:, 0], counts[:, 1]
    shared, of = counts[:, 2 : 2 + _BLEU_ORDER], counts[:, 2 + _BLEU_ORDER :]
    # The first order of which nothing is shared counts as a half, the next as a quarter, and so on.
    misses = np.cumsum(shared == 0, axis=1)
    precisions = np.where(shared > 0, shared, 0.5**misses) / np.maximum(of, 1.0)
    brevity = np.where(written < true, np.exp(1 - true / np.maximum(written, 1e-9)), 1.0)
    score = 100 * brevity * np.exp(np.log(precisions).mean(axis=1))
    return np.asarray(np.where((of > 0).all(axis=1) & (shared[:, 0] > 0), score, 0.0), dtype=np.float64)
