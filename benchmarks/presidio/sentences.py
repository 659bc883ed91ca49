# SPDX-License-Identifier: Apache-2.0
"""Writes sentences of presidio-evaluator's generator, with where in them persons are, to a file of JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from presidio_evaluator.data_generator import PresidioSentenceFaker


def main() -> None:
    """Makes as many as are asked for."""
    maker = PresidioSentenceFaker("en_US", lower_case_ratio=0.05, random_seed=7)
    made = maker.generate_new_fake_sentences(int(sys.argv[2]))
    rows = [
        {"text": each.full_text, "spans": [[span.start_position, span.end_position, span.entity_type] for span in each.spans]}
        for each in made
    ]
    Path(sys.argv[1]).write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
