# SPDX-License-Identifier: Apache-2.0
"""The composition root: builds a `Platform` from `Settings`, makes homes and looks them over. It alone knows every room.

There are no globals: two platforms can live in one process, each with its own home.
"""

from modelward.app.backup import (
    Backup,
    BackupMissingError,
    BackupOvertakenError,
    BackupTakenError,
    BackupUnusableError,
    RestorePlaceError,
    back_up,
    restore,
)
from modelward.app.doctor import Check, examine
from modelward.app.home import HomeExistsError, HomeMissingError, HomeUnfinishedError, HomeUnusableError, NewHome, create_home
from modelward.app.platform import Platform, key_for_workers, open_platform
from modelward.app.security import Security
from modelward.app.weak_point import SecurityCheck

__all__ = [
    "Backup",
    "BackupMissingError",
    "BackupOvertakenError",
    "BackupTakenError",
    "BackupUnusableError",
    "Check",
    "HomeExistsError",
    "HomeMissingError",
    "HomeUnfinishedError",
    "HomeUnusableError",
    "NewHome",
    "Platform",
    "RestorePlaceError",
    "Security",
    "SecurityCheck",
    "back_up",
    "create_home",
    "examine",
    "key_for_workers",
    "open_platform",
    "restore",
]
