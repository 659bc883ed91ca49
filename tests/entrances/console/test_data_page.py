# SPDX-License-Identifier: Apache-2.0
"""The pages of data: what a dataset looks like, in pictures and in words."""

import re

from entrances.console.conftest import words_of
from modelward.access import Role


def test_a_dataset_shows_its_columns_in_pictures_and_in_words(admin_visitor):
    assert 'href="/console/data/people"' in admin_visitor.get("/data").text
    page = admin_visitor.get("/data/people").text
    said = words_of(page)
    assert "Classes of grant" in said
    labels = re.findall(r'<svg class="bins"[^>]*aria-label="([^"]+)"', page)
    assert labels
    assert labels == re.findall(r"<p>(Most rows lie between [^<]+)</p>", page)
    assert re.search(r"From \S+ to \S+, mean \S+, median \S+", said)


def test_only_who_may_read_data_sees_its_profile(house, admin_visitor):
    caller = house.visitor(Role.CALLER)
    assert [caller.get(path).status_code for path in ("/data", "/data/people")] == [403, 403]
    assert 'href="/console/data"' not in caller.get("/models").text
    assert admin_visitor.get("/data/nobody").status_code == 404
