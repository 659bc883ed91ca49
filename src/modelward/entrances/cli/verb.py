# SPDX-License-Identifier: Apache-2.0
"""How a command is declared: a function that calls one service, and one that shows what came of it.

`verb` gives each command the options that all have (`--json`, `--home`, `--url`, `--key`), opens the house it works on, prints the
result as a story or as one JSON document, and turns a failure's kind into the exit code.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console

from modelward.errors import (
    ConflictError,
    InvalidError,
    ModelwardError,
    NotFoundError,
    PrerequisiteError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from modelward.settings import Settings, read_settings

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.app import Platform
    from modelward.client import Client

EXIT: dict[type[ModelwardError], int] = {
    ModelwardError: 1,
    InvalidError: 2,
    TooLargeError: 2,
    UnauthenticatedError: 3,
    RefusedError: 3,
    NotFoundError: 4,
    ConflictError: 5,
    UnavailableError: 6,
    PrerequisiteError: 6,
}

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
HomeOption = Annotated[Path | None, typer.Option("--home", help="The home to work on (default: the nearest .modelward upward).")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Work on the service at this address instead of a home.")]
KeyOption = Annotated[str | None, typer.Option("--key", envvar="MODELWARD_KEY", help="Act as the owner of this key.")]

COMMON = {
    "as_json": (JsonOption, False),
    "home": (HomeOption, None),
    "url": (UrlOption, None),
    "key": (KeyOption, None),
}


class MixedDestinationError(InvalidError):
    """A command was given both a home and a service."""


@dataclass
class Desk:
    """What a command works with: a house (a platform here, or a client of one elsewhere), who acts, and where to write."""

    settings: Settings
    url: str | None
    key: str | None
    out: Console
    err: Console
    as_json: bool
    _house: Platform | Client | None = None
    _actor: Actor | None = None

    @property
    def house(self) -> Any:
        """The platform over the home, or the client of the service: both have the same rooms and verbs."""
        if self._house is None:
            self._house = self._open()
        return self._house

    @property
    def actor(self) -> Actor:
        """Who acts: the owner of the key, or else the owner of the home. A service asks the key itself."""
        from modelward.access import local_actor

        if self._actor is None:
            here = self.url is None and self.key
            self._actor = self.house.access.authenticate(self.key) if here else local_actor()
        return self._actor

    def say(self, text: str) -> None:
        """A word to the person, on standard error: standard output is for the result."""
        self.err.print(text, highlight=False)

    def close(self) -> None:
        """Close what was opened."""
        if self._house is not None:
            self._house.close()

    def _open(self) -> Platform | Client:
        if self.url is not None:
            from modelward.client import Client

            return Client(self.url, key=self.key or "")
        from modelward.app import open_platform

        return open_platform(self.settings)


def verb(
    app: typer.Typer, name: str, *, show: Callable[[Console, Any], None]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the decorated `function(desk, …) -> noun` as the command `name`; `show` prints the noun for people."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**given: Any) -> None:
            common = {option: given.pop(option) for option in COMMON}
            with opened(**common) as desk:
                result = function(desk, **given)
                if desk.as_json:
                    print_json(result)
                else:
                    show(desk.out, result)

        run.__signature__ = _with_common(function)  # type: ignore[attr-defined]  # what typer reads the options from
        app.command(name)(run)
        return function

    return decorate


@contextmanager
def opened(*, as_json: bool, home: Path | None, url: str | None, key: str | None) -> Iterator[Desk]:
    """A desk, closed at the end; failures become a message and the exit code of their kind."""
    out, err = Console(), Console(stderr=True)
    desk = None
    try:
        if url is not None and home is not None:
            raise MixedDestinationError("--home works on this machine and --url on a service: give one of them.")
        desk = Desk(read_settings(home=home), url, key, out, err, as_json)
        yield desk
    except ModelwardError as error:
        fail(error, err=err, as_json=as_json)
    except KeyboardInterrupt:
        err.print("Stopped.")
        raise typer.Exit(130) from None
    finally:
        if desk is not None:
            desk.close()


def fail(error: ModelwardError, *, err: Console, as_json: bool) -> None:
    """Print an error and leave with its kind's exit code."""
    if as_json:
        print_json({"error": {"kind": kind_of(error), "message": str(error)}})
    else:
        err.print(f"[bold red]error[/] {_escape(str(error))}", highlight=False, soft_wrap=True)
    raise typer.Exit(exit_code_of(error)) from None


def exit_code_of(error: BaseException) -> int:
    """The exit code of the nearest kind an error is of; 1 for a fault nobody meant."""
    return next((EXIT[kind] for kind in type(error).__mro__ if kind in EXIT), 1)


def kind_of(error: BaseException) -> str:
    """The name of the nearest kind an error is of."""
    return next((kind.__name__ for kind in type(error).__mro__ if kind in EXIT), "fault")


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _with_common(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a command: the function's without its desk, and the options that every command has."""
    # What a command returns is named for the type checker alone, and not imported before the command runs.
    function.__annotations__.pop("return", None)
    resolved = inspect.signature(function, eval_str=True)
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in list(resolved.parameters.values())[1:]]
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in COMMON.items()
    ]
    return inspect.Signature([*own, *common], return_annotation=None)


def quiet_libraries() -> None:
    """No library phones home or prints advertisements, whatever the environment says."""
    os.environ.update({"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"})
