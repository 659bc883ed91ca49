# SPDX-License-Identifier: Apache-2.0
"""Access knows who asks and what they may: people with sessions, services with keys, roles with permissions."""

from modelward.access.accounts import Accounts
from modelward.access.actor import Actor, NotPermittedError, NotYoursError, Whoami, local_actor
from modelward.access.agreeing import Agreeing
from modelward.access.attempt import TooManyAttemptsError
from modelward.access.auditing import Auditing
from modelward.access.certificate import (
    AuthorityExistsError,
    AuthorityMissingError,
    Certificate,
    CertificateTakenError,
    InvalidHostError,
)
from modelward.access.certifying import Certifying
from modelward.access.condition import Condition
from modelward.access.credential import (
    AlreadyEndedError,
    ChangedSecrets,
    Credential,
    InvalidCredentialError,
    Invitation,
    IssuedKey,
    Key,
    KeyMissingError,
    LastAdministratorError,
    NameTakenError,
    SignedIn,
    UnknownCredentialError,
    User,
    UserMissingError,
    WrongPasswordError,
    has_shape,
    unknown_key,
)
from modelward.access.custody import Custody
from modelward.access.deciding import Ground
from modelward.access.emergencies import Emergencies
from modelward.access.emergency import (
    Emergency,
    EmergencyMissingError,
    EmergencyOverError,
    EmergencyState,
    InvalidEmergencyError,
    NotTheirsToDecideError,
    given_by,
)
from modelward.access.explanation import Explanation, NobodyKnownError, UnfitThingError, UnknownPermissionError, parse_permission
from modelward.access.identities import BEGUN_SECONDS, Begun, Identities, TooManyNamesakesError
from modelward.access.identity import (
    Identity,
    InvalidRolesError,
    InvalidTenantsError,
    NoRoleError,
    NoTenantError,
    RemovedPersonError,
    SpentSignInError,
    parse_roles_of_groups,
    parse_tenants_of_groups,
)
from modelward.access.judge import Decision, Judge
from modelward.access.keys import GRACE_LIMIT_SECONDS, GRACE_SECONDS
from modelward.access.name import InvalidNameError, check_name
from modelward.access.origin import NOWHERE, Origin, origin_at
from modelward.access.password import HashingBusyError, WeakPasswordError
from modelward.access.permission import PERMISSIONS_OF, Permission, Role, UnknownRoleError, parse_role, roles_with
from modelward.access.purpose import PurposeNotAgreedError, covers, names_purpose, purposes_of
from modelward.access.quota import InvalidQuotaError, Quota
from modelward.access.rotation import MasterRotated, Rotation, RotationUnfinishedError
from modelward.access.seal import MAC, AlteredRowError, Seal
from modelward.access.second_factor import (
    Enrolment,
    NoSecondFactorError,
    RecoveryCodes,
    SecondFactorDueError,
    SecondFactorThereError,
)
from modelward.access.service import Access
from modelward.access.session import Means, Session, SessionMissingError, Standing
from modelward.access.site_policies import SitePolicies
from modelward.access.site_policy import (
    InvalidSitePolicyError,
    LockedOutError,
    SitePolicy,
    SitePolicyChangedError,
    SitePolicyMissingError,
    SitePolicyTooLargeError,
)
from modelward.access.tenant import Tenant, TenantInUseError, TenantMissingError, TenantTakenError
from modelward.access.tenants import Tenants, is_tenant
from modelward.access.terms import (
    Acceptance,
    InvalidTermsError,
    OfferedTerms,
    Terms,
    TermsChangedError,
    TermsMissingError,
    TermsNotAcceptedError,
    not_accepted,
    terms_altered,
)

__all__ = [
    "BEGUN_SECONDS",
    "GRACE_LIMIT_SECONDS",
    "GRACE_SECONDS",
    "MAC",
    "NOWHERE",
    "PERMISSIONS_OF",
    "Acceptance",
    "Access",
    "Accounts",
    "Actor",
    "Agreeing",
    "AlreadyEndedError",
    "AlteredRowError",
    "Auditing",
    "AuthorityExistsError",
    "AuthorityMissingError",
    "Begun",
    "Certificate",
    "CertificateTakenError",
    "Certifying",
    "ChangedSecrets",
    "Condition",
    "Credential",
    "Custody",
    "Decision",
    "Emergencies",
    "Emergency",
    "EmergencyMissingError",
    "EmergencyOverError",
    "EmergencyState",
    "Enrolment",
    "Explanation",
    "Ground",
    "HashingBusyError",
    "Identities",
    "Identity",
    "InvalidCredentialError",
    "InvalidEmergencyError",
    "InvalidHostError",
    "InvalidNameError",
    "InvalidQuotaError",
    "InvalidRolesError",
    "InvalidSitePolicyError",
    "InvalidTenantsError",
    "InvalidTermsError",
    "Invitation",
    "IssuedKey",
    "Judge",
    "Key",
    "KeyMissingError",
    "LastAdministratorError",
    "LockedOutError",
    "MasterRotated",
    "Means",
    "NameTakenError",
    "NoRoleError",
    "NoSecondFactorError",
    "NoTenantError",
    "NobodyKnownError",
    "NotPermittedError",
    "NotTheirsToDecideError",
    "NotYoursError",
    "OfferedTerms",
    "Origin",
    "Permission",
    "PurposeNotAgreedError",
    "Quota",
    "RecoveryCodes",
    "RemovedPersonError",
    "Role",
    "Rotation",
    "RotationUnfinishedError",
    "Seal",
    "SecondFactorDueError",
    "SecondFactorThereError",
    "Session",
    "SessionMissingError",
    "SignedIn",
    "SitePolicies",
    "SitePolicy",
    "SitePolicyChangedError",
    "SitePolicyMissingError",
    "SitePolicyTooLargeError",
    "SpentSignInError",
    "Standing",
    "Tenant",
    "TenantInUseError",
    "TenantMissingError",
    "TenantTakenError",
    "Tenants",
    "Terms",
    "TermsChangedError",
    "TermsMissingError",
    "TermsNotAcceptedError",
    "TooManyAttemptsError",
    "TooManyNamesakesError",
    "UnfitThingError",
    "UnknownCredentialError",
    "UnknownPermissionError",
    "UnknownRoleError",
    "User",
    "UserMissingError",
    "WeakPasswordError",
    "Whoami",
    "WrongPasswordError",
    "check_name",
    "covers",
    "given_by",
    "has_shape",
    "is_tenant",
    "local_actor",
    "names_purpose",
    "not_accepted",
    "origin_at",
    "parse_permission",
    "parse_role",
    "parse_roles_of_groups",
    "parse_tenants_of_groups",
    "purposes_of",
    "roles_with",
    "terms_altered",
    "unknown_key",
]
