# SPDX-License-Identifier: Apache-2.0
"""What answers is what the gate let through, whatever somebody writes into the database."""

import sqlite3

import msgspec
import pytest

from modelward.releases import Release, ReleaseState, UnrecordedReleaseError
from modelward.serving import ModelUnavailableError


@pytest.fixture
def edit(home):
    """Rewrite the row of a release behind the back of the gate, as somebody with the database file could."""

    def write(number: int, state: ReleaseState) -> None:
        with sqlite3.connect(home / "modelward.db") as connection:
            (document,) = connection.execute("SELECT document FROM releases WHERE serial = ?", (number,)).fetchone()
            forged = msgspec.json.decode(document)
            forged |= {"state": state.value, "live_since": "2026-03-01T00:00:00Z", "approvals_needed": 0}
            msgspec.convert(forged, Release)
            connection.execute(
                "UPDATE releases SET state = ?, document = ?, entry = entry + 100 WHERE serial = ?",
                (state.value, msgspec.json.encode(forged), number),
            )
        connection.close()

    return write


def test_a_version_that_was_made_live_in_the_database_alone_answers_nothing(house, edit):
    release = house.releases.propose(house.register(), policy="by-purpose", by=house.admin)
    edit(1, ReleaseState.LIVE)
    assert house.releases.live()["income"].id == release.id, "the forgery is a good one"
    house.serving.deployments.refresh()
    with pytest.raises(ModelUnavailableError, match="the ledger does not say so"):
        house.serving.deployments.get("income")
    with pytest.raises(UnrecordedReleaseError):
        house.serving.explain("income", [{}], by=house.admin)


def test_a_version_that_gave_way_is_not_brought_back_by_editing_the_database(live, edit):
    live.make_live(live.register(weight=0.07))
    live.serving.deployments.refresh()
    assert live.serving.deployments.get("income").name == "income:2"
    edit(2, ReleaseState.ROLLED_BACK)
    edit(1, ReleaseState.LIVE)
    live.serving.deployments.refresh()
    with pytest.raises(ModelUnavailableError, match="the ledger does not say so"):
        live.serving.deployments.get("income")
    live.serving.deployments.close()
