# SPDX-License-Identifier: Apache-2.0
"""Explanations of versions on the shelf, over the gateway and at a terminal."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from modelward.access import NotPermittedError, Quota, Role
from modelward.registry import InvalidRowsError
from modelward.serving import (
    BackgroundMissingError,
    Explanation,
    Question,
    QuotaUsedUpError,
    TooManyRowsError,
    UnknownLabelError,
    Why,
)

ROW = {"age": 62, "hours": 12.5, "sector": "public"}


def test_an_explanation_adds_up_to_the_probability_in_named_features(live):
    (found,) = live.serving.explain("income", [ROW], by=live.admin)
    assert {part.feature: part.value for part in found.contributions} == ROW
    assert found.base + sum(part.contribution for part in found.contributions) == pytest.approx(found.probability, abs=1e-6)
    assert abs(found.residual) < 1e-6
    assert (found.label, found.base_of, found.background_rows, found.version) == ("low", "average", 20, 1)
    # Public service, age and few hours all speak for a low income here.
    assert min(part.contribution for part in found.contributions) > 0
    assert found.contributions[0].contribution == max(part.contribution for part in found.contributions)


def test_at_a_terminal_a_key_gets_as_many_as_its_quota(live):
    till = replace(live.admin, credential="till0001", quota=Quota(rows_per_minute=1, rows_per_day=1))
    assert live.serving.explain("income", [ROW], by=till)
    with pytest.raises(QuotaUsedUpError):
        live.serving.explain("income", [ROW], by=till)


def test_the_other_class_is_explained_by_the_same_features_the_other_way_round(live):
    (low,) = live.serving.explain("income", [ROW], by=live.admin)
    (high,) = live.serving.explain("income", [ROW], label="high", by=live.admin)
    assert high.base == pytest.approx(1 - low.base, abs=1e-6)
    assert {part.feature: -part.contribution for part in high.contributions} == pytest.approx(
        {part.feature: part.contribution for part in low.contributions}, abs=1e-6
    )


def test_missing_values_are_explained_too(live):
    (found,) = live.serving.explain("income", [{"age": None, "hours": 40, "sector": None}], by=live.admin)
    assert abs(found.residual) < 1e-6


def test_an_explanation_names_the_features_whose_value_training_never_saw(live):
    (found,) = live.serving.explain("income", [ROW], by=live.admin)
    assert found.unfamiliar == ()
    (found,) = live.serving.explain("income", [{"age": 91, "hours": 12.5, "sector": "unheard of"}], by=live.admin)
    assert found.unfamiliar == ("age", "sector")


def test_an_explanation_over_the_gateway_leaves_with_its_entry(live):
    async def run():
        async with live.serving.gateway() as gateway:
            question = Question(caller=live.key(), model="income", payload=b"{}")
            with pytest.raises(TooManyRowsError):
                await gateway.explain(question, lambda: Why([ROW] * 3))
            return await gateway.explain(question, lambda: Why([ROW, ROW]))

    reply = asyncio.run(run())
    first, second = msgspec.convert(msgspec.json.decode(reply.payload)["explanations"], list[Explanation])
    assert first == second
    assert first.request_id == reply.request
    (entry,) = live.logged("inference.explained")
    assert entry.facts["output"] == live.ledger.request_key(reply.request).commitment(reply.payload)


def test_a_version_without_background_says_so(house):
    house.make_live(house.register(background=False))
    with pytest.raises(BackgroundMissingError, match=r"income:1 cannot be explained"):
        house.serving.explain("income", [ROW], by=house.admin)


def test_what_cannot_be_explained_is_refused(live):
    with pytest.raises(UnknownLabelError, match="There are: high, low"):
        live.serving.explain("income", [ROW], label="middling", by=live.admin)
    with pytest.raises(InvalidRowsError):
        live.serving.explain("income", [{"age": 1}], by=live.admin)
    operator = live.access.authenticate(live.key(role=Role.OPERATOR))
    with pytest.raises(NotPermittedError):
        live.serving.explain("income", [ROW], by=operator)
    assert live.logged("inference.explained") == []
