# SPDX-License-Identifier: Apache-2.0
"""What policies may speak of, and the house's own table of roles, as Cedar writes it."""

from __future__ import annotations

from functools import cache
from typing import Final

from modelward.access.permission import PERMISSIONS_OF, Permission, Role

BUILT_IN: Final = "built-in"
PRINCIPALS: Final = ("Person", "Service", "Model", "Local")
_OF_DATA: Final = ("Dataset", "House")
_OF_MODELS: Final = ("Model", "House")
_OF_HOUSE: Final = ("House",)
# Training is of a model and reads a dataset, and both may be what a policy speaks of.
_OF_BOTH: Final = ("Dataset", "Model", "House")

_TYPES: Final = """\
entity House;
entity Role;
entity Tenant;
entity Person in [Role, Tenant];
entity Service in [Role, Tenant];
entity Local in [Role, Tenant];
entity Model in [Role, Tenant];
entity Dataset in [Tenant];
type Circumstances = { purpose: String, mtls: Bool, address?: ipaddr, time: datetime };
"""


def resources_of(permission: Permission) -> tuple[str, ...]:
    """The kinds of things that a permission is asked for."""
    room = permission.partition(":")[0]
    if room in {"data", "terms"}:
        return _OF_BOTH
    return _OF_MODELS if room in {"training", "models", "releases", "captures"} else _OF_HOUSE


@cache
def _schema() -> str:
    principals = ", ".join(PRINCIPALS)
    actions = (
        f'action "{permission}" appliesTo {{ principal: [{principals}], resource: [{", ".join(resources_of(permission))}], '
        "context: Circumstances };\n"
        for permission in Permission
    )
    return _TYPES + "".join(actions)


SCHEMA_TEXT: Final = _schema()


@cache
def built_in_text() -> str:
    """The table of roles as policies, one of each role. They are in force in every home, and nobody can remove them."""
    return "\n".join(_of_role(role) for role in Role)


def _of_role(role: Role) -> str:
    actions = ",\n    ".join(f'Action::"{permission}"' for permission in Permission if permission in PERMISSIONS_OF[role])
    return (
        f"// {role.meaning}\n"
        f'@id("role-{role}")\n'
        "permit (\n"
        f'  principal in Role::"{role}",\n'
        f"  action in [\n    {actions}\n  ],\n"
        "  resource\n"
        ");\n"
    )
