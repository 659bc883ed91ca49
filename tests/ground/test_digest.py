# SPDX-License-Identifier: Apache-2.0
import hashlib
import hmac
import io
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.digest import KeyedDigest, canonical_json, keyed_digest, sha256_hex, sha256_of_stream

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


def test_the_digest_is_sha_256():
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.binary(max_size=3000))
def test_a_stream_has_the_digest_of_its_bytes(data):
    assert sha256_of_stream(io.BytesIO(data)) == sha256_hex(data) == hashlib.sha256(data).hexdigest()


def test_a_stream_is_digested_from_where_it_stands():
    stream = io.BytesIO(b"head" + b"x" * (3 << 20))
    stream.seek(4)
    assert sha256_of_stream(stream) == sha256_hex(b"x" * (3 << 20))


def test_the_keyed_digest_is_hmac_sha_256():
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert keyed_digest(b"Jefe", b"what do ya want for nothing?") == expected


@given(st.binary(max_size=130), st.binary(max_size=3000))
def test_a_keyed_digest_is_that_of_the_standard_library_whatever_the_length_of_the_key(key, data):
    expected = hmac.digest(key, data, "sha256")
    assert (KeyedDigest(key).raw(data), KeyedDigest(key).hexadecimal(data)) == (expected, expected.hex())


@given(JSON)
def test_equal_values_have_equal_canonical_bytes(value):
    data = canonical_json(value)
    # JSON has one kind of number: 1.0 and 1 are written alike.
    assert canonical_json(json.loads(data, parse_int=float)) == data
    if isinstance(value, dict):
        assert canonical_json(dict(reversed(value.items()))) == data


@dataclass(frozen=True)
class Noun:
    b: tuple[int, ...]
    a: str


def test_a_dataclass_is_written_as_its_fields_in_order_of_their_names():
    assert canonical_json(Noun((1, 2), "é")) == '{"a":"é","b":[1,2]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, {"x": [float("-inf")]}])
def test_what_json_cannot_say_exactly_is_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        canonical_json(value)
