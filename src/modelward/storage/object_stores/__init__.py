# SPDX-License-Identifier: Apache-2.0
"""The object stores, by the scheme of the URL that names one."""

from modelward.plugins import PluginTable

OBJECT_STORES = PluginTable(
    family="object_stores",
    places={"file": "modelward.storage.object_stores.local_folder:LocalFolder"},
)
