# SPDX-License-Identifier: Apache-2.0
"""The words of privacy budgets, in Chinese."""

from __future__ import annotations

BUDGET_WORDS = {
    "Privacy budget": "隐私预算",
    "Privacy budget…": "隐私预算…",
    "Privacy budget of {dataset}": "{dataset} 的隐私预算",
    "What all answers with noise together may tell of one row.": "所有加噪答复合起来最多可透露一行数据的多少。",
    "It is a shard or a copy of {whole}: their rows have one budget.": "它是 {whole} 的分片或副本：它们的数据行共用一份预算。",
    "What was told of its rows with noise, and how much may still be.": "已通过加噪答复透露了多少，还可透露多少。",
    "Spent": "已用",
    "Limit": "上限",
    "Left": "剩余",
    "by default": "默认值",
    "Read without noise": "未加噪读取",
    "What that tells has no bound, and is not counted here.": "其透露的内容没有界限，不计入此处。",
    "Set another limit…": "另设上限…",
    "Epsilon: up to 1 is strong, up to 10 reasonable": "ε：1 以内为强，10 以内为合理",
    "Delta: far below one part in the number of rows": "δ：远小于行数分之一",
    "Set it": "设定",
    "What it was spent on": "用于何处",
    "By whom": "何人",
    "Epsilon alone": "单独的 ε",
    "Noise": "噪声",
    "settled": "已结算",
    "reserved": "已预留",
    "Nothing was spent yet.": "尚未使用。",
    "And {n} more, on datasets that hold the same rows and that you may not see.": (
        "另有 {n} 次，用于含有相同数据行而您无权查看的数据集。"
    ),
    "What it adds up to": "合计",
    "Each is a bound; the least holds. Together is less than the sum.": "每一项都是上界，取最小者。合计小于各项之和。",
    "Distributions of the privacy loss": "隐私损失分布",
    "Rényi divergences": "Rényi 散度",
    "Rényi divergences, by Opacus": "Rényi 散度（Opacus）",
    "Plain sum": "简单相加",
    "Added up by": "核算工具",
}
BUDGET_FACTS = {
    "accountants": "核算工具",
    "delta": "δ",
    "epsilon": "ε",
    "fingerprints": "指纹",
    "mechanisms": "噪声机制",
    "question": "问题摘要",
    "spending": "支出编号",
}
