# SPDX-License-Identifier: Apache-2.0
"""The engines a deployment may run on. A new one is a file here and a line below."""

from modelward.plugins import PluginTable

ENGINES = PluginTable("engines", {"onnx": "modelward.serving.engines.onnx:OnnxEngine"})
