# SPDX-License-Identifier: Apache-2.0
"""How a failure leaves: its message, and the exit code of its kind."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from modelward.entrances.cli.desk import console, print_json
from modelward.entrances.cli.showing import plain
from modelward.entrances.faults import by_kind, kind_of
from modelward.errors import (
    ConflictError,
    InvalidError,
    LimitedError,
    ModelwardError,
    NotFoundError,
    PrerequisiteError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    place_of,
)

EXIT: dict[type[ModelwardError], int] = {
    ModelwardError: 1,
    InvalidError: 2,
    TooLargeError: 2,
    UnauthenticatedError: 3,
    RefusedError: 3,
    NotFoundError: 4,
    ConflictError: 5,
    UnavailableError: 6,
    LimitedError: 6,
    PrerequisiteError: 6,
}
FAULT = 1
INTERRUPTED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """SIGTERM asked for an end: whatever cleans up after Ctrl-C cleans up after this."""


class NotACommandError(InvalidError):
    """The words of the command line are not a command."""


class FileUnusableError(InvalidError):
    """The system does not let us read or write a file that was named."""


def leave(error: ModelwardError, *, as_json: bool) -> int:
    """Print an error; the exit code of its kind."""
    if as_json:
        print_json({"error": {"kind": kind_of(error), "message": str(error)}})
    else:
        console(sys.stderr).print(f"[bold red]error[/] {plain(str(error))}", highlight=False, soft_wrap=True)
    return exit_code_of(error)


def leave_fault(fault: Exception, *, as_json: bool) -> int:
    """Print that something failed which nobody foresaw: the kind and the place, never a value or a traceback."""
    advice = "set MODELWARD_LOG_LEVEL=debug to see the whole trace"
    message = f"{type(fault).__name__} at {place_of(fault)}. This is a defect of Modelward; {advice}."
    if as_json:
        print_json({"error": {"kind": "fault", "message": message}})
    else:
        console(sys.stderr).print(f"[bold red]fault[/] {plain(message)}", highlight=False, soft_wrap=True)
    if os.environ.get("MODELWARD_LOG_LEVEL") == "debug":
        traceback.print_exception(fault)
    return FAULT


def of_system(fault: OSError) -> ModelwardError:
    """A refusal of the operating system, in the words of a user."""
    from modelward.storage import NoSpaceError, is_full

    place = f" ({os.fsdecode(fault.filename)})" if fault.filename is not None and not isinstance(fault.filename, int) else ""
    if is_full(fault):
        return NoSpaceError(f"No space left{place}. Nothing was kept half. Free some space and try again.")
    return FileUnusableError(f"The system said: {fault.strerror or type(fault).__name__}{place}. Name another file or folder.")


def exit_code_of(error: BaseException) -> int:
    """The exit code of the nearest kind an error is of; 1 for a fault nobody meant."""
    return by_kind(error, EXIT)


def wants_json(words: Sequence[str]) -> bool:
    """Whether a command line that could not be read asked for JSON."""
    return "--json" in words
