# SPDX-License-Identifier: Apache-2.0
"""One table of kinds for exit codes, one for statuses, and the page that shows both."""

import inspect
import json
import re
from pathlib import Path

import pytest

from modelward import errors
from modelward.entrances.api import STATUS, inference_error, problem, status_of
from modelward.entrances.api.problems import HttpError
from modelward.entrances.cli.failing import EXIT
from modelward.errors import ModelwardError

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
    assert found == {405, 411, 415}
    for status in (*found, 431):
        assert f"| {status} |" in PAGE.read_text()


@pytest.mark.parametrize("kind", sorted(KINDS, key=lambda kind: kind.__name__))
def test_an_error_of_each_kind_keeps_its_status_and_its_words_in_both_protocols(kind):
    special = type("SpecialError", (kind,), {})("It failed. Do better.")
    assert status_of(special) == STATUS[kind]
    told, plain = problem(special), inference_error(special)
    assert told.status_code == plain.status_code == STATUS[kind]
    details = json.loads(told.body)
    assert (details["detail"], details["kind"], details["status"]) == ("It failed. Do better.", kind.__name__, STATUS[kind])
    assert json.loads(plain.body) == {"error": "It failed. Do better."}
    assert ("retry-after" in told.headers) == (STATUS[kind] == 503)


def test_a_fault_nobody_meant_is_not_quoted():
    for answer in (problem(ValueError("Ada, 3 Mill Lane")), inference_error(ValueError("Ada, 3 Mill Lane"))):
        assert answer.status_code == 500
        assert b"Ada" not in answer.body
        assert b"x-request-id" in answer.body
