# SPDX-License-Identifier: Apache-2.0
"""The detectors as a recogniser of Presidio, for who runs that already: `registry.add_recognizer(recogniser("zh"))`.

Presidio is not needed by anything else here, and has to be installed by whoever asks for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelward.errors import PrerequisiteError
from modelward.privacy.detectors import DETECTORS
from modelward.privacy.finding import find_spans

ENTITIES = {
    "address": "STREET_ADDRESS",
    "bank-card": "CREDIT_CARD",
    "date-of-birth": "DATE_OF_BIRTH",
    "email": "EMAIL_ADDRESS",
    "iban": "IBAN_CODE",
    "ip-address": "IP_ADDRESS",
    "medical-record": "MEDICAL_RECORD",
    "name": "PERSON",
    "number-plate": "CN_NUMBER_PLATE",
    "passport": "PASSPORT",
    "phone": "PHONE_NUMBER",
    "resident-identity-card": "CN_RESIDENT_IDENTITY_CARD",
    "social-credit-code": "CN_SOCIAL_CREDIT_CODE",
    "social-security-number": "US_SSN",
    "url": "URL",
}
"""What Presidio calls each kind, where it knows one, and else a name in its manner. A detector of another distribution is called by
its own name in capitals.
"""


def recogniser(language: str = "zh") -> Any:
    """A `presidio_analyzer.EntityRecognizer` that finds all that the detectors find; a span's strength is its score. It needs no
    pipeline of spaCy: a blank one will do.

    Raises:
        PrerequisiteError: Presidio is not installed.
    """
    try:
        from presidio_analyzer import EntityRecognizer, RecognizerResult
    except ImportError as missing:
        raise PrerequisiteError("Presidio is not installed. Run `pip install presidio-analyzer`.") from missing
    called = {kind: ENTITIES.get(kind, kind.replace("-", "_").upper()) for kind in DETECTORS.names()}

    class Modelward(EntityRecognizer):  # type: ignore[misc]  # what is not installed has no type
        def load(self) -> None:
            """Nothing has to be."""

        def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: object = None) -> list[Any]:  # noqa: ARG002  # its name
            kinds = [kind for kind, name in called.items() if not entities or name in entities]
            return [
                RecognizerResult(entity_type=called[span.kind], start=span.start, end=span.end, score=span.strength)
                for span in find_spans(text, kinds)
            ]

    return Modelward(supported_entities=sorted(called.values()), name="Modelward", supported_language=language)
