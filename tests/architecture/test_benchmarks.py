# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks' figures rest on: peers that are there, answers that are compared, and load that is what it says."""

import asyncio
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from modelward.training import RECIPES, parse_spec, store
from modelward.training.recipe import configure

ROOT = Path(__file__).parents[2]
ROWS = [[float(at), 0.5] for at in range(64)]
ANSWERS = [[at / 64, 1 - at / 64] for at in range(64)]


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module


def test_every_peer_has_what_it_needs_and_what_starts_it(benchmarks):
    peers = benchmarks("peers").PEERS
    foreign = [peer for peer in peers.values() if not peer.is_modelward]
    folders = [ROOT / "benchmarks" / "peers" / peer.folder for peer in foreign]
    assert len(foreign) > 8
    assert [folder for folder in folders if not (folder / "requirements.txt").is_file()] == []
    assert [peer.title for peer, folder in zip(foreign, folders, strict=True) if not (folder / peer.script).is_file()] == []


def test_the_version_in_a_title_is_the_one_that_is_installed(benchmarks):
    for peer in benchmarks("peers").PEERS.values():
        wanted = ROOT / "benchmarks" / "peers" / peer.folder / "requirements.txt"
        if told := re.search(r" (\d[\d.]*)", peer.title):
            assert f"=={told[1]}" in wanted.read_text(), peer.title


def test_tables_are_written_between_the_marks_of_a_page(benchmarks, tmp_path):
    showing = benchmarks("peers.showing")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{showing.BEGIN}\nold\n{showing.END}\nafter\n")
    showing.put("new", page)
    assert page.read_text() == f"before\n{showing.BEGIN}\nnew\n{showing.END}\nafter\n"
    page.write_text("no marks\n")
    with pytest.raises(SystemExit, match="Add both"):
        showing.put("new", page)


def test_the_page_about_speed_has_both_marks(benchmarks):
    showing = benchmarks("peers.showing")
    page = (ROOT / "docs" / "explanation" / "speed.md").read_text()
    assert (page.count(showing.BEGIN), page.count(showing.END)) == (1, 1)


class Server(ThreadingHTTPServer):
    request_queue_size = 64  # the crowd comes at once, and who finds no place in the queue tries again only after seconds


@contextmanager
def answering(answer):
    """A server that says to rows what `answer` makes of them; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({"probabilities": [answer(row) for row in asked["rows"]]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words):
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def checked(benchmarks, answer):
    starting, wording = (benchmarks(f"peers.{name}") for name in ("starting", "wording"))
    served = benchmarks("peers").Served("forest", Path("forest.onnx"), ROWS, ANSWERS)
    with answering(answer) as url:
        running = starting.Running(None, url, "/predict", "", 0.0, None)
        return benchmarks("peers.checking").check(running, wording.PLAIN, served)


def test_right_answers_pass_the_check(benchmarks):
    assert checked(benchmarks, lambda row: ANSWERS[int(row[0])]) > 400


def test_one_wrong_row_fails_the_check(benchmarks):
    with pytest.raises(SystemExit, match="are wrong"):
        checked(benchmarks, lambda row: ANSWERS[0] if row[0] == 40 else ANSWERS[int(row[0])])


class Door(asyncio.Protocol):
    """Answers every third question with 503 and `Retry-After`, the others with 200, half of them in two parts."""

    count = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, _data):
        Door.count += 1
        if Door.count % 3 == 0:
            self.transport.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno")
            return
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nye")
        asyncio.get_running_loop().call_later(0.001 * (Door.count % 2), self.transport.write, b"s!")


def test_the_open_loop_offers_its_rate_and_tells_answers_from_refusals(benchmarks):
    open_loop = benchmarks("open_loop")

    async def offered():
        server = await asyncio.get_running_loop().create_server(Door, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/predict"
            return await open_loop._offer(url, [b"{}"], rate=500, seconds=0.6, connections=50, patience=5, headers=[])

    found = asyncio.run(offered())
    assert found.broken == 0
    assert found.good + found.late + sum(found.refused.values()) + found.without_connection <= 301
    assert found.good > found.refused["503"] == found.with_retry_after > 0


def test_without_a_free_connection_nothing_is_sent(benchmarks):
    open_loop = benchmarks("open_loop")

    async def offered():
        silent = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        async with silent:
            url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/predict"
            return await open_loop._offer(url, [b"{}"], rate=1000, seconds=0.2, connections=3, patience=0.1, headers=[])

    found = asyncio.run(offered())
    assert (found.good, found.broken) == (0, 3)
    assert found.without_connection > 50


def test_families_are_trained_by_specs_and_searched_within_what_the_recipe_takes(benchmarks):
    families = benchmarks("families")
    random = np.random.default_rng(1)
    candidates = {**families.FAMILIES, **{f"trial {number}": ("lightgbm", families.drawn(random)) for number in range(20)}}
    spec = parse_spec(families.text_of(candidates, seed=3))
    assert len(spec.candidates) == len(candidates)
    for asked, (recipe, given) in zip(spec.candidates, candidates.values(), strict=True):
        assert asked.recipe == recipe
        assert given.items() <= asked.parameters.items()


def test_the_loops_that_are_compared_do_the_same_work(benchmarks, monkeypatch):
    loop = benchmarks("loop")
    tiny = loop.Work("tiny", (4, 5, 3), 8, steps=3, epochs=2)
    with loop.home_with_a_run() as home:
        assert loop.measure(tiny, rounds=2, home=home).parameters == 43
        with home.look() as connection:
            run, _ = store.find(connection, loop.RUN.id)
        assert len(run.candidates[0].standing.curves["training_loss"].values) == 2, "ours was watched"
        monkeypatch.setattr(loop, "bare", lambda *_: None)
        with pytest.raises(SystemExit, match="same weights"):
            loop.measure(tiny, rounds=2, home=home)


def test_the_images_of_a_division_are_learnt_from_or_tested_and_never_both(benchmarks):
    digits = benchmarks("digits")
    inputs, test, labels = digits.divided(0)
    assert (len(inputs.train), len(inputs.validation), len(test)) == (1178, 169, 450)
    assert (len(labels), test.min(), test.max()) == (450, -1.0, 1.0)
    assert not {row.tobytes() for row in test} & {row.tobytes() for row in (*inputs.train, *inputs.validation)}
    assert all(configure(RECIPES.load(name), name=name, parameters=given) for name, given in digits.CANDIDATES.values())
    assert digits.accuracies("logistic-regression", {}, divisions=1)[0] > 0.9
