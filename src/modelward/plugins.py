# SPDX-License-Identifier: Apache-2.0
"""Tables of plug-ins: a name, and where to find it when somebody asks.

A family's `__init__` holds one `PluginTable`. A plug-in costs one file and one line in it; other people's packages join by an
entry-point group of the table's name. Nothing is imported before `load`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Any

from modelward.errors import NotFoundError, PrerequisiteError


class UnknownPluginError(NotFoundError):
    """No plug-in of that family has that name."""


class MissingExtraError(PrerequisiteError):
    """The plug-in exists, and the library it stands on is not installed."""


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """The version of each of the packages that is installed, in their order."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@dataclass(frozen=True)
class PluginTable:
    """One family of plug-ins.

    `places` maps a name to `module:attribute`. `extras` names the extra of this distribution that brings what a plug-in needs.
    """

    family: str
    places: Mapping[str, str]
    extras: Mapping[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The entry-point group in which other distributions list plug-ins of this family."""
        return f"modelward.{self.family}"

    @property
    def kind(self) -> str:
        """What people call one of the family."""
        return self.family.removesuffix("s").replace("_", " ")

    def names(self) -> list[str]:
        """Every name of the family, ours and other people's, sorted."""
        return sorted({*self.places, *(point.name for point in entry_points(group=self.group))})

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def place(self, name: str) -> str:
        """Where the plug-in called `name` is found, as `module:attribute`; nothing is imported.

        Raises:
            UnknownPluginError: the family has no such name; the message lists those it has.
        """
        if (place := self.places.get(name)) is not None:
            return place
        points = entry_points(group=self.group, name=name)
        if not points:
            raise UnknownPluginError(f"No {self.kind} is called {name!r}. There are: {', '.join(self.names())}.")
        return next(iter(points)).value

    def load(self, name: str) -> Any:
        """Import the plug-in called `name` and return its attribute.

        Raises:
            UnknownPluginError: the family has no such name; the message lists those it has.
            MissingExtraError: a library it needs is not installed; the message holds the command that installs it.
        """
        module, _, attribute = self.place(name).partition(":")
        try:
            return getattr(import_module(module), attribute)
        except ModuleNotFoundError as missing:
            if (missing.name or "").partition(".")[0] == "modelward":
                raise
            wanted = f"modelward[{self.extras[name]}]" if name in self.extras else str(missing.name)
            raise MissingExtraError(
                f"The {self.kind} {name!r} needs the package {missing.name!r}, which is not installed. "
                f"Run `pip install '{wanted}'`."
            ) from missing
