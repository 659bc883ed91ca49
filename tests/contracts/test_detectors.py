# SPDX-License-Identifier: Apache-2.0
"""Every detector keeps the laws of `Detector`: it knows its own, and takes no near miss for it. All values are invented."""

import pytest

from modelward.privacy import DETECTORS, Folded, find_spans, identifiers_in

OWN = {
    "address": [
        "北京市朝阳区建国路88号2号楼301室",
        "上海市浦东新区张江路123弄4号",
        "12 Elm Street, Springfield, IL 62701",
        "P.O. Box 1234",
    ],
    "bank-card": ["4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "6222021234567890128"],
    "date-of-birth": ["出生日期：1990年3月7日", "born on March 7, 1990", "DOB: 03/07/1990", "1990-03-07出生"],
    "email": ["ada@example.org", "a.b+c@mail.example.co.uk", "li_wei@例子.中国", "o'neil@example.com"],
    "iban": ["GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32", "de89370400440532013000"],
    "ip-address": ["192.0.2.7", "2001:db8::1", "::1"],
    "medical-record": ["病历号：ZY-20240117", "MRN 12345678", "patient ID: P-100234"],
    "name": ["张伟", "欧阳娜娜", "司马光明", "姓名：李娜", "Dr. Ada Marsh", "Emily van der Berg", "my name is Noor"],
    "number-plate": ["京A12345", "沪B·D1234", "粤BD12345", "川A1234挂"],
    "passport": ["E12345678", "EA1234567", "PE1234567", "护照号码: AB1234567"],
    "phone": ["13800138000", "+86 138 0013 8000", "010-62345678", "+44 20 7946 0958", "(555) 234-5678", "１３８００１３８０００"],
    "resident-identity-card": ["11010519491231002X", "11010519491231002x", "44052418800101001 4".replace(" ", "")],
    "social-credit-code": ["91350100M000100Y43", "91350100m000100y43"],
    "social-security-number": ["078-05-1120", "SSN: 078051120"],
    "url": ["https://example.org/a?b=c", "www.example.org", "http://192.0.2.7:8080/"],
}
NEAR = {
    "address": ["建国路", "第88号", "12 angry men", "3号线", "in the Street"],
    "bank-card": [
        "4111111111111112",
        "0000000000000000",
        "411111111111",
        "41111111111111111111",
        "411111111111111a",
        "0.4111111111111111",
    ],
    "date-of-birth": ["1990年3月7日", "公司成立日期1990年3月7日", "March 7, 1990", "生产日期1990-03-07"],
    "email": ["ada@example", "ada example.org", "@example.org", "ada@", "ada@-example.org", "ada@1.2"],
    "iban": ["GB82WEST12345698765433", "GB82WEST1234569876543", "XX82WEST12345698765432", "GB82WEST123456987654321"],
    "ip-address": ["192.0.2.256", "192.0.2", "12345", "2001:db8::1::2", "12:30:45", "1.2.3.4.5", ""],
    "medical-record": ["住院三天", "MRN", "patient was here", "12345678"],
    "name": ["王国", "高度", "谢谢", "石家庄市", "Don't go", "Will you", "Main Street", "the Madison Bank", "July", ""],
    "number-plate": ["京I12345", "东A12345", "京A1234", "京A1234567", "京ABCDEO"],
    "passport": ["E1234567", "E123456789", "Q12345678", "EI1234567", "AE12345678"],
    "phone": [
        "12800138000",
        "1380013800",
        "138001380001",
        "77516",
        "2020-01-02",
        "+1",
        "3.14159265",
        "3.13800138000",
        "x13800138000",
    ],
    "resident-identity-card": [
        "110105194912310021",  # another check character
        "11010519491331002X",  # a thirteenth month
        "99010519491231002X",  # no such province
        "11010529491231002X",  # a birthday to come
        "110105491231002",  # the old form of 15 digits
        "11010519491231002",
        "11010519491231002X1",
    ],
    "social-credit-code": ["91350100M000100Y44", "91350100M000100Y4", "91350100I000100Y43", "99350100M000100Y43"],
    "social-security-number": ["000-05-1120", "078-00-1120", "078-05-0000", "900-05-1120", "078051120", "078-05-11201"],
    "url": ["https:/example.org", "example.org", "http is a protocol"],
}


def of_kind(name, text):
    return [match for match in DETECTORS.load(name)().find(Folded(text)) if match.strength >= 0.5]


def test_every_detector_has_examples():
    assert set(OWN) == set(NEAR) == set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_a_detector_knows_its_own(name):
    assert DETECTORS.load(name)().name == name
    for value in OWN[name]:
        assert [*DETECTORS.load(name)().find(Folded(value))], value


@pytest.mark.parametrize("name", DETECTORS.names())
def test_a_detector_refuses_near_misses(name):
    for value in NEAR[name]:
        assert of_kind(name, value) == [], value


@pytest.mark.parametrize("name", DETECTORS.names())
def test_a_detector_finds_its_own_between_chinese_characters(name):
    r"""Where `\b` stands there is no border: both are characters of words."""
    for value in OWN[name]:
        # What is a name depends on what stands beside it; tests/privacy/test_names.py has sentences.
        if "例" not in value and name != "name":
            found = find_spans(f"请看{value}吧", [name])
            assert found, value
            assert f"请看{value}吧"[found[0].start : found[0].end] in value


@pytest.mark.parametrize("name", ["bank-card", "email", "iban", "ip-address", "passport", "phone", "resident-identity-card", "url"])
def test_all_of_a_value_has_to_be_an_identifier_for_a_column_to_be_one(name):
    for value in OWN[name]:
        if "护照" not in value:
            assert name in [found.detector for found in identifiers_in([f" {value} "])], value
            assert name not in [found.detector for found in identifiers_in([f"call {value} now"])], value


@pytest.mark.parametrize("name", DETECTORS.names())
def test_a_detector_does_not_hang_on_any_text(name):
    detector = DETECTORS.load(name)()
    for piece in (
        "1",
        " ",
        ".",
        "-",
        "a",
        "@",
        "(",
        "+",
        "x",
        ":",
        "1-",
        "1.",
        "a.",
        "a@",
        "1 ",
        "路1号",
        "省",
        "A ",
        "GB82 ",
        "京A1",
        "生1",
        "1\n",
    ):
        # Backtracking that explodes takes years, and the time limit of the suite ends it.
        assert len([*detector.find(Folded(piece * (20_000 // len(piece))))]) <= 20_000 * 20
