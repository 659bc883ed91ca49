# SPDX-License-Identifier: Apache-2.0
"""The pages of data: what a dataset looks like, in pictures and in words."""

import re

from entrances.console.conftest import words_of
from modelward.access import Role, local_actor
from modelward.datasets import Sharding
from modelward.entrances.console.words import WORDS


def test_a_dataset_shows_its_columns_in_pictures_and_in_words(admin_visitor):
    assert 'href="/console/data/people"' in admin_visitor.get("/data").text
    page = admin_visitor.get("/data/people").text
    said = words_of(page)
    assert "Classes of grant" in said
    labels = re.findall(r'<svg class="bins"[^>]*aria-label="([^"]+)"', page)
    assert labels
    assert set(re.findall(r"<p>(The fullest of \d+ bars, [^<]+)</p>", page)) <= set(labels)
    assert re.search(r"From \S+ to \S+, mean \S+, median \S+", said)


def test_a_shard_says_of_which_dataset_it_is_one(house, admin_visitor):
    house.platform.datasets.shard("people", Sharding(parts=2, by="random"), by=local_actor())
    assert "Shard 2 of 2 of people" in words_of(admin_visitor.get("/data/people-2?lang=en").text)
    assert "分片 people 的第 2 片，共 2 片" in words_of(admin_visitor.get("/data/people-2?lang=zh").text)
    assert "Shard" not in words_of(admin_visitor.get("/data/people?lang=en").text)


def test_a_page_of_data_leads_to_what_learnt_from_it_and_speaks_chinese_of_its_columns(house, admin_visitor):
    run = house.platform.training.runs(by=local_actor())[0]
    page = admin_visitor.get(f"/data/{run.dataset}").text
    assert f'href="/console/runs/{run.id}"' in page
    assert f'href="/console/models/{run.versions[0].replace(":", "/")}"' in page
    in_chinese = admin_visitor.get(f"/data/{run.dataset}?lang=zh").text
    admin_visitor.get("/data?lang=en")
    assert '<span class="chip">数值</span>' in in_chinese
    assert "编号" not in in_chinese


def test_what_a_profile_warns_of_is_said_in_chinese(house, tmp_path):
    rows = [
        f"{n},same,{n % 90},{3.5 * (n % 90)},2024-01-{n % 28 + 1:02d},p{n}@example.org,{'' if n % 3 else 7},"
        f"{900 if n % 14 == 0 else n % 5},free text {n % 190},{'no' if n % 40 else 'yes'}"
        for n in range(200)
    ]
    table = tmp_path / "odd.csv"
    table.write_text("\n".join(["count,one,a,b,day,mail,rare,far,note,grant", *rows, rows[-1]]) + "\n")
    house.platform.datasets.add("odd", [table], target="grant", sensitive=(), purpose="tests", owner="tests", by=local_actor())
    warnings = house.platform.datasets.profile("odd", by=local_actor()).warnings
    assert {"constant", "dates", "missing", "outliers", "correlated", "duplicates", "imbalance"} <= {each.kind for each in warnings}
    assert [each.text for each in warnings if WORDS.sentence(each.text, "zh") is None] == []


def test_only_who_may_read_data_sees_its_profile(house, admin_visitor):
    caller = house.visitor(Role.CALLER)
    assert [caller.get(path).status_code for path in ("/data", "/data/people")] == [403, 403]
    assert 'href="/console/data"' not in caller.get("/models").text
    assert admin_visitor.get("/data/nobody").status_code == 404


def test_who_may_grant_grants_and_revokes_on_the_page_of_the_data(house):
    owner, here = house.visitor(Role.DATA_OWNER), "/data/people"
    assert "automatic" in words_of(owner.get(here).text)
    asked = {"decision": "grant", "model": "churn", "purpose": "research", "columns": "age, grant", "rows": "age >= 18"}
    assert owner.post(f"{here}/grants", asked, shown_at=here).status_code == 303
    (made,) = house.platform.grants.list(model="churn", by=local_actor())
    assert (made.columns, made.rows, made.purpose) == (("age", "grant"), "age >= 18", "research")
    assert "churn in force age, grant age >= 18 research" in words_of(owner.get(here).text)
    wrong = owner.post(f"{here}/grants", asked | {"columns": "age, grnt"}, shown_at=here)
    assert wrong.status_code == 400
    assert "Did you mean" in words_of(wrong.text)
    for kept in ("churn", "research", "age, grnt", "age &gt;= 18"):
        assert f'value="{kept}"' in wrong.text, "what was typed is not lost"
    fold = re.search(r"<details[^>]*><summary[^>]*>Revoke it…</summary>.*?</details>", owner.get(here).text, re.S)
    assert fold, "revoking takes a press more than looking"
    assert ('value="revoke"' in fold[0], "Nothing is read under it any more" in fold[0]) == (True, True)
    assert owner.post(f"{here}/grants", asked | {"until": "soon"}, shown_at=here).status_code == 400
    assert owner.post(f"{here}/grants", asked | {"decision": "revoke"}, shown_at=here).status_code == 303
    assert house.platform.grants.list(model="churn", by=local_actor())[0].revoked is not None
    assert owner.post(f"{here}/grants", asked, forged=True).status_code == 403


def test_the_page_tells_of_a_filter_with_a_text_that_no_row_has(house):
    owner, here = house.visitor(Role.DATA_OWNER), "/data/people"
    asked = {"decision": "grant", "model": "slip", "purpose": "research", "rows": "town == 'nroth' or town == 'south'"}
    assert owner.post(f"{here}/grants", asked, shown_at=here).status_code == 303
    assert "No row has 'nroth' in column 'town'. Did you mean 'north'?" in words_of(owner.get(here).text)
    assert "列 'town' 中没有任何行的值是 'nroth'。您是指 'north' 吗？" in words_of(owner.get(f"{here}?lang=zh").text)
    assert owner.post(f"{here}/grants", asked | {"decision": "revoke"}, shown_at=here).status_code == 303
    assert "No row has" not in owner.get(here).text


def test_a_data_owner_sees_on_the_page_what_was_read(house):
    said = words_of(house.visitor(Role.DATA_OWNER).get("/data/people").text)
    assert "model:grant" in said
    assert "pre-screening of grant applications training every column 400" in said
    scientist = house.visitor(Role.DATA_SCIENTIST)
    page = scientist.get("/data/people").text
    assert "model:grant" not in page
    assert "/data/people/grants" not in page
    asked = {"decision": "grant", "model": "another", "purpose": "research"}
    assert scientist.post("/data/people/grants", asked, shown_at="/data/people").status_code == 403
    assert house.platform.grants.list(model="another", by=local_actor()) == []


def test_the_page_of_a_model_says_which_data_it_was_granted(admin_visitor):
    said = words_of(admin_visitor.get("/models/grant?lang=en").text)
    assert "Granted data" in said
    assert "every column every row pre-screening of grant applications" in said
    assert "被授权的数据" in admin_visitor.get("/models/grant?lang=zh").text
