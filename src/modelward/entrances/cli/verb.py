# SPDX-License-Identifier: Apache-2.0
"""How a command is declared: a function that calls one service, and one that shows what came of it.

`verb` gives each command the options that all have (`--json`, `--home`, `--url`, `--key`), a desk to work at, and prints the result
as a story or as one JSON document. The options may stand after the verb, after the noun, or before both.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.console import Console
from typer.core import TyperCommand

from modelward import __version__
from modelward.entrances.cli.desk import Common, Desk
from modelward.entrances.cli.failing import INTERRUPTED, TERMINATED, Terminated, leave, of_system
from modelward.errors import InvalidError, ModelwardError

Show: TypeAlias = Callable[[Console, Any], None]
Then: TypeAlias = Callable[[Desk, Any], str]

_PANEL = "Every command takes"
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.", rich_help_panel=_PANEL)]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The home to work on; else the nearest .modelward upward.", rich_help_panel=_PANEL)
]
UrlOption = Annotated[str | None, typer.Option("--url", help="Work on the service at this address.", rich_help_panel=_PANEL)]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="Act as the owner of this key, or of MODELWARD_KEY.", rich_help_panel=_PANEL)
]
_COMMON = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, annotation, default in (
        ("as_json", JsonOption, False),
        ("home", HomeOption, None),
        ("url", UrlOption, None),
        ("key", KeyOption, None),
    )
]
_CONTEXT = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


class OnlyHereError(InvalidError):
    """The command works on this machine, and was pointed at a service."""


def noun(app: typer.Typer, name: str, *, about: str, panel: str | None = None) -> typer.Typer:
    """A noun of the command tree, whose verbs are declared on what is returned."""
    made = typer.Typer(help=about, no_args_is_help=True)
    made.callback()(_with_signature(_remember, [_CONTEXT, *_COMMON]))
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made


def _print_version(is_asked: bool) -> None:  # noqa: FBT001  # as typer calls it
    if is_asked:
        typer.echo(f"modelward {__version__}")
        raise typer.Exit


_VERSION = inspect.Parameter(
    "version",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)
    ],
)


def rooted(app: typer.Typer) -> None:
    """The options that may stand before every noun."""
    app.callback()(_with_signature(_remember, [_CONTEXT, _VERSION, *_COMMON]))


def verb(
    app: typer.Typer,
    name: str,
    *,
    show: Show | None,
    then: Then | None = None,
    example: str = "",
    panel: str | None = None,
    only_here: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the decorated `function(desk, …) -> noun` as the command `name`; `show` prints the noun for people, and `then` says
    what they would do next, see `point`.

    Without `show` the function writes its own answer. A command that is `only_here` cannot be pointed at a service.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(context: typer.Context, **given: Any) -> None:
            common = _merged(context, {option.name: given.pop(option.name) for option in _COMMON})
            with opened(common) as desk:
                if only_here and desk.is_remote:
                    raise OnlyHereError(f"`modelward {name}` works on this machine alone. Leave `--url` out.")
                result = function(desk, **given)
                if show is not None:
                    desk.answer(result, show)
                if then is not None:
                    point(desk, then(desk, result))

        command = _with_signature(functools.wraps(function)(run), [_CONTEXT, *_own(function), *_COMMON])
        epilog = f"[dim]For example:[/]\n\n{example}" if example else None
        app.command(name, cls=_explaining(command), epilog=epilog, rich_help_panel=panel)(command)
        return function

    return decorate


def point(desk: Desk, step: str) -> None:
    """Say what a person would do next, on standard error; nothing where `step` is empty, and nothing to a program.

    A step is a command, or several of them in lines, each with a word after it where one is needed.
    """
    if step and not desk.common.as_json:
        desk.say("Next: " + step.replace("\n", "\n      "))


def _explaining(command: Callable[..., Any]) -> type[TyperCommand]:
    """A kind of command whose arguments say what they are: with click 8.5, typer 0.20 loses what they were told."""
    given = {name: each.annotation for name, each in inspect.signature(command).parameters.items()}

    class Command(TyperCommand):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            for parameter in self.params:
                told = [note for note in getattr(given.get(str(parameter.name)), "__metadata__", ()) if hasattr(note, "help")]
                if told and not getattr(parameter, "help", None):
                    parameter.help = told[0].help

    return Command


@contextmanager
def opened(common: Common) -> Iterator[Desk]:
    """A desk, closed at the end; failures become a message and the exit code of their kind."""
    desk = None
    try:
        desk = Desk.of(common)
        yield desk
    except ModelwardError as error:
        raise typer.Exit(leave(error, as_json=common.as_json)) from None
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as stop:
        sys.stderr.write(f"{str(stop) or 'Stopped.'}\n")
        raise typer.Exit(TERMINATED if isinstance(stop, Terminated) else INTERRUPTED) from None
    except OSError as fault:
        raise typer.Exit(leave(of_system(fault), as_json=common.as_json)) from None
    finally:
        if desk is not None:
            desk.close()


def remembered(context: typer.Context) -> Common:
    """The options that were given before the verb; a key may also come from the environment."""
    return context.obj if isinstance(context.obj, Common) else Common(key=os.environ.get("MODELWARD_KEY") or None)


def _remember(context: typer.Context, *, version: bool = False, **given: Any) -> None:  # noqa: ARG001  # it has left by then
    context.obj = _merged(context, given)


def _merged(context: typer.Context, given: dict[str, Any]) -> Common:
    """What was given here, and before. What stands later wins."""
    return replace(remembered(context), **{name: value for name, value in given.items() if value not in (None, False)})


def _own(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a command's function, without its desk."""
    # What a command returns is named for the type checker alone, and not imported before the command runs.
    function.__annotations__.pop("return", None)
    resolved = inspect.signature(function, eval_str=True)
    return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in list(resolved.parameters.values())[1:]]


def _with_signature(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> Callable[..., Any]:
    """A function of its own that typer reads these parameters from."""

    @functools.wraps(function)
    def call(**given: Any) -> Any:
        return function(**given)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads the options from
    return call
