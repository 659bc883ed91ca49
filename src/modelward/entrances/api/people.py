# SPDX-License-Identifier: Apache-2.0
"""Routes of people and keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from modelward.access import (
    GRACE_LIMIT_SECONDS,
    GRACE_SECONDS,
    Invitation,
    IssuedKey,
    Key,
    Permission,
    Quota,
    Role,
    Standing,
    Tenant,
    User,
    Whoami,
)
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Name, Open, Parameter, whole_number

TenantName = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9]{0,63}$"})]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make."""

    name: Name
    role: Role
    models: list[Name] | None = None
    purpose: str = ""
    expires: datetime | None = None
    tenant: TenantName = ""
    scope: list[Permission] | None = None
    quota: Quota | None = None


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """For how long the secret that a key had still opens it."""

    grace_seconds: Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": GRACE_LIMIT_SECONDS})] = GRACE_SECONDS


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """A person to add. Left out, the tenant is that of who adds."""

    name: Name
    role: Role
    tenant: TenantName = ""


class NewTenant(msgspec.Struct, forbid_unknown_fields=True):
    """A tenant to add."""

    name: Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9]{1,63}$"})]


class NewRole(msgspec.Struct, forbid_unknown_fields=True):
    """The role that a person is to have."""

    role: Role


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The password that a person is to have."""

    password: Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 12, "maxLength": 1024})]

    def __repr__(self) -> str:
        # A traceback that shows local values must not show it.
        return "NewPassword(…)"


class EndedSessions(msgspec.Struct, frozen=True):
    """How many sessions ended."""

    ended: int


def _create_key(call: Call) -> IssuedKey:
    new: NewKey = call.body
    return call.platform.access.create_key(
        new.name,
        role=new.role,
        models=new.models,
        purpose=new.purpose,
        scope=new.scope,
        quota=new.quota,
        expires=new.expires,
        tenant=new.tenant,
        by=call.actor,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/tenants",
        Permission.TENANTS_MANAGE,
        lambda call: call.platform.tenants.list(by=call.actor),
        "List tenants.",
        list[Tenant],
    ),
    Endpoint(
        "POST",
        "/api/v1/tenants",
        Permission.TENANTS_MANAGE,
        lambda call: call.platform.tenants.add(call.body.name, by=call.actor),
        "Add a tenant: whatever has a name that begins with its own and a hyphen belongs to it.",
        Tenant,
        takes=NewTenant,
        status=201,
    ),
    Endpoint(
        "DELETE",
        "/api/v1/tenants/{name}",
        Permission.TENANTS_MANAGE,
        lambda call: {"removed": call.platform.tenants.remove(call.path["name"], by=call.actor)},
        "Remove a tenant to which nobody belongs any more.",
        dict[str, str],
    ),
    Endpoint("GET", "/api/v1/whoami", Open.ANYBODY_KNOWN, lambda call: call.actor.whoami, "Whose credential this is.", Whoami),
    Endpoint(
        "GET",
        "/api/v1/users",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.users(by=call.actor),
        "List people.",
        list[User],
    ),
    Endpoint(
        "POST",
        "/api/v1/users",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.add_user(call.body.name, role=call.body.role, tenant=call.body.tenant, by=call.actor),
        "Add a person; the answer holds the one-time sign-in token.",
        Invitation,
        takes=NewUser,
        status=201,
    ),
    Endpoint(
        "POST",
        "/api/v1/users/{name}/invitations",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.invite(call.path["name"], by=call.actor),
        "Make a new one-time sign-in token for a person.",
        Invitation,
        status=201,
    ),
    Endpoint(
        "DELETE",
        "/api/v1/users/{name}",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.remove_user(call.path["name"], by=call.actor),
        "Remove a person and end their sessions.",
        User,
    ),
    Endpoint(
        "GET",
        "/api/v1/users/{name}",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.accounts.standing(call.path["name"], by=call.actor),
        "Show how a person signs in, and where they are signed in.",
        Standing,
    ),
    Endpoint(
        "PUT",
        "/api/v1/users/{name}/role",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.accounts.change_role(call.path["name"], call.body.role, by=call.actor),
        "Give a person another role; their sessions end.",
        User,
        takes=NewRole,
    ),
    Endpoint(
        "PUT",
        "/api/v1/users/{name}/password",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.accounts.set_password(call.path["name"], call.body.password, by=call.actor),
        "Give a person a password; their sessions and an unused link end.",
        User,
        takes=NewPassword,
    ),
    Endpoint(
        "DELETE",
        "/api/v1/users/{name}/sessions",
        Permission.USERS_MANAGE,
        lambda call: EndedSessions(call.platform.access.accounts.end_sessions(call.path["name"], by=call.actor)),
        "End every session of a person.",
        EndedSessions,
    ),
    Endpoint(
        "DELETE",
        "/api/v1/users/{name}/sessions/{id}",
        Permission.USERS_MANAGE,
        lambda call: EndedSessions(call.platform.access.accounts.end_sessions(call.path["name"], call.path["id"], by=call.actor)),
        "End one session of a person.",
        EndedSessions,
    ),
    Endpoint(
        "DELETE",
        "/api/v1/users/{name}/lockout",
        Permission.USERS_MANAGE,
        lambda call: call.platform.access.accounts.unlock(call.path["name"], by=call.actor),
        "Forget the failed sign-ins of a person, so that they need not wait.",
        User,
    ),
    Endpoint(
        "GET",
        "/api/v1/keys",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.access.keys(name=call.query.get("name", ""), limit=call.number("limit"), by=call.actor),
        "List keys, without their secrets.",
        list[Key],
        query={
            "name": Parameter("Only those whose names begin so."),
            "limit": whole_number("How many at most, the newest ones; all unless told, and never more than 10,000 then."),
        },
    ),
    Endpoint(
        "POST",
        "/api/v1/keys",
        Permission.KEYS_MANAGE,
        _create_key,
        "Make a key; the answer holds its secret, this one time.",
        IssuedKey,
        takes=NewKey,
        status=201,
    ),
    Endpoint(
        "GET",
        "/api/v1/keys/{id}",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.access.key(call.path["id"], by=call.actor),
        "Show a key, without its secret.",
        Key,
    ),
    Endpoint(
        "POST",
        "/api/v1/keys/{id}/rotate",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.access.rotate_key(call.path["id"], grace_seconds=call.body.grace_seconds, by=call.actor),
        "Give a key a new secret, which the answer holds this one time.",
        IssuedKey,
        takes=Rotation,
        status=201,
    ),
    Endpoint(
        "DELETE",
        "/api/v1/keys/{id}",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.access.revoke_key(call.path["id"], by=call.actor),
        "Revoke a key.",
        Key,
    ),
)
