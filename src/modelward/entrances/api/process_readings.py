# SPDX-License-Identifier: Apache-2.0
"""What the system says of this process, under the names that Prometheus gives it everywhere."""

from __future__ import annotations

import resource
import time

import psutil

from modelward.serving import Kind, Reading


def process_readings() -> tuple[Reading, ...]:
    """Readings of the process that asks."""
    process = psutil.Process()
    began = process.create_time()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return (
        Reading("process_cpu_seconds_total", "Processor time used.", time.process_time, kind=Kind.COUNTER),
        Reading("process_resident_memory_bytes", "Memory held.", lambda: process.memory_info().rss),
        Reading("process_open_fds", "Open files and connections.", process.num_fds),
        Reading("process_max_fds", "Most files and connections that one process may open.", lambda: files, is_greatest=True),
        Reading("process_start_time_seconds", "When the youngest worker started, since 1970.", lambda: began, is_greatest=True),
    )
