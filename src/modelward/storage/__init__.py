# SPDX-License-Identifier: Apache-2.0
"""Storage keeps bytes and rows: sealed objects under their digest, and the database in which every change is one transaction."""

from modelward.storage.data_keys import DataKeyDestroyedError, DataKeyMissingError, KeyStanding, Rewrapped
from modelward.storage.database import SCHEMA, Connection, Database, InvalidDatabaseError, RawConnection, lent, raw
from modelward.storage.disk import NoSpaceError, is_full, is_idle
from modelward.storage.durability import cut_off, new_file, replace_durably, write_private
from modelward.storage.enclosing import seal, unseal
from modelward.storage.encryption import SealBrokenError, Sealer
from modelward.storage.folders import (
    FolderTakenError,
    FolderUnusableError,
    check_free,
    passing_folder,
    sweep_passing_folders,
    whole_folder,
)
from modelward.storage.guard import Guard, GuardClosedError, GuardRefusedError, Means
from modelward.storage.guards import GUARDS
from modelward.storage.keyring import (
    Keyring,
    KeyringExposedError,
    KeyringInUseError,
    KeyringMissingError,
    KeyringUnreadableError,
    MasterKeyMissingError,
)
from modelward.storage.object_stores import OBJECT_STORES
from modelward.storage.objects import InvalidDigestError, ObjectChangedError, ObjectMissingError, ObjectStore
from modelward.storage.pieces import as_stream
from modelward.storage.scratch import Scratch
from modelward.storage.sqlite import DatabaseBusyError, DatabaseDamagedError
from modelward.storage.store import Mastership
from modelward.storage.vault import Naming, OvertakenError, Parcel, Swept, Vault, until_written

__all__ = [
    "GUARDS",
    "OBJECT_STORES",
    "SCHEMA",
    "Connection",
    "DataKeyDestroyedError",
    "DataKeyMissingError",
    "Database",
    "DatabaseBusyError",
    "DatabaseDamagedError",
    "FolderTakenError",
    "FolderUnusableError",
    "Guard",
    "GuardClosedError",
    "GuardRefusedError",
    "InvalidDatabaseError",
    "InvalidDigestError",
    "KeyStanding",
    "Keyring",
    "KeyringExposedError",
    "KeyringInUseError",
    "KeyringMissingError",
    "KeyringUnreadableError",
    "MasterKeyMissingError",
    "Mastership",
    "Means",
    "Naming",
    "NoSpaceError",
    "ObjectChangedError",
    "ObjectMissingError",
    "ObjectStore",
    "OvertakenError",
    "Parcel",
    "RawConnection",
    "Rewrapped",
    "Scratch",
    "SealBrokenError",
    "Sealer",
    "Swept",
    "Vault",
    "as_stream",
    "check_free",
    "cut_off",
    "is_full",
    "is_idle",
    "lent",
    "new_file",
    "passing_folder",
    "raw",
    "replace_durably",
    "seal",
    "sweep_passing_folders",
    "unseal",
    "until_written",
    "whole_folder",
    "write_private",
]
