# SPDX-License-Identifier: Apache-2.0
"""The words of grants in Chinese."""

from __future__ import annotations

GRANT_WORDS = {
    "What was found in this data is shown to who accepted its terms.": "接受此数据的保密条款之后，才能看到对它的分析。",
    "Read and accept them": "阅读并接受",
    "Granted to models": "对模型的授权",
    "Granted data": "被授权的数据",
    "No model was granted this data yet.": "尚未将此数据授权给任何模型。",
    "A model is made and measured from what was granted, for that purpose, and from nothing else.": (
        "模型只能依据被授权的数据、为约定的用途来制作和测量，此外一概不用。"
    ),
    "Grant": "授权",
    "State": "状态",
    "in force": "有效",
    "ended": "已到期",
    "revoked": "已撤销",
    "Rows that": "行条件",
    "every column": "全部列",
    "every row": "全部行",
    "until {moment}": "至 {moment}",
    "by {who}": "授权人 {who}",
    "Revoke": "撤销",
    "Revoke it…": "撤销…",
    "Revoke the grant of {model}": "撤销对 {model} 的授权",
    "Nothing is read under it any more, and a training that goes on stops. Versions that were made stay.": (
        "此后不能再凭它读取任何内容，正在进行的训练会停止；已制成的版本保留。"
    ),
    "Grant it to a model…": "授权给模型…",
    "Purpose of the grant": "授权用途",
    "Columns, with commas between them; none for all": "列名，以逗号分隔；留空为全部",
    "Rows, such as age >= 18; none for all": "行条件，例如 age >= 18；留空为全部",
    "Until, such as 2030-01-31; none for no end": "截止日期，例如 2030-01-31；留空为不限",
    "Who read it": "读取记录",
    "Nobody has read its rows.": "尚无人读取其数据行。",
    "When": "时间",
    "Reader": "读取者",
    "For whom": "代表",
    "For what": "用途",
}
# What facts of ledger entries are called.
GRANT_FACTS = {
    "automatic": "自动",
    "column": "列名",
    "columns": "各列",
    "filtered": "有行条件",
    "grant": "授权编号",
    "model": "所属模型",
    "on behalf of": "代表",
    "replaced by": "被替换为",
    "until": "截止",
    "use": "使用场合",
    "view": "视图指纹",
    "why": "原因",
}
