# SPDX-License-Identifier: Apache-2.0
"""Model cards: `README.md` of a version, with the YAML front matter that Hugging Face reads
(https://huggingface.co/docs/hub/model-cards).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from modelward.registry.interface import Interface
from modelward.registry.signing import SIGNATURE_FILE
from modelward.registry.version import Version

CARD_FILE = "README.md"
PUBLIC_KEY_FILE = "public-key.pem"
# Of more classes than so many nobody reads all; and a reason that more clauses share is told once.
_CLASSES_SHOWN, _ALIKE_SHOWN = 50, 3
_TABULAR = "tabular-classification"
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~])")


def model_card(version: Version, *, report: Mapping[str, Any] | None = None) -> str:
    """The card of `version`, in Markdown.

    `report` is the summary of an assessment as plain data: `assessed` (a date), `verdict`, and `clauses`, each with `title`,
    `estimate`, `low`, `high`, `threshold`, `verdict`, `note`. Without it the card says that the version was not assessed yet;
    where it has no clauses, that the findings lie beside the card.
    """
    parts = [
        f"---\n{yaml.safe_dump(_front_matter(version), sort_keys=False, allow_unicode=True)}---",
        f"# {version.name}",
        f"**Purpose.** {_plain(version.purpose)}\n\n**Owner.** {_plain(version.owner)}",
        _assessment(report),
        _inputs(version),
        _origin(version),
        _verifying(version),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(version: Version) -> dict[str, Any]:
    tasks = {feature.sort.task for feature in version.interface.features}
    of_classes = min(tasks - {_TABULAR}, default=_TABULAR)
    task = {"classes": of_classes, "text": "text2text-generation", "values": "other"}[version.interface.answer]
    front: dict[str, Any] = {
        "library_name": "onnx",
        "pipeline_tag": task,
        "tags": ["modelward", task, *([version.lineage.recipe] if version.lineage.recipe else [])],
        "model_name": version.name,
    }
    if version.lineage.dataset:
        front["datasets"] = [version.lineage.dataset]
    return front


def _assessment(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return "## Assessment\n\nNot assessed yet. Nothing is known about quality, fairness or any other risk."
    if not report.get("clauses"):
        return "## Assessment\n\nWhat was found out about this version lies in the files beside this card."
    reasons = Counter(clause.get("note") for clause in report["clauses"] if clause.get("estimate") is None)
    shared = [reason for reason, count in reasons.items() if reason and count > _ALIKE_SHOWN]
    rows = [
        _clause(clause) for clause in report["clauses"] if clause.get("estimate") is not None or clause.get("note") not in shared
    ]
    verdict = _plain(report.get("verdict", "see the clauses"))
    head = f"## Assessment\n\nAssessed {_plain(report.get('assessed', 'at a time not recorded'))}: {verdict}.\n\n"
    unmeasured = "".join(f"\n\n{_unmeasured(report['clauses'], reason)}" for reason in shared)
    return head + _table(["Clause", "Estimate", "95 % interval", "Threshold", "Verdict"], rows) + unmeasured


def _unmeasured(clauses: Sequence[Mapping[str, Any]], reason: str) -> str:
    """What could not be measured for one reason that many clauses share."""
    titles = dict.fromkeys(clause.get("title") or clause.get("id") for clause in clauses if clause.get("note") == reason)
    return f"Not measurable: {', '.join(map(_plain, titles))}. {_plain(reason)}"


def _clause(clause: Mapping[str, Any]) -> list[Any]:
    title = clause.get("title") or clause.get("id")
    asked = "" if clause.get("threshold") is None else _figure(clause["threshold"])
    if clause.get("estimate") is None:
        return [title, "–", "", asked, f"not measurable: {clause['note']}" if clause.get("note") else "not measurable"]
    interval = f"{_figure(clause.get('low'))} – {_figure(clause.get('high'))}"
    return [title, _figure(clause["estimate"]), interval, asked, clause.get("verdict")]


def _inputs(version: Version) -> str:
    rows = [
        [feature.name, feature.kind, feature.sort.told(feature), "yes" if feature.nullable else "no"]
        for feature in version.interface.features
    ]
    positive = f" Favourable class: {_plain(version.facts['positive'])}." if version.facts.get("positive") else ""
    head = f"## What it takes and gives\n\n{_answer(version.interface)}{positive}\n\n"
    return head + _table(["Feature", "Kind", "Seen in training, or read", "May be missing"], rows)


def _answer(interface: Interface) -> str:
    if interface.answer == "text":
        return f"It answers with {_plain(interface.target)}, a text of at most {interface.length} characters."
    if interface.answer == "values":
        names = ": " + ", ".join(map(_plain, interface.values)) if interface.values else ""
        return f"It answers with numbers in the shape {' × '.join(map(str, interface.shape))}{names}."
    more = f", … ({len(interface.classes):,})" if len(interface.classes) > _CLASSES_SHOWN else ""
    return f"It predicts {_plain(interface.target)}: {', '.join(map(_plain, interface.classes[:_CLASSES_SHOWN]))}{more}."


def _origin(version: Version) -> str:
    lineage = version.lineage
    rows: list[list[Any]] = [
        ["Dataset", lineage.dataset],
        ["Fingerprint", lineage.fingerprint],
        ["Split", lineage.split],
        ["Spec", lineage.spec],
        ["Run", lineage.run],
        ["Recipe", lineage.recipe],
        ["Parameters", ", ".join(f"{name}={value}" for name, value in sorted(lineage.parameters.items()))],
        ["Seed", lineage.seed],
        ["Modelward", lineage.code],
        ["Libraries", ", ".join(f"{name} {number}" for name, number in sorted(lineage.libraries.items()))],
        ["Made", f"{version.created:%Y-%m-%d %H:%M} UTC by {version.by}"],
        *([f"Measured: {name}", _figure(value)] for name, value in sorted(version.facts.items()) if name != "positive"),
    ]
    return "## Where it comes from\n\n" + _table(["", ""], [row for row in rows if row[1] != ""])


def _verifying(version: Version) -> str:
    return (
        f"## How to verify\n\n`{SIGNATURE_FILE}` signs every file beside it in the OpenSSF model-signing format. "
        f"Take the public key from whoever answers for {version.model}, not from this folder, and run, one folder up:\n\n"
        f"```\nmodel_signing verify key FOLDER --signature FOLDER/{SIGNATURE_FILE} --public_key {PUBLIC_KEY_FILE}\n```"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: Any) -> str:
    """`value` as one line of text that Markdown leaves as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def _figure(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
