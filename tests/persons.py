# SPDX-License-Identifier: Apache-2.0
"""Sentences in Chinese and English with invented personal data in them, and with numbers that only look like it.

What is asked of each kind is in the standard it follows; checksums are computed here by other code than the product's, so that a
fault in one is seen by the other. Nobody is meant: numbers are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

PROVINCES = (
    11,
    12,
    13,
    14,
    15,
    21,
    22,
    23,
    31,
    32,
    33,
    34,
    35,
    36,
    37,
    41,
    42,
    43,
    44,
    45,
    46,
    50,
    51,
    52,
    53,
    54,
    61,
    62,
    63,
    64,
    65,
)
CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
WORDS = (
    "ada",
    "bo",
    "chen",
    "dara",
    "eli",
    "fay",
    "gus",
    "hua",
    "ines",
    "jun",
    "kai",
    "lin",
    "mia",
    "noor",
    "omar",
    "pia",
    "qi",
    "rosa",
    "sami",
    "tao",
    "uma",
    "vera",
    "wei",
    "xin",
    "yara",
    "zoe",
)


@dataclass(frozen=True)
class Sentence:
    """A text, the kind of what is planted in it, and where; `kind` is "" where it is a near miss."""

    text: str
    kind: str
    start: int
    end: int
    value: str


def luhn_total(digits: str) -> int:
    return sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(digits)))


def with_luhn(digits: str) -> str:
    return next(f"{digits}{last}" for last in range(10) if luhn_total(f"{digits}{last}") % 10 == 0)


def identity_card(random: Random, *, wrong: bool = False) -> str:
    place = f"{random.choice(PROVINCES)}{random.randint(1, 20):02}{random.randint(1, 30):02}"
    body = f"{place}{random.randint(1940, 2015)}{random.randint(1, 12):02}{random.randint(1, 28):02}{random.randint(0, 999):03}"
    # ISO 7064, MOD 11-2, as the recursive procedure of the standard has it.
    rest = 0
    for digit in body:
        rest = (rest + int(digit)) * 2 % 11
    check = (12 - rest) % 11
    if wrong:
        check = (check + random.randint(1, 10)) % 11
    return body + "0123456789X"[check]


def bank_card(random: Random, *, wrong: bool = False) -> str:
    prefix, length = random.choice(
        [
            ("62", 16),
            ("62", 17),
            ("62", 18),
            ("62", 19),
            ("6217", 19),
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("37", 15),
            ("4", 13),
            ("35", 16),
            ("6011", 16),
        ]
    )
    while True:
        body = prefix + "".join(str(random.randint(0, 9)) for _ in range(length - 1 - len(prefix)))
        number = with_luhn(body)
        if wrong:
            number = number[:-1] + str((int(number[-1]) + random.randint(1, 9)) % 10)
        if not (length == 18 and body[6:8] in {"19", "20"}):
            return number


def credit_code(random: Random, *, wrong: bool = False) -> str:
    body = random.choice(["91", "92", "93", "51", "52", "12", "31"]) + f"{random.choice(PROVINCES)}{random.randint(0, 9999):04}"
    body += "".join(random.choice(CREDIT_LETTERS) for _ in range(9))
    check = (31 - sum(CREDIT_LETTERS.index(character) * 3**place for place, character in enumerate(body)) % 31) % 31
    return body + CREDIT_LETTERS[(check + (random.randint(1, 30) if wrong else 0)) % 31]


def iban(random: Random, *, wrong: bool = False) -> str:
    country, length = random.choice([("DE", 22), ("FR", 27), ("GB", 22), ("NL", 18), ("ES", 24)])
    bank = "".join(random.choice("ABCDEFGHJKLM") for _ in range(4)) if country in {"GB", "NL"} else ""
    rest = bank + "".join(str(random.randint(0, 9)) for _ in range(length - 4 - len(bank)))
    number = int("".join(str(int(character, 36)) for character in f"{rest}{country}00"))
    check = 98 - number % 97
    return f"{country}{(check + random.randint(1, 96) - 2) % 97 + 2 if wrong else check:02}{rest}"


def mobile(random: Random, *, wrong: bool = False) -> str:
    body = "".join(str(random.randint(0, 9)) for _ in range(8))
    if wrong:
        return random.choice([f"12{random.randint(0, 9)}{body}", f"138{body[:7]}", f"138{body}7", f"238{body}"])
    return f"1{random.choice('3456789')}{random.randint(0, 9)}{body}"


def land_line(random: Random, *, wrong: bool = False) -> str:
    area, rest = random.choice([("010", 8), ("021", 8), ("0755", 8), ("0591", 8), ("0898", 8), ("0313", 7)])
    number = f"{random.randint(2, 8)}" + "".join(str(random.randint(0, 9)) for _ in range(rest - 1))
    return f"{'026' if wrong else area}-{number}"


def passport(random: Random, *, wrong: bool = False) -> str:
    digits = "".join(str(random.randint(0, 9)) for _ in range(8))
    if wrong:
        return random.choice([f"Q{digits}", f"E{digits[:6]}", f"G{digits}5", f"EO{digits[:7]}"])
    return random.choice(
        [f"E{digits}", f"G{digits}", f"E{random.choice('ABCDEFGHJKLMNPQRSTUVWXYZ')}{digits[:7]}", f"PE{digits[:7]}"]
    )


def plate(random: Random, *, wrong: bool = False) -> str:
    province, authority = random.choice("京沪粤苏浙川渝闽"), random.choice("ABCDEFGHJ")
    serial = "".join(random.choice("0123456789" + PLATE_LETTERS) for _ in range(4)) + str(random.randint(0, 9))
    if wrong:
        return random.choice(
            [
                f"东{authority}{serial}",
                f"{province}{authority}{serial[:3]}",
                f"{province}{authority}O{serial[1:]}IO",
                f"{province}1{serial}",
            ]
        )
    return random.choice(
        [
            f"{province}{authority}{serial}",
            f"{province}{authority}·{serial}",
            f"{province}{authority}D{random.randint(0, 99999):05}",
        ]
    )


def email(random: Random, *, wrong: bool = False) -> str:
    local = f"{random.choice(WORDS)}{random.choice(['.', '_', '', '-'])}{random.choice(WORDS)}{random.randint(1, 99)}"
    domain = random.choice(["example.com", "example.org", "mail.example.net", "example.com.cn"])
    return random.choice([f"{local}@example", f"{local}@1.2", f"{local} {domain}", f"@{domain}"]) if wrong else f"{local}@{domain}"


def url(random: Random, *, wrong: bool = False) -> str:
    path = f"{random.choice(WORDS)}/{random.randint(1, 9999)}"
    return (
        f"https:/{path}"
        if wrong
        else f"{random.choice(['https://', 'http://', 'https://www.'])}example.org/{path}?id={random.randint(1, 999)}"
    )


def ip(random: Random, *, wrong: bool = False) -> str:
    if wrong:
        return random.choice(
            [
                f"192.0.{random.randint(256, 999)}.1",
                f"192.0.{random.randint(0, 255)}",
                "12:30:59",
                f"2001:db8::{random.randint(1, 9)}::1",
            ]
        )
    return random.choice(
        [f"192.0.2.{random.randint(0, 255)}", f"198.51.100.{random.randint(0, 255)}", f"2001:db8::{random.randint(1, 9999):x}"]
    )


def ssn(random: Random, *, wrong: bool = False) -> str:
    area, group, serial = random.randint(1, 899), random.randint(1, 99), random.randint(1, 9999)
    area = 665 if area == 666 else area
    if wrong:
        return random.choice(
            [
                f"{area:03}-00-{serial:04}",
                f"000-{group:02}-{serial:04}",
                f"9{area % 100:02}-{group:02}-{serial:04}",
                f"{area:03}-{group:02}-0000",
            ]
        )
    return f"{area:03}-{group:02}-{serial:04}"


MAKERS: dict[str, tuple[Callable[..., str], ...]] = {
    "bank-card": (bank_card,),
    "email": (email,),
    "iban": (iban,),
    "ip-address": (ip,),
    "number-plate": (plate,),
    "passport": (passport,),
    "phone": (mobile, land_line),
    "resident-identity-card": (identity_card,),
    "social-credit-code": (credit_code,),
    "social-security-number": (ssn,),
    "url": (url,),
}
"""What makes a value of each kind that has a structure: rightly, or `wrong`, a near miss of that kind and of every other."""

_CHINESE = (
    "请核对{}是否有误。",
    "客户资料里写着{}，请尽快登记",
    "经办人说{}已经提交",
    "信息如下：{}；其余略",
    "昨天收到{}的申请",
    "（{}）",
    "把{}发给我",
    "{}这一项填错了",
    "登记：{}。谢谢",
)
_ENGLISH = (
    "Please check {} before noon.",
    "The form says {}, and nothing else.",
    "We filed {} yesterday",
    "Reference: {}.",
    "({})",
    "Is {} still right?",
    "{} was entered twice",
)


def sentences(seed: int, count: int, *, wrong: bool = False, kinds: Sequence[str] = tuple(MAKERS)) -> list[Sentence]:
    """`count` sentences of each kind, half in each language, or near misses of each; the Chinese touch what is planted."""
    random = Random(seed)
    made = []
    for kind in kinds:
        for number in range(count):
            value = random.choice(MAKERS[kind])(random, wrong=wrong)
            before, after = random.choice(_CHINESE if number % 2 else _ENGLISH).split("{}")
            made.append(Sentence(f"{before}{value}{after}", "" if wrong else kind, len(before), len(before) + len(value), value))
    return made
