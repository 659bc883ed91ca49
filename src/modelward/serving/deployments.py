# SPDX-License-Identifier: Apache-2.0
"""Deployments: the live version of each model, opened and ready.

A version is verified and decrypted before it answers. One that does not verify is not served, and neither is the version it
replaced: its release says that it should not answer any more. Fail closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from modelward.errors import ModelwardError, UnavailableError
from modelward.registry import Interface, OpenVersion, Version
from modelward.releases import Door, Release, Releases, ReleaseState, Revision
from modelward.serving.answer import ModelUnavailableError, NotServedError
from modelward.serving.engine import Engine
from modelward.serving.engines import ENGINES
from modelward.serving.instruments import Labels
from modelward.serving.meters import Meters
from modelward.storage import DatabaseBusyError

T = TypeVar("T")
_RETRY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """One version that answers. It stays whole while anybody holds it, even after another took its place."""

    version: Version
    release: str
    opened: OpenVersion
    engine: Engine
    door: Door
    # Asked for with each answer, so they are not looked up each time: `income:3`, what it takes and gives, and how it is counted.
    name: str = field(init=False)
    interface: Interface = field(init=False)
    labels: Labels = field(init=False)
    looks: bool = field(init=False)

    def __post_init__(self) -> None:
        version = self.version
        for name, value in {
            "name": version.name,
            "interface": version.interface,
            "labels": (version.model, str(version.number)),
            # Whether anybody looks into the texts of a question.
            "looks": self.door.persons != "keep" and bool(version.interface.text_places),
        }.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a model answers; `fault` says why it does not, and is empty where it does."""

    model: str
    version: str
    release: str
    fault: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether the live version answers."""
        return not self.fault


@dataclass(frozen=True, slots=True)
class _Broken:
    release: Release
    fault: str
    retry: float


class Deployments:
    """Knows which version answers for each model. Reading is safe from any thread; `refresh` swaps all at once."""

    def __init__(self, releases: Releases, open_live: Callable[[Release], OpenVersion], *, meters: Meters) -> None:
        self._releases = releases
        self._meters = meters
        self._open_live = open_live
        self._refreshing = Lock()
        self._revision: Revision | None = None
        self._ready: dict[str, Deployment] = {}
        self._paused: dict[str, Release] = {}
        self._broken: dict[str, _Broken] = {}

    def refresh(self) -> bool:
        """Open what went live, let go of what did not stay so; whether anything changed. What broke is tried again at times.

        Raises:
            UnavailableError: the database cannot be asked now; what answers goes on. Whatever else it raises, nothing answers.
        """
        with self._refreshing:
            revision = self._asked(self._releases.revision)
            due = any(broken.retry <= time.monotonic() for broken in self._broken.values())
            if revision == self._revision and not due:
                return False
            ready: dict[str, Deployment] = {}
            broken: dict[str, _Broken] = {}
            standing = self._asked(self._releases.standing)
            paused = {model: release for model, release in standing.items() if release.state is ReleaseState.PAUSED}
            for model in standing.keys() - paused.keys():
                release = standing[model]
                try:
                    ready[model] = self._deployed(release)
                except DatabaseBusyError:
                    raise
                except Exception as fault:  # noqa: BLE001 (one version that cannot be opened must not take the others along)
                    broken[model] = _Broken(release, _in_words(release, fault), time.monotonic() + _RETRY_SECONDS)
            self._ready, self._broken, self._paused, self._revision = ready, broken, paused, revision
            return True

    def get(self, model: str, number: int | None = None) -> Deployment:
        """The deployment that answers for `model`; with `number`, only if it is that version.

        Raises:
            NotServedError: no version is live, or another than `number`. ModelUnavailableError: the live one cannot be opened.
        """
        deployment = self._ready.get(model)
        if deployment is not None and number in (None, deployment.version.number):
            return deployment
        live = deployment.version.number if deployment else None
        if (broken := self._broken.get(model)) is not None:
            if number in (None, broken.release.number):
                raise ModelUnavailableError(broken.fault)
            live = broken.release.number
        asked = model[:63] if number is None else f"{model[:63]}:{number}"
        hint = "" if live is None else f" {model}:{live} is."
        if (paused := self._paused.get(model)) is not None:
            hint = f" {paused.version} is paused."
        raise NotServedError(f"{asked!r} is not released.{hint} `modelward release list` shows what is.")

    def find(self, model: str, number: int | None = None) -> Deployment | None:
        """As `get`; nothing where none answers."""
        deployment = self._ready.get(model)
        return deployment if deployment is not None and number in (None, deployment.version.number) else None

    def all(self) -> list[Deployment]:
        """Every deployment that answers, by model."""
        return [self._ready[model] for model in sorted(self._ready)]

    def readiness(self) -> list[Readiness]:
        """Every model with a live release: whether it answers, and what is wrong where it does not."""
        found = [Readiness(model, deployment.name, deployment.release) for model, deployment in self._ready.items()]
        found += [
            Readiness(model, broken.release.version, broken.release.id, broken.fault) for model, broken in self._broken.items()
        ]
        return sorted(found, key=lambda readiness: readiness.model)

    def deploy(self, release: Release) -> Deployment:
        """A deployment of `release` for its caller alone, verified and decrypted now.

        Raises:
            RefusedError: the version does not verify. ModelwardError: it cannot be opened.
        """
        opened, door = self._open_live(release), self._releases.door(release)
        return Deployment(opened.version, release.id, opened, ENGINES.load("onnx")(opened), door)

    def close(self) -> None:
        """Answer no more, and let go of every version."""
        with self._refreshing:
            ready, self._ready, self._broken, self._paused, self._revision = self._ready, {}, {}, {}, None
            for deployment in ready.values():
                deployment.engine.close()

    def _asked(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except UnavailableError:
            raise
        except Exception:
            # A damaged row would hide for ever that something was taken back.
            self._ready, self._broken, self._paused, self._revision = {}, {}, {}, None
            raise

    def _deployed(self, release: Release) -> Deployment:
        """The deployment of `release`, kept where it is the same version. One that was replaced is not closed: it dies with
        the last request that holds it.
        """
        present = self._ready.get(release.model)
        if present is not None and present.version.digest == release.digest and present.version.number == release.number:
            self._releases.must_be_on_record(release)
            return (
                present
                if present.release == release.id
                else Deployment(present.version, release.id, present.opened, present.engine, self._releases.door(release))
            )
        began, is_loaded = time.perf_counter(), False
        try:
            deployment = self.deploy(release)
            is_loaded = True
        finally:
            self._meters.note_load(release.model, time.perf_counter() - began, is_loaded=is_loaded)
        return deployment


def _in_words(release: Release, fault: Exception) -> str:
    # Only our own errors are written for strangers.
    why = str(fault) if isinstance(fault, ModelwardError) else f"{type(fault).__name__}."
    return f"{release.version} is released and cannot be opened: {why} Until then nothing answers for {release.model}."
