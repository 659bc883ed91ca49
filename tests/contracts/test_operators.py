# SPDX-License-Identifier: Apache-2.0
"""Every operator keeps the laws of `Operator`: the same text for the same value under one key, and no more told than it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.privacy import OPERATORS, Book, InvalidOperatorError, Item, Operator, operator_of

KEY = bytes(range(32))


def item(written: str, value: str = "", kind: str = "phone", *, book: Book) -> Item:
    return Item(written, value or written, kind, book)


# What each says it tells of that phone number, and what it refuses behind the colon.
TELLS = {
    "generalise": set(),
    "hash": set(),
    "keep": {*range(11)},
    "mask": {7, 8, 9, 10},
    "pseudonym": set(),
    "redact": set(),
    "shift-dates": set(),
}
REFUSED = {
    "generalise": ["0", "-3", "nan", "week", "1e99"],
    "hash": ["7", "65", "x", "１６"],
    "keep": ["2"],
    "mask": ["9", "-1", "all", "4.0"],
    "pseudonym": ["passport-of-mars"],
    "redact": ["x"],
    "shift-dates": ["patient/0", "/99999", "patient/x"],
}


def test_every_operator_is_told_of():
    assert set(TELLS) == set(REFUSED) == set(OPERATORS)


def shown(written: str, hidden: str) -> set[int]:
    """Which digits of what was written stand, from its end, where they stood: an operator that leaves one is seen here."""
    digits = [*written.replace(" ", "")]
    ending = [*hidden.replace(" ", "")][-len(digits) :]
    return {
        place for place, (was, now) in enumerate(zip(digits, ending, strict=False)) if len(ending) == len(digits) and was == now
    }


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_an_operator_tells_what_it_says_and_no_digit_more(name):
    for number in range(200):
        written = f"138 {number * 7919 % 10000:04} {number * 104729 % 10000:04}"
        hidden = operator_of(name).hide(item(written, written.replace(" ", ""), book=Book(KEY)))
        told = shown(written, hidden)
        if name == "pseudonym":
            # A pseudonym of as many digits shares some by chance, never all.
            assert hidden != written
        else:
            assert told <= TELLS[name]


def test_an_operator_that_leaves_a_digit_would_be_seen():
    class Leaves:
        name, is_reversible = "leaves", False

        def hide(self, item: Item) -> str:
            return "".join("*" if place != 5 and letter != " " else letter for place, letter in enumerate(item.written))

    phone = item("138 0013 8000", "13800138000", book=Book(KEY))
    assert shown(phone.written, Leaves().hide(phone)) == {4}


@pytest.mark.parametrize("name", sorted(OPERATORS))
@given(
    value=st.text(alphabet=st.characters(exclude_categories=())), kind=st.sampled_from(["", "phone", "email", "name", "address"])
)
def test_any_value_is_hidden_the_same_way_again_under_one_key_whatever_came_between(name, value, kind):
    once, book = operator_of(name).hide(item(value, kind=kind, book=Book(KEY))), Book(KEY)
    again: Operator = operator_of(name)
    again.hide(item("138 0013 8000", book=book))
    assert again.hide(item(value, kind=kind, book=book)) == once == again.hide(item(value, kind=kind, book=book))


@pytest.mark.parametrize("name", ["hash", "pseudonym"])
def test_under_another_key_it_is_another(name):
    assert operator_of(name).hide(item("13800138000", book=Book(KEY))) != operator_of(name).hide(item("13800138000", book=Book()))


@pytest.mark.parametrize(("name", "argument"), [(name, each) for name, refused in REFUSED.items() for each in refused])
def test_an_argument_that_does_not_fit_is_refused(name, argument):
    with pytest.raises(InvalidOperatorError):
        operator_of(f"{name}:{argument}")
