# SPDX-License-Identifier: Apache-2.0
"""The nesting of a body is measured without parsing it."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.entrances.api.bodies import MalformedBodyError, check_depth, decode, told

LIMIT = 4
TEXTS = st.text(alphabet='[]{}"\\ab\n', max_size=8)
VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


def depth(value) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def is_refused(body: bytes, limit=LIMIT) -> bool:
    try:
        check_depth(body, limit=limit)
    except MalformedBodyError:
        return True
    return False


@given(VALUES)
def test_what_is_nested_deeper_than_the_limit_is_refused_and_nothing_else(value):
    for body in (json.dumps(value).encode(), json.dumps(value, indent=1, ensure_ascii=False).encode()):
        assert is_refused(body) == (depth(value) > LIMIT)


@given(st.binary(max_size=60).map(lambda data: data.translate(bytes(b'[]{}"\\:,a0'[at % 10] for at in range(256)))))
def test_whatever_bytes_come_the_parser_never_meets_a_depth_above_the_limit(body):
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        is_refused(body)
        return
    assert is_refused(body) == (depth(value) > LIMIT)


def test_brackets_inside_of_texts_are_no_nesting():
    assert not is_refused(b'["[[[[[[[[[[", {"{{{{{\\"[[[[[\\\\": "]]]"}]')
    assert is_refused(b'["\\\\", [[[[1]]]]]')


def test_a_body_of_many_shallow_rows_passes():
    body = {"rows": [{"a": [1], "b": {}}] * 5000}
    assert decode(json.dumps(body).encode(), dict, depth_limit=LIMIT) == body


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"a":' * 200_000, b"[]" * 500_000, b'"' * 999_999, b"]" * 1_000_000])
def test_a_hostile_body_is_refused_without_recursion(body):
    with pytest.raises(MalformedBodyError):
        decode(body, dict, depth_limit=32)


def test_a_decoder_s_message_quotes_no_value():
    class Choice(msgspec.Struct):
        role: str
        number: int

    from modelward.access import Role

    for kind, body in ((Role, b'"secret-value"'), (Choice, b'{"role":"x","number":"secret-value"}'), (Choice, b"secret-value")):
        with pytest.raises(msgspec.DecodeError) as raised:
            msgspec.json.decode(body, type=kind)
        assert "secret-value" not in told(raised.value)
