# SPDX-License-Identifier: Apache-2.0
"""The supervisor: several processes that answer on one port. It starts them, starts another where one died, and ends them.

Each is `modelward serve` itself, with a socket of its own on the port, among which the system shares out connections. The workers
know nothing of each other: what they share is the database, where the ledger, the keys and the releases are, and a private folder
with a file for what each counts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from modelward.compute import usable_cores
from modelward.entrances.listening import SharedPort
from modelward.entrances.logs import write_json_lines
from modelward.entrances.seat import hand_over
from modelward.errors import ModelwardError, UnavailableError, kind_named
from modelward.settings import Settings, environment_of
from modelward.storage import passing_folder

_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0
# A worker that lived so long did not die of how it started.
_STEADY_SECONDS = 10.0
_TRIES = 5
_MARGIN_SECONDS = 15.0
_LOG = logging.getLogger("modelward.supervisor")

T = TypeVar("T")
Announce = Callable[[dict[str, Any], list[int]], None]


class WorkerEndedError(UnavailableError):
    """A worker ended before it answered anything."""


def supervise(settings: Settings, *, announce: Announce, key: bytes = b"") -> None:
    """Serve with as many workers as the settings say, until SIGTERM or Ctrl-C; open requests may finish. `announce` is told, once
    all of them answer, what the first one says of itself, and their process ids. With `key` they open a guarded keyring.

    Raises:
        PortTakenError: the address is in use. Whatever a worker cannot start for. WorkerEndedError: one ended before it answered,
        or later all did, again and again.
    """
    write_json_lines(settings.log_level)
    with ExitStack() as held:
        port = held.enter_context(SharedPort(settings.host, settings.port))
        if settings.grpc_port:
            # Each worker binds it by itself; held here, it is nobody else's.
            held.enter_context(SharedPort(settings.host, settings.grpc_port))
        folder = held.enter_context(passing_folder())
        asyncio.run(_Crew(settings, port, folder, key).work(announce))


@dataclass(eq=False)
class _Worker:
    """One process, and the line that ends it."""

    process: asyncio.subprocess.Process
    line: socket.socket
    began: float
    is_ready: bool = False

    async def told(self) -> dict[str, Any]:
        """What it says once it answers.

        Raises:
            ModelwardError: why it cannot. WorkerEndedError: it said nothing.
        """
        assert self.process.stdout
        text = b""
        while line := await self.process.stdout.readline():
            text += line
            if line == b"}\n":
                break
        else:
            ended = _in_words(await self.process.wait())
            raise WorkerEndedError(
                f"A worker {ended} before it answered. Its log above says more; so does `modelward doctor`, or `modelward serve` "
                "with one worker."
            )
        document: dict[str, Any] = msgspec.json.decode(text)
        if "error" in document:
            raise (kind_named(document["error"]["kind"]) or ModelwardError)(document["error"]["message"])
        self.is_ready = True
        return document

    async def ended(self) -> int:
        """Wait until it ends; its exit code."""
        assert self.process.stdout
        # What it should print now is read, so that it never waits for a reader.
        while await self.process.stdout.read(1 << 16):
            continue
        code = await self.process.wait()
        self.is_ready = False
        self.line.close()
        return code

    def end(self, how: signal.Signals) -> None:
        """Ask it to end."""
        self.line.close()
        with suppress(ProcessLookupError):
            self.process.send_signal(how)


class _Crew:
    """The workers, each in a seat with a number."""

    def __init__(self, settings: Settings, port: SharedPort, folder: Path, key: bytes) -> None:
        self._key = key
        self._settings = settings
        self._port = port
        self._folder = folder
        self._workers: dict[int, _Worker] = {}
        self._is_ending = False

    async def work(self, announce: Announce) -> None:
        """Until somebody asks it to end, or it cannot go on."""
        loop, mine = asyncio.get_running_loop(), asyncio.current_task()
        assert mine
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self._asked_to_end, ending, mine)
        seats = range(self._settings.workers)
        try:
            said = await self._all(map(self._start, seats))
            announce(said[0], [self._workers[seat].process.pid for seat in seats])
            await self._all(map(self._keep, seats))
        except asyncio.CancelledError:
            _LOG.info("asked to end")
        finally:
            self._is_ending = True
            await self._end_all()

    async def _all(self, works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """The results of all; none goes on where one fails, or somebody asks to end."""
        tasks = [asyncio.create_task(work) for work in works]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _asked_to_end(self, how: signal.Signals, mine: asyncio.Task[None]) -> None:
        if not self._is_ending:
            self._is_ending = True
            mine.cancel()
        elif how is signal.SIGINT:
            # Who presses Ctrl-C twice does not want to wait for open requests.
            for worker in self._workers.values():
                worker.end(how)

    async def _start(self, seat: int) -> dict[str, Any]:
        """A new worker in that seat, and what it says once it answers."""
        line, theirs = socket.socketpair()
        with theirs, self._port.socket() as listening:
            hand_over(line, listening, key=self._key)
            # A group of its own: Ctrl-C is for the supervisor, who passes it on.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "modelward", "serve", "--json"),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.PIPE,
                env=self._environment(seat),
                process_group=0,
            )
        worker = self._workers[seat] = _Worker(process, line, time.monotonic())
        return await worker.told()

    async def _keep(self, seat: int) -> None:
        """Whenever the worker in that seat ends, start another; the sooner they die, the later.

        Raises:
            ModelwardError: what keeps them from starting, once none is left that answers.
        """
        short_lives = 0
        while True:
            worker = self._workers[seat]
            ended = _in_words(await worker.ended())
            short_lives = 0 if time.monotonic() - worker.began > _STEADY_SECONDS else short_lives + 1
            delay = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0**short_lives)
            _LOG.error("worker %d %s; another takes its place in %g s", seat, ended, delay)
            await asyncio.sleep(delay)
            try:
                await self._start(seat)
            except ModelwardError as fault:
                if short_lives >= _TRIES and not any(other.is_ready for other in self._workers.values()):
                    raise
                _LOG.error("worker %d did not start: %s", seat, str(fault))
            else:
                _LOG.warning("worker %d answers again", seat)

    async def _end_all(self) -> None:
        """Let every worker finish what is open; whoever does not end is ended."""
        for worker in self._workers.values():
            worker.end(signal.SIGTERM)
        ends = [asyncio.create_task(worker.ended()) for worker in self._workers.values()]
        if not ends:
            return
        _, late = await asyncio.wait(ends, timeout=2 * self._settings.shutdown_grace_seconds + _MARGIN_SECONDS)
        if late:
            _LOG.error("%d of %d workers did not end in time and are killed", len(late), len(ends))
            for worker in self._workers.values():
                worker.end(signal.SIGKILL)
            await asyncio.wait(late)

    def _environment(self, seat: int) -> dict[str, str]:
        """The settings, with the part of this seat in what is meant for the whole machine."""
        settings = self._settings
        threads = settings.engine_threads or max(1, usable_cores() // settings.workers)
        own = msgspec.structs.replace(
            settings, seat=str(self._folder / f"{seat}.json"), engine_threads=threads, keys_passphrase_descriptor=-1
        )
        return os.environ | environment_of(own)


def _in_words(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
