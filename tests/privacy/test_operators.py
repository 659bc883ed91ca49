# SPDX-License-Identifier: Apache-2.0
from datetime import date

import pytest

from modelward.plugins import UnknownPluginError
from modelward.privacy import Book, Item, find_spans, operator_of
from modelward.privacy.days import read_day

KEY = bytes(range(32))


def hide(said: str, written: str, kind: str = "", subject: str = "") -> str:
    return operator_of(said).hide(Item(written, written, kind, Book(KEY), subject))


@pytest.mark.parametrize(
    ("said", "written", "kind", "hidden"),
    [
        ("redact", "13800138000", "phone", "<phone>"),
        ("redact", "anything", "", "<hidden>"),
        ("mask", "138 0013 8000", "phone", "*** **** 8000"),
        ("mask:2", "ada@example.org", "email", "***@*******.*rg"),
        ("mask:0", "李雷", "name", "**"),
        ("mask:4", "1234567", "", "*******"),  # fewer than twice as many
        ("mask:1", "\u0661\u0662\u0663", "", "**\u0663"),
        ("generalise", "1987-06-05", "", "1987"),
        ("generalise:month", "1987年6月5日", "", "1987-06"),
        ("generalise:decade", "1987/06/05", "", "1980s"),
        ("generalise", "37", "", "30 to 40"),
        ("generalise", "-1", "", "-10 to 0"),
        ("generalise:0.5", "0.7", "", "0.5 to 1"),
        ("generalise", "192.0.2.77", "ip-address", "192.0.2.0/24"),
        ("generalise:network", "2001:db8:1:2::5", "", "2001:db8:1::/48"),
        ("generalise", "广东省深圳市南山区科技路1号", "address", "广东省"),
        ("generalise", "12 High Street, Leeds", "address", "Leeds"),
        ("generalise", "12 High Street", "address", "<address>"),
        ("generalise:year", "yesterday", "date", "<date>"),
        ("generalise", "NaN", "", "<hidden>"),
        ("shift-dates", "in spring", "", "<date>"),
    ],
)
def test_what_stands_in_the_place_of_a_value(said, written, kind, hidden):
    assert hide(said, written, kind) == hidden


def test_days_of_one_subject_move_alike_and_keep_what_lies_between():
    first, second = (read_day(hide("shift-dates:patient/30", day, subject="p7")).day for day in ("2024-02-28", "2024-03-09"))
    assert (second - first).days == 10
    assert 1 <= abs((first - date(2024, 2, 28)).days) <= 30
    moved = {read_day(hide("shift-dates:patient", "2024-02-28", subject=f"p{number}")).day for number in range(50)}
    assert len(moved) > 40
    assert date(2024, 2, 28) not in moved


def test_a_moved_day_is_written_as_it_was():
    assert hide("shift-dates", "2024/2/9 10:30").endswith(" 10:30")
    assert hide("shift-dates", "2024年2月9日").endswith("日")
    assert {hide("shift-dates:who/2", "9999-12-31", subject=str(number)) for number in range(40)} == {
        "<date>",
        "9999-12-30",
        "9999-12-29",
    }


def test_a_pseudonym_looks_like_what_it_stands_for_and_can_be_nobodys():
    assert hide("pseudonym", "13800138000", "phone").startswith("+999 ")
    assert hide("pseudonym", "ada@example.org", "email").endswith("@example.invalid")
    card = hide("pseudonym", "11010519491231002X", "resident-identity-card")
    assert len(card) == 18
    assert card.startswith("99")
    assert not find_spans(card, ["resident-identity-card"])
    for number in range(300):
        assert not find_spans(hide("pseudonym", f"4111{number:012}", "bank-card"), ["bank-card"])
    assert hide("pseudonym", "192.0.2.7", "ip-address").startswith("24") or hide("pseudonym", "192.0.2.7", "ip-address").startswith(
        "25"
    )
    assert hide("pseudonym", "2001:db8::1", "ip-address").startswith("2001:0db8:")
    assert hide("pseudonym:name", "Ada Lovelace").count(" ") == 3
    assert len(hide("pseudonym:name", "李雷")) == 5
    assert hide("pseudonym:address", "北京市海淀区1号").startswith("虚构市")
    assert hide("pseudonym", "G12345678", "passport").startswith("id-")


def test_an_operator_that_there_is_not_is_named_with_those_there_are():
    with pytest.raises(UnknownPluginError, match="generalise, hash, keep, mask, pseudonym, redact, shift-dates"):
        operator_of("shuffle")
