# SPDX-License-Identifier: Apache-2.0
"""What is particular to jobs in threads."""

import subprocess
import sys

import numpy  # noqa: F401  its linear algebra library is the pool that is looked at
import threadpoolctl

from modelward.compute import EXECUTORS, Job


def pools():
    return {pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}


def test_closing_gives_the_libraries_their_threads_back():
    before = pools()
    executor = EXECUTORS.load("in_process")(workers=1)
    during = executor.submit(Job("look", lambda report: pools())).result()
    executor.close()
    assert set(during.values()) == {1}
    assert pools() == before


def test_the_room_opens_without_the_libraries_that_compute():
    code = "import modelward.compute, sys; print([n for n in ('numpy', 'threadpoolctl', 'concurrent') if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
