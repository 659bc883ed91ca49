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
