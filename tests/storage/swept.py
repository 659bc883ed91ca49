# SPDX-License-Identifier: Apache-2.0
"""A store from which the doctor takes, once, what was sealed and no row names yet."""

from modelward.storage import Database, Naming, ObjectStore, Vault


class SweptOnce:
    """A real store of objects that is swept right after the put numbered `after`: between the last seal and its row."""

    def __init__(self, store: ObjectStore, *, after: int, vault: Vault, database: Database, named: Naming) -> None:
        self._store, self._puts = store, 0
        self._after, self._vault, self._database, self._named = after, vault, database, named

    def put(self, source):
        self._puts += 1
        digest = self._store.put(source)
        if self._puts == self._after:
            assert self._vault.sweep(named=self._named, idle_seconds=0).objects == self._after
        return digest

    def __getattr__(self, name):
        return getattr(self._store, name)
