# SPDX-License-Identifier: Apache-2.0
"""Routes of people and keys."""

from __future__ import annotations

from datetime import datetime

import msgspec

from modelward.access import Invitation, IssuedKey, Key, Permission, Role, User, Whoami
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Name, Open


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make."""

    name: Name
    role: Role
    models: list[Name] | None = None
    purpose: str = ""
    expires: datetime | None = None


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """A person to add."""

    name: Name
    role: Role


def _create_key(call: Call) -> IssuedKey:
    new: NewKey = call.body
    return call.platform.access.create_key(
        new.name, role=new.role, models=new.models, purpose=new.purpose, expires=new.expires, by=call.actor
    )


ENDPOINTS = (
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
        lambda call: call.platform.access.add_user(call.body.name, role=call.body.role, by=call.actor),
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
        "/api/v1/keys",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.access.keys(by=call.actor),
        "List keys, without their secrets.",
        list[Key],
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
        "DELETE",
        "/api/v1/keys/{id}",
        Permission.KEYS_MANAGE,
        lambda call: call.platform.access.revoke_key(call.path["id"], by=call.actor),
        "Revoke a key.",
        Key,
    ),
)
