# SPDX-License-Identifier: Apache-2.0
"""Compute runs jobs: independent pieces of work, here or elsewhere, each with a ticket for its owner; and workshops: processes
of their own for work that must not be done among the keys.
"""

from modelward.compute.cores import usable_cores
from modelward.compute.executor import Executor, ExecutorClosedError
from modelward.compute.executors import EXECUTORS
from modelward.compute.job import Job, JobCancelledError, Report, Ticket
from modelward.compute.sandbox import NotClosedInError, landlock_version
from modelward.compute.wire import Frame, Wire
from modelward.compute.workshop import ExposedHomeError, SandboxMissingError, Workshop, WorkshopLostError, told_broken

__all__ = [
    "EXECUTORS",
    "Executor",
    "ExecutorClosedError",
    "ExposedHomeError",
    "Frame",
    "Job",
    "JobCancelledError",
    "NotClosedInError",
    "Report",
    "SandboxMissingError",
    "Ticket",
    "Wire",
    "Workshop",
    "WorkshopLostError",
    "landlock_version",
    "told_broken",
    "usable_cores",
]
