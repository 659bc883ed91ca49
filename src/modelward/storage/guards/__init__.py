# SPDX-License-Identifier: Apache-2.0
"""The guards of a keyring, by the name that its file gives."""

from modelward.plugins import PluginTable

GUARDS = PluginTable(
    family="guards",
    places={
        "command": "modelward.storage.guards.command:CommandGuard",
        "file": "modelward.storage.guards.file:FileGuard",
        "passphrase": "modelward.storage.guards.passphrase:PassphraseGuard",
    },
)
