# SPDX-License-Identifier: Apache-2.0
"""Bodies lose what names persons, and keep their form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.serving.hiding import without_persons
from persons import MAKERS, sentences

CHINESE = "联系人：李强，电话１３８００１３８０００"


def test_texts_and_long_numbers_of_json_are_looked_at_at_any_depth():
    said = {
        "rows": [{"text": CHINESE, "card": 6222021234567890128, "age": 39, "mail": ["ada@example.org"]}],
        "id": None,
        "ok": True,
    }
    hidden = without_persons(json.dumps(said).encode())
    assert json.loads(hidden.body) == {
        "rows": [{"text": "联系人：<name>，电话<phone>", "card": "<bank-card>", "age": 39, "mail": ["<email>"]}],
        "id": None,
        "ok": True,
    }
    assert hidden.counts == {"name": 1, "phone": 1, "bank-card": 1, "email": 1}


def test_what_things_are_called_is_looked_at():
    assert json.loads(without_persons(b'{"ada@example.org": 1}').body) == {"<email>": 1}


def test_where_nothing_is_found_not_a_byte_changes():
    for body in (b'{"rows": [ {"age": 39.0, "work": "Private"} ] }', b"age,work\n39,Private\n", b"\x00\x01\xff\xfe", b""):
        assert without_persons(body).body is body or without_persons(body).body == body
        assert without_persons(body).counts == {}


def test_lines_of_text_keep_their_lines():
    assert without_persons(f"name,note\nx,{CHINESE}\n".encode()).body.decode() == "name,note\nx,联系人：<name>，电话<phone>\n"


def test_what_is_no_text_keeps_its_length():
    body = b"\x12\x0f\x00\xff\x80" + b"\x0fada@example.org" + CHINESE.encode() + b"\x00\xff"
    hidden = without_persons(body)
    assert len(hidden.body) == len(body)
    assert b"ada@" not in hidden.body
    assert "８０００".encode() not in hidden.body
    assert hidden.body[:5] == body[:5]


def test_two_texts_side_by_side_make_no_identifier_together():
    said = ["138", "0013", "8000", "1380013", "8000"]
    assert without_persons(json.dumps(said).encode()).counts == {}


def test_a_text_that_looks_like_what_stands_between_texts_hides_nothing():
    said = ["a\n‖\nb", "13800138000", "\n‖\n"]
    assert json.loads(without_persons(json.dumps(said).encode()).body) == ["a\n‖\nb", "<phone>", "\n‖\n"]


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_that_is_planted_is_left(kind):
    for each in sentences(seed=21, count=30, kinds=[kind]):
        assert each.value not in json.loads(without_persons(json.dumps({"text": each.text}).encode()).body)["text"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_json_stays_json_of_the_same_shape(said):
    def shape(value):
        if isinstance(value, dict):
            return [shape(each) for each in value.values()]
        return [shape(each) for each in value] if isinstance(value, list) else 0

    body = json.dumps(said).encode()
    assert shape(json.loads(without_persons(body).body)) == shape(said)
