# SPDX-License-Identifier: Apache-2.0
"""What rules say, in Chinese. A decision is recorded in English, with the figures it rests on, and said anew from that."""

from __future__ import annotations

from modelward.assessment import REPORT_WORDS, Phrasebook

_SENTENCES = {
    # Figures
    "{clause:name} is {estimate:n} [{low:n}, {high:n}]": "{clause} 为 {estimate} [{low}, {high}]",
    "{clause:name} is {estimate:n}": "{clause} 为 {estimate}",
    "{clause:name} is not measurable": "{clause} 无法测量",
    "{clause:name} is not measurable ({note:said})": "{clause} 无法测量（{note}）",
    "{clause:name} was not measured": "没有测量 {clause}",
    "{clause:name} was not measured.": "没有测量 {clause}。",
    "no clause of {version:name} is called {clause:name}": "{version} 没有名为 {clause} 的条款",
    "did you mean {clause:name}?": "是否指 {clause}？",
    "{figures:said}, and the low end of its interval must be at least {value:n}": "{figures}，其区间下端须至少为 {value}",
    "{figures:said}, and the high end of its interval must be at most {value:n}": "{figures}，其区间上端须至多为 {value}",
    "{figures:said}, and its estimate must be at least {value:n}": "{figures}，其估计值须至少为 {value}",
    "{figures:said}, and its estimate must be at most {value:n}": "{figures}，其估计值须至多为 {value}",
    "{figures:said} and has no interval": "{figures}，没有区间",
    "write {code:code} if the estimate is enough": "如果估计值已足够，请写 {code}",
    # Rules
    "none of {count:n} clauses failed": "{count} 个条款中没有未通过的",
    "none of {count:n} measured clauses failed ({passed:n} passed, {recorded:n} recorded)": (
        "已测量的 {count} 个条款中没有未通过的（{passed} 个通过，{recorded} 个仅作记录）"
    ),
    "not measurable: {clauses}": "无法测量：{clauses}",
    "{version:name} has no measured clause.": "{version} 没有已测量的条款。",
    "{count:n} clauses are measured": "已测量 {count} 个条款",
    "measured: {clauses}": "已测量：{clauses}",
    "measured: {clauses} and {count:n} more": "已测量：{clauses}，以及另外 {count} 个",
    "{version:name} was not assessed.": "{version} 未评估。",
    "assessed less than a day ago": "不到一天前评估",
    "assessed {days:n} days ago": "{days} 天前评估",
    "the assessment is dated {days:n} days in the future.": "评估日期在 {days} 天之后。",
    "Set the clock right.": "请校正时钟。",
    "the last assessment is {days:n} days old, and may be {limit:n} at most.": "最近一次评估已有 {days} 天，最多允许 {limit} 天。",
    "data, split, spec, run and code are on record": "数据、划分、说明、运行与代码均有记录",
    "{version:name} does not say which data, split, spec, run and code made it.": (
        "{version} 没有说明由哪些数据、划分、说明、运行与代码生成。"
    ),
    "Train it here, with {command:code}, or release it under a policy without this rule.": (
        "请用 {command} 在此处训练，或按不含此规则的策略发布。"
    ),
    "no row that it may have learned from was erased": "它可能学习过的数据行均未被删除",
    "{version:name} may have learned from rows that were erased since ({count:n} of them).": (
        "{version} 可能学习过此后被删除的数据行（共 {count} 行）。"
    ),
    "Train again on the data as it is, and release the new version.": "请用现有数据重新训练，并发布新版本。",
    "purpose: {purpose:text}; owner: {owner:text}": "用途：{purpose}；负责人：{owner}",
    "{version:name} has no purpose.": "{version} 没有用途。",
    "{version:name} has no owner.": "{version} 没有负责人。",
    "{version:name} has no purpose and no owner.": "{version} 既没有用途也没有负责人。",
    "Write both in the training spec and train again.": "请在训练说明中写明两者，然后重新训练。",
    "the signature over {digest:name} verifies": "对 {digest} 的签名有效",
    "the signature of {version:name} does not verify.": "{version} 的签名无效。",
    "the policy {policy:name} has no rules, and no rules let nothing through": "策略 {policy} 没有规则；没有规则就不放行",
    # Why somebody may not decide
    "{actor:name} proposed {release:name} and cannot approve it.": "{release} 由 {actor} 提议，不能自行批准。",
    "Ask another person who may decide releases.": "请另一位有权决定发布的人批准。",
    "A decision needs a reason of 1 to {limit:n} characters.": "决定需要 1 至 {limit} 个字符的理由。",
    "Pass {option:code}.": "请给出 {option}。",
}

DECISION_WORDS = Phrasebook({}, _SENTENCES, upon=REPORT_WORDS)
