# SPDX-License-Identifier: Apache-2.0
"""What a load met."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from modelward.client.wire import Head, header

_GOOD = range(200, 300)
_REFUSED = (429, 503)
_LOOKS_AT_ONE_IN = 1000


def is_failure(head: Head) -> bool:
    """Whether an answer is neither a good one nor one that turns away."""
    return head.status not in _GOOD and head.status not in _REFUSED


@dataclass
class Observed:
    """What a load met, in seconds. Of questions that were answered well: when each was due since the beginning, and how long its
    answer took; the last `unanswered` of them have no answer and took at least so long.
    """

    began: array[float] = field(default_factory=lambda: array("d"))
    took: array[float] = field(default_factory=lambda: array("d"))
    answered: int = 0
    answered_in_time: int = 0
    unanswered: int = 0
    broken: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    waited: int = 0
    late: array[float] = field(default_factory=lambda: array("d"))
    cpu_share: float = 0.0

    def note(self, head: Head, *, asked: float, took: float, is_in_time: bool) -> None:
        """An answer came to a question that was due at that moment."""
        if head.status in _GOOD:
            self.began.append(asked)
            self.took.append(took)
            self.answered += 1
            self.answered_in_time += is_in_time
            if self.answered % _LOOKS_AT_ONE_IN == 1:
                self.versions[header(head.text, b"x-modelward-model").decode("latin-1")] += 1
        self.statuses[_told(head)] += 1

    def note_unanswered(self, *, asked: float, waited: float) -> None:
        """No answer came to a question that was due at that moment."""
        self.unanswered += 1
        self.began.append(asked)
        self.took.append(waited)

    @property
    def refused(self) -> int:
        """How many were turned away: 429 and 503."""
        return sum(count for told, count in self.statuses.items() if int(told[:3]) in _REFUSED)

    @property
    def failed(self) -> int:
        """How many came to nothing: other statuses, connections that broke, no answer at all."""
        well = sum(count for told, count in self.statuses.items() if int(told[:3]) in (*_GOOD, *_REFUSED))
        return self.statuses.total() - well + self.broken + self.unanswered


def _told(head: Head) -> str:
    """A status as it is counted; of a refusal also whether, and when, to come back."""
    if head.status not in _REFUSED:
        return str(head.status)
    after = header(head.text, b"retry-after").decode("latin-1")
    return f"{head.status}, Retry-After {after} s" if after.isdigit() else f"{head.status} without Retry-After"
