# SPDX-License-Identifier: Apache-2.0
"""The counter elsewhere: rows in, answers and explanations out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from modelward.access import Actor
from modelward.client.connection import Room, StrangeAnswerError, part, plain, refuse_folder
from modelward.serving import Answer, Batch, Explanation, RankingAnswer, TextAnswer, ValuesAnswer

_LONG_SECONDS = 600.0
AnyAnswer: TypeAlias = Answer | RankingAnswer | TextAnswer | ValuesAnswer
"""What a version answers with: probabilities of classes, the most probable ones, texts, or numbers."""
# By the field that only the predictions of such an answer have.
_ANSWERS: Mapping[str, type[AnyAnswer]] = {"ranking": RankingAnswer, "text": TextAnswer, "values": ValuesAnswer}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer with where it stands in the ledger."""

    answer: AnyAnswer
    request: str
    version: str
    entry: int


class RemoteServing(Room):
    """See `modelward.serving.Serving`."""

    def predict(self, model: str, rows: Sequence[Mapping[str, Any]]) -> Asked:
        """Answer rows of named features with the live version of `model`; `income:3` asks for that version and no other.

        An image is the bytes of a PNG or JPEG file, or its pixels as an array; a history a list of texts; a series a list of
        numbers or an array. The type of `answer` says what the version answers with.

        Raises:
            InvalidError: the rows do not fit. NotFoundError: it is not live. StrangeAnswerError: no Modelward answered.
        """
        response = self._connection.send("POST", f"/v1/models/{part(model)}/predict", body={"rows": list(rows)})
        return Asked(
            answer=_answer(response.content),
            request=response.headers["x-request-id"],
            version=response.headers["x-modelward-model"],
            entry=int(response.headers["x-modelward-ledger-index"]),
        )

    def made_up_row(self, model: str) -> dict[str, Any]:
        """A row that fits a model's inputs and means nothing: 1 for every number, "x" for every category, an image all
        black, of a history one entry, of a series every step.
        """
        told = self._connection.fetch(dict[str, Any], "GET", f"/v2/models/{part(model)}")
        return {given["name"]: _made_up(given["datatype"], given["shape"][1:]) for given in told["inputs"]}

    def predict_file(self, name: str, file: Path, *, form: str = "csv", by: Actor | None = None) -> Batch:
        """Answer a file of rows."""
        refuse_folder(file)
        with file.open("rb") as stream:
            path = f"/api/v1/models/{part(name.partition(':')[0])}/batches"
            fields = {"version": name, "form": form}
            parts = [("files", (plain(file.name), stream))]
            return self._connection.fetch(Batch, "POST", path, data=fields, files=parts, timeout=_LONG_SECONDS)

    def explain(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        label: str | None = None,
        by: Actor | None = None,
    ) -> list[Explanation]:
        """Explain the answer to each row."""
        body = {"rows": list(rows), "label": label}
        path = f"/v1/models/{part(name)}/explain"
        return self._connection.fetch(dict[str, list[Explanation]], "POST", path, body=body, timeout=_LONG_SECONDS)["explanations"]


def _answer(content: bytes) -> AnyAnswer:
    try:
        told = msgspec.json.decode(content, type=dict[str, Any])
        first: Any = next(iter(told["predictions"]), {})
        return msgspec.convert(told, next((kind for field, kind in _ANSWERS.items() if field in first), Answer))
    except (msgspec.DecodeError, KeyError, TypeError) as wrong:
        # What a decoder says may quote an answer.
        raise StrangeAnswerError("What came back is no answer of Modelward's. Check the address.") from wrong


def _made_up(datatype: str, shape: Sequence[int]) -> Any:
    if datatype == "BYTES":
        return "x" if [*shape] == [1] else ["x"]
    if len(shape) < 2:
        return 1.0
    *outer, inner = shape
    made: Any = [0 if datatype == "UINT8" else 1.0] * inner
    for length in reversed(outer):
        made = [made] * length
    return made
