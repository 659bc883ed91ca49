# SPDX-License-Identifier: Apache-2.0
"""The console's words in Chinese; in English they are their own keys. A test looks for words of templates that are lacking here."""

from __future__ import annotations

from collections.abc import Callable

CHINESE = {
    "Skip to content": "跳到正文",
    "Sections": "栏目",
    "Models": "模型",
    "Releases": "发布",
    "Ledger": "账本",
    "Sign in": "登录",
    "Sign out": "退出",
    "administrator": "管理员",
    "data-owner": "数据所有者",
    "data-scientist": "数据科学家",
    "risk-officer": "风险官",
    "operator": "运维",
    "caller": "调用者",
    "auditor": "审计员",
    "Every answer is recorded in the ledger before it leaves.": "每个答案在送出之前都已记入账本。",
    "Use the one-time link you were given. It works once.": "请使用发给您的一次性链接，仅可使用一次。",
    "One-time token": "一次性令牌",
    "The first token lies in the home, in the file administrator.token. More are made with": (
        "首个令牌在主目录的 administrator.token 文件中。更多令牌用以下命令生成："
    ),
    "Every version, what was measured of it, and what was decided.": "每个版本、对它的测量，以及作出的决定。",
    "No model yet.": "尚无模型。",
    "Version": "版本",
    "Recipe": "配方",
    "Size": "大小",
    "Verdicts": "结论",
    "Release": "发布",
    "Made": "生成时间",
    "not assessed": "未评估",
    "none": "无",
    "No purpose was declared.": "未声明用途。",
    "Owner": "负责人",
    "Data": "数据",
    "Signature": "签名",
    "verified": "已验证",
    "broken": "已损坏",
    "Digest": "摘要",
    "Try it": "试一试",
    "Answer": "答案",
    "Ledger entry": "账本条目",
    "Receipt": "收据",
    "Why": "原因",
    "How much each feature moved the probability of this answer, from the average over the background rows.": (
        "相对于背景样本的平均值，每个特征使该答案的概率变化了多少。"
    ),
    "Average": "平均",
    "additivity residual": "可加性残差",
    "missing": "缺失",
    "Predict and explain": "预测并解释",
    "Trust report": "可信报告",
    "Assessed": "评估于",
    "seed": "种子",
    "whole report": "完整报告",
    "Clause": "条款",
    "Estimate": "估计值",
    "Threshold": "阈值",
    "Verdict": "结论",
    "Method": "方法",
    "Plots": "图表",
    "Not assessed yet.": "尚未评估。",
    "Model card": "模型卡",
    "What was proposed, what the policy said with which figures, and who decided.": (
        "提议了什么，策略依据哪些数字作出判断，由谁决定。"
    ),
    "policy": "策略",
    "proposed by": "提议者",
    "passed": "通过",
    "failed": "未通过",
    "refused": "拒绝",
    "recorded": "已记录",
    "not-measurable": "无法测量",
    "approved": "已批准",
    "Reason": "理由",
    "Approve": "批准",
    "Refuse": "拒绝",
    "Nothing was proposed yet.": "尚无提议。",
    "proposed": "已提议",
    "awaiting-approval": "等待批准",
    "live": "运行中",
    "superseded": "已被取代",
    "rolled-back": "已回滚",
    "Every change and every answer, in order. Entries hold commitments, never what was asked or answered.": (
        "每次变更和每个答案，按顺序记录。条目只含承诺值，不含问题或答案本身。"
    ),
    "Verified": "验证通过",
    "entries; each hash, the tree and the signed checkpoint agree.": "个条目；每个哈希、整棵树与签名检查点一致。",
    "Not sound": "不完整",
    "Checkpoint": "检查点",
    "Entries": "条目",
    "Event": "事件",
    "all": "全部",
    "Subject": "对象",
    "Request": "请求",
    "Search": "查询",
    "When": "时间",
    "Actor": "操作者",
    "Facts": "事实",
    "Older entries": "更早的条目",
    "quality": "质量",
    "fairness": "公平",
    "latency": "延迟",
    "size": "大小",
    "energy": "能耗",
    "baseline": "基线",
    "calibration": "校准",
    "Not found": "未找到",
    "Not allowed": "不允许",
    "Something is wrong with the request": "请求有误",
    "Not now": "暂不可用",
    "Something went wrong": "出错了",
}


def translator(language: str) -> Callable[[str], str]:
    """A function from an English word of the console to that word in `language` ("en" or "zh")."""
    if language == "zh":
        return lambda word: CHINESE.get(word, word)
    return lambda word: word


def choose_language(chosen: str | None, accepted: str) -> str:
    """The language to speak: what was chosen, else the first that the browser accepts and we have."""
    if chosen in {"en", "zh"}:
        return str(chosen)
    for part in accepted.lower().split(","):
        tag = part.strip()[:2]
        if tag in {"en", "zh"}:
            return tag
    return "en"
