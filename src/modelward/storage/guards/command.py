# SPDX-License-Identifier: Apache-2.0
"""A program guards the keyring: it wraps and unwraps the key-encryption key, with whatever it has: a KMS, an HSM, a TPM, an agent.

It is run as `PROGRAM … wrap` and `PROGRAM … unwrap`, without a shell. Bytes come by its standard input, and go by its standard
output: 32 bytes are wrapped into at most 16 KiB, and these are unwrapped into the same 32. Nothing that it prints is ever shown.
"""

from __future__ import annotations

import hmac
import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from modelward.errors import UnavailableError
from modelward.settings import variable
from modelward.storage.guard import KEY_BYTES, NOTE_LIMIT_BYTES, GuardClosedError, GuardRefusedError, Means, Sealing

# What the environment may hold of ours that is secret.
_NOT_ITS_BUSINESS = (variable("key"),)


class GuardUnavailableError(UnavailableError):
    """The program that guards the keyring did not do its work this time."""


class CommandGuard(Sealing):
    """Opens with the program that the setting `keys_command` names."""

    name = "command"

    def __init__(self, means: Means) -> None:
        super().__init__(means)

    def wrap(self, key: bytes) -> bytes:
        """What the program makes of the key; unwrapped once, so that what cannot be opened again is never relied on."""
        note = self._run("wrap", key, limit_bytes=NOTE_LIMIT_BYTES)
        if not note:
            raise GuardRefusedError(f"{self._program} wrapped the key into nothing. Nothing was changed. {self._try_it}")
        if key in note:
            raise GuardRefusedError(f"{self._program} gave the key back as it was, unwrapped. Nothing was changed. {self._try_it}")
        if not hmac.compare_digest(self.unwrap(note), key):
            raise GuardRefusedError(f"{self._program} does not unwrap what it wrapped. Nothing was changed. {self._try_it}")
        return note

    def unwrap(self, note: bytes) -> bytes:
        """What the program makes of what it wrapped."""
        key = self._run("unwrap", note, limit_bytes=KEY_BYTES)
        if len(key) != KEY_BYTES:
            raise GuardRefusedError(f"{self._program} gave {len(key)} bytes for a key of {KEY_BYTES}. {self._try_it}")
        return key

    @property
    def _program(self) -> str:
        return f"The program {self._means.command[0]}"

    @property
    def _try_it(self) -> str:
        return f"Try it by hand: see {variable('keys_command')} in docs/how-to/keyring.md."

    def _run(self, verb: str, given: bytes, *, limit_bytes: int) -> bytes:
        command = self._means.command
        if not command:
            raise GuardClosedError(f"The keyring opens with a program, and {variable('keys_command')} names none. Set it.")
        if not Path(command[0]).is_absolute():
            raise GuardRefusedError(f"{variable('keys_command')} begins with {command[0]!r}. Name the program by its whole path.")
        try:
            process = subprocess.Popen(  # noqa: S603  # the installation's own program, without a shell
                [*command, verb],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name not in _NOT_ITS_BUSINESS},
                start_new_session=True,
            )
        except OSError as fault:
            raise GuardUnavailableError(
                f"{self._program} cannot be run: {fault.strerror}. Check {variable('keys_command')}."
            ) from fault
        try:
            answer = self._conversation(process, given, limit_bytes=limit_bytes)
            code = process.wait(max(0.01, self._means.timeout_seconds))
        except subprocess.TimeoutExpired:
            raise self._late() from None
        finally:
            _end(process)
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            raise GuardUnavailableError(f"{self._program} {how} when it should {verb} the keyring's key. {self._try_it}")
        return answer

    def _conversation(self, process: subprocess.Popen[bytes], given: bytes, *, limit_bytes: int) -> bytes:
        """What it answers to what it is given; neither side waits for the other, and nobody for ever."""
        assert process.stdin
        assert process.stdout
        until = time.monotonic() + self._means.timeout_seconds
        answer, left = b"", memoryview(given)
        os.set_blocking(process.stdin.fileno(), False)
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdin, selectors.EVENT_WRITE)
            ready.register(process.stdout, selectors.EVENT_READ)
            while True:
                events = ready.select(max(0.0, until - time.monotonic()))
                if not events:
                    raise self._late()
                for event, _ in events:
                    if event.fileobj is process.stdin:
                        left = _written(process.stdin.fileno(), left)
                        if not left:
                            ready.unregister(process.stdin)
                            process.stdin.close()
                        continue
                    piece = os.read(process.stdout.fileno(), 1 << 16)
                    if not piece:
                        return answer
                    answer += piece
                    if len(answer) > limit_bytes:
                        raise GuardRefusedError(f"{self._program} says more than the {limit_bytes} bytes it may. {self._try_it}")

    def _late(self) -> GuardUnavailableError:
        return GuardUnavailableError(
            f"{self._program} did not answer within {self._means.timeout_seconds:g} s and was ended. Try again; "
            f"{variable('keys_command_timeout_seconds')} gives it longer."
        )


def _written(handle: int, left: memoryview) -> memoryview:
    """What is still to be written; nothing, to one who does not listen any more."""
    try:
        return left[os.write(handle, left) :]
    except BrokenPipeError:
        return left[:0]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it started, and let go of its pipes."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        assert pipe
        with suppress(OSError):
            pipe.close()
    process.wait()
