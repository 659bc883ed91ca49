# SPDX-License-Identifier: Apache-2.0
"""The laws of hiding: nothing is left behind, what has a pseudonym comes back exactly, one value has one and no two share any."""

import re
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.privacy import Book, BookFullError, BookUnreadableError, Plan, Span, deidentify, find_spans, restore
from modelward.privacy.forms import FORMS, Form

KEY = bytes(range(32))
phones = st.integers(0, 10**9 - 1).map(lambda number: f"13{number:09}")
emails = st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.(org|cn)", fullmatch=True)
addresses = st.ip_addresses(v=4).map(str)
words = st.text(alphabet=st.characters(exclude_categories=()), max_size=12)
texts = st.lists(st.one_of(phones, emails, addresses, words), max_size=8).map(" ".join)
plans = st.sampled_from(["redact", "mask:4", "mask:0", "hash", "generalise", "shift-dates", "pseudonym"]).map(Plan)


@settings(max_examples=60)
@given(texts, plans)
def test_what_is_found_again_is_a_pseudonym(text, plan):
    book = Book(KEY)
    made = deidentify(text, plan, book)
    own = [(match.start(), match.end()) for each in book for match in re.finditer(re.escape(each), made.text)]
    for span in find_spans(made.text):
        assert any(start < span.end and span.start < end for start, end in own)
    assert sum(made.counts.values()) >= len(find_spans(text))


@pytest.mark.parametrize("left", ["13800138000 ada@example.org", "tel:13800138000"])
def test_an_operator_that_leaves_something_would_be_seen(left):
    made = deidentify(left, Plan("keep"), Book(KEY))
    assert [span.kind for span in find_spans(made.text)] == [span.kind for span in find_spans(left)]
    assert made.counts == {}


@settings(max_examples=60)
@given(texts)
def test_pseudonyms_come_back_exactly_and_the_same_book_gives_the_same(text):
    book = Book(KEY)
    made = deidentify(text, Plan(), book)
    assert restore(made.text, book).text == text
    assert restore(made.text, Book.opened(book.sealable())).text == text
    assert deidentify(text, Plan(), book) == made == deidentify(text, Plan(), Book(KEY))


@settings(max_examples=60)
@given(texts)
def test_what_was_hidden_can_be_hidden_again_and_comes_back_step_by_step(text):
    book = Book(KEY)
    once = deidentify(text, Plan(), book)
    twice = deidentify(once.text, Plan(), book)
    assert restore(twice.text, book).text == once.text


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from([*sorted(FORMS), "", "passport"]), words), min_size=1, max_size=60))
def test_no_two_values_share_a_pseudonym_and_one_value_has_one(items):
    book = Book(KEY)
    given_ = {item: book.pseudonym(*item, written=item[1]) for item in items}
    assert len(set(given_.values())) == len(given_) == len(book)
    assert all(book.pseudonym(*item, written="otherwise") == made for item, made in given_.items())
    for (_, value), made in given_.items():
        assert book.meaning(made).written == value


def test_what_would_collide_gets_another_and_a_form_that_is_spent_says_so(monkeypatch):
    monkeypatch.setitem(FORMS, "phone", Form(lambda number: f"+999 {number % 8:010}", FORMS["phone"].shape, "+999 "))
    book = Book(KEY)
    assert len({book.pseudonym("phone", str(number), written="") for number in range(8)}) == 8
    with pytest.raises(BookFullError, match="hash"):
        book.pseudonym("phone", "8", written="")


def test_two_callers_get_other_pseudonyms_for_one_value():
    made = [Book().pseudonym("phone", "13800138000", written="13800138000") for _ in range(40)]
    assert len(set(made)) == 40


def test_without_its_book_a_pseudonym_stays_what_it_is():
    made = deidentify("call 13800138000", Plan(), Book(KEY))
    assert restore(made.text, Book()) == restore(made.text, Book(KEY)) == type(made)(made.text, {})
    assert "13800138000" not in made.text


def test_a_value_in_two_writings_has_one_pseudonym_and_comes_back_as_it_was_met_first():
    def spans(text):
        return [
            Span(match.start(), match.end(), "phone", match[0].replace(" ", "")) for match in re.finditer(r"138[ 0-9]{8,10}", text)
        ]

    book = Book(KEY)
    made = deidentify("138 0013 8000, 13800138000", Plan(), book, find=spans)
    assert len(book) == 1
    assert restore(made.text, book).text == "138 0013 8000, 138 0013 8000"


def test_what_lay_under_another_identifier_is_redacted_afterwards():
    def spans(text):
        # The longer one hides the shorter one behind it until it is gone.
        found = [*re.finditer(r"a+b+", text)] or [*re.finditer(r"b+c", text)]
        return [Span(match.start(), match.end(), "x", match[0]) for match in found]

    made = deidentify("aabbc bc", Plan("redact"), Book(KEY), find=spans)
    assert (made.text, made.counts) == ("<x>c <x>", {"x": 2})


def test_a_book_shows_no_value_and_what_is_no_book_is_refused():
    book = Book(KEY)
    book.pseudonym("phone", "13800138000", written="13800138000")
    assert "138" not in repr(book)
    for content in (b"", b"\x80", book.sealable()[:-3], b"\xff" * 40):
        with pytest.raises(BookUnreadableError):
            Book.opened(content)


def test_a_lone_surrogate_and_ten_megabytes_of_text_are_hidden_as_any():
    text = "\ud800 13800138000 " * 3 + "x " * 5_000_000 + "ada@example.org"
    found = [*chain(find_spans(text[:60]), [Span(len(text) - 15, len(text), "email", "ada@example.org")])]
    book = Book(KEY)
    made = deidentify(text, Plan(), book, find=lambda asked: found if asked == text else [])
    assert made.counts == {"email": 1, "phone": 3}
    assert restore(made.text, book).text == text
