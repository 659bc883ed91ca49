# SPDX-License-Identifier: Apache-2.0
"""Upkeep ends when it is told to, at whatever moment that is."""

from threading import Event

from modelward.audit.upkeep import Upkeep


class Meanwhile(Event):
    """An event somebody else sets just when a wait for it has run out in vain."""

    def __init__(self, does):
        super().__init__()
        self._does = [does]

    def wait(self, timeout=None):
        found = super().wait(0)
        while self._does:
            self._does.pop()()
        return found


def test_who_closes_just_when_it_begins_to_work_does_not_wait_for_ever(ledger):
    upkeep = Upkeep(ledger)

    def close():
        upkeep._closing.set()
        upkeep._written.set()

    upkeep._closing = Meanwhile(close)
    ledger._anchored_at = float("-inf")  # so that it is due, and nothing else wakes it again
    upkeep.start()
    upkeep.note(1)
    upkeep._thread.join(20)
    assert not upkeep._thread.is_alive()
    upkeep.close()
