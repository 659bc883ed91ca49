# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from modelward.datasets import MISSING, SAMPLES, WARNINGS, ColumnKind

DOCS = Path(__file__).parents[2] / "docs"
WORDS = [*WARNINGS, *filter(None, MISSING), *(kind.value for kind in ColumnKind)]


@pytest.mark.parametrize("word", WORDS)
def test_the_guide_to_data_names_it(word):
    assert f"`{word}`" in (DOCS / "how-to" / "data.md").read_text()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_documented_with_its_source_and_its_terms(name):
    text, sample = (DOCS / "reference" / "sample-data.md").read_text(), SAMPLES[name]
    for fact in (f"## {name}", f"{sample.package}=={sample.version}", sample.license, f"{sample.rows:,}", *sample.members):
        assert fact in text
