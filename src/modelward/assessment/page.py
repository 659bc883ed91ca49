# SPDX-License-Identifier: Apache-2.0
"""The trust report as a page: one file, no script, nothing loaded from anywhere, in English or Chinese."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import jinja2

from modelward.assessment.clause import Clause
from modelward.assessment.report import TrustReport

Language = Literal["en", "zh"]
_CHINESE = {
    "Trust report": "可信报告",
    "passed": "通过",
    "failed": "未通过",
    "not-measurable": "无法测量",
    "recorded": "已记录",
    "quality": "质量",
    "baseline": "基线",
    "fairness": "公平",
    "latency": "延迟",
    "size": "大小",
    "energy": "能耗",
    "comparison": "比较",
    "Clause": "条款",
    "Estimate": "估计值",
    "95 % interval": "95 % 区间",
    "Asked": "要求",
    "Verdict": "结论",
    "How it was measured": "测量方法",
    "Version digest": "版本摘要",
    "Dataset": "数据集",
    "Fingerprint": "指纹",
    "Test rows": "测试行数",
    "Assessed": "评估时间",
    "By": "评估者",
    "Seed": "种子",
    "Machine": "机器",
    "Libraries": "库",
    "none": "无",
    "How to read this": "如何阅读",
    "READING": (
        "每个条款都有估计值与 95 % 区间。有要求时，以区间中不利的一端判断：样本不能排除的，视为不利。"
        "“无法测量”不等于通过。“已记录”表示未设要求。"
    ),
    "Evidence": "证据",
}
_ENGLISH = {
    "READING": (
        "Each clause has an estimate and a 95 % interval. Where something is asked of it, the unfavourable end of the interval is "
        "judged: what the sample cannot rule out counts against the version. “Not measurable” is not a pass. “Recorded” was "
        "measured with nothing asked of it."
    ),
    "not-measurable": "not measurable",
}


def render_page(report: TrustReport, evidence: Mapping[str, bytes], *, language: Language = "en") -> bytes:
    """The report as one HTML file; the plots of `evidence` are carried inside."""
    words = _CHINESE if language == "zh" else _ENGLISH
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "interval": interval, "asked": asked}
    pictures = {
        plot.path: f"data:image/svg+xml;base64,{base64.b64encode(evidence[plot.path]).decode()}"
        for plot in report.plots
        if plot.path in evidence
    }
    text = environment.get_template("report.html").render(
        report=report, pictures=pictures, lang=language, t=lambda word: words.get(word, word)
    )
    return text.encode()


def figure(value: float | None) -> str:
    """Four significant digits, whole numbers in full; a dash where there is no figure."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1000 else f"{value:.4g}"


def interval(clause: Clause) -> str:
    """The interval of a clause, nothing where the figure is exact."""
    if clause.low is None or clause.high is None or clause.low == clause.high:
        return ""
    return f"{figure(clause.low)} – {figure(clause.high)}"


def asked(clause: Clause) -> str:
    """What is asked of a clause, nothing where nothing is."""
    if clause.threshold is None:
        return ""
    return f"{'≥' if clause.direction == 'at-least' else '≤'} {figure(clause.threshold)}"
