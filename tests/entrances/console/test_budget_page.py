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
    assert owner.post(PLACE, {"epsilon": "1.5", "delta": "1e-7"}).status_code == 303
    assert own_house.platform.datasets.budgets.show("people", local_actor()).limit.epsilon == 1.5
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


def test_it_is_told_in_chinese(own_house):
    ask(own_house)
    page = own_house.visitor(Role.DATA_OWNER)
    page.get("/data?lang=zh")
    told = page.get(PLACE).text
    for part in ("people 的隐私预算", "已用", "已结算", "简单相加", "另设上限"):
        assert part in told
