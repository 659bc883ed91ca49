# SPDX-License-Identifier: Apache-2.0
"""The privacy budget in the console: what was spent, what it adds up to, and who may set it."""

from html import unescape

import pytest

from modelward.access import Role, local_actor
from modelward.datasets import Question

PLACE = "/data/people/privacy"


def ask(house, epsilon=0.5):
    question = Question(kind="count", where="age >= 40", epsilon=epsilon)
    return house.platform.datasets.statistics.ask("people", question, by=local_actor())


def test_the_page_shows_limit_spendings_and_what_they_add_up_to(own_house):
    visitor = own_house.visitor(Role.AUDITOR)
    assert f"/console{PLACE}" in visitor.get("/data/people").text
    assert "Nothing was spent yet." in visitor.get(PLACE).text
    ask(own_house)
    page = unescape(visitor.get(PLACE).text)
    for part in ("0.5000 / 3", "16.7 %", "2.5000", "count of rows by a filter", "discrete-laplace", "settled", "dp-accounting 0.6"):
        assert part in page
    assert "age" not in page.partition("What it was spent on")[2], "the filter is not told"


def test_who_owns_the_data_sets_its_budget_and_nobody_else_sees_the_form(own_house):
    owner = own_house.visitor(Role.DATA_OWNER, "dora")
    assert "Set another limit…" in owner.get(PLACE).text
    assert owner.post(PLACE, {"epsilon": "1.5", "delta": "1e-7", "required": "yes"}).status_code == 303
    limit = own_house.platform.datasets.budgets.show("people", local_actor()).limit
    assert (limit.epsilon, limit.is_required) == (1.5, True)
    assert "No model is trained on these rows without noise." in owner.get(PLACE).text
    assert own_house.entries("privacy.limited")[-1].entry.actor == "person:dora"
    scientist = own_house.visitor(Role.DATA_SCIENTIST)
    assert "Set another limit…" not in scientist.get(PLACE).text
    assert scientist.post(PLACE, {"epsilon": "90", "delta": "1e-7"}).status_code == 403


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"epsilon": "-1", "delta": "1e-6"}, "above 0 and at most 100"),
        ({"epsilon": "inf", "delta": "1e-6"}, "above 0 and at most 100"),
        ({"epsilon": "1", "delta": "0.5"}, "giving a whole row away"),
        ({"epsilon": "much", "delta": "1e-6"}, "are numbers"),
        ({}, "are numbers"),
    ],
)
def test_what_is_no_budget_is_said_above_the_form(admin_visitor, fields, said):
    answer = admin_visitor.post(PLACE, fields)
    assert answer.status_code == 400
    assert said in unescape(answer.text)


ASK = "/data/people/statistics"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "count", "where": "age >= 40"}, "age >= 40"),
        ({"kind": "histogram", "column": "age", "parts": "30, 50"}, "from 30 to below 50"),
        ({"kind": "histogram", "column": "town", "parts": "north, south"}, "any other"),
        ({"kind": "mean", "column": "age", "lower": "0", "upper": "100"}, "mean"),
    ],
)
def test_a_statistic_is_answered_on_the_page_and_costs_nothing_again(own_house, fields, said):
    visitor = own_house.visitor(Role.DATA_SCIENTIST)
    first = unescape(visitor.post(ASK, {**fields, "epsilon": "0.5"}).text)
    assert (said in first, "It cost epsilon 0.5." in first) == (True, True)
    assert "cost nothing again" in visitor.post(ASK, {**fields, "epsilon": "0.5"}).text
    assert len(own_house.entries("privacy.spent")) == 1


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"kind": "count", "epsilon": ""}, 400, "from 0.0001 to 20"),
        ({"kind": "count", "epsilon": "much"}, 400, "is no number"),
        ({"kind": "count", "epsilon": "9"}, 403, "6.0000 too much"),
        ({"kind": "guess", "epsilon": "1"}, 400, "one of count"),
        ({"kind": "mean", "column": "age", "epsilon": "1"}, 400, "--lower and --upper"),
        ({"kind": "histogram", "column": "aeg", "epsilon": "1", "parts": "1,2"}, 400, "'age'"),
    ],
)
def test_what_cannot_be_answered_is_said_above_the_form(admin_visitor, fields, status, said):
    answer = admin_visitor.post(ASK, fields)
    assert (answer.status_code, said in unescape(answer.text)) == (status, True)


def test_who_may_not_ask_statistics_sees_no_form_and_is_refused(own_house):
    visitor = own_house.visitor(Role.AUDITOR)
    assert "Ask a statistic" not in visitor.get(PLACE).text
    assert visitor.post(ASK, {"kind": "count", "epsilon": "1"}).status_code == 403
    assert own_house.entries("privacy.spent") == []


def test_it_is_told_in_chinese(own_house):
    ask(own_house)
    page = own_house.visitor(Role.DATA_OWNER)
    page.get("/data?lang=zh")
    told = page.get(PLACE).text
    for part in ("people 的隐私预算", "已用", "已结算", "简单相加", "另设上限"):
        assert part in told
