# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of how a dataset was registered: it is known of one that was shredded, too."""

from __future__ import annotations

from modelward.audit import Entry, Ledger
from modelward.datasets.dataset import DATASET_REGISTERED


def registered_on_record(ledger: Ledger, name: str) -> Entry | None:
    """The entry by which that dataset was registered, as the ledger proves; None where it proves none."""
    told = ledger.every(event=DATASET_REGISTERED.name, subject=name)
    return next((each.entry for each in told if ledger.proves(each)), None)
