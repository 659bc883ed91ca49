# SPDX-License-Identifier: Apache-2.0
"""The tenants of a house: added and removed by the house alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

from modelward.access.actor import Actor
from modelward.access.permission import Permission
from modelward.access.seal import Seal
from modelward.access.store import keys as key_rows
from modelward.access.store import people as person_rows
from modelward.access.store import sealed as sealed_rows
from modelward.access.store import tenants as tenant_rows
from modelward.access.tenant import (
    TENANT_ADDED,
    TENANT_REMOVED,
    Tenant,
    TenantInUseError,
    TenantMissingError,
    TenantTakenError,
    check_tenant,
    is_of,
)
from modelward.audit import Ledger
from modelward.storage import Connection, Database, Keyring

NamesInUse = Callable[[Connection], Iterable[str]]
_SHOWN = 5


class Tenants:
    """Parts of the house that see only their own. `names_in_use` are the names of the models and datasets that there are."""

    def __init__(self, database: Database, ledger: Ledger, keyring: Keyring, *, names_in_use: NamesInUse) -> None:
        self._database = database
        self._ledger = ledger
        self._seal = Seal(keyring.secret("pepper"))
        self._names_in_use = names_in_use

    def add(self, name: str, *, by: Actor) -> Tenant:
        """A new tenant, to which every name belongs that begins with its own and a hyphen.

        Raises:
            NotPermittedError: `by` lacks tenants:manage. InvalidNameError. TenantTakenError: it is there already, or there are
            people, keys, models or datasets of such names, or a model or dataset of that very name.
        """
        by.require(Permission.TENANTS_MANAGE)
        tenant = Tenant(name=check_tenant(name), created=datetime.now(UTC), by=by.id)
        with self._database.change() as connection:
            if tenant_rows.is_there(connection, name, seal=self._seal):
                raise TenantTakenError(f"The tenant {name} is there already. `modelward tenants list` shows all.")
            people = (user.name for user in person_rows.users(connection, seal=self._seal))
            keys = (key.name for key in key_rows.keys(connection, seal=self._seal))
            _must_be_free(name, somebody=(*people, *keys), things={*self._names_in_use(connection)})
            tenant_rows.insert_tenant(connection, tenant, seal=self._seal)
            self._ledger.record(connection, TENANT_ADDED, actor=by.id, subject=f"tenant {name}")
            sealed_rows.advance_revision(connection)
        return tenant

    def list(self, *, by: Actor) -> list[Tenant]:
        """Every tenant, by name.

        Raises:
            NotPermittedError: `by` lacks tenants:manage.
        """
        by.require(Permission.TENANTS_MANAGE)
        with self._database.look() as connection:
            return tenant_rows.tenants(connection, seal=self._seal)

    def called_as_things(self) -> tuple[str, ...]:
        """The tenants that are called as a model or dataset is, by name: what is called after that is theirs. No such tenant is
        added any more; the home may be older, or the thing have come later.
        """
        with self._database.look() as connection:
            things = {*self._names_in_use(connection)}
            return tuple(each.name for each in tenant_rows.tenants(connection, seal=self._seal) if each.name in things)

    def remove(self, name: str, *, by: Actor) -> str:
        """Remove a tenant that nobody belongs to any more; its models and datasets are the house's from then on.

        Raises:
            NotPermittedError: `by` lacks tenants:manage. TenantMissingError: there is none. TenantInUseError: somebody
            belongs to it.
        """
        by.require(Permission.TENANTS_MANAGE)
        now = datetime.now(UTC)
        with self._database.change() as connection:
            if name not in {tenant.name for tenant in tenant_rows.tenants(connection, seal=self._seal)}:
                raise TenantMissingError(f"No tenant is called {name[:80]!r}. `modelward tenants list` shows all.")
            people = [
                each.name for each in person_rows.users(connection, seal=self._seal) if each.tenant == name and not each.removed
            ]
            held = key_rows.keys(connection, seal=self._seal)
            keys = [each.name for each in held if each.tenant == name and each.is_valid(now)]
            if present := people + keys:
                raise TenantInUseError(
                    f"{', '.join(present[:_SHOWN])} of the tenant {name} still come in. Remove the people and "
                    "revoke the keys first: `modelward users remove NAME`, `modelward keys revoke ID`."
                )
            tenant_rows.drop_tenant(connection, name)
            self._ledger.record(connection, TENANT_REMOVED, actor=by.id, subject=f"tenant {name}")
            sealed_rows.advance_revision(connection)
        return name


def is_tenant(connection: Connection, name: str, *, seal: Seal) -> bool:
    """Whether there is a tenant called `name`."""
    return any(each.name == name for each in tenant_rows.tenants(connection, seal=seal))


def _must_be_free(tenant: str, *, somebody: Iterable[str], things: Collection[str]) -> None:
    """Nothing, where neither what there is would become the tenant's, nor what is called after a thing, as shards are."""
    for taken, becomes in (
        (sorted({each for each in (*somebody, *things) if is_of(each, tenant)}), "would become its own"),
        (
            [each for each in things if each == tenant],
            f"is there, and what is called after it, as {tenant}-1, would be the tenant's",
        ),
    ):
        if taken:
            raise TenantTakenError(
                f"No tenant can be called {tenant}: {', '.join(taken[:_SHOWN])} {becomes}. Choose another name for the tenant. "
                "What is to be its own is then registered, imported or made anew, under names that begin with that and a hyphen."
            )
