# SPDX-License-Identifier: Apache-2.0
"""The words of the page of terms and purposes, in Chinese."""

from __future__ import annotations

TERMS_WORDS = {
    "Terms": "保密条款",
    "What is confidential, and on which terms. Who uses a model or a dataset that has terms has accepted them before.": (
        "哪些内容须保密，以及适用的条款。使用设有条款的模型或数据集之前，须先接受条款。"
    ),
    "you accepted them": "您已接受",
    "you have not accepted them": "您尚未接受",
    "In place since {moment} UTC, put by {who}": "自 {moment} UTC 起生效，发布者 {who}",
    "Read them": "阅读条款",
    "Accept": "接受",
    "Accept the terms of {subject}": "接受 {subject} 的条款",
    "Keys that accepted them:": "已接受的密钥：",
    "and {n} more": "等另外 {n} 个",
    "The newest {n} are suggested; type the name of any other.": "此处提示最新的 {n} 个；其他密钥请直接输入名称。",
    "Of the keys the newest {n}; the page of keys shows them all.": "密钥仅列出最新的 {n} 个；全部密钥见密钥页面。",
    "Accept for a key…": "代密钥接受…",
    "Accept the terms of {subject} for a key": "代密钥接受 {subject} 的条款",
    "Accept for this key": "代此密钥接受",
    "Whoever answers for the service has read them; that you accepted for it is on record.": (
        "请由该服务的负责人先行阅读；您代其接受会记入账本。"
    ),
    "Nothing that you reach has terms.": "您可访问的内容均未设条款。",
    "Put terms in place": "发布条款",
    "Of what": "适用对象",
    "A model or a dataset, such as model:income or dataset:adult.": "模型或数据集，例如 model:income 或 dataset:adult。",
    "They take the place of those before, and everybody accepts them anew.": "新条款取代原有条款，所有人须重新接受。",
    "Put them in place": "发布",
    "Purposes": "用途一览",
    "A dataset’s purpose covers that of each model made from it, and a model’s that of each key that asks it.": (
        "数据集的用途须涵盖由其制成的每个模型的用途；模型的用途须涵盖调用它的每个密钥的用途。"
    ),
    "What it is": "类别",
    "live model": "已上线的模型",
    "Nothing that you may see has a purpose.": "您可查看的内容均未声明用途。",
}
