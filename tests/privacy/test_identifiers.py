# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.privacy import Found, find_spans, identifiers_in
from persons import luhn_total, with_luhn

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def kinds_of(value):
    return {found.detector for found in identifiers_in([value])}


def identity_card(place: str, birthday: str, order: int) -> str:
    """An invented number of a resident identity card, with the check character of the table in GB 11643."""
    digits = f"{place}{birthday}{order:03}"
    return digits + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=True)) % 11]


def test_a_column_of_one_kind_is_found_with_its_share():
    mails = [f"person{number}@example.org" for number in range(9)]
    assert identifiers_in([*mails, "unknown"]) == [Found("email", 0.9)]
    assert identifiers_in([*mails[:7], "unknown", "unknown", "unknown"]) == []
    assert identifiers_in([*mails[:7], "unknown", "unknown", "unknown"], at_least=0.7) == [Found("email", 0.7)]


def test_no_values_hold_no_identifiers():
    assert identifiers_in([]) == []
    assert identifiers_in(["", "  "]) == []


def test_full_width_digits_are_read_as_digits():
    assert identifiers_in(["１３８００１３８０００"]) == [Found("phone", 1.0)]


def test_ordinary_columns_hold_none():
    for values in (
        ["Ulm", "Jena"],
        ["1", "0", "1"],
        ["77516", "83311", "215646"],
        ["2024-01-05"],
        ["3.25", "1.5"],
        ["United-States"],
        ["王国", "高度"],
    ):
        assert identifiers_in(values) == []


@given(
    place=st.sampled_from(["110105", "440524", "310101"]), birthday=st.dates(), order=st.integers(0, 999), wrong=st.integers(1, 10)
)
def test_an_identity_card_matches_with_its_check_character_and_no_other(place, birthday, order, wrong):
    number = identity_card(place, f"{birthday.year:04}{birthday:%m%d}", order)
    assert ("resident-identity-card" in kinds_of(number)) == (number[6:10] >= "1880" and birthday <= birthday.today())
    other = "10X98765432"[("10X98765432".index(number[17]) + wrong) % 11]
    assert "resident-identity-card" not in kinds_of(number[:17] + other)


@given(digits=st.integers(10**11, 10**18 - 1).map(str), wrong=st.integers(1, 9))
def test_a_bank_card_matches_with_its_check_digit_and_no_other(digits, wrong):
    number = with_luhn(digits)
    assert luhn_total(number) % 10 == 0
    assert ("bank-card" in kinds_of(number)) == (13 <= len(number) <= 19 and len(set(number)) > 1)
    assert "bank-card" not in kinds_of(number[:-1] + str((int(number[-1]) + wrong) % 10))


@pytest.mark.parametrize("number", ["8111111111111112", "1700000000000001"])
def test_what_no_network_issues_is_a_card_only_where_it_is_called_one_or_is_all_there_is(number):
    assert kinds_of(number) == {"bank-card"}
    assert find_spans(f"parcel {number} came") == []
    assert [span.kind for span in find_spans(f"card no. {number}")] == ["bank-card"]
