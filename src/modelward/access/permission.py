# SPDX-License-Identifier: Apache-2.0
"""What can be allowed, and which role is allowed what.

`docs/reference/permissions.md` shows the table; a test keeps the two equal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

from modelward.errors import InvalidError


class UnknownRoleError(InvalidError):
    """No role has that name."""


class _Meaning(StrEnum):
    """A name whose `meaning` says it in a sentence."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """A member is its text; the sentence hangs on it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class Permission(_Meaning):
    """One thing that can be allowed."""

    DATA_READ = "data:read", "See datasets, their columns and profiles, and let their rows be used in training and assessment."
    DATA_STATISTICS = "data:statistics", "Ask statistics of datasets with noise, within their privacy budgets; no row is shown."
    DATA_WRITE = "data:write", "Register datasets."
    DATA_GRANT = "data:grant", "Grant datasets to models, take grants back, and see what was read under them."
    DATA_SHRED = "data:shred", "Destroy the keys of datasets, so that nobody can read them again."
    DATA_ERASE = "data:erase", "Take somebody's rows out of datasets for good."
    DATA_REIDENTIFY = "data:reidentify", "Be told who stands behind the pseudonyms of de-identified datasets, on record."
    TRAINING_RUN = "training:run", "Train candidates, and resume a run."
    TRAINING_READ = "training:read", "See runs and what they reported."
    MODELS_READ = "models:read", "See models, versions, trust reports and model cards, and verify them."
    MODELS_IMPORT = "models:import", "Put a version made elsewhere on the shelf."
    MODELS_EXPORT = "models:export", "Take a version's files out, decrypted."
    MODELS_ASSESS = "models:assess", "Measure a version, and compare versions."
    MODELS_PREDICT = "models:predict", "Ask a released model for predictions."
    MODELS_EXPLAIN = "models:explain", "Ask why a model predicted what it did."
    RELEASES_READ = "releases:read", "See releases, policies and decisions."
    RELEASES_PROPOSE = "releases:propose", "Propose a version for release."
    RELEASES_DECIDE = "releases:decide", "Approve or refuse a release that somebody else proposed."
    RELEASES_PROMOTE = "releases:promote", "Make an approved release live, pause it, and roll back."
    CAPTURES_RULE = "captures:rule", "Rule which questions to models are kept with their answers, and shred what is kept."
    CAPTURES_READ = "captures:read", "See which questions were kept, and read them with their answers, on record."
    TERMS_PUT = "terms:put", "Put terms of confidentiality in place for models and datasets."
    AUDIT_READ = "audit:read", "Read, verify and export the ledger, and get any receipt."
    AUDIT_RECEIPT = "audit:receipt", "Get the receipts of one's own requests, and the public key that verifies them."
    USERS_MANAGE = "users:manage", "Add, invite and remove people, change their roles, and end their sessions and waits."
    KEYS_MANAGE = "keys:manage", "Create, rotate and revoke API keys."
    POLICIES_MANAGE = "policies:manage", "Change the site's access policies, and ask why anybody may do anything."
    TENANTS_MANAGE = "tenants:manage", "Add and remove tenants."
    EMERGENCIES_DECIDE = "emergencies:decide", "Approve, refuse or end access that somebody else asks for in an emergency."
    METRICS_READ = "metrics:read", "Read the metrics of a running service."


class Role(_Meaning):
    """What somebody is here for."""

    ADMINISTRATOR = "administrator", "Runs the installation and may do everything; the owner of the home is one."
    DATA_OWNER = "data-owner", "Brings data in, grants it to models, and sees which runs and models came of it."
    DATA_SCIENTIST = "data-scientist", "Turns data into models, measures them and proposes releases."
    RISK_OFFICER = "risk-officer", "Reads the evidence, and approves or refuses releases."
    OPERATOR = "operator", "Runs the service: imports, exports, promotes, pauses, rolls back, watches."
    CALLER = "caller", "An application that asks models for answers."
    AUDITOR = "auditor", "Reads and verifies what happened, and changes nothing."


_P = Permission

PERMISSIONS_OF: Final[dict[Role, frozenset[Permission]]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.DATA_OWNER: frozenset(
        {
            _P.DATA_READ,
            _P.DATA_STATISTICS,
            _P.DATA_WRITE,
            _P.DATA_GRANT,
            _P.DATA_SHRED,
            _P.DATA_ERASE,
            _P.DATA_REIDENTIFY,
            _P.TERMS_PUT,
            _P.TRAINING_READ,
            _P.MODELS_READ,
        }
    ),
    Role.DATA_SCIENTIST: frozenset(
        {_P.DATA_READ, _P.DATA_STATISTICS, _P.DATA_WRITE, _P.TRAINING_RUN, _P.TRAINING_READ}
        | {_P.MODELS_READ, _P.MODELS_IMPORT, _P.MODELS_EXPORT, _P.MODELS_ASSESS, _P.MODELS_PREDICT, _P.MODELS_EXPLAIN}
        | {_P.RELEASES_READ, _P.RELEASES_PROPOSE, _P.AUDIT_RECEIPT}
    ),
    Role.RISK_OFFICER: frozenset(
        {_P.DATA_READ, _P.TRAINING_READ, _P.MODELS_READ, _P.MODELS_ASSESS}
        | {_P.RELEASES_READ, _P.RELEASES_DECIDE, _P.TERMS_PUT, _P.AUDIT_READ, _P.AUDIT_RECEIPT, _P.EMERGENCIES_DECIDE}
        | {_P.CAPTURES_RULE, _P.CAPTURES_READ}
    ),
    Role.OPERATOR: frozenset(
        {_P.MODELS_READ, _P.MODELS_IMPORT, _P.MODELS_EXPORT, _P.MODELS_PREDICT, _P.METRICS_READ}
        | {_P.RELEASES_READ, _P.RELEASES_PROPOSE, _P.RELEASES_PROMOTE, _P.AUDIT_RECEIPT}
    ),
    Role.CALLER: frozenset({_P.MODELS_READ, _P.MODELS_PREDICT, _P.MODELS_EXPLAIN, _P.AUDIT_RECEIPT}),
    Role.AUDITOR: frozenset({_P.DATA_READ, _P.TRAINING_READ, _P.MODELS_READ, _P.RELEASES_READ, _P.AUDIT_READ, _P.AUDIT_RECEIPT}),
}

# Whoever can hand out credentials could hand out one without the limit, and the ledger speaks of every model.
NEVER_LIMITED: Final = frozenset(
    {Permission.USERS_MANAGE, Permission.KEYS_MANAGE, Permission.POLICIES_MANAGE, Permission.TENANTS_MANAGE}
    | {Permission.EMERGENCIES_DECIDE, Permission.AUDIT_READ}
)

# Nor could a scope hold who hands out credentials that have none, or rules of their own.
NEVER_SCOPED: Final = NEVER_LIMITED - {Permission.AUDIT_READ}


# What speaks of the whole house, or rules it, is not for who belongs to a part of it.
NEVER_OF_TENANTS: Final = frozenset(
    {Permission.POLICIES_MANAGE, Permission.TENANTS_MANAGE, Permission.EMERGENCIES_DECIDE}
    | {Permission.AUDIT_READ, Permission.METRICS_READ}
)
# What makes things: a name outside of one's tenant is refused with the way to a right one, instead of hidden.
MAKING: Final = frozenset({Permission.DATA_WRITE, Permission.TRAINING_RUN, Permission.MODELS_IMPORT})


def roles_with(permission: Permission) -> list[Role]:
    """The roles that have `permission`, in the order of `Role`."""
    return [role for role in Role if permission in PERMISSIONS_OF[role]]


def parse_role(text: str) -> Role:
    """The role called `text`.

    Raises:
        UnknownRoleError: there is none; the message lists those there are.
    """
    try:
        return Role(text)
    except ValueError:
        raise UnknownRoleError(f"No role is called {text[:80]!r}. There are: {', '.join(Role)}.") from None
