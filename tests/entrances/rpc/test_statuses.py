# SPDX-License-Identifier: Apache-2.0
"""Every kind of error has a status of gRPC."""

import grpc
import pytest

from modelward import errors
from modelward.entrances.rpc.statuses import STATUS, status_name
from modelward.serving import OverloadedError, TooManyRowsError, TooSlowError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ModelwardError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_status(kind):
    assert STATUS[kind] in grpc.StatusCode.__members__


def test_the_nearest_kind_counts():
    assert status_name(TooManyRowsError("")) == "RESOURCE_EXHAUSTED"
    assert status_name(OverloadedError("", retry_after_seconds=1)) == "RESOURCE_EXHAUSTED"
    assert status_name(TooSlowError("")) == "DEADLINE_EXCEEDED"
    assert status_name(ZeroDivisionError()) == "INTERNAL"
