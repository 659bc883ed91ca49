# SPDX-License-Identifier: Apache-2.0
"""The kinds of failure a user can meet.

Rooms subclass a kind beside the noun it concerns. Entrances map kinds, never classes, to exit codes and HTTP problems.
A message says what happened, with the values, and then what to do. It never holds a row of somebody's data.
"""

from __future__ import annotations


class ModelwardError(Exception):
    """Every failure that Modelward raises on purpose."""


class InvalidError(ModelwardError):
    """What was handed in cannot be used as it is; nothing was changed."""


class TooLargeError(InvalidError):
    """What was handed in passes a limit; the limit is a setting."""


class UnauthenticatedError(ModelwardError):
    """Nobody we know: no credential, a wrong one, an expired one or a revoked one."""


class RefusedError(ModelwardError):
    """A permission, a policy or an integrity check said no."""


class NotFoundError(ModelwardError):
    """The thing named does not exist."""


class ConflictError(ModelwardError):
    """The thing exists already, or is in a state that does not allow this."""


class UnavailableError(ModelwardError):
    """It may work later: busy, shutting down, out of space, not loaded yet."""


class LimitedError(UnavailableError):
    """Somebody asks more often than they may; `retry_after_seconds` says when they may again."""

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PrerequisiteError(ModelwardError):
    """Something must be installed or prepared first; the message names the command."""


def kind_named(name: str) -> type[ModelwardError] | None:
    """The kind of that name, as services and `--json` tell it; None where it is none."""
    found = globals().get(name)
    return found if isinstance(found, type) else None


def place_of(fault: BaseException | None) -> str:
    """File and line where a fault was raised: with its kind, all that may be told of one nobody meant, for its text may hold a
    payload.
    """
    trace = fault.__traceback__ if fault else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""


def cause_of(fault: BaseException | None) -> str:
    """The kind of the fault that another came of; nothing where it came of none."""
    cause = fault.__cause__ if fault else None
    return type(cause).__name__ if cause else ""
