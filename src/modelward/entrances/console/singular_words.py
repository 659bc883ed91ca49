# SPDX-License-Identifier: Apache-2.0
"""What English says of one alone, where it says otherwise of many; Chinese knows no difference."""

from __future__ import annotations

from typing import Final

SINGULAR: Final = {
    "All {n} versions": "The one version",
    "{n} older versions are not shown here:": "{n} older version is not shown here:",
    "{n} files": "{n} file",
    "{n} rows that it may have learned from were erased since.": "{n} row that it may have learned from was erased since.",
    "{n} test rows": "{n} test row",
    "{n} rows": "{n} row",
    "{n} different values": "{n} different value",
    "{n} outliers.": "{n} outlier.",
    "{n} hold no number.": "{n} holds no number.",
    "{n} rows have it": "{n} row has it",
    "{n} keys that ended": "{n} key that ended",
    "{n} requests a minute": "{n} request a minute",
    "{n} requests a day": "{n} request a day",
    "{n} rows a minute": "{n} row a minute",
    "{n} rows a day": "{n} row a day",
    "{n} recovery codes are left": "{n} recovery code is left",
    "for {n} minutes": "for {n} minute",
    "{n} keys were wrapped anew, and {before} left the keyring.": "{n} key was wrapped anew, and {before} left the keyring.",
    "This page is loaded anew every {n} seconds.": "This page is loaded anew every second.",
}
