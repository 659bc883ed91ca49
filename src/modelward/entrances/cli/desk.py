# SPDX-License-Identifier: Apache-2.0
"""What a command works with: a house, who acts there, and where to write."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from getpass import getpass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec
from rich.console import Console

from modelward.entrances.cli.in_use import address_in_use
from modelward.entrances.cli.showing import line
from modelward.errors import InvalidError, UnauthenticatedError, UnavailableError
from modelward.settings import Settings, read_settings

if TYPE_CHECKING:
    from modelward.access import Actor
    from modelward.app import Platform
    from modelward.client import Client
    from modelward.storage import Means

# Where nobody sees a terminal, a table may be wider than the 80 columns that are otherwise assumed.
_WIDTH_ELSEWHERE = 160


class MixedDestinationError(InvalidError):
    """A command was given both a home and a service."""


class KeyNotGivenError(UnauthenticatedError):
    """A service was named, and no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The options that every command takes."""

    as_json: bool = False
    home: Path | None = None
    url: str | None = None
    key: str | None = None


@dataclass
class Desk:
    """A platform over a home here, or a client of a service elsewhere; who acts; standard output and standard error."""

    common: Common
    settings: Settings
    out: Console = field(default_factory=lambda: console(sys.stdout))
    err: Console = field(default_factory=lambda: console(sys.stderr))
    _house: Platform | Client | None = None
    _actor: Actor | None = None

    @classmethod
    def of(cls, common: Common) -> Desk:
        """A desk; nothing is opened before it is needed.

        Raises:
            MixedDestinationError, InvalidSettingError: an option or a setting cannot be.
        """
        if common.url is not None and common.home is not None:
            raise MixedDestinationError("--home works on this machine and --url on a service: give one of them.")
        return cls(common, read_settings(home=common.home))

    @property
    def is_remote(self) -> bool:
        """Whether the house is a service elsewhere."""
        return self.common.url is not None

    @property
    def address(self) -> str:
        """Where the service answers, or would if `modelward serve` ran here as the settings say."""
        if self.common.url:
            return self.common.url.rstrip("/")
        return address_in_use(self.settings.home) or address_of(self.settings, self.settings.port)

    @property
    def house(self) -> Platform:
        """The platform over the home; or the client of the service, which has the same rooms and verbs and so passes for one."""
        if self._house is None:
            self._house = self._open()
        return cast("Platform", self._house)

    @property
    def client(self) -> Client:
        """The client of the service, where the house is one elsewhere."""
        return cast("Client", self.house)

    @property
    def actor(self) -> Actor:
        """Who acts: the owner of the key, or else the owner of the home. A service asks the key itself."""
        from modelward.access import local_actor

        if self._actor is None and self.is_remote:
            self._actor = local_actor()
        elif self._actor is None:
            access, key = self.house.access, self.common.key
            self._actor = access.owner() if key is None else access.authenticate(key)
            if key is not None:
                # Where nothing can be written now, the command goes on all the same.
                with suppress(UnavailableError):
                    access.note_use(self._actor)
        return self._actor

    @property
    def means(self) -> Means:
        """What opens a guarded keyring: what the settings name, or who sits at the terminal."""
        from modelward.storage import Means

        return Means.of(self.settings, ask=getpass if sys.stdin.isatty() else None)

    def version(self, name: str) -> str:
        """The version that `name` means: `income:3` itself, and for `income` the live one."""
        return name if ":" in name else self.house.releases.released(name, by=self.actor)

    def answer(self, value: Any, show: Callable[[Console, Any], None]) -> None:
        """The result of the command, on standard output: one JSON document, or as `show` shows it."""
        print_json(value) if self.common.as_json else show(self.out, value)

    def say(self, text: str) -> None:
        """A sentence to the person, on standard error: standard output is for the result."""
        line(self.err, text)

    def close(self) -> None:
        """Close what was opened."""
        if self._house is not None:
            self._house.close()

    def connect(self, url: str, *, key: str) -> Client:
        """A client of the service at that address."""
        from modelward.client import Client, Trust

        settings = self.settings
        ca, certificate, own = (
            Path(path) if path else None
            for path in (settings.client_ca, settings.client_certificate, settings.client_certificate_key)
        )
        return Client(url, key=key, trust=Trust(ca, certificate, own))

    def _open(self) -> Platform | Client:
        if self.common.url is not None:
            if not self.common.key:
                raise KeyNotGivenError("A service asks who you are: give a key with --key, or in MODELWARD_KEY.")
            return self.connect(self.common.url, key=self.common.key)
        from modelward.app import open_platform

        return open_platform(self.settings, means=self.means)


def address_of(settings: Settings, port: int) -> str:
    """The address of a service with those settings; one that listens everywhere is at least on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  # read, not bound
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def console(stream: IO[str]) -> Console:
    """A console on `stream`, as wide as its terminal; wide where there is none."""
    is_seen = stream.isatty() or "COLUMNS" in os.environ
    return Console(file=stream, width=None if is_seen else _WIDTH_ELSEWHERE)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()
