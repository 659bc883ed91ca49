# SPDX-License-Identifier: Apache-2.0
"""One table of kinds for exit codes, one for statuses, and the page that shows both."""

import inspect
import json
import re
from pathlib import Path

import pytest

from modelward import errors
from modelward.entrances.api import failure, openapi, status_of
from modelward.entrances.api.problems import HttpError
from modelward.entrances.cli.failing import EXIT
from modelward.entrances.faults import STATUS
from modelward.errors import ModelwardError
from modelward.serving.meters import REASONS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"
KINDS = {kind for _, kind in inspect.getmembers(errors, inspect.isclass)}


def test_both_tables_know_every_kind():
    assert set(STATUS) == KINDS
    assert set(EXIT) == KINDS


def test_the_page_shows_both_tables():
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d) \| (\d{3}) \|$", PAGE.read_text(), re.M)
    shown = {name: (int(code), int(status)) for name, code, status in rows}
    assert shown == {kind.__name__: (EXIT[kind], STATUS[kind]) for kind in KINDS - {ModelwardError}}
    assert (EXIT[ModelwardError], STATUS[ModelwardError]) == (1, 500)
    assert "Exit code 1 and status 500" in PAGE.read_text()


def test_the_statuses_of_http_itself_are_on_the_page():
    from modelward.entrances.api import bodies, uploads  # noqa: F401  # they declare some

    found = {kind.status for kind in HttpError.__subclasses__()} - {400}
    assert found == {405, 411, 415, 499}
    for status in (*found, 431):
        assert f"| {status} |" in PAGE.read_text()


def test_an_error_that_metrics_know_by_a_name_of_its_own_is_on_the_page():
    own = set(REASONS) - KINDS - {BaseException}
    assert len(own) == 4
    for kind in own:
        assert re.search(rf"^\| .* \| `{kind.__name__}` \| [^|]+ \|$", PAGE.read_text(), re.M), kind


def test_the_page_and_the_document_know_the_same_statuses():
    shown = {int(status) for status in re.findall(r"\| (\d{3}) \|", PAGE.read_text())}
    paths = openapi()["paths"].values()
    told = {int(status) for operations in paths for operation in operations.values() for status in operation["responses"]}
    # A method that a route lacks is in no document of routes, and what is never sent neither; a fault of ours is in the text.
    assert {status for status in told if status >= 400} | {405, 499} == shown | {500}


CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    413: "BAD_REQUEST",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
PATHS = {"problem": "/api/v1/models", "plain": "/v1/models/income/predict", "mlflow": "/models/income/invocations"}


@pytest.mark.parametrize("kind", sorted(KINDS, key=lambda kind: kind.__name__))
def test_an_error_of_each_kind_keeps_its_status_and_its_words_in_every_protocol(kind):
    special = type("SpecialError", (kind,), {})("It failed. Do better.")
    assert status_of(special) == STATUS[kind]
    told = {protocol: failure(special, path=path) for protocol, path in PATHS.items()}
    assert {answer.status_code for answer in told.values()} == {STATUS[kind]}
    assert {"retry-after" in answer.headers for answer in told.values()} == {STATUS[kind] in (429, 503)}
    details = json.loads(told["problem"].body)
    assert (details["detail"], details["kind"], details["status"]) == ("It failed. Do better.", kind.__name__, STATUS[kind])
    assert json.loads(told["plain"].body) == {"error": "It failed. Do better."}
    assert json.loads(told["mlflow"].body) == {"error_code": CODES[STATUS[kind]], "message": "It failed. Do better."}


@pytest.mark.parametrize("path", PATHS.values())
def test_a_fault_nobody_meant_is_not_quoted(path):
    answer = failure(ValueError("Ada, 3 Mill Lane"), path=path)
    assert answer.status_code == 500
    assert b"Ada" not in answer.body
    assert b"x-request-id" in answer.body
