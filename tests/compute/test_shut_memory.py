# SPDX-License-Identifier: Apache-2.0
"""What a process with secrets in its memory does so that nobody else reads them."""

import resource
import subprocess
import sys

import pytest

LOOK = """
import ctypes, resource
{first}
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""
# As far as is allowed here: a process that started workshops allows no core file to itself nor to what it starts.
RAISED = "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]; most = 4096 if hard < 0 else min(4096, hard)\n"
RAISED += "resource.setrlimit(resource.RLIMIT_CORE, (most, hard))"


def told(first: str) -> str:
    """The largest core file of a process, and whether others of its user may look into it."""
    done = subprocess.run([sys.executable, "-c", LOOK.format(first=first)], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is of Linux")
def test_memory_that_is_shut_is_in_no_core_file_and_open_to_no_other_process():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    assert told(RAISED) == f"{4096 if hard < 0 else min(4096, hard)} 1", "the control: as a process begins"
    assert told(f"{RAISED}\nfrom modelward.compute.sandbox import shut_memory\nshut_memory()") == "0 0"
