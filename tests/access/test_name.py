# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.access import InvalidNameError, check_name
from modelward.errors import InvalidError


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True))
def test_a_name_by_the_rule_is_taken_as_it_is(name):
    assert check_name("model", name) == name


@given(st.text(max_size=80))
def test_whatever_is_taken_is_safe_in_a_path(name):
    try:
        check_name("model", name)
    except InvalidNameError:
        assert not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name)
    else:
        assert Path("/shelf", name).resolve().parent == Path("/shelf")


REFUSED = ["", "-a", "A", "a b", "a/b", "../../x", "..", ".", "a.b", "a\n", "a\0", "é", "a" * 64, "%2e%2e", "a_b", "~", "a:1", "１"]


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_name_is_refused_with_the_kind_of_thing_and_the_rule(name):
    with pytest.raises(InvalidNameError, match=r"name of a dataset\..*1 to 63 characters") as caught:
        check_name("dataset", name)
    assert isinstance(caught.value, InvalidError)


def test_a_very_long_name_is_not_repeated_whole():
    with pytest.raises(InvalidNameError) as caught:
        check_name("dataset", "x" * 100_000)
    assert len(str(caught.value)) < 300


def test_the_longest_name_is_63_characters():
    assert check_name("key", "a" * 63)
