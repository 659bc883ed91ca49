# SPDX-License-Identifier: Apache-2.0
"""The page about HTTP lists every route with its permission, and every limit with its setting."""

import re
from pathlib import Path

from modelward.entrances.api import ENDPOINTS, Open

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PAGE, METRICS = ((REFERENCE / name).read_text() for name in ("http.md", "metrics.md"))
WORDS = {Open.HEALTH: "no key", Open.ANYBODY_KNOWN: "any valid key"}


def test_the_page_lists_every_route_with_its_permission():
    listed = re.findall(r"^\| `([A-Z]+ /\S*)` \| (.+?) \| (.+) \|$", PAGE, re.M)
    declared = [
        (
            f"{endpoint.method} {re.sub(':path}', '}', endpoint.path)}",
            (WORDS.get(endpoint.permission) or f"`{endpoint.permission.value}`")
            + (endpoint.besides and f", and {endpoint.besides}"),
            endpoint.summary,
        )
        for endpoint in ENDPOINTS
    ]
    assert sorted(listed) == sorted(declared)


def test_the_page_names_the_metrics_there_are(administrator):
    served = set(re.findall(r"^# TYPE (\w+)", administrator.get("/metrics").text, re.M))
    named = set(re.findall(r"^\| `(\w+)` \| (?:counter|gauge|histogram) \|", METRICS, re.M))
    assert named == {name for name in served if not name.endswith("_created")}
