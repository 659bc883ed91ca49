# SPDX-License-Identifier: Apache-2.0
"""Offline prediction: a file of rows, answered by the very version, interface and engine that answer online."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelward.access import Actor, Permission
from modelward.audit import Ledger
from modelward.datasets import ColumnKind, parse_table, read_bytes
from modelward.errors import InvalidError
from modelward.registry import Interface, InvalidRowsError
from modelward.serving.answer import INFERENCE_BATCH, labels_of, new_request_id
from modelward.serving.deployments import Deployment
from modelward.storage import Database

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

BATCH_ROWS = 1024
Form = Literal["csv", "parquet"]


class FeaturesMissingError(InvalidError):
    """The file lacks columns that the model asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A file's answers: `payload` is a table of `label` and one `probability_<class>` per class, in the order of the rows.

    `ignored` are columns of the file that the model does not know; nothing was done with them.
    """

    request: str
    version: str
    entry: int
    rows: int
    ignored: tuple[str, ...]
    form: Form
    payload: bytes


def answer_file(
    deployment: Deployment, file: Path, *, form: Form, limit_bytes: int, database: Database, ledger: Ledger, by: Actor
) -> Batch:
    """Answer every row of `file`, and put that on record before the answers are handed out.

    Raises:
        NotPermittedError: `by` may not ask this model. UnreadableFileError, FileTooLargeError, UnusableTableError: the file is
        no table. FeaturesMissingError, InvalidRowsError: it is not one of this model's; row and column are named.
    """
    version, interface = deployment.version, deployment.interface
    by.require(Permission.MODELS_PREDICT, model=version.model)
    kinds = {one.name: ColumnKind.NUMBER if one.kind == "number" else ColumnKind.CATEGORY for one in interface.features}
    # Read once: what goes on record is what was answered, whatever happens to the file meanwhile.
    data = read_bytes(file, limit_bytes=limit_bytes)
    table = parse_table(file, data, kinds=kinds)
    if missing := [name for name in kinds if name not in table.columns]:
        raise FeaturesMissingError(
            f"{file.name} has no column {missing[0]!r}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + f", which {version.name} asks for. It needs: {', '.join(kinds)}."
        )
    payload = _written(_answers(deployment, table.select(list(kinds))), interface, form)
    request = new_request_id()
    facts = {
        "input": ledger.commitment(request, data),
        "output": ledger.commitment(request, payload),
        "rows": table.height,
        "version": version.digest,
    }
    with database.change() as connection:
        entry = ledger.record(connection, INFERENCE_BATCH, actor=by.id, subject=version.name, facts=facts, request=request)
    ignored = tuple(name for name in table.columns if name not in kinds)
    return Batch(request=request, version=version.name, entry=entry, rows=table.height, ignored=ignored, form=form, payload=payload)


def _answers(deployment: Deployment, table: pl.DataFrame) -> npt.NDArray[np.float32]:
    import numpy as np

    return np.concatenate([deployment.engine.answers(columns) for columns in _columns(deployment.interface, table)])


def _columns(interface: Interface, table: pl.DataFrame) -> Iterator[dict[str, npt.NDArray[Any]]]:
    for start in range(0, table.height, BATCH_ROWS):
        try:
            yield interface.columns(table.slice(start, BATCH_ROWS).to_dicts())
        except InvalidRowsError as unfit:
            # The rows of a part are counted from 1; people count those of the file.
            raise InvalidRowsError(
                re.sub(r"^Row (\d+)", lambda found: f"Row {int(found[1]) + start}", str(unfit))  # noqa: B023 (used at once)
            ) from None


def _written(probabilities: npt.NDArray[np.float32], interface: Interface, form: Form) -> bytes:
    import polars as pl

    columns = {"label": pl.Series(labels_of(interface, probabilities), dtype=pl.String)}
    for place, name in enumerate(interface.classes):
        columns[f"probability_{name}"] = pl.Series(probabilities[:, place].astype("float64"))
    sink = io.BytesIO()
    table = pl.DataFrame(columns)
    table.write_parquet(sink) if form == "parquet" else table.write_csv(sink)
    return sink.getvalue()
