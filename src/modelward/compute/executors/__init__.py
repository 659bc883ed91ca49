# SPDX-License-Identifier: Apache-2.0
"""The executors, by name."""

from modelward.plugins import PluginTable

EXECUTORS = PluginTable(
    family="executors",
    places={"in_process": "modelward.compute.executors.in_process:InProcess"},
)
