# SPDX-License-Identifier: Apache-2.0
"""MLflow's scoring protocol: `POST /models/{model}/invocations`, with what its clients ask beside it.

A plain question is answered as `pyfunc` answers for a classifier, with one label a row. `params` of `{"predict_method":
"predict_proba"}` asks for the probabilities instead; they come in the order of `classes`. A version that answers with texts or
numbers gives these, and has no probabilities. What training never saw is named in
`unfamiliar`, which is left out where there is nothing to name.

Source: MLflow 3.18, "Deploy MLflow Model as a Local Inference Server".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.message import Message
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from modelward import __version__
from modelward.access import Permission
from modelward.entrances.api.dialect import Heading
from modelward.entrances.api.endpoint import Endpoint, Open
from modelward.entrances.api.inference import Asked
from modelward.entrances.api.mlflow_bodies import Invocation, read_json, read_plain, table_of, table_of_csv
from modelward.entrances.api.mlflow_faults import UnknownParamError, UnreadMediaError, told_to_mlflow
from modelward.registry import Interface
from modelward.serving import Asking, Computed, Written

if TYPE_CHECKING:
    from modelward.settings import Settings

JSON, CSV = "application/json", "text/csv"
_METHOD, _LABELS, _PROBABILITIES = "predict_method", "predict", "predict_proba"
_encode = msgspec.json.Encoder().encode


class Predictions(msgspec.Struct, omit_defaults=True):
    """An answer: for each row its label, text or values, by their names where they have some; or the probabilities of `classes`, in
    their order. `unfamiliar` names, row by row, the features whose value training never saw, `cut` the texts of which there was
    more than is read; each is left out where there are none.
    """

    predictions: Sequence[str | list[Any] | dict[str, Any]]
    classes: Sequence[str] = ()
    unfamiliar: Sequence[Sequence[str]] = ()
    cut: Sequence[Sequence[str]] = ()


class MlflowScoring:
    """See `Dialect`."""

    def __init__(self, settings: Settings) -> None:
        self._depth_limit = settings.json_depth_limit

    def read(self, body: bytes, heading: Heading, interface: Interface) -> Asking:
        """The rows of a body of JSON or CSV, and how the answer to them is written.

        Raises:
            UnreadMediaError: it is of another kind. MalformedBodyError, UnknownParamError: it is no question. InvalidRowsError:
            its rows do not fit.
        """
        if _media_of(heading.get(b"content-type", b"")) == CSV:
            return Asking(table_of_csv(body, interface), _plainly(interface))
        plain = read_plain(body, interface)
        if plain is not None:
            table, params = plain
        else:
            asked = read_json(body, depth_limit=self._depth_limit)
            table, params = table_of(asked, interface), asked.params
        return Asking(table, _renderer(params, interface) if params else _plainly(interface))

    def fault(self, error: Exception) -> Written:
        """See `told_to_mlflow`."""
        return told_to_mlflow(error)


@lru_cache(maxsize=64)
def _media_of(header: bytes) -> str:
    """Which of the two kinds a body is."""
    said = Message()
    said["content-type"] = header.decode("latin-1")
    media = said.get_content_type() if header else ""
    if media not in {JSON, CSV}:
        raise UnreadMediaError(f"This route reads {JSON} and {CSV}. Send one of them, and say so in Content-Type.")
    if {name for name, _ in (said.get_params() or ())[1:]} - {"charset"}:
        raise UnreadMediaError("The Content-Type has a parameter that is not read here. Send charset=utf-8, or none.")
    if str(said.get_content_charset("utf-8")) not in {"utf-8", "utf8"}:
        raise UnreadMediaError("Only UTF-8 is read here. Send the body in it, with charset=utf-8 or without a charset.")
    return media


def _plainly(interface: Interface) -> Callable[[Computed], Written]:
    return _labels if interface.answer == "classes" else _others


def _renderer(params: Mapping[str, Any], interface: Interface) -> Callable[[Computed], Written]:
    if unknown := [name for name in params if name != _METHOD]:
        raise UnknownParamError(
            f"params names {unknown[0][:100]!r}, which no version here takes. The only one is {_METHOD!r}: leave the others out."
        )
    method = params[_METHOD]
    if method not in (_LABELS, _PROBABILITIES):
        raise UnknownParamError(f"params.{_METHOD} is neither {_LABELS!r} nor {_PROBABILITIES!r}. Send one of them.")
    if method == _PROBABILITIES and interface.answer != "classes":
        raise UnknownParamError(
            f"params.{_METHOD} is {_PROBABILITIES!r}, and this version answers with {interface.answer}. Leave it out."
        )
    return _plainly(interface) if method == _LABELS else _probabilities


def _labels(computed: Computed) -> Written:
    return Written(_encode(Predictions(computed.labels, unfamiliar=_strange(computed), cut=computed.cut)))


def _others(computed: Computed) -> Written:
    interface, listed = computed.interface, computed.listed
    told = [interface.named(values) for values in listed] if interface.values else listed
    return Written(_encode(Predictions(told, unfamiliar=_strange(computed), cut=computed.cut)))


def _probabilities(computed: Computed) -> Written:
    return Written(_encode(Predictions(computed.listed, computed.interface.classes, _strange(computed), computed.cut)))


def _strange(computed: Computed) -> Sequence[Sequence[str]]:
    return () if computed.is_familiar else computed.unfamiliar


async def _ping(asked: Asked) -> Response:
    asked.premises.platform.serving.deployments.get(asked.model, asked.number)
    return Response("\n", media_type="text/plain")


async def _version(_asked: Asked) -> Response:
    return Response(__version__, media_type="text/plain")


def _looks(
    path: str, handle: Callable[[Asked], Awaitable[Response]], permission: Permission | Open, summary: str
) -> list[Endpoint]:
    return [Endpoint("GET", f"{place}{path}", permission, handle, summary, str, media="text/plain") for place in _PLACES]


# A model is addressed like a server of MLflow that serves it alone, and under the names that MLflow's deployments client has.
_PLACES = ("/models/{model}", "/models/{model}/versions/{version}")
MLFLOW = (
    *(
        Endpoint(
            "POST",
            f"{place}/invocations",
            Permission.MODELS_PREDICT,
            MlflowScoring,
            "Answer rows in MLflow's scoring protocol.",
            Predictions,
            takes=Invocation,
            takes_text=(CSV,),
        )
        for place in (*_PLACES, "/endpoints/{model}")
    ),
    # Who may not ask a model is not told that it is there.
    *_looks("/ping", _ping, Permission.MODELS_PREDICT, "Whether a model answers."),
    *_looks("/health", _ping, Permission.MODELS_PREDICT, "Whether a model answers."),
    *_looks("/version", _version, Open.ANYBODY_KNOWN, "The version of Modelward that serves."),
)
