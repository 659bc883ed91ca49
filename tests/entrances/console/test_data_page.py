# SPDX-License-Identifier: Apache-2.0
"""The pages of data: what a dataset looks like, in pictures and in words."""

import re

from entrances.console.conftest import words_of
from modelward.access import Role, local_actor
from modelward.datasets import Sharding


def test_a_dataset_shows_its_columns_in_pictures_and_in_words(admin_visitor):
    assert 'href="/console/data/people"' in admin_visitor.get("/data").text
    page = admin_visitor.get("/data/people").text
    said = words_of(page)
    assert "Classes of grant" in said
    labels = re.findall(r'<svg class="bins"[^>]*aria-label="([^"]+)"', page)
    assert labels
    assert labels == re.findall(r"<p>(Most rows lie between [^<]+)</p>", page)
    assert re.search(r"From \S+ to \S+, mean \S+, median \S+", said)


def test_a_shard_says_of_which_dataset_it_is_one(house, admin_visitor):
    house.platform.datasets.shard("people", Sharding(parts=2, by="random"), by=local_actor())
    assert "Shard 2 of 2 of people" in words_of(admin_visitor.get("/data/people-2?lang=en").text)
    assert "分片 people 的第 2 片，共 2 片" in words_of(admin_visitor.get("/data/people-2?lang=zh").text)
    assert "Shard" not in words_of(admin_visitor.get("/data/people?lang=en").text)


def test_only_who_may_read_data_sees_its_profile(house, admin_visitor):
    caller = house.visitor(Role.CALLER)
    assert [caller.get(path).status_code for path in ("/data", "/data/people")] == [403, 403]
    assert 'href="/console/data"' not in caller.get("/models").text
    assert admin_visitor.get("/data/nobody").status_code == 404
