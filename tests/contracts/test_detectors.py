# SPDX-License-Identifier: Apache-2.0
"""Every detector keeps the laws of `Detector`: it knows its own, and takes no near miss for it. All values are invented."""

import pytest

from modelward.privacy import DETECTORS, normalised

OWN = {
    "bank-card": ["4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "6222021234567890128"],
    "email": ["ada@example.org", "a.b+c@mail.example.co.uk", "li_wei@例子.中国", "o'neil@example.com"],
    "ip-address": ["192.0.2.7", "2001:db8::1", "::1"],
    "phone": ["13800138000", "+86 138 0013 8000", "010-62345678", "+44 20 7946 0958", "(555) 234-5678", "１３８００１３８０００"],
    "resident-identity-card": ["11010519491231002X", "11010519491231002x", "44052418800101001 4".replace(" ", "")],
}
NEAR = {
    "bank-card": [
        "4111111111111112",
        "0000000000000000",
        "411111111111",
        "41111111111111111111",
        "411111111111111a",
        "4111111111111111 ",
    ],
    "email": [
        "ada@example",
        "ada example.org",
        "@example.org",
        "ada@",
        "ada@-example.org",
        "a..b@example.org",
        "ada@1.2",
        "to ada@example.org",
    ],
    "ip-address": ["192.0.2.256", "192.0.2", "12345", "2001:db8::1::2", "192.0.2.7/24", ""],
    "phone": ["12800138000", "1380013800", "138001380001", "77516", "2020-01-02", "+1", "3.14159265", "call 13800138000"],
    "resident-identity-card": [
        "110105194912310021",  # another check character
        "11010519491331002X",  # a thirteenth month
        "99010519491231002X",  # no such province
        "11010529491231002X",  # a birthday to come
        "110105491231002",  # the old form of 15 digits
        "11010519491231002",
    ],
}


def test_every_detector_has_examples():
    assert set(OWN) == set(NEAR) == set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_a_detector_knows_its_own(name):
    detector = DETECTORS.load(name)()
    assert detector.name == name
    for value in OWN[name]:
        assert detector.matches(normalised(value)), value


@pytest.mark.parametrize("name", DETECTORS.names())
def test_a_detector_refuses_near_misses(name):
    detector = DETECTORS.load(name)()
    for value in NEAR[name]:
        assert not detector.matches(value), value


@pytest.mark.parametrize("name", DETECTORS.names())
def test_a_detector_does_not_hang_on_any_text_of_the_length_it_may_get(name):
    detector = DETECTORS.load(name)()
    for character in "1 .-a@(+x:":
        for text in (character * 320, (character + "1") * 160, (character + ".") * 160, "+1" + character * 318):
            # Backtracking that explodes takes years, and the time limit of the suite ends it.
            assert detector.matches(text) in {True, False}
