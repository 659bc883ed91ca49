# SPDX-License-Identifier: Apache-2.0
"""The load generator `wrk` on its core: closed loop, the bodies of a file in turn."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import asked_by

_LUA = """
local asked, count, turn = {}, 0, 0
function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  local key = os.getenv("KEY")
  if key and key ~= "" then headers["Authorization"] = "Bearer " .. key end
  for line in io.lines(os.getenv("BODIES")) do
    count = count + 1
    asked[count] = wrk.format("POST", nil, headers, line)
  end
end
function request()
  turn = turn % count + 1
  return asked[turn]
end
function done(summary, latency, requests)
  local wrong = summary.errors
  io.write(string.format(
    '\\nTOLD {"requests":%d,"microseconds":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), wrong.status,
    wrong.connect + wrong.read + wrong.write + wrong.timeout))
end
"""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What wrk saw. `errors` are answers that were no 2xx, and connections that broke or went silent."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def answers_per_second(self) -> float:
        return max(0, self.requests - self.errors) / self.seconds


def ask(url: str, bodies: Sequence[bytes], *, connections: int, seconds: int, key: str = "") -> Told:
    """Ask for so many seconds."""
    if not shutil.which("wrk"):
        raise SystemExit("The load generator wrk is not installed. Install it: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="wrk-") as folder:
        script, lines = Path(folder) / "ask.lua", Path(folder) / "bodies.jsonl"
        script.write_text(_LUA)
        lines.write_bytes(b"".join(body + b"\n" for body in bodies))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
        environment = os.environ | {"KEY": key, "BODIES": str(lines)}
        said = asked_by(command, environment)
    told = json.loads(said.rpartition("TOLD ")[2])
    return Told(
        requests=told["requests"],
        seconds=told["microseconds"] / 1e6,
        p50_ms=told["p50_us"] / 1e3,
        p99_ms=told["p99_us"] / 1e3,
        errors=told["refused"] + told["broken"],
    )
