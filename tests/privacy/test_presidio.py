# SPDX-License-Identifier: Apache-2.0
"""The detectors as a recogniser of Presidio, which is installed for the test that needs it, and nowhere else."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelward.errors import PrerequisiteError
from modelward.privacy import DETECTORS
from modelward.privacy.presidio import ENTITIES, recogniser

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from modelward.privacy.presidio import recogniser
class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__()
        self.nlp = {"zh": spacy.blank("zh")}
registry = RecognizerRegistry(recognizers=[recogniser("zh")], supported_languages=["zh"])
analyser = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["zh"])
text = "联系人：李强，电话13800138000，卡号6222021234567890128元"
found = [analyser.analyze(text, language="zh", entities=entities) for entities in (None, ["PHONE_NUMBER"])]
print(json.dumps([[[each.entity_type, text[each.start:each.end]] for each in every] for every in found]))
"""


def test_every_detector_has_a_name_there():
    assert set(ENTITIES) == set(DETECTORS)
    assert len(set(ENTITIES.values())) == len(ENTITIES)


@pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is not None, reason="Presidio is installed")
def test_where_presidio_is_not_installed_what_to_run_is_said():
    with pytest.raises(PrerequisiteError, match="pip install presidio-analyzer"):
        recogniser()


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_presidio_finds_with_it_what_the_detectors_find(tmp_path):
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "environment"], check=True)
    needed = ["presidio-analyzer==2.2.366", "msgspec", "rfc8785"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True, stderr=subprocess.DEVNULL)
    done = subprocess.run(
        [python, "-c", PROGRAM], env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=True
    )
    every, phones = json.loads(done.stdout.splitlines()[-1])
    assert every == [["PERSON", "李强"], ["PHONE_NUMBER", "13800138000"], ["CREDIT_CARD", "6222021234567890128"]]
    assert phones == [["PHONE_NUMBER", "13800138000"]]
