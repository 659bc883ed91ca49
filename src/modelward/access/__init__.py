# SPDX-License-Identifier: Apache-2.0
"""Access knows who asks and what they may: people with sessions, services with keys, roles with permissions."""

from modelward.access.actor import Actor, NotPermittedError, Whoami, local_actor
from modelward.access.auditing import Auditing
from modelward.access.certificate import (
    AuthorityExistsError,
    AuthorityMissingError,
    Certificate,
    CertificateTakenError,
    InvalidHostError,
)
from modelward.access.certifying import Certifying
from modelward.access.credential import (
    AlreadyEndedError,
    Credential,
    InvalidCredentialError,
    Invitation,
    IssuedKey,
    Key,
    KeyMissingError,
    NameTakenError,
    SignedIn,
    UnknownCredentialError,
    User,
    UserMissingError,
    unknown_key,
)
from modelward.access.custody import Custody
from modelward.access.name import InvalidNameError, check_name
from modelward.access.permission import PERMISSIONS_OF, Permission, Role, UnknownRoleError, parse_role, roles_with
from modelward.access.seal import AlteredRowError
from modelward.access.service import Access

__all__ = [
    "PERMISSIONS_OF",
    "Access",
    "Actor",
    "AlreadyEndedError",
    "AlteredRowError",
    "Auditing",
    "AuthorityExistsError",
    "AuthorityMissingError",
    "Certificate",
    "CertificateTakenError",
    "Certifying",
    "Credential",
    "Custody",
    "InvalidCredentialError",
    "InvalidHostError",
    "InvalidNameError",
    "Invitation",
    "IssuedKey",
    "Key",
    "KeyMissingError",
    "NameTakenError",
    "NotPermittedError",
    "Permission",
    "Role",
    "SignedIn",
    "UnknownCredentialError",
    "UnknownRoleError",
    "User",
    "UserMissingError",
    "Whoami",
    "check_name",
    "local_actor",
    "parse_role",
    "roles_with",
    "unknown_key",
]
