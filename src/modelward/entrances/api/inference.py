# SPDX-License-Identifier: Apache-2.0
"""The routes that ask a model, whatever protocol they speak.

Questions are declared here with the dialect that reads them, and answered by the protocol of the server itself, for they are many;
the rest is plain ASGI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from modelward.access import Actor, Permission
from modelward.entrances.api.bodies import CallerLeftError, decode, read_body
from modelward.entrances.api.dialect import Heading
from modelward.entrances.api.endpoint import Endpoint, Premises, credential
from modelward.entrances.api.failures import failure
from modelward.entrances.api.problems import told_plainly
from modelward.entrances.api.urgency import Urgency, urgency_of
from modelward.entrances.origins import origin_within
from modelward.errors import NotFoundError, RefusedError
from modelward.registry import Interface
from modelward.serving import (
    Answer,
    Asking,
    Explanation,
    Prediction,
    Question,
    Ranked,
    RankingAnswer,
    RankingPrediction,
    Reply,
    TextAnswer,
    TextPrediction,
    ValuesAnswer,
    ValuesPrediction,
    Why,
    Written,
    as_records,
)

if TYPE_CHECKING:
    from modelward.settings import Settings


class VersionNumberError(NotFoundError):
    """A version is named by something that is no number."""


class Rows(msgspec.Struct, forbid_unknown_fields=True):
    """A question in the records protocol."""

    example: ClassVar[str] = '{"rows": [{"FEATURE": VALUE, …}, …]}'
    rows: list[dict[str, Any]]


class RowsToExplain(msgspec.Struct, forbid_unknown_fields=True):
    """A question why, in the records protocol. `label` is the class to explain; the predicted one where it is empty."""

    example: ClassVar[str] = '{"rows": [{"FEATURE": VALUE, …}, …], "label": "CLASS"}, where `label` may be left out'
    rows: list[dict[str, Any]]
    label: str | None = None


class Explained(msgspec.Struct):
    """What explains the answers, one for each row."""

    explanations: list[Explanation]


@dataclass(slots=True)
class Asked:
    """One request of a known caller: which model it names, which version where it names one, its body as it came, and how urgent it
    is.
    """

    premises: Premises
    scope: Scope
    actor: Actor
    model: str
    number: int | None
    body: bytes = b""
    urgency: Urgency = Urgency(None, 0)  # noqa: RUF009  # nobody can change it

    @property
    def question(self) -> Question:
        """What the gateway is asked."""
        request = self.scope["state"]["request"]
        seconds, priority = self.urgency
        return Question(
            caller=self.actor,
            model=self.model,
            payload=self.body,
            number=self.number,
            request=request,
            timeout_seconds=seconds,
            priority=priority,
        )

    def read(self, kind: Any) -> Any:
        """The body as JSON of the given type.

        Raises:
            MalformedBodyError: it is none.
        """
        return decode(self.body, kind, depth_limit=self.premises.platform.settings.json_depth_limit)

    def answered(self, reply: Reply) -> Response:
        """The gateway's reply, byte for byte, with where it stands in the ledger."""
        headers = {"x-modelward-model": reply.version, "x-modelward-ledger-index": str(reply.entry)}
        return Response(reply.payload, headers=headers, media_type="application/json")


class InferenceApp:
    """The ASGI application of one endpoint whose `handle` takes an `Asked` and gives a response.

    Who calls, and whether they may, is known before a body is read. Who asks a model and may not is put on record.
    """

    def __init__(self, endpoint: Endpoint, premises: Premises) -> None:
        self._endpoint = endpoint
        self._premises = premises
        self._limit = premises.platform.settings.body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        scope["state"]["template"] = self._endpoint.path
        try:
            response = await self._answer(scope, receive)
        except Exception as error:  # noqa: BLE001  # the door turns every fault into an answer
            scope["state"]["fault"] = error
            response = failure(error, path=self._endpoint.path)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        endpoint = self._endpoint
        origin = origin_within(scope, settings=self._premises.platform.settings)
        actor = self._premises.gateway.actor(credential(scope["headers"], takes_basic=True)).at(origin)
        asked = Asked(self._premises, scope, actor, *named_model(scope["path_params"]))
        if isinstance(endpoint.permission, Permission):
            self._admit(asked, endpoint.permission)
        if endpoint.takes is None:
            response: Response = await endpoint.handle(asked)
            return response
        asked.urgency = urgency_of(dict(scope["headers"]))
        asked.body = await read_body(scope, receive, limit_bytes=self._limit)
        return await _while_there(receive, endpoint.handle(asked))

    def _admit(self, asked: Asked, permission: Permission) -> None:
        try:
            asked.actor.require(permission, model=asked.model)
        except RefusedError as fault:
            if self._endpoint.takes is not None:
                self._premises.gateway.meters.note_rejection(fault)
                self._premises.gateway.record_refusal(
                    asked.actor, fault, model=asked.model, number=asked.number, request=asked.question.request
                )
            raise


def inference_route(endpoint: Endpoint, premises: Premises) -> Route:
    """The route of an endpoint of inference."""
    app = _elsewhere if is_question(endpoint) else InferenceApp(endpoint, premises)
    return Route(endpoint.path, app, methods=[endpoint.method])


def is_question(endpoint: Endpoint) -> bool:
    """Whether the server's protocol answers it: its `handle` makes the dialect out of the settings."""
    return isinstance(endpoint.handle, type)


def may_be_urgent(endpoint: Endpoint) -> bool:
    """Whether its callers may say how urgent it is."""
    return is_question(endpoint) or endpoint.permission is Permission.MODELS_EXPLAIN


async def _elsewhere(_request: Request) -> Response:
    """Questions are answered before they come to a route, which is there for whoever comes with another method."""
    raise NotImplementedError


async def _while_there(receive: Receive, answering: Coroutine[Any, Any, Response]) -> Response:
    """The answer; what is not begun when the caller leaves is not done.

    Raises:
        CallerLeftError: nobody waits for it any more.
    """
    tasks = answer, _left = asyncio.ensure_future(answering), asyncio.ensure_future(_departure(receive))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise CallerLeftError("The connection was closed before the answer was there.")
        return answer.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def named_model(params: Mapping[str, str]) -> tuple[str, int | None]:
    """The model that a path names and, of `income:3` or `income/versions/3`, the number of the version.

    Raises:
        VersionNumberError: it is no number.
    """
    model, colon, number = params.get("model", "").partition(":")
    if not colon and "version" not in params:
        return model, None
    text = params.get("version", number)
    if (colon and text != number) or not (text.isascii() and text.isdecimal() and len(text) < 10 and text[0] != "0"):
        raise VersionNumberError(f"{text[:20]!r} is not the number of a version. Versions are numbered from 1.")
    return model, int(text)


class Records:
    """The records protocol: rows of named features."""

    def __init__(self, settings: Settings) -> None:
        self._depth_limit = settings.json_depth_limit

    def read(self, body: bytes, heading: Heading, interface: Interface) -> Asking:  # noqa: ARG002  # the body says it all
        """See `Dialect.read`."""
        # Rows that fit are no deeper than rows are.
        table = interface.table_of_json(body)
        if table is None:
            rows: Rows = decode(body, Rows, depth_limit=self._depth_limit)
            table = interface.table_of_rows(rows.rows)
        return Asking(table, as_records)

    def fault(self, error: Exception) -> Written:
        """See `Dialect.fault`."""
        return Written(told_plainly(error))


async def _explain(asked: Asked) -> Response:
    def read() -> Why:
        why: RowsToExplain = asked.read(RowsToExplain)
        return Why(why.rows, why.label)

    return asked.answered(await asked.premises.gateway.explain(asked.question, read))


_FROM: Mapping[str, Any] = {"version": 3, "request_id": "req-01"}
_EXAMPLES = {
    "classes": Answer(
        predictions=(Prediction(">50K", {"<=50K": 0.25, ">50K": 0.75}, unfamiliar=("age",)),), model="income", **_FROM
    ),
    "ranking": RankingAnswer(
        predictions=(RankingPrediction("Up", (Ranked("Up", 0.5), Ranked("Brazil", 0.25))),), model="films", **_FROM
    ),
    "text": TextAnswer(predictions=(TextPrediction("16 May 1905"),), model="dates", **_FROM),
    "named values": ValuesAnswer(predictions=(ValuesPrediction({"age": 41.5, "sector": "public"}),), model="people", **_FROM),
    "values": ValuesAnswer(predictions=(ValuesPrediction([[0.0, 0.5], [1.0, 0.25]]),), model="digits", **_FROM),
}

RECORDS = (
    Endpoint(
        "POST",
        "/v1/models/{model}/predict",
        Permission.MODELS_PREDICT,
        Records,
        "Answer rows of named features.",
        (Answer, RankingAnswer, TextAnswer, ValuesAnswer),
        takes=Rows,
        examples=_EXAMPLES,
    ),
    Endpoint(
        "POST",
        "/v1/models/{model}/explain",
        Permission.MODELS_EXPLAIN,
        _explain,
        "Say what each feature did to the answer to each row.",
        Explained,
        takes=RowsToExplain,
    ),
)
