# SPDX-License-Identifier: Apache-2.0
"""Names in sentences. Everybody is invented; how many names are found in real texts is measured by `benchmarks/names.py`."""

import pytest

from modelward.privacy import find_spans


def names_in(text):
    return [text[span.start : span.end] for span in find_spans(text, ["name"])]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("我叫张晓梅，今年三十岁", ["张晓梅"]),
        ("联系人：李强，电话13800138000", ["李强"]),
        ("请把材料交给王建国先生", ["王建国"]),
        ("患者欧阳文静昨天入院", ["欧阳文静"]),
        ("收件人:陈伟 地址不详", ["陈伟"]),
        ("记者刘洪波报道", ["刘洪波"]),
        ("周志强说，会议改到下周一。", ["周志强"]),
        ("Dear Ms. Okafor, thank you.", ["Okafor"]),
        ("My name is Katalin Varga and I live here.", ["Katalin Varga"]),
        ("Yesterday Michael J. Brown called.", ["Michael J. Brown"]),
        ("We met Ludwig van der Velde in Ulm.", []),
        ("Regards,\nSigrún Helgadóttir\n", ["Sigrún Helgadóttir"]),
    ],
)
def test_names_are_found(text, names):
    assert names_in(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好，我们去公园。",
        "公司发展迅速，金额共计四千元。",
        "高度重视安全生产，方便群众办事。",
        "谢谢您的支持，温度适中。",
        "In May the Main Street Bank opened on Monday.",
        "Will you march to the Lincoln Center in April?",
        "Don't worry.",
    ],
)
def test_what_only_begins_like_a_name_is_left(text):
    assert names_in(text) == []


def test_what_says_that_a_name_follows_makes_the_difference():
    assert names_in("那里很安静") == []
    assert names_in("姓名：安静") == ["安静"]
    assert [span.strength for span in find_spans("姓名：安静", ["name"])] == [0.9]
