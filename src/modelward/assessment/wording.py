# SPDX-License-Identifier: Apache-2.0
"""The words of the trust report in Chinese. What is missing here stands in English, other people's assessors for instance."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "zh"]

_ENGLISH = {
    "READING": (
        "Each clause has an estimate and a 95 % interval. Where something is asked of it, the unfavourable end of the interval is "
        "judged: what the sample cannot rule out counts against the version. “Not measurable” is not a pass. “Recorded” was "
        "measured with nothing asked of it."
    ),
    "NOTHING ASKED": "Nothing is asked of any figure.",
    "not-measurable": "not measurable",
}

_CHINESE = {
    "READING": (
        "每个条款都有估计值与 95 % 区间。有要求时，以区间中不利的一端判断：样本不能排除的，视为不利。"
        "“无法测量”不等于通过。“已记录”表示已测量而未设要求。"
    ),
    "NOTHING ASKED": "没有对任何数值提出要求。",
    "Trust report": "可信报告",
    "How to read this": "如何阅读",
    "What was asked": "要求与结论",
    "passed": "通过",
    "failed": "未通过",
    "not-measurable": "无法测量",
    "recorded": "已记录",
    "Quality": "质量",
    "Against a constant answer": "与恒定回答相比",
    "Fairness": "公平性",
    "Speed": "速度",
    "Size": "规模",
    "Energy": "能耗",
    "Clause": "条款",
    "Estimate": "估计值",
    "95 % interval": "95 % 区间",
    "Asked": "要求",
    "house default": "内置默认值",
    "Verdict": "结论",
    "Method": "方法",
    "Group": "群组",
    "Groups of": "群组：",
    "Version digest": "版本摘要",
    "Dataset": "数据集",
    "Fingerprint": "指纹",
    "Test rows": "测试行数",
    "Assessed": "评估时间",
    "By": "评估者",
    "Seed": "种子",
    "Machine": "机器",
    "Libraries": "软件库",
    "none": "无",
    "Evidence": "证据",
    "File": "文件",
    "Accuracy": "准确率",
    "Balanced accuracy": "平衡准确率",
    "Recall": "召回率",
    "Precision": "精确率",
    "F1": "F1 值",
    "ROC AUC": "ROC 曲线下面积",
    "Brier score": "Brier 分数",
    "Log loss": "对数损失",
    "Expected calibration error": "期望校准误差",
    "Accuracy above the majority class": "高于多数类的准确率",
    "Brier skill score": "Brier 技巧分数",
    "Demographic parity difference": "人口均等差",
    "Demographic parity ratio": "人口均等比",
    "Equalised odds difference": "均等几率差",
    "Worst-group accuracy": "最差群组准确率",
    "Selection rate": "入选率",
    "True positive rate": "真正率",
    "False positive rate": "假正率",
    "Median time of one row": "单行耗时中位数",
    "99th percentile of one row": "单行耗时第 99 百分位",
    "Rows a second": "每秒行数",
    "Model file": "模型文件",
    "Fitted numbers": "参数个数",
    "Energy of training": "训练能耗",
    "Confusion matrix": "混淆矩阵",
    "ROC curve": "ROC 曲线",
    "Calibration": "校准",
}


def word(text: str, language: Language) -> str:
    """`text` in that language, as it is where there is no other word for it."""
    return (_CHINESE if language == "zh" else _ENGLISH).get(text, text)
