# SPDX-License-Identifier: Apache-2.0
"""The gRPC server, in the event loop of the HTTP server: `inference.GRPCInferenceService`, which asks the same gateway, and
`grpc.health.v1.Health`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

import grpc

from modelward.entrances.api import CallerLeftError, Premises, fault_headers, status_of
from modelward.entrances.faults import message_of
from modelward.entrances.origins import origin_of
from modelward.entrances.rpc.places import places_of
from modelward.entrances.rpc.service import SERVICES, Call, Metadata, Method, metadata_of
from modelward.entrances.rpc.statuses import status_name
from modelward.errors import UnavailableError
from modelward.serving import new_request_id

if TYPE_CHECKING:
    from modelward.access import Origin
    from modelward.entrances.traces import Traces, Trail
    from modelward.settings import Settings

Handler: TypeAlias = Callable[[Any, Any], Awaitable[bytes]]
_METHOD = "gRPC"
_PEER_CERTIFICATE = "x509_pem_cert"


class RpcPortTakenError(UnavailableError):
    """The address for gRPC cannot be bound."""


class RpcDoor:
    """Answers calls while the gateway is entered. It belongs to the event loop in which it is started."""

    def __init__(self, premises: Premises, traces: Traces | None = None) -> None:
        self._traces = traces
        self._settings = premises.platform.settings
        self._telemetry = premises.telemetry
        self._premises = premises
        self._known, self._strangers = places_of(premises.platform.settings)
        self._server: grpc.aio.Server | None = None

    async def start(
        self, host: str, port: int, *, credentials: grpc.ServerCredentials | None = None, shares_port: bool = False
    ) -> int:
        """Listen; the port, which the system chooses where `port` is 0. Other processes may listen there, too, if it is shared.

        Raises:
            RpcPortTakenError: the address cannot be bound.
        """
        self._server = grpc.aio.server(options=_options(self._settings, calls_limit=self._known.limit, shares_port=shares_port))
        for service, methods in SERVICES.items():
            handlers = {
                # On the wire it is the same; but of a call with one message nobody is told before that is there.
                name: grpc.stream_unary_rpc_method_handler(self._handler(f"/{service}/{name}", method))
                for name, method in methods.items()
            }
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            bound = (
                self._server.add_insecure_port(address)
                if credentials is None
                else self._server.add_secure_port(address, credentials)
            )
        except RuntimeError:
            bound = 0
        if not bound:
            raise RpcPortTakenError(f"{address} cannot be bound for gRPC. Choose another with --grpc-port; 0 is none.")
        await self._server.start()
        return int(bound)

    async def stop(self, grace: float) -> None:
        """Take nothing new, and let open calls finish for `grace` seconds."""
        if self._server is not None:
            await self._server.stop(grace)

    def _origin(self, context: Any, metadata: Metadata) -> Origin:
        is_mtls = _PEER_CERTIFICATE in context.auth_context()
        return origin_of(_address(context.peer()), metadata, settings=self._settings, is_mtls=is_mtls)

    def _handler(self, path: str, method: Method) -> Handler:
        """A method as gRPC calls it: bytes in, bytes out. What goes wrong becomes a status, and no word more than may be said."""
        places = self._strangers if method.is_open else self._known

        async def handle(_messages: Any, context: Any) -> bytes:
            began, status = time.perf_counter(), CallerLeftError.status
            metadata, seconds = context.invocation_metadata(), context.time_remaining()
            said = metadata_of(metadata)
            call = Call(self._premises, said, self._origin(context, said), request=new_request_id(), seconds=seconds)
            trail = self._traces.begin(_traceparent(metadata)) if self._traces else None
            found: Exception | None = None
            try:
                if not method.is_open:
                    call.actor()
                with places.place():
                    call.data = await places.message(context)
                    answered = await method.answer(call)
                status = 200
                context.set_trailing_metadata(_trailer(call))
            except Exception as fault:  # whoever asked is told
                status, found = status_of(fault), fault
                self._telemetry.failures.note(fault, request=call.request, route=path, status=status)
                code = getattr(grpc.StatusCode, status_name(fault))
                await context.abort(code, message_of(fault), (*_trailer(call), *_again(fault)))
                raise  # `abort` did
            finally:
                self._telemetry.count_request(_METHOD, path, status, seconds=time.perf_counter() - began)
                if self._traces and trail:
                    _complete(trail, path, call.request, status=status, fault=found)
                    self._traces.end(trail)
            return answered

        return handle


def _address(peer: str) -> str:
    """The address in what gRPC calls who connects: `ipv4:10.0.0.7:4711`, `ipv6:%5B2001:db8::7%5D:4711`; nothing in others."""
    kind, _, place = unquote(peer).partition(":")
    return place.rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else ""


def _traceparent(metadata: Sequence[tuple[str, str | bytes]]) -> bytes | None:
    return next((value.encode() for name, value in metadata if name == "traceparent" and isinstance(value, str)), None)


def _complete(trail: Trail, path: str, request: str, *, status: int, fault: Exception | None) -> None:
    trail.route, trail.request, trail.status = path, request, status
    trail.fault = type(fault).__name__ if fault else ""
    trail.code = status_name(fault) if fault else "CANCELLED" if status == CallerLeftError.status else "OK"


def _trailer(call: Call) -> list[tuple[str, str]]:
    """What is said with every answer: the request, and of an answer by a model, which version gave it and where it is on record."""
    said = [("x-request-id", call.request)]
    if call.version:
        said.append(("x-modelward-model", call.version))
    if call.entry is not None:
        said.append(("x-modelward-ledger-index", str(call.entry)))
    return said


def _again(fault: Exception) -> list[tuple[str, str]]:
    """When to come back, where that is known."""
    return [(name, value) for name, value in fault_headers(fault).items() if name == "retry-after"]


def _options(settings: Settings, *, calls_limit: int, shares_port: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.body_limit_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", settings.header_limit_bytes),
        # On one connection.
        ("grpc.max_concurrent_streams", calls_limit),
        ("grpc.so_reuseport", int(shares_port)),
        ("grpc.server_handshake_timeout_ms", _milliseconds(settings.receive_timeout_seconds)),
        ("grpc.max_connection_idle_ms", _milliseconds(settings.keep_alive_seconds)),
        # Whoever has a call open and takes nothing of what is said is gone.
        ("grpc.keepalive_time_ms", _milliseconds(settings.keep_alive_seconds)),
        ("grpc.keepalive_timeout_ms", _milliseconds(settings.receive_timeout_seconds)),
        # Bodies are read as they are: a small one must not become a large one.
        ("grpc.compression_enabled_algorithms_bitset", 1),
    ]


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
