# SPDX-License-Identifier: Apache-2.0
"""Compute runs jobs: independent pieces of work, here or elsewhere, each with a ticket for its owner."""

from modelward.compute.cores import usable_cores
from modelward.compute.executor import Executor, ExecutorClosedError
from modelward.compute.executors import EXECUTORS
from modelward.compute.job import Job, JobCancelledError, Report, Ticket

__all__ = ["EXECUTORS", "Executor", "ExecutorClosedError", "Job", "JobCancelledError", "Report", "Ticket", "usable_cores"]
