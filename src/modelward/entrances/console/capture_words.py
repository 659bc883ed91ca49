# SPDX-License-Identifier: Apache-2.0
"""The words of the page of captures, in Chinese."""

from __future__ import annotations

CAPTURE_WORDS = {
    "Captures": "留存",
    "Hidden before it was kept:": "留存前已隐去：",
    "Questions and answers are kept only where somebody ruled so, sealed, for a while. Who reads one says why.": (
        "只有经人裁定，问答才会加密留存一段时间。查阅者须说明理由。"
    ),
    "{version} answered {who}; ledger entry {entry}.": "{version} 回答了 {who}；账本条目 {entry}。",
    "Question": "提问",
    "{n} bytes that are no text; the command line gives them with --json.": "{n} 字节，不是文本；可在命令行用 --json 取得。",
    "That you read it is on record.": "您的查阅已记入账本。",
    "What is ruled": "留存规则",
    "Share": "比例",
    "Days": "天数",
    "Reason": "理由",
    "Caller": "调用方",
    "Keep nothing of {model} any more": "不再留存 {model} 的问答",
    "Nothing is kept of any model that you see.": "您可查看的模型均未留存问答。",
    "Keep questions to a model": "留存对某个模型的提问",
    "Percent of its questions": "提问的百分比",
    "Which ones is drawn at random.": "具体留存哪些由随机抽取决定。",
    "Days for which each is kept": "每条留存天数",
    "It stays in the ledger, so it names no person. Who may ask the model can read it.": (
        "理由将长期保存在账本中，请勿写入个人姓名。可调用该模型的人都能看到。"
    ),
    "Keep them": "开始留存",
    "What is kept": "已留存的问答",
    "Asked at": "提问时间",
    "Kept until": "留存至",
    "shredded": "已销毁",
    "The newest {n}; the command line lists more.": "最新的 {n} 条；更多可用命令行列出。",
    "Nothing is kept.": "没有留存任何问答。",
    "Look into one": "查阅一条",
    "It stays in the ledger, so it names no person.": "理由将长期保存在账本中，请勿写入个人姓名。",
    "Read it, on record": "查阅并记录在案",
    "Shred it for good": "永久销毁",
    "Its key is destroyed. Nobody can read it again; that it was asked and answered stays in the ledger.": (
        "其密钥将被销毁，任何人都无法再读取；曾经提问与回答的事实仍留在账本中。"
    ),
}
CAPTURE_FACTS = {
    "captured": "留存的请求",
    "days": "天数",
    "questions": "提问数",
    "share": "比例",
}
