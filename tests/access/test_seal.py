# SPDX-License-Identifier: Apache-2.0
"""A seal is over the bytes of RFC 8785, by whichever way they are written, so that rows of every home stay genuine."""

from hypothesis import given
from hypothesis import strategies as st

from modelward.access.seal import Seal
from modelward.digest import canonical_json, keyed_digest

PEPPER = b"p" * 32
ROWS = st.dictionaries(st.text(max_size=6), st.none() | st.text()).filter(lambda row: "mac" not in row)


@given(st.text(), ROWS)
def test_a_seal_is_the_keyed_digest_of_the_canonical_row(kind, row):
    sealed = Seal(PEPPER).sealed(kind, row)
    assert sealed == {**row, "mac": keyed_digest(PEPPER, canonical_json({"kind": kind, "row": row}))}
    assert Seal(PEPPER).is_genuine(kind, sealed)


def test_every_character_that_json_may_escape_is_sealed_as_before():
    for code in [*range(0x2100), 0xFEFF, 0xFFFF, 0x10000, 0x10FFFF]:
        row = {"text": f"a{chr(code)}b"}
        assert Seal(PEPPER).sealed("kind", row)["mac"] == keyed_digest(PEPPER, canonical_json({"kind": "kind", "row": row})), code


def test_another_text_kind_or_type_is_not_genuine():
    seal = Seal(PEPPER)
    sealed = seal.sealed("key", {"role": "caller", "models": None})
    assert seal.is_genuine("key", sealed)
    assert not seal.is_genuine("limited key", sealed)
    for other in ({"role": "administrator"}, {"models": ""}, {"models": "null"}, {"models": 0}, {"mac": None}):
        assert not seal.is_genuine("key", {**sealed, **other})
