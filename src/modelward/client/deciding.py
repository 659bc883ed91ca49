# SPDX-License-Identifier: Apache-2.0
"""Rooms elsewhere in which people decide and look things up: releases, access, the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from modelward.access import (
    GRACE_SECONDS,
    Actor,
    Emergency,
    Explanation,
    Invitation,
    IssuedKey,
    Key,
    Permission,
    Quota,
    Role,
    SitePolicy,
    Standing,
    Tenant,
    User,
    Whoami,
)
from modelward.app import SecurityCheck
from modelward.audit import (
    Checkpoint,
    Consistency,
    LoggedEntry,
    Verification,
    VerifierKey,
    open_checkpoint,
    verify_growth,
)
from modelward.client.agreeing import RemoteTerms
from modelward.client.archive import unpack
from modelward.client.connection import Connection, Room, part
from modelward.releases import PolicyText, Release

_LONG_SECONDS = 600.0


class RemoteReleases(Room):
    """See `modelward.releases.Releases`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.policies = RemotePolicies(connection)

    def propose(self, name: str, *, policy: str | None = None, by: Actor | None = None) -> Release:
        """Propose a version."""
        return self._connection.fetch(Release, "POST", "/api/v1/releases", body={"version": name, "policy": policy})

    def list(self, *, model: str = "", by: Actor | None = None) -> tuple[Release, ...]:
        """List releases."""
        return self._connection.fetch(tuple[Release, ...], "GET", "/api/v1/releases", params={"model": model})

    def released(self, model: str, *, by: Actor | None = None) -> str:
        """Name of the live version of a model."""
        return self._connection.fetch(dict[str, str], "GET", f"/api/v1/models/{part(model)}/released")["version"]

    def show(self, id: str, *, by: Actor | None = None) -> Release:
        """Show a release."""
        return self._connection.fetch(Release, "GET", f"/api/v1/releases/{part(id)}")

    def approve(self, id: str, *, reason: str, by: Actor | None = None) -> Release:
        """Approve a release."""
        return self._connection.fetch(Release, "POST", f"/api/v1/releases/{part(id)}/approve", body={"reason": reason})

    def refuse(self, id: str, *, reason: str, by: Actor | None = None) -> Release:
        """Refuse a release."""
        return self._connection.fetch(Release, "POST", f"/api/v1/releases/{part(id)}/refuse", body={"reason": reason})

    def promote(self, id: str, *, by: Actor | None = None) -> Release:
        """Let a release go live."""
        return self._connection.fetch(Release, "POST", f"/api/v1/releases/{part(id)}/promote")

    def pause(self, id: str, *, reason: str = "", by: Actor | None = None) -> Release:
        """Take a live release offline."""
        return self._connection.fetch(Release, "POST", f"/api/v1/releases/{part(id)}/pause", body={"reason": reason})

    def roll_back(self, model: str, *, by: Actor | None = None) -> Release:
        """Take the live version back."""
        return self._connection.fetch(Release, "POST", f"/api/v1/models/{part(model)}/rollback")


class RemotePolicies(Room):
    """See `modelward.releases.Policies`."""

    def put(self, text: str, *, by: Actor | None = None) -> PolicyText:
        """Put a policy in place."""
        return self._connection.fetch(PolicyText, "POST", "/api/v1/policies", body={"text": text})

    def list(self, *, by: Actor | None = None) -> tuple[PolicyText, ...]:
        """List policies."""
        return self._connection.fetch(tuple[PolicyText, ...], "GET", "/api/v1/policies")

    def show(self, name: str, *, by: Actor | None = None) -> PolicyText:
        """Show a policy."""
        return self._connection.fetch(PolicyText, "GET", f"/api/v1/policies/{part(name)}")


class RemoteSitePolicies(Room):
    """See `modelward.access.SitePolicies`."""

    def put(self, name: str, text: str, *, revision: int = 0, by: Actor | None = None) -> SitePolicy:
        """Put a file of policies in force."""
        body = {"text": text, "revision": revision}
        return self._connection.fetch(SitePolicy, "PUT", f"/api/v1/access/policies/{part(name)}", body=body)

    def list(self, *, by: Actor | None = None) -> list[SitePolicy]:
        """List policy files."""
        return self._connection.fetch(list[SitePolicy], "GET", "/api/v1/access/policies")

    def show(self, name: str, *, by: Actor | None = None) -> SitePolicy:
        """Show a policy file."""
        return self._connection.fetch(SitePolicy, "GET", f"/api/v1/access/policies/{part(name)}")

    def remove(self, name: str, *, revision: int | None = None, by: Actor | None = None) -> str:
        """Take a policy file out of force."""
        asked = {} if revision is None else {"revision": revision}
        path = f"/api/v1/access/policies/{part(name)}"
        return self._connection.fetch(dict[str, str], "DELETE", path, params=asked)["removed"]


class RemoteAccounts(Room):
    """See `modelward.access.Accounts`; what people do with their own account, they do in the console."""

    def standing(self, name: str, *, by: Actor | None = None) -> Standing:
        """Show how a person signs in."""
        return self._connection.fetch(Standing, "GET", f"/api/v1/users/{part(name)}")

    def change_role(self, name: str, role: Role, *, by: Actor | None = None) -> User:
        """Give a person another role."""
        return self._connection.fetch(User, "PUT", f"/api/v1/users/{part(name)}/role", body={"role": role})

    def set_password(self, name: str, password: str, *, by: Actor | None = None) -> User:
        """Give a person a password."""
        return self._connection.fetch(User, "PUT", f"/api/v1/users/{part(name)}/password", body={"password": password})

    def end_sessions(self, name: str, id: str = "", *, by: Actor | None = None) -> int:
        """End the session of that id, or all of a person; how many."""
        path = f"/api/v1/users/{part(name)}/sessions" + (f"/{part(id)}" if id else "")
        return self._connection.fetch(dict[str, int], "DELETE", path)["ended"]

    def unlock(self, name: str, *, by: Actor | None = None) -> User:
        """Forget the failed sign-ins of a person."""
        return self._connection.fetch(User, "DELETE", f"/api/v1/users/{part(name)}/lockout")


class RemoteTenants(Room):
    """See `modelward.access.Tenants`."""

    def add(self, name: str, *, by: Actor | None = None) -> Tenant:
        """Add a tenant."""
        return self._connection.fetch(Tenant, "POST", "/api/v1/tenants", body={"name": name})

    def list(self, *, by: Actor | None = None) -> list[Tenant]:
        """List tenants."""
        return self._connection.fetch(list[Tenant], "GET", "/api/v1/tenants")

    def remove(self, name: str, *, by: Actor | None = None) -> str:
        """Remove a tenant."""
        return self._connection.fetch(dict[str, str], "DELETE", f"/api/v1/tenants/{part(name)}")["removed"]


class RemoteEmergencies(Room):
    """See `modelward.access.Emergencies`."""

    def ask(self, what: str, *, minutes: int, reason: str, by: Actor | None = None) -> Emergency:
        """Ask for access in an emergency."""
        body = {"what": what, "minutes": minutes, "reason": reason}
        return self._connection.fetch(Emergency, "POST", "/api/v1/access/emergencies", body=body)

    def approve(self, id: str, *, by: Actor | None = None) -> Emergency:
        """Approve what somebody else asked for."""
        return self._connection.fetch(Emergency, "POST", f"/api/v1/access/emergencies/{part(id)}/approve")

    def refuse(self, id: str, *, reason: str, by: Actor | None = None) -> Emergency:
        """Refuse what somebody else asked for."""
        return self._connection.fetch(Emergency, "POST", f"/api/v1/access/emergencies/{part(id)}/refuse", body={"reason": reason})

    def end(self, id: str, *, by: Actor | None = None) -> Emergency:
        """End it before its time."""
        return self._connection.fetch(Emergency, "POST", f"/api/v1/access/emergencies/{part(id)}/end")

    def list(self, *, by: Actor | None = None) -> list[Emergency]:
        """List what was asked for."""
        return self._connection.fetch(list[Emergency], "GET", "/api/v1/access/emergencies")


class RemoteAccess(Room):
    """See `modelward.access.Access`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.accounts = RemoteAccounts(connection)
        self.emergencies = RemoteEmergencies(connection)
        self.policies = RemoteSitePolicies(connection)
        self.terms = RemoteTerms(connection)

    def explain(
        self,
        who: str,
        action: str,
        what: str = "",
        *,
        address: str = "",
        has_certificate: bool = False,
        by: Actor | None = None,
    ) -> Explanation:
        """Why somebody may do something, on a connection from that address."""
        asked = {"who": who, "action": action, "what": what}
        asked |= {"address": address} if address else {}
        asked |= {"certificate": "yes"} if has_certificate else {}
        return self._connection.fetch(Explanation, "GET", "/api/v1/access/explanation", params=asked)

    def whoami(self) -> Whoami:
        """Whose key this is."""
        return self._connection.fetch(Whoami, "GET", "/api/v1/whoami")

    def users(self, *, by: Actor | None = None) -> list[User]:
        """List people."""
        return self._connection.fetch(list[User], "GET", "/api/v1/users")

    def add_user(self, name: str, *, role: Role, tenant: str = "", by: Actor | None = None) -> Invitation:
        """Add a person."""
        return self._connection.fetch(Invitation, "POST", "/api/v1/users", body={"name": name, "role": role, "tenant": tenant})

    def invite(self, name: str, *, by: Actor | None = None) -> Invitation:
        """Make a new sign-in token for a person."""
        return self._connection.fetch(Invitation, "POST", f"/api/v1/users/{part(name)}/invitations")

    def remove_user(self, name: str, *, by: Actor | None = None) -> User:
        """Remove a person."""
        return self._connection.fetch(User, "DELETE", f"/api/v1/users/{part(name)}")

    def keys(self, *, name: str = "", limit: int | None = None, by: Actor | None = None) -> list[Key]:
        """List keys: those whose names begin so, and of these the newest."""
        asked = {"name": name} | ({} if limit is None else {"limit": str(limit)})
        return self._connection.fetch(list[Key], "GET", "/api/v1/keys", params=asked)

    def create_key(
        self,
        name: str,
        *,
        role: Role,
        models: Sequence[str] | None = None,
        purpose: str = "",
        scope: Sequence[Permission] | None = None,
        quota: Quota | None = None,
        expires: datetime | None = None,
        tenant: str = "",
        by: Actor | None = None,
    ) -> IssuedKey:
        """Make a key."""
        said = {"name": name, "role": role, "purpose": purpose, "tenant": tenant}
        limits = {"models": models, "scope": scope, "quota": quota, "expires": expires}
        body = said | {what: limit for what, limit in limits.items() if limit is not None}
        return self._connection.fetch(IssuedKey, "POST", "/api/v1/keys", body=body)

    def key(self, id: str, *, by: Actor | None = None) -> Key:
        """Show a key."""
        return self._connection.fetch(Key, "GET", f"/api/v1/keys/{part(id)}")

    def rotate_key(self, id: str, *, grace_seconds: float = GRACE_SECONDS, by: Actor | None = None) -> IssuedKey:
        """Give a key a new secret."""
        return self._connection.fetch(IssuedKey, "POST", f"/api/v1/keys/{part(id)}/rotate", body={"grace_seconds": grace_seconds})

    def revoke_key(self, id: str, *, by: Actor | None = None) -> Key:
        """Revoke a key."""
        return self._connection.fetch(Key, "DELETE", f"/api/v1/keys/{part(id)}")


class RemoteAuditing(Room):
    """See `modelward.access.Auditing`."""

    def log(
        self,
        *,
        event: str = "",
        actor: str = "",
        subject: str = "",
        request: str = "",
        since: int = 0,
        until: int | None = None,
        limit: int = 100,
        newest_first: bool = True,
        by: Actor | None = None,
    ) -> list[LoggedEntry]:
        """List entries."""
        texts = {"event": event, "actor": actor, "subject": subject, "request": request}
        filters: dict[str, str | int] = {name: text for name, text in texts.items() if text}
        filters |= {"since": since, "limit": limit, "order": "newest-first" if newest_first else "oldest-first"}
        if until is not None:
            filters["until"] = until
        return self._connection.fetch(list[LoggedEntry], "GET", "/api/v1/ledger/entries", params=filters)

    def verify(self, progress: object = None, *, earlier: str | None = None, by: Actor | None = None) -> Verification:
        """Check the ledger there; it tells no progress."""
        body = {"checkpoint": earlier}
        return self._connection.fetch(Verification, "POST", "/api/v1/ledger/verify", body=body, timeout=_LONG_SECONDS)

    def receipt(self, request: str, *, by: Actor | None = None) -> str:
        """The receipt of one answer."""
        return self._connection.send("GET", f"/api/v1/receipts/{part(request)}").text

    def checkpoint(self, *, by: Actor | None = None) -> Checkpoint:
        """The signed head of the ledger, checked with the key that the service says is the ledger's."""
        text = self._connection.send("GET", "/api/v1/ledger/checkpoint").text
        return open_checkpoint(text, VerifierKey.parse(self.public_key()))

    def consistency(self, older: int, newer: int | None = None, *, by: Actor | None = None) -> Consistency:
        """The proof that the ledger there, of `newer` entries or as it stands, begins with that of `older`."""
        asked = {"from": older} if newer is None else {"from": older, "to": newer}
        return self._connection.fetch(Consistency, "GET", "/api/v1/ledger/consistency", params=asked)

    def verify_since(self, kept: str, *, by: Actor | None = None) -> Checkpoint:
        """Its checkpoint of today, once it is proved here that the ledger there extends the checkpoint `kept`.

        The service is not taken at its word: it must prove it.
        """
        return verify_growth(kept, public_key=self.public_key(), prove=self.consistency)

    def public_key(self, *, by: Actor | None = None) -> str:
        """The key that verifies receipts."""
        return self._connection.send("GET", "/api/v1/ledger/key").text

    def export(self, folder: Path, *, by: Actor | None = None) -> int:
        """Fetch the whole ledger into a new folder; how many entries it has."""
        unpack(self._connection.send("GET", "/api/v1/ledger/export", timeout=_LONG_SECONDS).content, folder)
        with (folder / "entries.jsonl").open("rb") as lines:
            return sum(1 for _ in lines)


class RemoteSecurity(Room):
    """See `modelward.app.Security`."""

    def look(self, *, by: Actor | None = None) -> list[SecurityCheck]:
        """Look the installation over for weak points."""
        return self._connection.fetch(list[SecurityCheck], "GET", "/api/v1/security")
