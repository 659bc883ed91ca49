# SPDX-License-Identifier: Apache-2.0
"""The supervisor as the process it is: it starts its workers or says why not, goes on without one, and leaves none behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from entrances.api.house import Process, build, client
from entrances.api.test_process import refuses
from entrances.asking import PREDICT, body, until
from modelward.entrances.listening import PortTakenError, SharedPort, balances

COMMAND = [sys.executable, "-m", "modelward", "serve", "--json"]
# As where the system gives all connections to one of several sockets.
UNBALANCED = """
from modelward.entrances import listening
listening.balances = lambda: False
from modelward.entrances.cli import main
main()
"""
SPEECHLESS = """
import sys
from modelward.entrances import supervisor
from modelward.entrances.cli import main
sys.executable = "/bin/false"
main()
"""
IMPATIENT = """
from modelward.entrances import supervisor
supervisor._FIRST_DELAY_SECONDS = 0.001
supervisor._TRIES = 2
from modelward.entrances.cli import main
main()
"""


@pytest.fixture
def house(tmp_path):
    built = build(tmp_path)
    yield built
    built.platform.close()


def serve(*words, **more) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60, check=False, **more)


def error_of(done) -> dict:
    return json.loads(done.stdout)["error"]


def children(server) -> list[psutil.Process]:
    return psutil.Process(server._process.pid).children()


def test_it_says_what_one_server_says_and_names_its_workers(house):
    alone, crew = (Process(house.settings.home, workers=workers) for workers in (1, 3))
    with alone, crew:
        assert set(crew.told) == set(alone.told)
        assert crew.told["live"] == alone.told["live"] == {"income:1": "r-1"}
        assert crew.told["pid"] == crew._process.pid
        assert alone.told["workers"] == [alone.told["pid"]]
        assert sorted(crew.told["workers"]) == sorted(child.pid for child in children(crew))
        assert len(crew.told["workers"]) == 3
        with client(crew.url) as http:
            assert http.get("/readyz").status_code == 200


def test_a_person_is_told_in_sentences(house):
    words = [sys.executable, "-m", "modelward", "serve", "--port", "0", "--workers", "2", "--home", str(house.settings.home)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stderr.readline() for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "with 2 workers. Ctrl-C ends it." in lines[0]
    assert lines[1] == "Live: income:1 (release r-1)\n"
    assert lines[2].startswith("Console: http://127.0.0.1:")


def test_what_keeps_workers_from_starting_is_told_as_if_there_were_one(house, tmp_path):
    missing = tmp_path / "nowhere"
    one, several = (serve("--home", missing, "--port", 0, "--workers", workers) for workers in (1, 2))
    assert (several.returncode, error_of(several)) == (one.returncode, error_of(one)) == (6, error_of(one))
    assert str(missing) in error_of(several)["message"]


def test_workers_that_end_without_a_word_are_given_up(house):
    words = ["serve", "--json", "--home", str(house.settings.home), "--port", "0", "--workers", "2"]
    done = subprocess.run([sys.executable, "-c", SPEECHLESS, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6
    assert "A worker ended with code 1 before it answered" in error_of(done)["message"]


def test_one_port_belongs_to_one_crew(house):
    """Sockets that share a port would let a second server in, of whatever home."""
    with Process(house.settings.home, workers=2) as server:
        for workers in (1, 2):
            done = serve("--home", house.settings.home, "--port", server.port, "--workers", workers)
            assert (done.returncode, "cannot be bound" in error_of(done)["message"]) == (6, True)


def test_the_port_of_grpc_belongs_to_one_crew_too(house):
    with SharedPort("127.0.0.1", 0) as free:
        grpc_port = free.number
    with Process(house.settings.home, workers=2, grpc_port=grpc_port) as server:
        assert server.told["grpc"] == f"127.0.0.1:{grpc_port}"
        socket.create_connection(("127.0.0.1", grpc_port)).close()
        for workers in (1, 2):
            done = serve("--home", house.settings.home, "--port", 0, "--grpc-port", grpc_port, "--workers", workers)
            assert (done.returncode, str(grpc_port) in error_of(done)["message"]) == (6, True)
        assert server.end() == 0


@pytest.mark.skipif(not balances(), reason="one socket for all")
def test_a_shared_port_is_taken_before_and_between_listening():
    with SharedPort("127.0.0.1", 0) as port:
        for _ in range(2):
            with pytest.raises(PortTakenError):
                SharedPort("127.0.0.1", port.number)
            with port.socket() as one, port.socket() as other:
                one.listen()
                other.listen()
                with pytest.raises(PortTakenError):
                    SharedPort("127.0.0.1", port.number)
                socket.create_connection(("127.0.0.1", port.number)).close()
        number = port.number
    with SharedPort("127.0.0.1", number):
        pass


@pytest.mark.slow
def test_where_the_system_does_not_balance_all_share_one_socket(house):
    with Process(house.settings.home, code=UNBALANCED, workers=2) as server, client(server.url, house.key()) as http:
        assert http.post(PREDICT, content=body()).status_code == 200
        first = children(server)[0]
        first.kill()
        until(lambda: first.pid not in {child.pid for child in children(server)} and len(children(server)) == 2)
        with client(server.url, house.key()) as again:
            assert again.post(PREDICT, content=body()).status_code == 200
        assert server.end() == 0


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_all_have_ended_and_leaves_nothing_behind(house, tmp_path, ending):
    passing = tmp_path / "passing"
    passing.mkdir()
    with Process(house.settings.home, workers=2, drafts=passing) as server:
        (folder,) = passing.glob("modelward-passing-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        left = children(server)
        assert server.end(ending) == 0
        assert not any(child.is_running() for child in left)
        assert refuses(server.port)
        assert list(passing.glob("modelward-passing-*")) == []
        assert "Traceback" not in server.errors()


def test_when_it_is_killed_its_workers_end_in_good_order_by_themselves(house):
    with Process(house.settings.home, workers=2) as server:
        left = children(server)
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
        _, alive = psutil.wait_procs(left, timeout=30)
        assert alive == []
        assert refuses(server.port)
        assert "Traceback" not in server.errors()


@pytest.mark.slow
def test_it_gives_up_once_none_is_left_that_could_start(house):
    with Process(house.settings.home, code=IMPATIENT, workers=2) as server:
        shutil.move(house.settings.home, house.settings.home.with_name("gone"))
        for child in children(server):
            child.kill()
        assert server.wait() == 6
        assert "did not start: No home at" in server.errors()


def test_a_seat_taken_by_hand_is_refused(house, tmp_path):
    seat = {**os.environ, "MODELWARD_SEAT": str(tmp_path / "0.json")}
    done = serve("--home", house.settings.home, "--port", 0, env=seat, stdin=subprocess.DEVNULL)
    assert (done.returncode, "Unset it" in error_of(done)["message"]) == (2, True)
