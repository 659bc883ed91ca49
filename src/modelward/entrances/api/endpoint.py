# SPDX-License-Identifier: Apache-2.0
"""How a route is declared: with its permission, or not at all.

An `Endpoint` says method, path, permission, what the route takes and what it gives. The Starlette route, the check at the door
and the OpenAPI document all come from it. There is no default permission, so a route without one cannot be written down.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from modelward.access import Permission
from modelward.entrances.api.strangers import Strangers
from modelward.errors import UnauthenticatedError

if TYPE_CHECKING:
    from modelward.app import Platform
    from modelward.entrances.api.telemetry import Telemetry
    from modelward.serving import Gateway

_NAME = "[a-z0-9][a-z0-9-]{0,62}"
_NUMBER = ":[1-9][0-9]{0,8}"
NAME_PATTERN = f"^{_NAME}$"
VERSION_PATTERN = f"^{_NAME}{_NUMBER}$"
MODEL_OR_VERSION_PATTERN = f"^{_NAME}({_NUMBER})?$"
# What the document says of a name or a version in a body. The rooms check it, for they have the words to refuse it with.
Name = Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN})]
VersionName = Annotated[str, Meta(extra_json_schema={"pattern": VERSION_PATTERN})]
WHOLE_NUMBER_LIMIT = 10**15
_BEARER = b"bearer "
_TWICE = "The request has {} twice, and nobody guesses which is meant. Send it once."
_HIDDEN = re.compile(rb"%(?:2f|5c|[01][0-9a-f]|7f)", re.IGNORECASE)


class Open(Enum):
    """The two doors that no single permission guards."""

    HEALTH = "no credential: it says only whether the service lives"
    ANYBODY_KNOWN = "any valid credential"


class CredentialMissingError(UnauthenticatedError):
    """The request carries no credential."""


class CredentialRepeatedError(UnauthenticatedError):
    """The request has a header twice that says who asks: whoever stands between may have read the other one."""


@dataclass(frozen=True, slots=True)
class Premises:
    """What the routes of one server stand on."""

    platform: Platform
    gateway: Gateway
    telemetry: Telemetry
    strangers: Strangers = field(default_factory=Strangers)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query may say under one name. `schema` is the JSON schema of its value."""

    meaning: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    is_required: bool = False


def whole_number(meaning: str, *, is_required: bool = False) -> Parameter:
    """A parameter that `Call.number` reads."""
    return Parameter(meaning, {"type": "integer", "minimum": 0, "exclusiveMaximum": WHOLE_NUMBER_LIMIT}, is_required)


def one_of(meaning: str, choices: Sequence[str]) -> Parameter:
    """A parameter that is one of a few words."""
    return Parameter(meaning, {"type": "string", "enum": [*choices]})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. What `handle` is called with is up to the family: see `control`, `inference` and `health`.

    `takes` is the type of the body; `gives` that of the answer, or several where it depends on the model. Where `has_files`, the
    body is a form: its fields are what `takes` says, beside its `files`. `media` is the content type of what is given where that is
    not JSON, and `examples` some of it by what they show; `takes_text` are the types of texts that are taken, too. Where it
    `is_packable`, questions and answers may be JSON with bytes behind it, too. `besides` says what the room asks for beside the
    permission that the door does.
    """

    method: str
    path: str
    permission: Permission | Open
    handle: Callable[..., Any]
    summary: str
    gives: Any
    takes: Any = None
    takes_text: tuple[str, ...] = ()
    has_files: bool = False
    status: int = 200
    media: str = "application/json"
    is_packable: bool = False
    besides: str = ""
    query: Mapping[str, Parameter] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)


def names_nothing(path: bytes) -> bool:
    """Whether a path has an encoded slash, backslash or control character: who sends one hopes that it is read twice."""
    return b"%" in path and _HIDDEN.search(path) is not None


def credential(headers: Iterable[tuple[bytes, bytes]], *, takes_basic: bool = False) -> str:
    """The secret that a request carries, in `Authorization: Bearer` or in `X-API-Key`; the first where both are there.

    Where Basic is taken it is the password, if neither of the others is there. Clients that other people made speak nothing else.
    A browser repeats Basic by itself, whoever made it ask, so that only routes take it by which nothing is changed.

    Raises:
        CredentialMissingError: it carries none. CredentialRepeatedError: it says twice who asks.
    """
    authorization = key = password = None
    for name, value in headers:
        if name == b"authorization":
            if authorization is not None:
                raise CredentialRepeatedError(_TWICE.format("Authorization"))
            authorization = value
        elif name == b"x-api-key":
            if key is not None:
                raise CredentialRepeatedError(_TWICE.format("X-API-Key"))
            key = value
    if authorization is not None:
        if authorization[: len(_BEARER)].lower() == _BEARER:
            return authorization[len(_BEARER) :].strip().decode("latin-1")
        password = _password(authorization) if takes_basic else b""
    if key or password:
        return (key or password or b"").decode("latin-1")
    raise CredentialMissingError("This route needs a key: send `Authorization: Bearer mw_…` or `X-API-Key: mw_…`.")


def _password(authorization: bytes) -> bytes:
    """The password of RFC 7617; nothing where there is none."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except ValueError:
        return b""
