# SPDX-License-Identifier: Apache-2.0
"""What somebody who may do something still has to keep to: the limits of a key, terms, a second factor, grants of data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from modelward.access.actor import Actor
from modelward.access.credential import Key
from modelward.access.origin import Origin
from modelward.access.permission import Permission, Role
from modelward.access.purpose import covers
from modelward.access.seal import AlteredRowError
from modelward.access.terms import Acceptance, Terms

Kind = Literal["scope", "purpose", "expiry", "quota", "terms", "second factor", "wait", "connection", "grant"]
_ANSWERING = (Permission.MODELS_PREDICT, Permission.MODELS_EXPLAIN)


@dataclass(frozen=True, slots=True)
class Condition:
    """One such thing. `is_met` is None where it shows only when it is done: a quota, what a version is for, or the connection that
    it is asked on.
    """

    kind: Kind
    says: str
    is_met: bool | None
    change: str = ""


def of_key(key: Key, actor: Actor, permission: Permission) -> Iterator[Condition]:
    """What the key keeps whoever acts with it to, as far as it bears on the permission."""
    if key.scope is not None:
        yield Condition("scope", f"its key is for {', '.join(key.scope)} alone", permission in key.scope)
    if key.expires is not None:
        yield Condition("expiry", f"its key ends {key.expires:%Y-%m-%d %H:%M:%S} UTC", is_met=True)
    if permission in _ANSWERING and actor.quota is not None:
        yield Condition("quota", f"at most {actor.quota}; what is beyond that is refused until the next begins", None)


def of_purpose(
    actor: Actor, permission: Permission, live: tuple[str, str] | None, *, instead: Callable[[str], str]
) -> Iterator[Condition]:
    """Whether the version that is `live` is for what the actor asks it for; `instead` is the command for a key of that purpose."""
    if permission not in _ANSWERING or not actor.purpose:
        return
    if live is None:
        yield Condition("purpose", f"a version is asked for {actor.purpose!r}, and refuses where its own does not cover that", None)
        return
    version, purpose = live
    is_met = covers(purpose, actor.purpose)
    change = "" if is_met else f"Make a key for what the version is for: `{instead(purpose)}`."
    yield Condition("purpose", f"it is asked for {actor.purpose!r}, and {version} is for {purpose!r}", is_met, change)


def of_terms(subject: str, terms: Terms, accepted: Acceptance | None, *, key: Key | None, actor: Actor) -> Condition:
    """Whether terms were accepted that are in place. People accept for themselves alone."""
    if accepted:
        by = "" if accepted.by == accepted.actor else f" by {accepted.by}"
        return Condition("terms", f"those of {subject} were accepted {accepted.accepted:%Y-%m-%d %H:%M} UTC{by}", is_met=True)
    says = f"those of {subject}, {terms.digest[:12]}…, are in place since {terms.put:%Y-%m-%d %H:%M} UTC and were not accepted"
    on_behalf = f" --for {key.id}" if key else ""
    change = f"Have them read and accepted: `modelward terms accept {subject}{on_behalf}`."
    if actor.id.startswith("person:"):
        change = f"{actor.id} reads and accepts them in the console, under Access, Terms: /console/access/terms."
    return Condition("terms", says, is_met=False, change=change)


def of_altered_terms(fault: AlteredRowError) -> Condition:
    """That nobody is let through."""
    return Condition("terms", str(fault), is_met=False, change="Put the terms again.")


def of_wait(name: str, until: datetime) -> Condition:
    """That nobody is let in as that person for a while, after too many sign-ins that failed."""
    says = f"too many sign-ins failed, so none by password is looked at before {until:%Y-%m-%d %H:%M:%S} UTC"
    return Condition("wait", says, is_met=False, change=f"Let them in at once: `modelward users unlock {name}`.")


def of_factor(name: str, role: Role, *, is_asked: bool, is_there: bool, is_gone: bool) -> Condition | None:
    """What a person who signs in by password shows beside it; None where nothing is asked."""
    if is_gone:
        says = "the ledger tells of one whose row was altered or taken away, so no password opens anything"
        return Condition("second factor", says, is_met=False, change=f"Have them begin anew: `modelward users invite {name}`.")
    if is_there:
        return Condition("second factor", "its code is asked for at every sign-in by password", is_met=True)
    if is_asked:
        says = f"who is {role.value} needs one, and none is set up: until then a session opens the page of their account alone"
        return Condition("second factor", says, is_met=False, change="They set one up on the page of their account.")
    return None


def of_origin(origin: Origin) -> Condition:
    """That policies which bear on it look at the connection, and which one this answer is for."""
    where = f"from {origin.address}" if origin.address else "without an address"
    shown = "with" if origin.is_mtls else "without"
    says = f"policies look at the connection; this answer is for one {where}, {shown} a client certificate"
    return Condition("connection", says, None)
