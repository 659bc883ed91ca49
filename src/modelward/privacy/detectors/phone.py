# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers: Chinese ones, North American ones, and any with a country code."""

from __future__ import annotations

import re

_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?:\+?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}",  # mainland China, mobile
        r"(?:\+?86[ -]?)?\(?0[1-9][0-9]{1,2}\)?[ -][1-9][0-9]{6,7}",  # mainland China, land line with area code
        r"(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}",  # North American plan
    )
)
_COUNTRY_CODE = re.compile(r"\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}")


class PhoneDetector:
    """A number as people write it. Plain digits match in the form of a Chinese mobile number only: others are any number."""

    name = "phone"

    def matches(self, text: str) -> bool:
        """See `Detector.matches`."""
        return bool(_COUNTRY_CODE.fullmatch(text)) or any(form.fullmatch(text) for form in _FORMS)
