# SPDX-License-Identifier: Apache-2.0
"""The explainers there are. A new one is a file here and a line below."""

from modelward.plugins import PluginTable

EXPLAINERS = PluginTable(
    "explainers", {"shapley": "modelward.serving.explainers.shapley:ShapleyExplainer"}, extras={"shapley": "explain"}
)
