# SPDX-License-Identifier: Apache-2.0
"""What is particular to jobs in threads."""

import subprocess
import sys
import threading

from modelward.compute import EXECUTORS, Job


def test_a_job_runs_in_another_thread_of_this_process():
    with EXECUTORS.load("in_process")(workers=1) as executor:
        seen = executor.submit(Job("look", lambda report: threading.current_thread())).result()
    assert seen is not threading.current_thread()


def test_the_room_opens_without_the_libraries_that_compute():
    code = "import modelward.compute, sys; print([n for n in ('numpy', 'threadpoolctl', 'concurrent') if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


CTRL_C = """
import os, polars, signal, threading, time
from modelward.compute import EXECUTORS, Job

def work(report):
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        report(0.5)
        time.sleep(0.01)

signal.signal(signal.SIGINT, signal.default_int_handler)
polars.DataFrame({"a": [1]}).select(polars.col("a") + 1)
try:
    with EXECUTORS.load("in_process")(workers=1) as executor:
        executor.submit(Job("work", work)).result()
except KeyboardInterrupt:
    os.write(1, b"stopped")
"""


def test_ctrl_c_is_heard_while_waiting_whatever_library_is_loaded():
    assert subprocess.check_output([sys.executable, "-c", CTRL_C], text=True, timeout=60) == "stopped"
