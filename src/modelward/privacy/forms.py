# SPDX-License-Identifier: Apache-2.0
"""The forms of pseudonyms: each looks like what it stands for, and can be nobody's.

Domains end in .invalid (RFC 2606), telephone numbers begin with a country code that is given to nobody (ITU-T E.164 reserves 999),
identity cards with a region that is not there (GB/T 2260 has no 99), card numbers fail their check digit, and addresses lie in
blocks that are kept free (RFC 1112, section 4; RFC 3849).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import IPv4Address, IPv6Address

_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = "bcdfghjkmnpqrstvwxz"
_GIVEN = [
    "Arden",
    "Belis",
    "Corin",
    "Delwyn",
    "Edric",
    "Fenna",
    "Galen",
    "Hesper",
    "Iolan",
    "Jarek",
    "Kelda",
    "Lirien",
    "Maren",
    "Nevan",
    "Orla",
    "Perrin",
    "Quill",
    "Rowan",
    "Sable",
    "Tamsin",
    "Ulric",
    "Vesna",
    "Wystan",
    "Xanthe",
    "Yorick",
    "Zelda",
    "Anwen",
    "Brannoc",
    "Cerys",
    "Doran",
    "Elowen",
    "Fintan",
]
_SURNAME_FIRST = [
    "Alder",
    "Birch",
    "Cold",
    "Dusk",
    "Elder",
    "Frost",
    "Glim",
    "Hollow",
    "Iron",
    "Juniper",
    "Kestrel",
    "Lark",
    "Mist",
    "Never",
    "North",
    "Oak",
    "Pale",
    "Quick",
    "Raven",
    "Silver",
    "Thistle",
    "Umber",
    "Vale",
    "Willow",
    "Wind",
    "Winter",
    "Yarrow",
    "Amber",
    "Black",
    "Copper",
    "Ember",
    "Fallow",
]
_SURNAME_LAST = [
    "acre",
    "bridge",
    "croft",
    "dell",
    "fell",
    "gate",
    "haven",
    "isle",
    "keep",
    "lock",
    "mere",
    "nook",
    "pool",
    "quay",
    "ridge",
    "shaw",
    "thorpe",
    "vane",
    "wick",
    "yard",
    "barrow",
    "cairn",
    "drift",
    "edge",
    "ford",
    "glade",
    "holt",
    "lea",
    "mound",
    "path",
    "reach",
    "stow",
]
_HAN_SURNAMES = ("独孤", "东方", "南宫", "西门", "慕容", "令狐", "轩辕", "百里")
_HAN_GIVEN = "云川青岚星河明远松涛雪晴若溪清风逸尘凌霄紫烟听雨望舒怀瑾知秋晓月沐阳千寻苍穹映竹"
_HAN = re.compile(r"[\u3400-\u9fff]")
_CHECK_CHARACTERS = "10X98765432"
_FIRST_BIRTHDAY, _BIRTHDAYS = date(1930, 1, 1), 29_000


@dataclass(frozen=True, slots=True)
class Form:
    """How a pseudonym is made of a number of 256 bits, and what every one looks like: a pattern that needs nothing around it, and
    a `mark` that each has, to pass over most texts quickly.
    """

    make: Callable[[int], str]
    shape: str
    mark: str


class _Draws:
    """Takes choices out of one large number."""

    def __init__(self, number: int) -> None:
        self._left = number

    def below(self, limit: int) -> int:
        self._left, drawn = divmod(self._left, limit)
        return drawn

    def one(self, choices: Sequence[str]) -> str:
        return choices[self.below(len(choices))]

    def several(self, choices: Sequence[str], count: int) -> str:
        return "".join(self.one(choices) for _ in range(count))


def _phone(number: int) -> str:
    return f"+999 {number % 10**10:010}"


def _email(number: int) -> str:
    return f"{_Draws(number).several(_LETTERS, 12)}@example.invalid"


def _identity_card(number: int) -> str:
    draws = _Draws(number)
    place, order = draws.below(10_000), draws.below(1000)
    birthday = _FIRST_BIRTHDAY + timedelta(days=draws.below(_BIRTHDAYS))
    digits = f"99{place:04}{birthday:%Y%m%d}{order:03}"
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(digits))
    return digits + _CHECK_CHARACTERS[total % 11]


def _bank_card(number: int) -> str:
    digits = f"9{number % 10**14:014}"
    total = sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(digits))
    right = -total % 10
    return f"{digits}{(right + 1 + number // 10**14 % 9) % 10}"


def _ip_address(number: int) -> str:
    # The last number has three digits, so that no digit behind it could be taken for a part; 255.255.255.255 is everybody.
    draws = _Draws(number)
    return str(IPv4Address((240 << 24) + (draws.below(1 << 20) << 8) + 100 + draws.below(155)))


def _ip_address_6(number: int) -> str:
    return IPv6Address((0x20010DB8 << 96) + number % (1 << 96)).exploded


def _name(number: int) -> str:
    draws = _Draws(number)
    first, second = draws.one(_CAPITALS), draws.one(_CAPITALS)
    return f"{draws.one(_GIVEN)} {first}. {second}. {draws.one(_SURNAME_FIRST)}{draws.one(_SURNAME_LAST)}"


def _name_han(number: int) -> str:
    draws = _Draws(number)
    return draws.one(_HAN_SURNAMES) + draws.several(_HAN_GIVEN, 3)


def _address(number: int) -> str:
    draws = _Draws(number)
    return f"{1 + draws.below(999_999)} {draws.one(_SURNAME_FIRST)}{draws.one(_SURNAME_LAST)} Road, Nowhere"


def _address_han(number: int) -> str:
    draws = _Draws(number)
    return f"虚构市{draws.several(_HAN_GIVEN, 2)}路{1 + draws.below(999_999)}号"


def _token(number: int) -> str:
    return f"id-{_Draws(number).several(_LETTERS, 14)}"


_SURNAME = f"(?:{'|'.join(_SURNAME_FIRST)})(?:{'|'.join(_SURNAME_LAST)})"
FORMS: dict[str, Form] = {
    "address": Form(_address, rf"[1-9][0-9]{{0,5}} {_SURNAME} Road, Nowhere", " Road, Nowhere"),
    "bank-card": Form(_bank_card, r"9[0-9]{15}", "9"),
    "email": Form(_email, rf"[{_LETTERS}]{{12}}@example\.invalid", "@example.invalid"),
    "ip-address": Form(_ip_address, r"2(?:4[0-9]|5[0-5])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}", "."),
    "name": Form(_name, rf"(?:{'|'.join(_GIVEN)}) [A-Z]\. [A-Z]\. {_SURNAME}", ". "),
    "phone": Form(_phone, r"\+999 [0-9]{10}", "+999 "),
    "resident-identity-card": Form(_identity_card, r"99[0-9]{15}[0-9X]", "99"),
    "token": Form(_token, rf"id-[{_LETTERS}]{{14}}", "id-"),
}
_OTHERS = {
    "address": Form(_address_han, rf"虚构市[{_HAN_GIVEN}]{{2}}路[1-9][0-9]{{0,5}}号", "虚构市"),
    "ip-address": Form(_ip_address_6, r"2001:0db8(?::[0-9a-f]{4}){6}", "2001:0db8:"),
    "name": Form(_name_han, rf"(?:{'|'.join(_HAN_SURNAMES)})[{_HAN_GIVEN}]{{3}}", ""),
}
# Looked for at every place, so that one that begins inside what looks like another is found as well.
SHAPES = tuple((form.mark, re.compile(f"(?=({form.shape}))")) for form in (*FORMS.values(), *_OTHERS.values()))


def form_of(kind: str, written: str) -> Form:
    """The form of a pseudonym for what is `written` so: names and addresses stay in their script; what has no form is a token."""
    if kind == "ip-address" and ":" in written:
        return _OTHERS[kind]
    if kind in ("address", "name") and _HAN.search(written):
        return _OTHERS[kind]
    return FORMS.get(kind, FORMS["token"])
