# SPDX-License-Identifier: Apache-2.0
"""The console's words in Chinese; in English they are their own keys. A test looks for words of templates that are lacking here.

What rooms say in sentences (reasons, methods, faults) stays in English in either language, and is marked up as English.
"""

from __future__ import annotations

from collections.abc import Callable

CHINESE = {
    # Frame
    "Skip to content": "跳到正文",
    "Sections": "栏目",
    "Models": "模型",
    "Releases": "发布",
    "Ledger": "账本",
    "Sign in": "登录",
    "Sign out": "退出",
    "No answer leaves before it is on record.": "答案先入账，后送出。",
    "administrator": "管理员",
    "data-owner": "数据所有者",
    "data-scientist": "数据科学家",
    "risk-officer": "风险官",
    "operator": "运维人员",
    "caller": "调用方",
    "auditor": "审计员",
    # Signing in
    "With the one-time link you were given. It works once.": "请使用发给您的一次性链接，仅可使用一次。",
    "One-time token": "一次性令牌",
    "The first token lies in the home, in the file": "首个令牌在主目录的这个文件中：",
    "An administrator makes more:": "管理员可以签发更多：",
    # Failures
    "This cannot be used as it is": "请求内容有误",
    "Too large": "内容过大",
    "Refused": "已拒绝",
    "Not found": "未找到",
    "Not possible as things stand": "当前状态下无法执行",
    "Not now": "暂时不可用",
    "Something is missing": "缺少必要组件",
    "Something went wrong": "出错了",
    "All models": "全部模型",
    # The shelf
    "Every version, what was measured of it, and what was decided.": "每个版本、对它的测量，以及作出的决定。",
    "No model yet.": "还没有模型。",
    "No purpose was declared.": "未声明用途。",
    "Versions of {model}": "{model} 的版本",
    "Version": "版本",
    "All {n} versions": "全部 {n} 个版本",
    "{n} older versions are not shown here:": "另有 {n} 个较早的版本未在此显示：",
    "Recipe": "配方",
    "One row": "单行耗时",
    "Size": "大小",
    "Verdicts": "结论",
    "Release": "发布状态",
    "Made (UTC)": "生成时间（UTC）",
    "not assessed": "未评估",
    "none": "无",
    "broken": "已损坏",
    "recommended": "推荐",
    "Large against small": "大模型与小模型对比",
    "Quality against size and time of every version; the line joins those that no other beats in everything.": (
        "各版本的质量与大小、耗时；连线上的版本没有被其他版本全面超越。"
    ),
    # One version
    "not released": "未发布",
    "This version is not as it was signed.": "此版本与签名时不一致。",
    "Try it": "试一试",
    "Its releases": "查看其发布记录",
    "missing": "缺失",
    "Predict and explain": "预测并解释",
    "Recorded like any caller's question; what you enter is not kept.": "与任何调用一样记入账本；您输入的内容不会保存。",
    "Propose it under the policy": "按此策略提议发布",
    "Propose": "提议",
    "At a glance": "概览",
    "Data": "数据",
    "Owner": "负责人",
    "Signature": "签名",
    "verified": "已验证",
    "{n} files": "{n} 个文件",
    "Digest": "摘要",
    "Trust report": "可信报告",
    "Assessed": "评估于",
    "{n} test rows": "{n} 行测试数据",
    "seed": "随机种子",
    "whole report": "完整报告",
    "Not assessed yet.": "尚未评估。",
    "Judged clauses": "有要求的条款",
    "Recorded, with nothing asked of it": "仅作记录，未设要求",
    "{n} recorded": "{n} 项记录",
    "Verdict": "结论",
    "Clause": "条款",
    "Estimate": "估计值",
    "Estimate, 95 % interval": "估计值与 95 % 区间",
    "95 % interval": "95 % 区间",
    "Asked": "要求",
    "Picture": "图示",
    "Method": "方法",
    "By {column}": "按 {column} 分组",
    "house default": "内置默认值",
    "Plots": "图表",
    "Signed papers": "签名卷宗",
    "Model card": "模型卡",
    "Files": "文件",
    "File": "文件",
    # An answer
    "Answer": "答案",
    "Ledger entry": "账本条目",
    "Receipt": "收据",
    "Download": "下载",
    "public key": "公钥",
    "What the receipt commits to": "收据所承诺的内容",
    "Keep these two texts with the receipt: they show what was asked and answered, which the ledger tells nobody.": (
        "请将这两段文字与收据一同保存：凭它们可以证明问了什么、答了什么，账本本身不会向任何人透露。"
    ),
    "input": "输入",
    "output": "输出",
    "Why": "原因",
    "What each feature adds to, or takes from, the probability of this answer.": "每个特征使该答案的概率增加或减少了多少。",
    "average": "平均",
    "this row": "本行",
    "In percentage points.": "单位：百分点。",
    "background of {n} rows": "{n} 行背景样本",
    "additivity residual": "可加性残差",
    # Releases
    "What was proposed, what the policy said with which figures, and who decided.": (
        "提议了什么，策略依据哪些数字作出判断，由谁决定。"
    ),
    "Only {model}.": "仅 {model}。",
    "all": "全部",
    "of": "·",
    "policy": "策略",
    "proposed by": "提议者",
    "live since": "上线时间",
    "{passed} of {all} rules passed": "{all} 条规则中 {passed} 条通过",
    "{given} of {needed} approvals": "已有 {given} 项批准（需要 {needed} 项）",
    "You proposed it, so somebody else approves it; you can only take it back.": "这是您提议的，须由他人批准；您只能撤回。",
    "Reason, for the record": "理由（将记录在案）",
    "Approve": "批准",
    "Refuse": "拒绝",
    "Let it go live": "上线",
    "The rules are decided once more; the version that is live now is superseded.": "将重新判定各条规则；当前上线的版本会被取代。",
    "Roll back…": "回滚…",
    "Take it back now": "立即回滚",
    "The version that was live before answers again.": "之前上线的版本将重新提供答案。",
    "Nothing was proposed yet.": "还没有提议。",
    "{n} older releases are not shown here:": "另有 {n} 个较早的发布未在此显示：",
    "refused": "已拒绝",
    "awaiting-approval": "等待批准",
    "approved": "已批准",
    "live": "已上线",
    "superseded": "已被取代",
    "rolled-back": "已回滚",
    # The ledger
    "Every change and every answer, in order. Entries hold commitments, never what was asked or answered.": (
        "每次变更和每个答案，按顺序记录。条目只含承诺值，不含问题或答案本身。"
    ),
    "Sound": "完好",
    "{n} entries: each hash, the tree and the signed checkpoint agree.": "共 {n} 个条目：每个哈希、整棵树与签名检查点一致。",
    "Not sound": "不完好",
    "The ledger is not as it was written:": "账本与写入时不一致：",
    "Show it": "查看",
    "Not verified by this server yet": "本服务器尚未验证",
    "A ledger of this size is verified when somebody asks.": "账本较大，仅在有人要求时验证。",
    "Verified": "验证于",
    "Verify now": "立即验证",
    "Checkpoint": "检查点",
    "signed head of the ledger": "账本的签名头",
    "Receipts and checkpoints verify offline with the": "收据与检查点可离线验证，所需：",
    "Entries": "条目",
    "Event": "事件",
    "Actor": "操作者",
    "Subject": "对象",
    "Request": "请求",
    "request": "请求",
    "Search": "查询",
    "When (UTC)": "时间（UTC）",
    "Facts": "事实",
    "This entry cannot be read.": "此条目无法读取。",
    "No entry matches.": "没有匹配的条目。",
    "Newest entries": "最新条目",
    "Older entries": "更早的条目",
    # Verdicts and dimensions
    "passed": "通过",
    "failed": "未通过",
    "not-measurable": "无法测量",
    "recorded": "已记录",
    "quality": "质量",
    "baseline": "与恒定回答相比",
    "fairness": "公平性",
    "latency": "速度",
    "size": "规模",
    "energy": "能耗",
    # Measures
    "ROC AUC": "ROC 曲线下面积",
    "Accuracy": "准确率",
    "Balanced accuracy": "平衡准确率",
    "Recall": "召回率",
    "Precision": "精确率",
    "F1": "F1 值",
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
}
LANGUAGES = ("en", "zh")

Translator = Callable[..., str]


def translator(language: str) -> Translator:
    """A function from an English word of the console to that word in `language`, with the values it names filled in.

    A word that other people's plug-ins bring stays as it is.
    """

    def translate(word: str, **values: object) -> str:
        said = CHINESE.get(word, word) if language == "zh" else word.replace("-", " ") if word in _STATES else word
        return said.format(**values) if values else said

    return translate


def choose_language(chosen: str | None, accepted: str) -> str:
    """The language to speak: what was chosen, else the first that the browser accepts and we have."""
    if chosen in LANGUAGES:
        return str(chosen)
    for part in accepted.lower().split(","):
        tag = part.strip()[:2]
        if tag in LANGUAGES:
            return tag
    return "en"


# States and verdicts are words with a hyphen where they are keys, and two words where people read them.
_STATES = frozenset({"awaiting-approval", "rolled-back", "not-measurable", "data-owner", "data-scientist", "risk-officer"})
