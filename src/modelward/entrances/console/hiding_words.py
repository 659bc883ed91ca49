# SPDX-License-Identifier: Apache-2.0
"""The words of de-identified data, in Chinese."""

from __future__ import annotations

HIDING_WORDS = {
    "What was hidden": "已隐藏的内容",
    "Hidden by": "隐藏方式",
    "Hidden": "隐藏",
    "Cells changed": "更改的单元格",
    "within": "文本之内",
    "left as it is": "保持原样",
    "Name of the copy": "副本名称",
    "What hides what is found": "用什么隐藏所发现的内容",
    "Columns to leave out, separated by commas": "要去掉的列，用逗号分隔",
    "Columns hidden otherwise, one a line": "以其他方式隐藏的列，每行一个",
    "Pseudonyms, one a line": "假名，每行一个",
    "Tell me who it is": "告诉我是谁",
    "De-identify": "去标识化",
    "De-identify…": "去标识化…",
    "De-identify {dataset}": "对 {dataset} 去标识化",
    "This would be hidden. Nothing was changed yet; what is not found stays.": (
        "将隐藏以下内容。尚未作任何更改；未被发现的内容会保留。"
    ),
    "See what would be hidden": "查看将隐藏什么",
    "Make the copy": "生成副本",
    "Who stands behind pseudonyms of {dataset}": "{dataset} 的假名代表谁",
    "Pseudonyms": "假名",
    "Pseudonym": "假名",
    "Stands for": "代表",
    "That you asked is on record, with your reason. What is no pseudonym stays as it is.": (
        "您的查询及理由已记录在案。不是假名的内容保持原样。"
    ),
    "Copy of": "副本来源",
    "It was made of {dataset} by hiding what was found in it. What nobody found is still there.": (
        "它由 {dataset} 隐藏所发现的内容而成。未被发现的内容仍在其中。"
    ),
    "made alike": "归并",
    "Classes": "类",
    "Made alike in": "归并的列",
    "{n}, of {least} to {most} rows": "{n} 个，每个 {least} 到 {most} 行",
    "Information lost": "信息损失",
    "{n} cells tell nothing": "{n} 个单元格不含信息",
    "Risk of a row": "单行风险",
    "{most} at most, {mean} in the mean": "最高 {most}，平均 {mean}",
    "Rows that an attacker picked right": "攻击者选对的行",
    "{share}, from {low} to {high}": "{share}，区间 {low} 到 {high}",
    "before: {share}": "此前：{share}",
    "Alone in all columns": "在全部列上独一无二",
    "Sensitive column": "敏感列",
    "{n} values in a class at least, distance {far} at most": "每类至少 {n} 个值，距离至多 {far}",
    "Rows that are alike, at least": "至少多少行相同",
    "In columns known from outside, separated by commas": "在外界已知的列上，用逗号分隔",
    "With two values at least of the sensitive column": "敏感列至少有两个值",
    "Forget who stands behind the pseudonyms…": "忘记假名代表谁…",
    "For good: the rows stay, the book is destroyed.": "永久：数据行保留，假名簿被销毁。",
    "Forget them for good": "永久忘记",
    "Left out: {columns}": "已去掉：{columns}",
    "Who stands behind a pseudonym…": "查询假名代表谁…",
    "When persons must not be seen": "当个人不应被看见时",
    "A copy in which what names persons is hidden, as a dataset of its own.": "一份隐藏了个人标识的副本，作为独立的数据集。",
}
HIDING_FACTS = {
    "k": "至少相同的行数",
    "quasi": "外界已知的列",
    "smallest": "最小的类",
    "copy": "副本",
    "copy of": "副本来源",
    "dropped": "去掉的列",
    "hidden": "隐藏的值",
    "pseudonyms": "假名数",
    "texts": "文本数",
    "told": "告知数",
}
