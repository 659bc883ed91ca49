# SPDX-License-Identifier: Apache-2.0
"""Admission: whether what somebody asks of a version is what it is for, and whether they accepted its terms."""

from __future__ import annotations

from typing import Final

from modelward.access import Actor, Agreeing, PurposeNotAgreedError, covers, not_accepted, terms_altered
from modelward.registry import Version
from modelward.serving.allowance import Allowance

HELD_LIMIT: Final = 100_000
_LOOKS_A_SECOND = 50.0


class Admission:
    """Decides once for each caller and version, and again when anything changes that access is decided by."""

    def __init__(self, terms: Agreeing) -> None:
        self._terms = terms
        self._revision: int | None = None
        self._in_force: dict[str, str] = {}
        self._admitted: dict[tuple[str, str], Version] = {}
        # Who accepted what: it is never taken back. And who has not, as far as was seen.
        self._accepted: set[tuple[str, str, str]] = set()
        self._lacking: set[tuple[str, str, str]] = set()
        self._looks = Allowance(_LOOKS_A_SECOND)

    def check(self, actor: Actor, version: Version, *, revision: int | None = None) -> None:
        """Nothing, where `actor` may ask this version. What was found at a `revision` of access holds as long as it is that;
        without one, all is looked up.

        Raises:
            PurposeNotAgreedError: it is not for what the actor asks it for. TermsNotAcceptedError: the actor did not accept its
            terms. AlteredRowError: they are not those that were put. UnavailableError: that cannot be looked up now.
        """
        if revision is None or revision != self._revision:
            self._in_force = self._terms.in_force()
            self._admitted, self._lacking = {}, set()
            self._revision = revision
        place = actor.credential or actor.id, version.model
        if self._admitted.get(place) is version:
            return
        _check_purpose(actor, version)
        self._check_terms(actor, f"model:{version.model}")
        if len(self._admitted) >= HELD_LIMIT:
            self._admitted = {}
        self._admitted[place] = version

    def _check_terms(self, actor: Actor, subject: str) -> None:
        if (digest := self._in_force.get(subject)) is None or (place := (actor.id, subject, digest)) in self._accepted:
            return
        if not digest:
            raise terms_altered(subject)
        # Who accepted a moment ago is let in at once, as often as a flood of those who did not cannot make dear.
        may_look = place not in self._lacking or self._looks.take()
        if not may_look or not self._terms.has_accepted(subject, digest, actor):
            self._lacking.add(place)
            raise not_accepted(subject, actor.id)
        if len(self._accepted) >= HELD_LIMIT:
            self._accepted = set()
        self._accepted.add(place)


def _check_purpose(actor: Actor, version: Version) -> None:
    """Refuse who asks a version for what it is not for. Who says no purpose asks it for what it is for.

    Raises:
        PurposeNotAgreedError: the version's purpose does not cover the actor's.
    """
    if not covers(version.purpose, actor.purpose):
        raise PurposeNotAgreedError(
            f"{actor.id} asks for {actor.purpose!r}, and {version.name} is for {version.purpose!r}. Ask an administrator for a key "
            f"with a purpose that the model's covers (`modelward keys create --purpose …`), or for a version that is for more."
        )
