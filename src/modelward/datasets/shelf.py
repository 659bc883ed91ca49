# SPDX-License-Identifier: Apache-2.0
"""What lies on the shelf: a dataset found by its name, what is said of it, and its rows. Who asks was let in before."""

from __future__ import annotations

import difflib

from modelward.access import check_name
from modelward.datasets import store
from modelward.datasets.dataset import Dataset, DatasetChangedError, DatasetMissingError, DatasetShreddedError
from modelward.datasets.description import Description, description_label, opened_description, rows_label
from modelward.datasets.erasure import ErasedMeanwhileError
from modelward.datasets.fingerprint import fingerprint
from modelward.datasets.pieces import SealedTable
from modelward.datasets.table import Table
from modelward.storage import Connection, Database, Vault


class Shelf:
    """Reads what `Datasets` put there."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def find(self, name: str) -> store.Registration:
        """The dataset called `name`.

        Raises:
            DatasetMissingError: there is none.
        """
        with self._database.look() as connection:
            found = store.find(connection, check_name("dataset", name))
        if found is None:
            raise DatasetMissingError(f"No dataset is called {name!r}.{self._meant(name)} `modelward data list` shows all.")
        return found

    def must_be_as_read(self, connection: Connection, found: store.Registration) -> None:
        """Nothing, where the dataset is still what was `found`, so that what was made of its rows can be written down.

        Raises:
            ErasedMeanwhileError: it is not.
        """
        if store.find(connection, found.name) != found:
            raise ErasedMeanwhileError(f"Somebody else changed dataset {found.name!r} just now. Nothing was done; try again.")

    def genuine(self, name: str) -> store.Registration:
        """As `find`; purpose, owner and who registered it are those that were sealed with it.

        Raises:
            DatasetChangedError: they are not: somebody edited the database.
        """
        found = self.find(name)
        said = self.description(found).said
        if said and (said.purpose, said.owner, said.by) != (found.declared.purpose, found.declared.owner, found.by):
            raise DatasetChangedError(
                f"What the database says of {name!r} (purpose, owner, who registered it) is not what was sealed with it: it "
                "opens nothing. Restore the home from a backup, and run `modelward audit verify`."
            )
        return found

    def opened(self, found: store.Registration) -> Dataset:
        """The dataset as it is shown."""
        described = None if found.shredded else self.description(found)
        return Dataset(
            name=found.name,
            fingerprint=found.fingerprint,
            rows=found.rows,
            columns=described.columns if described else (),
            target=found.declared.target,
            positive=described.profile.positive if described else "",
            sensitive=found.declared.sensitive,
            purpose=found.declared.purpose,
            owner=found.declared.owner,
            license=found.declared.license,
            registered=found.registered,
            by=found.by,
            sealed=found.sealed,
            described=found.described,
            task=found.declared.task,
            user=found.declared.user,
            time=found.declared.time,
            shard=described.shard if described else None,
            shredded=found.shredded,
            derived=described.derived if described else None,
        )

    def description(self, found: store.Registration) -> Description:
        """Its columns and its profile, decrypted.

        Raises:
            DatasetShreddedError: nobody can decrypt them any more.
        """
        if gone := found.shredded:
            raise DatasetShreddedError(
                f"Dataset {found.name!r} was shredded on {gone.shredded:%Y-%m-%d %H:%M} UTC by {gone.by}: {gone.reason!r}. Its "
                "keys are destroyed, and nobody can read it again. Register other data under another name."
            )
        sealed = self._vault.read(found.described, label=description_label(found.name))
        return opened_description(sealed)

    def rows(self, found: store.Registration) -> Table:
        """Its rows, which are decrypted a column at a time.

        Raises:
            SealBrokenError, DatasetChangedError: they are not those that were registered.
        """
        digests, pieces = (found.sealed, *found.further), self.description(found).pieces
        if len(digests) != max(1, len(pieces)):
            raise _changed(found.name)
        table = SealedTable(
            pieces,
            height=found.rows,
            read=lambda piece: self._vault.read(digests[piece], label=rows_label(found.name, piece)),
        )
        if fingerprint(table) != found.fingerprint:
            raise _changed(found.name)
        return table

    def _meant(self, name: str) -> str:
        """The dataset whose name is nearest, as a question; of those of one tenant, where it may be a tenant who asks."""
        with self._database.look() as connection:
            tenant = f"{name.partition('-')[0]}-" if "-" in name else ""
            names = [each.name for each in store.every(connection) if each.name.startswith(tenant)]
        near = difflib.get_close_matches(name, names, n=1)
        return f" Did you mean {near[0]!r}?" if near else ""


def _changed(name: str) -> DatasetChangedError:
    return DatasetChangedError(
        f"The rows of dataset {name!r} are not those that were registered. They are not used. Restore the home from a backup, and "
        "run `modelward audit verify`."
    )
