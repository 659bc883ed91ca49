# SPDX-License-Identifier: Apache-2.0
"""The words of the pages that trace records and shred datasets, in Chinese."""

from __future__ import annotations

RECORD_WORDS = {
    "When somebody’s data must go": "当某人的数据须移除时",
    "Which versions saw them.": "哪些版本见过它们。",
    "The whole dataset, for good; what that does is told first.": "永久销毁整个数据集；操作前会说明后果。",
    # Tracing
    "Trace records": "追查记录",
    "Trace records…": "追查记录…",
    "Which versions learned from the records that have a value, were chosen between by them, or were measured on them. That you "
    "look is on record; the value is not.": (
        "哪些版本从含有某个值的记录中学习、依据它们挑选，或在其上测量。您的查询会记入账本，所查的值不会。"
    ),
    "It reads the whole dataset and divides it again for each training: with many rows or trainings that takes minutes. Leave the "
    "page open until it answers; sent again, it begins anew.": (
        "此操作会读取整个数据集，并为每次训练重新划分：数据行或训练较多时需要几分钟。请保持页面打开直至得到答复；再次提交会从头开始。"
    ),
    "Column": "列",
    "Value": "值",
    "Trace them": "追查",
    "{n} rows have it": "{n} 行含有此值",
    "What versions saw of them": "各版本见过的记录",
    "Learned from": "从中学习",
    "Chosen by": "依此挑选",
    "Measured on": "在其上测量",
    "Kept from it": "未授权",
    # Shredding
    "Shred it…": "销毁…",
    "Shred {name}": "销毁 {name}",
    "Nobody can undo this. Read what will happen first.": "此操作任何人都无法撤销。请先阅读后果。",
    "It is shredded already.": "它已被销毁。",
    "What will happen": "将会发生什么",
    "The keys of its {n} sealed objects are destroyed and the objects removed: nobody can read its {rows} rows again, not from "
    "a backup of the objects either.": (
        "其 {n} 个密封对象的密钥将被销毁，对象将被移除：任何人都无法再读取其 {rows} 行，从对象的备份中也不能。"
    ),
    "Versions that were made from it stay, and answer as before:": "由它制成的版本会保留，并照常回答：",
    "None of them can be measured anew, or have its records traced, for that takes the rows.": (
        "这些版本无法重新测量，也无法再追查其记录，因为这需要数据行。"
    ),
    "Rows of it are still in its shards, which are datasets of their own:": "其数据行仍在它的分片中，分片是各自独立的数据集：",
    "Its name, its purpose and your reason stay on record; no other data gets its name.": (
        "其名称、用途和您的理由会留存在案；其他数据不会再得到这个名称。"
    ),
    "Older copies of the database open it until the master key of their time is replaced.": (
        "在更换当时的主密钥之前，数据库的旧副本仍能打开它。"
    ),
    "Type the name {name} once more": "请再输入一次名称 {name}",
    "Leave it as it is": "保持原样",
    "Shredded": "销毁于",
    "Its keys are destroyed, and nobody can read it again. This is what is left.": (
        "其密钥已销毁，任何人都无法再读取。以下是留下的内容。"
    ),
    "Shards that hold rows of it": "仍含其数据行的分片",
    "Versions made from it": "由它制成的版本",
    "Its keys": "其密钥",
    "What it sealed": "所密封的内容",
    "destroyed": "已销毁",
    "there": "仍在",
}
RECORD_SENTENCES = {
    "Learned from them: {versions}.": "从中学习过的版本：{versions}。",
    "Grant the data anew with a filter that leaves them out ({command:code}), train again, and let the new version go live in "
    "their place": "请用排除这些记录的行条件重新授权数据（{command}），重新训练，并让新版本取代它们上线",
    "take them offline at once with {command:code} if it must not wait.": "若不能等待，请立即用 {command} 将其下线。",
    "Chosen between with their help, and not learned from them: {versions}.": "仅依其挑选、未从中学习的版本：{versions}。",
    "Train again when convenient.": "方便时请重新训练。",
    "Only measured on them: {versions}.": "仅在其上测量的版本：{versions}。",
    "The model holds nothing of them": "模型中没有它们的内容",
    "measure anew after the change.": "更改后请重新测量。",
    "No row of {name} has that value.": "{name} 中没有哪一行具有该值。",
    "Write it as the data has it, without quotes": "请按数据中的写法填写，不加引号",
    "{command:code} says what its columns hold.": "{command} 可查看各列的内容。",
    "No version has seen them.": "没有版本见过这些记录。",
    "Leave them out of grants to come with a filter of rows.": "今后的授权请用行条件排除它们。",
    "The rows themselves are taken out of {name} for good by {command:code}.": "数据行本身可用 {command} 从 {name} 中永久删除。",
    "It was made from other rows or columns than its grant says.": "它所用的行或列与其授权所述不同。",
    "Its division of the rows comes out otherwise today.": "其数据行的划分如今得出了不同的结果。",
    "What was typed is not the name.": "输入的内容与名称不符。",
}
