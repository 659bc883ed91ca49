# SPDX-License-Identifier: Apache-2.0
"""The page about assessors tells every measure, its meaning and its threshold as the code has them."""

import re
from pathlib import Path

import pytest

from modelward.assessment import ASSESSORS
from modelward.assessment.page import asked

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "assessors.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)


@pytest.mark.parametrize("name", ASSESSORS.names())
def test_every_measure_has_its_line(name):
    section = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    told = {key: (meaning, threshold, whose) for key, meaning, threshold, whose in ROW.findall(section)}
    wanted = {}
    for measure in ASSESSORS.load(name)().measures:
        clause = measure.not_measurable("only to be read")
        wanted[measure.key] = (measure.meaning, asked(clause), clause.source)
    assert told == wanted
