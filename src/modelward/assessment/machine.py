# SPDX-License-Identifier: Apache-2.0
"""On what, and with what, something was measured: enough to compare two reports, nothing that names the machine."""

from __future__ import annotations

import platform
from pathlib import Path

from modelward.compute import usable_cores
from modelward.plugins import installed_versions

_LIBRARIES = ("modelward", "numpy", "onnxruntime", "fairlearn", "matplotlib")


def describe_machine() -> dict[str, str]:
    """Processor, cores this process may use, memory, system and Python."""
    import psutil

    return {
        "processor": _processor(),
        "cores": str(usable_cores()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def describe_libraries() -> dict[str, str]:
    """The versions of the libraries that figures come from."""
    return installed_versions(_LIBRARIES)


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
