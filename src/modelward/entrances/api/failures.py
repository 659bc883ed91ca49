# SPDX-License-Identifier: Apache-2.0
"""A failure in the protocol of the path that was asked."""

from __future__ import annotations

from starlette.responses import Response

from modelward.entrances.api.mlflow_faults import told_to_mlflow
from modelward.entrances.api.problems import fault_headers, inference_error, problem, speaks, status_of


def failure(error: BaseException, *, path: str) -> Response:
    """What went wrong, as whoever asks at `path` expects it."""
    spoken = speaks(path)
    if spoken == "mlflow":
        told = told_to_mlflow(error)
        return Response(told.body, status_of(error), {**fault_headers(error), "content-type": told.media})
    return inference_error(error) if spoken == "plain" else problem(error)
