# SPDX-License-Identifier: Apache-2.0
"""Storage keeps bytes and rows: sealed objects under their digest, and the database in which every change is one transaction."""

from modelward.storage.database import SCHEMA, Connection, Database, DatabaseBusyError, DatabaseDamagedError, InvalidDatabaseError
from modelward.storage.durability import replace_durably, write_private
from modelward.storage.encryption import SealBrokenError, seal, unseal
from modelward.storage.folders import (
    FolderTakenError,
    FolderUnusableError,
    check_free,
    passing_folder,
    sweep_passing_folders,
    whole_folder,
)
from modelward.storage.keyring import Keyring, KeyringExposedError, KeyringMissingError, KeyringUnreadableError
from modelward.storage.object_stores import OBJECT_STORES
from modelward.storage.objects import InvalidDigestError, NoSpaceError, ObjectChangedError, ObjectMissingError, ObjectStore
from modelward.storage.vault import Vault

__all__ = [
    "OBJECT_STORES",
    "SCHEMA",
    "Connection",
    "Database",
    "DatabaseBusyError",
    "DatabaseDamagedError",
    "FolderTakenError",
    "FolderUnusableError",
    "InvalidDatabaseError",
    "InvalidDigestError",
    "Keyring",
    "KeyringExposedError",
    "KeyringMissingError",
    "KeyringUnreadableError",
    "NoSpaceError",
    "ObjectChangedError",
    "ObjectMissingError",
    "ObjectStore",
    "SealBrokenError",
    "Vault",
    "check_free",
    "passing_folder",
    "replace_durably",
    "seal",
    "sweep_passing_folders",
    "unseal",
    "whole_folder",
    "write_private",
]
