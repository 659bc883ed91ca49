# SPDX-License-Identifier: Apache-2.0
"""Whatever happens in the server, each line of its log is one JSON document and holds nothing of a payload."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from entrances.api.house import Process, build, client
from modelward.access import Role

FULL = Path("/dev/full")
CANARY = "canary-7f3a91d2"
# What a library, a thread, a task or Python itself may write, each quoting somebody's data.
SPOKEN = f"""
import asyncio, gc, logging, sys, threading, warnings
from modelward.entrances.logs import write_json_lines
write_json_lines("info")
def fail():
    raise ValueError('no "sense" in {CANARY}') from OSError("{CANARY}")
class Unraisable:
    def __del__(self):
        fail()
async def forgetful():
    async def failing():
        fail()
    asyncio.ensure_future(failing())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
logging.getLogger("library").error('a "quoted" word\\nand {CANARY} below')
logging.getLogger("library").info("not told")
logging.getLogger("library").error("%d", "{CANARY}")
logging.getLogger("modelward.room").info("told")
try:
    fail()
except ValueError:
    logging.getLogger("library").exception("it failed\\n")
try:
    fail()
except ValueError as fault:
    logging.getLogger("library").warning("%s met %s", "somebody", fault)
warnings.warn("old")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
Unraisable()
asyncio.run(forgetful())
"""


def lines_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def break_keys(home) -> None:
    """From now on the keys cannot be read, in a way that nobody foresaw."""
    with sqlite3.connect(home / "modelward.db") as connection:
        connection.execute("alter table access_keys rename column hash to hashed")


def test_whoever_writes_it_is_a_line_of_json_without_the_text_of_a_fault():
    done = subprocess.run([sys.executable, "-c", SPOKEN], capture_output=True, text=True, check=True)
    lines = lines_of(done.stderr)
    assert [(line["logger"], line["event"]) for line in lines[:3]] == [
        ("library", 'a "quoted" word'),
        ("library", "a line could not be written"),
        ("modelward.room", "told"),
    ]
    assert [line.get("fault") for line in lines] == [None] * 3 + ["ValueError"] + [None] * 2 + ["ValueError"] * 3
    assert lines[4]["event"] == "somebody met ValueError"
    assert {(line["place"], line["cause"]) for line in lines if "fault" in line} == {("<string>:6", "OSError")}
    assert {line["level"] for line in lines} == {"error", "info", "warning"}
    assert len({line["process"] for line in lines}) == 1
    assert all(line["timestamp"] for line in lines)
    assert CANARY not in done.stderr


def test_what_names_persons_is_in_no_line_whoever_wrote_it():
    program = """
import logging
from modelward.entrances.logs import write_json_lines
write_json_lines("info")
logging.getLogger("library").error("no row for %s in http://127.0.0.1:8321", "ada@example.org")
logging.getLogger("modelward.room").info("联系人：李强，电话１３８００１３８０００")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert [line["event"] for line in lines_of(done.stderr.decode())] == [
        "no row for <email> in http://127.0.0.1:8321",
        "联系人：<name>，电话<phone>",
    ]


def test_the_log_is_utf_8_whatever_the_locale_is():
    said = "OTEL_… 收入 ✓ \U0001f512 \ud800"
    program = f"""
import logging
from modelward.entrances.logs import write_json_lines
write_json_lines("info")
logging.getLogger("modelward.room").info({said!a})
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert "OTEL_… 收入 ✓ \U0001f512 \\ud800".encode() in done.stderr
    assert json.loads(done.stderr)["event"] == said


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_a_log_for_which_there_is_no_room_hinders_nobody():
    with FULL.open("w") as log:
        done = subprocess.run(
            [sys.executable, "-c", f"{SPOKEN}\nprint('went on')"], stdout=subprocess.PIPE, stderr=log, text=True, check=False
        )
    assert done.stdout == "went on\n"


@pytest.fixture
def alone(tmp_path):
    built = build(tmp_path)
    yield built
    built.platform.close()


def test_a_server_that_fails_tells_it_in_lines_of_json(alone):
    key = alone.key(Role.ADMINISTRATOR)
    with Process(alone.settings.home) as server, client(server.url, key) as http:
        break_keys(alone.settings.home)
        failed = http.get("/api/v1/keys")
        assert failed.status_code == 500
        assert server.end() == 0
        (line,) = lines_of(server.errors())
    assert (line["event"], line["request"]) == ("request failed", failed.headers["x-request-id"])
    assert (line["status"], line["fault"], line["level"]) == (failed.status_code, "NoSuchColumnError", "error")


def test_a_server_that_cannot_start_fails_as_every_command_does(alone):
    break_keys(alone.settings.home)
    words = [sys.executable, "-m", "modelward", "serve", "--port", "0", "--json", "--home", str(alone.settings.home)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, json.loads(done.stdout)["error"]["kind"]) == (1, "fault")
    assert lines_of(done.stderr) == []
