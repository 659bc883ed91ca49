# SPDX-License-Identifier: Apache-2.0
"""The connection to a service: requests, decoded answers, failures as the kinds of errors they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from modelward import errors
from modelward.client.trust import Trust
from modelward.errors import ModelwardError, UnavailableError

T = TypeVar("T")
_KINDS_BY_STATUS: dict[int, type[ModelwardError]] = {
    401: errors.UnauthenticatedError,
    403: errors.RefusedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    413: errors.TooLargeError,
    429: errors.LimitedError,
    502: errors.UnavailableError,
    503: errors.UnavailableError,
    504: errors.UnavailableError,
}


class AddressError(errors.InvalidError):
    """The address or the key of a service cannot be one."""


class UnsendableError(errors.InvalidError):
    """A row holds something that JSON has no form for."""


class FolderError(errors.InvalidError):
    """A folder was given where the service takes files."""


class UnreachableError(UnavailableError):
    """No service answers at that address, or not to the end."""


class StrangeAnswerError(UnavailableError):
    """Something answered that does not speak as Modelward does."""


class Connection:
    """One connection pool to one service, acting as one key."""

    def __init__(self, url: str, *, key: str, timeout_seconds: float, trust: Trust | None = None) -> None:
        if not (key.isascii() and key.isprintable()):
            raise AddressError("The key holds characters that no key has. Copy it anew; it begins with mw_.")
        if not url.startswith(("http://", "https://")):
            raise AddressError(f"{url[:200]!r} is no address of a service. Give one such as http://127.0.0.1:8321.")
        self.url = url.rstrip("/")
        self.key = key
        self.tls = (trust or Trust()).context() if url.startswith("https://") else None
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout_seconds, verify=self.tls or True)
        except httpx.InvalidURL as wrong:
            raise AddressError(f"{url[:200]!r} is no address: {wrong}. Give one such as http://127.0.0.1:8321.") from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, method: str, path: str, *, body: Any = None, timeout: float | None = None, **more: Any) -> httpx.Response:
        """Send one request.

        Raises:
            UnreachableError: nothing answered. The kind of error that the service answered with.
        """
        if body is not None:
            more |= {"content": msgspec.json.encode(body, enc_hook=_listed), "headers": {"content-type": "application/json"}}
        if timeout is not None:
            more["timeout"] = timeout
        try:
            response = self._http.request(method, path, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise UnreachableError(_unreachable(self.url, fault)) from fault
        if response.is_error:
            raise _error_of(response)
        return response

    def fetch(self, kind: type[T], method: str, path: str, **more: Any) -> T:
        """Send one request and decode the answer as `kind`.

        Raises:
            StrangeAnswerError: it is something else. Otherwise as `send`.
        """
        response = self.send(method, path, **more)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError as wrong:
            raise StrangeAnswerError(
                f"The answer to {method} {path} is not what Modelward gives: {wrong}. Check the address."
            ) from wrong


class Room:
    """A room elsewhere: verbs over a connection. The `by` of a verb is accepted and not sent, for the key says who acts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def part(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def plain(name: str) -> str:
    """A file's name as an upload may carry it."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)[-100:]


def refuse_folder(path: Path) -> None:
    """Nothing, unless it is a folder.

    Raises:
        FolderError: it is one, and files are what is sent.
    """
    if path.is_dir():
        raise FolderError(f"{path} is a folder, and the service takes files. Pack it into a .zip, or work in the home itself.")


def _listed(value: Any) -> Any:
    """An array, or a number out of one, as JSON writes it."""
    if not hasattr(value, "tolist"):
        raise UnsendableError(f"A {type(value).__name__} has no form in JSON. Send a text, a number, a list, bytes or an array.")
    return value.tolist()


def _unreachable(url: str, fault: Exception) -> str:
    if isinstance(fault, httpx.TimeoutException):
        return f"{url} did not answer in time. Ask again later, or look at the log of `modelward serve` there."
    if isinstance(fault, httpx.ConnectError):
        if "[SSL" in str(fault):
            return (
                f"{url} shows no certificate that is trusted here, or wants another from this client, or speaks no TLS. Check the "
                "address; name the CA in MODELWARD_CLIENT_CA, and what to show in MODELWARD_CLIENT_CERTIFICATE."
            )
        return f"Nothing answers at {url}. Is `modelward serve` running there?"
    other = (
        "does it want a certificate (MODELWARD_CLIENT_CERTIFICATE)" if url.startswith("https:") else "does it speak TLS (https://…)"
    )
    return f"The connection to {url} broke before an answer came. Is it `modelward serve` that runs there, and {other}?"


def _error_of(response: httpx.Response) -> ModelwardError:
    try:
        told = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    text = told.get("detail") or told.get("error") or told.get("message") or f"The service answered {response.status_code}."
    kind = errors.kind_named(str(told.get("kind"))) or _KINDS_BY_STATUS.get(response.status_code)
    if kind is None:
        kind = errors.InvalidError if response.is_client_error else ModelwardError
    return kind(str(text))
