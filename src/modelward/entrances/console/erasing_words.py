# SPDX-License-Identifier: Apache-2.0
"""The words of erasing records, in Chinese."""

from __future__ import annotations

ERASING_WORDS = {
    "Erase records": "删除记录",
    "Erase records…": "删除记录…",
    "Erase records of {dataset}": "删除 {dataset} 的记录",
    "{gone} of {all} rows are taken out, and nobody can read them again.": "{all} 行中的 {gone} 行已删除，任何人都无法再读取。",
    "{gone} of {all} rows would be taken out. Nothing was changed yet.": "将删除 {all} 行中的 {gone} 行。尚未作任何更改。",
    "Shards": "分片",
    "Taken out": "已删除",
    "What follows": "后续事项",
    "These versions may have learned from the rows, and keep what they learned:": (
        "以下版本可能学习过这些数据行，且会保留所学内容："
    ),
    "The default policy lets none of them go live any more. Train again, release the new version in their place, and pause the old "
    "one if that must not wait.": "默认策略不再允许它们上线。请重新训练，发布新版本取而代之；如不能等待，请暂停旧版本。",
    "No version learned from the rows.": "没有版本从这些数据行中学习。",
    "Backups and older copies of the database still open what was sealed then: replace the master key, take a new backup, and "
    "erase the old ones.": "备份和数据库旧副本仍能打开当时封存的内容：请更换主密钥，重新备份，并清除旧备份。",
    "Which rows": "哪些数据行",
    "See what it would come to": "查看影响",
    "Erase them for good": "永久删除",
    "{n} rows that it may have learned from were erased since.": "它可能学习过的 {n} 行数据此后已被删除。",
    "These may have learned from rows that were erased since:": "以下版本可能学习过此后已被删除的数据行：",
    "Train again, and release the new version.": "请重新训练，并发布新版本。",
}
ERASING_SENTENCES = {
    "Its division of the rows cannot be made again.": "其数据行的划分无法重现。",
    "What its grant showed of the data cannot be shown again.": "其授权当时所示的数据已无法再现。",
}
ERASING_FACTS = {
    "divisions": "各划分所见的行",
    "kept out": "已排除的授权",
    "left": "剩余行数",
    "shard of": "所属分片来源",
    "shards": "分片",
    "views": "所示数据的指纹",
}
