# SPDX-License-Identifier: Apache-2.0
"""A home whose keyring is guarded: commands and servers open it by the settings, and hand it on to workers out of others' sight."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from entrances.api.house import ROW, Process, build, client
from entrances.asking import until
from entrances.cli.terminal import Terminal
from modelward.access import local_actor
from modelward.storage import Means
from storage.programs import HONEST, program

WORDS = "canary of six words drawn at random"


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "words"
    file.write_text(WORDS)
    file.chmod(0o600)
    return file


@pytest.fixture
def house(tmp_path):
    built = build(tmp_path)
    yield built
    built.platform.close()


def ask(server, key: str) -> int:
    with client(server.url, key) as http:
        return http.post("/v1/models/income/predict", json={"rows": [ROW]}).status_code


def test_a_command_moves_the_keyring_and_the_settings_open_it_from_then_on(house, tmp_path, words, monkeypatch):
    terminal = Terminal(house.settings.home, tmp_path)
    assert terminal("keys", "guard", "--json").json["guard"] == "file"
    moved = terminal("keys", "guard", "passphrase", "--passphrase-file", words)
    assert moved.code == 0
    assert "erase older copies" in moved.err
    shut = terminal("keys", "guard", "--json")
    assert (shut.code, "MODELWARD_KEYS_PASSPHRASE_FILE" in shut.error) == (6, True)
    monkeypatch.setenv("MODELWARD_KEYS_PASSPHRASE_FILE", str(words))
    assert terminal("keys", "guard", "--json").json == {
        "keyring": str(house.settings.keyring_path),
        "guard": "passphrase",
        "before": None,
    }
    assert terminal("doctor").code == 0
    assert terminal("keys", "guard", "file").code == 0
    monkeypatch.delenv("MODELWARD_KEYS_PASSPHRASE_FILE")
    assert terminal("audit", "verify").code == 0


def test_workers_open_it_without_asking_again_and_so_does_one_that_takes_anothers_place(house, tmp_path, words):
    """The program answers once: whatever a worker opens the keyring with was handed to it."""
    once = tmp_path / "once"
    source = f"import os; os.close(os.open({str(once)!r}, os.O_CREAT | os.O_EXCL))\n" + HONEST
    house.platform.custody.put_under("command", Means(command=program(tmp_path)), by=local_actor())
    (tmp_path / "once.py.key").write_bytes((tmp_path / "kms.py.key").read_bytes())
    command = program(tmp_path, source, name="once")
    key = house.key()
    with Process(house.settings.home, workers=2, keys_command=" ".join(command)) as server:
        assert once.exists()
        assert ask(server, key) == 200
        first = psutil.Process(server._process.pid).children()
        for worker in first:
            worker.send_signal(signal.SIGKILL)
        until(lambda: len(new_workers(server, first)) == 2)
        until(lambda: is_answering(server, key))
        assert server.end() == 0


def new_workers(server, before) -> list[psutil.Process]:
    known = {worker.pid for worker in before}
    return [worker for worker in psutil.Process(server._process.pid).children() if worker.pid not in known]


def is_answering(server, key) -> bool:
    try:
        return ask(server, key) == 200
    except httpx.HTTPError:
        return False


def test_neither_words_nor_key_stand_in_an_environment_or_a_command_line(house, tmp_path, words):
    house.platform.custody.put_under("passphrase", Means(passphrase_file=words), by=local_actor())
    handed = house.platform.keyring.handed_key
    assert len(handed) == 32
    with Process(house.settings.home, workers=2, keys_passphrase_file=str(words)) as server:
        assert ask(server, house.key()) == 200
        processes = [psutil.Process(server._process.pid), *psutil.Process(server._process.pid).children()]
        assert len(processes) == 3
        for process in processes:
            told = Path(f"/proc/{process.pid}/environ").read_bytes() + Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert b"MODELWARD_HOME" in told or b"serve" in told
            for secret in (WORDS.encode(), handed, handed.hex().encode()):
                assert secret not in told
        assert server.end() == 0


def test_a_descriptor_that_the_server_inherits_opens_it_for_every_worker(house, words):
    house.platform.custody.put_under("passphrase", Means(passphrase_file=words), by=local_actor())
    key = house.key()
    reading, writing = os.pipe()
    os.write(writing, WORDS.encode())
    os.close(writing)
    with Process(house.settings.home, workers=2, keys_passphrase_descriptor=reading, inherit=(reading,)) as server:
        os.close(reading)
        assert ask(server, key) == 200
        assert server.end() == 0


def test_without_the_words_a_server_does_not_start_and_says_what_to_set(house, words):
    house.platform.custody.put_under("passphrase", Means(passphrase_file=words), by=local_actor())
    for workers in ("1", "2"):
        command = [sys.executable, "-m", "modelward", "serve", "--port", "0", "--home", house.settings.home, "--workers", workers]
        done = subprocess.run([*command, "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert (done.returncode, "MODELWARD_KEYS_PASSPHRASE_FILE" in done.stdout) == (6, True)
