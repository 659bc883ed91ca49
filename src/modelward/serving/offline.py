# SPDX-License-Identifier: Apache-2.0
"""Offline prediction: a file of rows, answered by the very version, interface and engine that answer online."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from modelward.access import Actor, Permission
from modelward.audit import Ledger
from modelward.datasets import read_bytes
from modelward.digest import KeyedDigest
from modelward.registry import Interface, InvalidRowsError, texts_of
from modelward.serving.answer import INFERENCE_BATCH
from modelward.serving.computed import labels_of, rankings_of, shortest
from modelward.serving.deployments import Deployment
from modelward.serving.doorkeeper import Doorkeeper, PersonsRefusedError
from modelward.serving.file_rows import FileRows, kinds_of, rows_of_file, sequences_of, with_lists
from modelward.serving.image_rows import is_of_images, rows_of_images
from modelward.serving.quotas import Quotas
from modelward.serving.recording import form_of
from modelward.serving.request_id import new_request_id
from modelward.storage import Database

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

BATCH_ROWS = 1024
FileFormat = Literal["csv", "parquet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A file's answers: `payload` is a table of `row` (counted from 1, in the order of the file), of images their `file`, the
    answer, and `unfamiliar`, the features whose value training never saw as a JSON list, or nothing; and where
    texts were cut, `cut` likewise, those of which there was more than is read. The answer is `label` and one
    `probability_<class>` per class, or `ranking` as JSON where only the most probable are told; or `text`; or one `value_<name>`
    per value, or all of them as a JSON list in `values` where they have no names.

    `unfamiliar_rows` and `cut_rows` are how many rows have any. `ignored` are columns of the file that the model does not know,
    such as an id: nothing was done with them, and they are not copied into the answers. `hidden` says how many identifiers of each
    kind were, as the policy asks.
    """

    request: str
    version: str
    entry: int
    rows: int
    unfamiliar_rows: int
    ignored: tuple[str, ...]
    form: FileFormat
    payload: bytes
    cut_rows: int = 0
    hidden: Mapping[str, int] = field(default_factory=dict)


def answer_file(
    deployment: Deployment,
    file: Path,
    *,
    form: FileFormat,
    limit_bytes: int,
    database: Database,
    ledger: Ledger,
    quotas: Quotas,
    pseudonyms: KeyedDigest,
    by: Actor,
) -> Batch:
    """Answer every row of `file`, and put that on record before the answers are handed out.

    Raises:
        NotPermittedError: `by` may not ask this model. UnreadableFileError, FileTooLargeError, UnusableTableError: the file is
        no table. RowsFileError: it holds no rows. InvalidRowsError: they are not this model's; row and
        feature are named. NoImageTakenError: see `rows_of_images`. QuotaUsedUpError, TooManyRowsError: `by` may not ask so much.
    """
    version, interface = deployment.version, deployment.interface
    by.require(Permission.MODELS_PREDICT, model=version.model)
    # Read once: what goes on record is what was answered, whatever happens to the file meanwhile.
    if is_of_images(file):
        rows, data = rows_of_images(file, interface.features, limit_bytes=limit_bytes)
    else:
        data = read_bytes(file, limit_bytes=limit_bytes)
        rows = rows_of_file(file, data, kinds=kinds_of(interface.features))
    quotas.take(by, requests=1, rows=len(rows))
    at_once = min(BATCH_ROWS, interface.most_rows)
    doorkeeper = Doorkeeper(deployment.door, pseudonyms, caller=by.credential or by.id) if deployment.looks else None
    parts = [_answered(deployment, rows, start, at_once=at_once, doorkeeper=doorkeeper) for start in range(0, len(rows), at_once)]
    told = {"unfamiliar": [names for part in parts for names in part.unfamiliar]}
    cut = [names for part in parts for names in part.cut or [()] * len(part.array)]
    if any(cut):
        told["cut"] = cut
    payload = _written([part.array for part in parts], told, rows.names, interface, form, doorkeeper)
    request = new_request_id()
    draft = form_of(ledger, INFERENCE_BATCH, version, by=by).draft(request, data, payload, b"%d" % len(rows))
    with database.change() as connection:
        entry = ledger.record_all(connection, [draft])
    return Batch(
        request=request,
        version=version.name,
        entry=entry,
        rows=len(rows),
        unfamiliar_rows=sum(map(bool, told["unfamiliar"])),
        cut_rows=sum(map(bool, cut)),
        ignored=rows.ignored,
        form=form,
        payload=payload,
        hidden=dict(doorkeeper.counts) if doorkeeper else {},
    )


class _Part(NamedTuple):
    array: npt.NDArray[Any]
    unfamiliar: list[tuple[str, ...]]
    cut: Sequence[tuple[str, ...]]


def _answered(deployment: Deployment, rows: FileRows, start: int, *, at_once: int, doorkeeper: Doorkeeper | None) -> _Part:
    part = with_lists(rows.part(start, at_once), sequences_of(deployment.interface.features))
    try:
        table = deployment.interface.table_of_rows(part)
        if doorkeeper:
            table = doorkeeper.table(table, deployment.interface)
        columns, unfamiliar, cut = deployment.interface.encode([table])
    except (InvalidRowsError, PersonsRefusedError) as unfit:
        # The rows of a part are counted from 1; people count those of the file.
        raise type(unfit)(re.sub(r"^Row (\d+)", lambda found: f"Row {int(found[1]) + start}", str(unfit))) from None
    return _Part(deployment.engine.answers(columns), unfamiliar, cut)


def _written(
    parts: Sequence[npt.NDArray[Any]],
    told: Mapping[str, Sequence[tuple[str, ...]]],
    files: Sequence[str],
    interface: Interface,
    form: FileFormat,
    doorkeeper: Doorkeeper | None,
) -> bytes:
    import numpy as np
    import polars as pl

    array = np.concatenate(parts)
    named = {"file": pl.Series(files, dtype=pl.String)} if files else {}
    columns = {"row": pl.Series(range(1, len(array) + 1), dtype=pl.Int64), **named, **_answers(array, interface, doorkeeper)}
    for column, rows in told.items():
        lists = [msgspec.json.encode(names).decode() if names else None for names in rows]
        columns[column] = pl.Series(lists, dtype=pl.String)
    sink = io.BytesIO()
    table = pl.DataFrame(columns)
    table.write_parquet(sink) if form == "parquet" else table.write_csv(sink)
    return sink.getvalue()


def _answers(array: npt.NDArray[Any], interface: Interface, doorkeeper: Doorkeeper | None) -> dict[str, pl.Series]:
    """The columns that hold the answers."""
    import polars as pl

    if interface.answer == "text":
        texts = texts_of(array)
        return {"text": pl.Series(list(map(doorkeeper.answer, texts)) if doorkeeper else texts, dtype=pl.String)}
    if interface.answer == "values" and not interface.values:
        return {"values": pl.Series([msgspec.json.encode(each).decode() for each in shortest(array).tolist()], dtype=pl.String)}
    if interface.answer == "values":
        rows = [interface.named(values) for values in shortest(array).tolist()]
        return {f"value_{name}": pl.Series([row[name] for row in rows]) for name in interface.values}
    labels = pl.Series(labels_of(interface, array), dtype=pl.String)
    if interface.top:
        told = [
            msgspec.json.encode([{"item": item, "probability": share} for item, share in row]).decode()
            for row in rankings_of(interface, array)
        ]
        return {"label": labels, "ranking": pl.Series(told, dtype=pl.String)}
    shares = {f"probability_{name}": pl.Series(array[:, at].astype("float64")) for at, name in enumerate(interface.classes)}
    return {"label": labels, **shares}
