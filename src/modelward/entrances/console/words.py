# SPDX-License-Identifier: Apache-2.0
"""The console's own words in Chinese; in English they are their own keys. What reports and decisions say, their rooms translate.

A test looks for words of templates that are lacking. What other rooms say when something fails may stay English, marked up as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from modelward.assessment import LANGUAGES, Language, Phrasebook
from modelward.entrances.console.access_words import ACCESS_WORDS
from modelward.entrances.console.budget_words import BUDGET_FACTS
from modelward.entrances.console.capture_words import CAPTURE_FACTS
from modelward.entrances.console.data_words import DATA_SENTENCES, DATA_WORDS
from modelward.entrances.console.erasing_words import ERASING_FACTS
from modelward.entrances.console.finding_words import FINDING_SENTENCES
from modelward.entrances.console.grant_words import GRANT_FACTS
from modelward.entrances.console.hiding_words import HIDING_FACTS
from modelward.entrances.console.people_words import PEOPLE_SENTENCES, PEOPLE_WORDS
from modelward.entrances.console.security_words import SECURITY_NAMES, SECURITY_SENTENCES
from modelward.entrances.console.singular_words import SINGULAR
from modelward.entrances.console.why_words import WHY_KINDS, WHY_SENTENCES
from modelward.releases import DECISION_WORDS

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
    "Or with the account that you have elsewhere:": "或使用您在别处已有的账户：",
    "Sign in with {provider}": "用 {provider} 登录",
    "Signed in": "已登录",
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
    "What training found": "训练中的发现",
    "label-noise": "标签噪声",
    "leakage": "目标泄漏",
    "overfitting": "过拟合",
    "underfitting": "欠拟合",
    "plateau": "停滞",
    "test-rows-near-training": "测试行与训练行相近",
    "imbalance": "类别不平衡",
    "out-of-memory": "内存不足",
    "not-examined": "未能检查",
    "One row": "单行耗时",
    "Verdicts": "结论",
    "Release": "发布状态",
    "Made (UTC)": "生成时间（UTC）",
    "not assessed": "未评估",
    "broken": "已损坏",
    "recommended": "推荐",
    "Large against small": "大模型与小模型对比",
    "Behind the best": "落后最佳",
    "the best": "最佳",
    "no clear difference": "差异不明显",
    "“Behind the best” is measured on the same test rows, with the 95 % interval of the difference.": (
        "“落后最佳”在相同的测试行上测量，附差值的 95 % 区间。"
    ),
    "Quality against size, time of one row and, where it was measured, energy of training; in each panel a line joins what is "
    "best for its cost. The recommended version is ringed.": (
        "质量与大小、单行耗时及训练能耗（如已测量）的关系；每幅图中的连线连接同等成本下最好的版本。圈出的是推荐的版本。"
    ),
    "Scroll sideways to see every panel.": "左右滑动可查看全部子图。",
    # One version
    "not released": "未发布",
    "This version is not as it was signed.": "此版本与签名时不一致。",
    "Try it": "试一试",
    "Its releases": "查看其发布记录",
    "missing": "缺失",
    "Predict and explain": "预测并解释",
    "Ask it": "提问",
    "A patch is named by its rows and columns of pixels; the strongest twelve are listed.": (
        "图块以其像素的行与列命名；此处列出作用最大的十二个。"
    ),
    "Any text. The first {n} characters are read.": "任意文本，读取前 {n} 个字符。",
    "One a line, or with commas between them, the latest last. The last {n} are read.": (
        "每行一个，或以逗号分隔，最近的放在最后；读取最后 {n} 个。"
    ),
    "Recorded like any caller's question; what you enter is not kept.": "与任何调用一样记入账本；您输入的内容不会保存。",
    "Propose a release": "提议发布",
    "The rules of the policy decide at once, and what they say is on record.": "策略的各条规则会立即作出判断，并记录在案。",
    "Propose it under the policy": "按此策略提议发布",
    "Propose": "提议",
    "At a glance": "概览",
    "Data": "数据",
    "Owner": "负责人",
    "Signature": "签名",
    "verified": "已验证",
    "{n} files": "{n} 个文件",
    "{signed} in force, and {earlier} that were signed earlier and stay on record": (
        "现行 {signed} 个，另有 {earlier} 个是先前签名的，留存在案"
    ),
    "Digest": "摘要",
    "{n} test rows": "{n} 行测试数据",
    "seed": "随机种子",
    "whole report": "完整报告",
    "Not assessed yet.": "尚未评估。",
    "Judged clauses": "有要求的条款",
    "Recorded, with nothing asked of it": "仅作记录，未设要求",
    "{n} recorded": "{n} 项记录",
    "Estimate, 95 % interval": "估计值与 95 % 区间",
    "By {column}": "按 {column} 分组",
    "Plots": "图表",
    "Signed papers": "签名卷宗",
    "Model card": "模型卡",
    "Files": "文件",
    # An answer
    "Answer": "答案",
    "Training never saw such a value of: {features}. Check it, and trust this answer less.": (
        "训练中从未出现过这样的值：{features}。请核对，并谨慎看待此答案。"
    ),
    "Only the beginning was read of: {features}. What stands further on did not count.": (
        "只读取了以下内容的开头：{features}。其后的部分没有起作用。"
    ),
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
    "empty text": "空文本",
    "blank image": "空白图像",
    "empty history": "空的历史",
    "empty series": "空序列",
    "{name} as the model read it: {n} steps, from {low} to {high}.": "模型读到的 {name}：{n} 步，数值从 {low} 到 {high}。",
    "Each channel is drawn from its least number to its greatest.": "每个通道各按自身的最小值到最大值绘制。",
    "Paste a step a line, with {n} numbers in each, or lists in JSON; null is a missing number.": (
        "请粘贴数值，每行一步、每步 {n} 个数，或粘贴 JSON 列表；null 表示缺失的数值。"
    ),
    "Paste numbers with spaces, commas or line breaks between them, or a list in JSON; null is a missing number.": (
        "请粘贴数值，以空格、逗号或换行分隔，或粘贴 JSON 列表；null 表示缺失的数值。"
    ),
    "The last {n} steps are read.": "读取最后 {n} 步。",
    "Training saw {low} – {high}.": "训练时的范围：{low} – {high}。",
    "{name} as the model saw it, {width} by {height}": "模型看到的 {name}，{width}×{height}",
    "Blue speaks for the answer, red against it.": "蓝色支持该答案，红色反对。",
    "(an empty text)": "（空文本）",
    "this row": "本行",
    "In percentage points. Method: {method}; background of {n} rows; additivity residual {residual}; ledger entry {entry}.": (
        "单位：百分点。方法：{method}；背景样本 {n} 行；可加性残差 {residual}；账本条目 {entry}。"
    ),
    **DATA_WORDS,
    # Trainings
    "Runs": "训练",
    "Every training: what it learnt from, how far it is, and what became of its candidates.": (
        "每次训练：用了什么数据、进行到哪里，以及各候选的结果。"
    ),
    "This page is loaded anew every {n} seconds.": "此页面每 {n} 秒重新加载一次。",
    "Hold it still": "停止自动刷新",
    "Run": "训练",
    "Status": "状态",
    "Model": "模型",
    "Candidates": "候选",
    "Candidate": "候选",
    "Begun by": "发起人",
    "{n} of {all} done": "{all} 个中完成 {n} 个",
    "{n} failed": "{n} 个失败",
    "{n} older runs are not shown here:": "另有 {n} 次较早的训练未在此显示：",
    "Nothing was trained yet.": "还没有训练过。",
    "Trains {model} on {dataset}.": "用 {dataset} 训练 {model}。",
    "It was stopped before its end, and keeps the versions that it made.": "训练中途停止，已生成的版本会保留。",
    "Go on with it:": "继续训练：",
    "No candidate became a version. What each says of itself stands below.": "没有候选成为版本。各自的原因见下文。",
    "Mend the spec and train again; where only memory or disk was short:": "请修改训练说明后重新训练；如果只是内存或磁盘不足：",
    "Done": "进度",
    "Done of {name}": "{name} 的进度",
    "Time": "用时",
    "Curves": "曲线",
    "Curves of its training": "训练曲线",
    "Curves over epochs or rounds.": "随轮次变化的曲线。",
    "{name}: {last} at {at}, lowest {lowest} at {lowest_at}.": "{name}：第 {at} 轮为 {last}，最低为第 {lowest_at} 轮的 {lowest}。",
    "epoch or round": "轮次",
    "loss": "损失",
    "training loss": "训练损失",
    "validation loss": "验证损失",
    "learning rate": "学习率",
    "gradient norm": "梯度范数",
    "About the rows": "关于数据行",
    "What it was told to do": "训练要求",
    "Began (UTC)": "开始时间（UTC）",
    "Ended (UTC)": "结束时间（UTC）",
    "The whole spec": "完整的训练说明",
    "running": "进行中",
    "waiting": "等待中",
    "done": "已完成",
    "interrupted": "已中断",
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
    "was live from": "曾上线，始于",
    "{passed} of {all} rules passed": "{all} 条规则中 {passed} 条通过",
    "{given} of {needed} approvals": "已有 {given} 项批准（需要 {needed} 项）",
    "no approval needed": "无需批准",
    "You proposed it, so somebody else approves it; you can only take it back.": "这是您提议的，须由他人批准；您只能撤回。",
    "Reason, for the record": "理由（将记录在案）",
    "Approve": "批准",
    "Refuse": "拒绝",
    "Let it go live": "上线",
    "The rules are decided once more; the version that is live now is superseded.": "将重新判定各条规则；当前上线的版本会被取代。",
    "Let it go live again": "重新上线",
    "Nothing answers for {model} now. Files and signature are verified once more.": "{model} 现在无人应答。将再次验证文件与签名。",
    "Take it offline…": "下线…",
    "Take it offline now": "立即下线",
    "Nothing answers for {model} until it is let go live again.": "重新上线之前，{model} 不再应答。",
    "Roll back…": "回滚…",
    "Take it back now": "立即回滚",
    "The version that was live before answers again.": "之前上线的版本将重新提供答案。",
    "Nothing was proposed yet.": "还没有提议。",
    "{n} older releases are not shown here:": "另有 {n} 个较早的发布未在此显示：",
    "refused": "已拒绝",
    "awaiting-approval": "等待批准",
    "approved": "已批准",
    "live": "已上线",
    "paused": "已下线",
    "superseded": "已被取代",
    "rolled-back": "已回滚",
    # A glass box
    "The whole model": "整个模型",
    "What each feature adds to the score of “{name}”, the most important first; the model is the sum of these terms and nothing "
    "else.": "各特征对“{name}”得分的贡献，按重要性排列；模型就是这些项之和，别无其他。",
    "What each feature adds to the score of each class, the most important first; the model is the sum of these terms and nothing "
    "else.": "各特征对每个类别得分的贡献，按重要性排列；模型就是这些项之和，别无其他。",
    "Scores are log-odds, the band and ± are one standard deviation over the parts of the data it was learnt from.": (
        "得分为对数几率；阴影带与 ± 是在各份训练数据上学得结果的一个标准差。"
    ),
    "{n} of {all} terms are drawn; the file has all:": "共 {all} 项，此处绘出 {n} 项；全部内容见文件：",
    "importance": "重要性",
    "(missing or new)": "（缺失或未见过）",
    "(other)": "（其他）",
    "from {low} to {high} it adds between {bottom} and {top}": "从 {low} 到 {high}，贡献在 {bottom} 与 {top} 之间",
    "together they add between {bottom} and {top}": "两者共同的贡献在 {bottom} 与 {top} 之间",
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
    "Show every entry": "显示全部条目",
    "yes": "是",
    "no": "否",
    "Newest entries": "最新条目",
    "Older entries": "更早的条目",
}
# What the facts of ledger entries are called; a fact whose name is not here is shown under its own.
FACTS = {
    **GRANT_FACTS,
    **CAPTURE_FACTS,
    **ERASING_FACTS,
    **BUDGET_FACTS,
    **HIDING_FACTS,
    "address": "地址摘要",
    "approvals": "批准人数",
    "assessors": "评估器",
    "before": "此前",
    "candidates": "候选",
    "code": "代码",
    "counts": "计数",
    "credential": "凭证",
    "dataset": "数据集",
    "digest": "摘要",
    "dossier": "卷宗",
    "error": "错误",
    "expires": "失效时间",
    "failures": "失败次数",
    "files": "文件",
    "fingerprint": "指纹",
    "isolation": "隔离方式",
    "imported from": "导入自",
    "key": "密钥",
    "kind": "类型",
    "largest difference": "最大差异",
    "license": "许可",
    "means": "进入方式",
    "milliseconds": "毫秒",
    "models": "模型",
    "name": "名称",
    "not told": "未逐条记录",
    "number": "编号",
    "owner": "负责人",
    "policy digest": "策略摘要",
    "positive": "有利类别",
    "purpose": "用途",
    "reason": "理由",
    "recipe": "配方",
    "refused by": "拒绝它的规则",
    "release": "发布",
    "report": "报告",
    "role": "角色",
    "rows": "行数",
    "rules": "规则",
    "run": "运行",
    "sealed": "密封摘要",
    "sensitive": "敏感列",
    "session": "会话",
    "sessions ended": "结束的会话",
    "signature": "签名",
    "signed by": "签名者",
    "spec": "训练说明",
    "state": "状态",
    "taken back": "撤回的发布",
    "target": "目标列",
    "verdicts": "结论",
    "version": "版本",
    "version superseded": "被取代的版本",
    "version taken back": "撤回的版本",
    "versions": "版本",
    "wait seconds": "等待秒数",
    "without version": "未成版本的候选",
}
SENTENCES = {
    "Your role does not ask models: {permission:name} is needed.": "您的角色不能调用模型：需要 {permission} 权限。",
    "Your role gets no explanations: {permission:name} is needed.": "您的角色得不到解释：需要 {permission} 权限。",
    "{version:name} is not live, so it answers nobody.": "{version} 未上线，因此不提供答案。",
    "{version:name} takes {count:n} features, too many for a form.": "{version} 有 {count} 个特征，表单放不下。",
    "Only probabilities of classes are explained, and this version answers with something else.": (
        "只能解释各类别的概率，而该版本给出的是其他答案。"
    ),
    "The field {name} takes numbers, and line {line:n} holds something else.": "字段 {name} 须为数值，而第 {line} 行含有其他内容。",
    "Write null where one is missing.": "缺失处请写 null。",
    "The field {name} takes {wanted:n} numbers in each line, and line {line:n} has {found:n}.": (
        "字段 {name} 每行须有 {wanted} 个数值，而第 {line} 行有 {found} 个。"
    ),
    "Ask for its answer alone.": "请只请求其答案。",
    "Ask it over the API.": "请通过 API 调用。",
    "The field {name} needs a number, such as 12 or 12.5.": "字段 {name} 须为数字，例如 12 或 12.5。",
    "interventional Shapley values over every coalition of passages, which are left out where they are not known": (
        "干预式 Shapley 值，遍历所有片段联盟；未知的片段被略去"
    ),
    "interventional Shapley values over {count:n} random orders and their reverses of passages, which are left out where they are "
    "not known": "干预式 Shapley 值，取片段的 {count} 个随机顺序及其逆序；未知的片段被略去",
    "interventional Shapley values over every coalition of entries, which are left out where they are not known": (
        "干预式 Shapley 值，遍历所有历史条目联盟；未知的条目被略去"
    ),
    "interventional Shapley values over {count:n} random orders and their reverses of entries, which are left out where they are "
    "not known": "干预式 Shapley 值，取历史条目的 {count} 个随机顺序及其逆序；未知的条目被略去",
    "interventional Shapley values over every coalition of stretches, which are missing where they are not known": (
        "干预式 Shapley 值，遍历所有区段联盟；未知的区段视为缺失"
    ),
    "interventional Shapley values over {count:n} random orders and their reverses of stretches, which are missing where they are "
    "not known": "干预式 Shapley 值，取区段的 {count} 个随机顺序及其逆序；未知的区段视为缺失",
    "interventional Shapley values over every coalition of patches, which show the mean colour where they are not known": (
        "干预式 Shapley 值，遍历所有图块联盟；未知的图块显示平均颜色"
    ),
    "interventional Shapley values over {count:n} random orders and their reverses of patches, which show the mean colour where "
    "they are not known": "干预式 Shapley 值，取图块的 {count} 个随机顺序及其逆序；未知的图块显示平均颜色",
    "interventional Shapley values over every coalition": "干预式 Shapley 值，遍历所有联盟",
    "interventional Shapley values over {count:n} random orders and their reverses": (
        "干预式 Shapley 值，取 {count} 个随机顺序及其逆序"
    ),
    "Fewer than two versions of {model:name} were assessed.": "{model} 评估过的版本不足两个。",
    "No model is called {name}.": "没有名为 {name} 的模型。",
    "The list of models shows those there are.": "模型列表列出了现有的模型。",
    "Model {model} has no version {number:n}.": "模型 {model} 没有版本 {number}。",
    "There are: {versions}.": "现有：{versions}。",
    "No release is called {name}.": "没有名为 {name} 的发布。",
    "The console has no page at this address.": "控制台没有这个地址的页面。",
    "The console has no such file.": "控制台没有这个文件。",
    "This file of {version:name} is not shown in a browser.": "{version} 的这个文件不在浏览器中显示。",
    "Who may export takes it out, on record: {command:code}.": "有导出权限的人可以取出，并记录在案：{command}。",
    "The form says no decision.": "表单中没有决定。",
    "The form came in another encoding than the page's own.": "表单的编码与页面不同。",
    "The form is larger than {limit:n} bytes.": "表单超过 {limit} 字节。",
    "Send less, or use the API.": "请减少内容，或使用 API。",
    "The form cannot be read.": "表单无法读取。",
    "This form was not made by your session.": "此表单不是由您的会话生成的。",
    "Reload the page and send it again.": "请重新加载页面后再提交。",
    "An unexpected fault.": "发生意外故障。",
    "The server's log names its place, and the x-request-id of who met it first.": (
        "服务器日志记有其位置，以及最先遇到它的请求的 x-request-id。"
    ),
}
# Words that mean one thing here and another elsewhere in English, by what they are among.
AMONG = {
    ("kind", "number"): "数值",
    ("status", "failed"): "失败",
    **{("security", name): said for name, said in SECURITY_NAMES.items()},
    **{("why", kind): said for kind, said in WHY_KINDS.items()},
}
WORDS = Phrasebook(
    CHINESE | ACCESS_WORDS | PEOPLE_WORDS | FACTS,
    SENTENCES | FINDING_SENTENCES | DATA_SENTENCES | PEOPLE_SENTENCES | SECURITY_SENTENCES | WHY_SENTENCES,
    upon=DECISION_WORDS,
)


@dataclass(frozen=True, slots=True)
class Translator:
    """Says what pages say in `language`."""

    language: Language

    def __call__(self, word: str, **values: object) -> str:
        """A word of the console with the values it names filled in. One that other people's plug-ins bring stays as it is."""
        is_one = self.language == "en" and str(values.get("n")) == "1"
        said = WORDS.word(SINGULAR.get(word, word) if is_one else word, self.language)
        return escape(said).format(**values) if values else said

    def among(self, others: str, word: str) -> str:
        """A word that comes out of values, and that English uses for other things as well."""
        chosen = AMONG.get((others, word)) if self.language == "zh" else None
        return chosen or self(word)

    def say(self, sentence: str) -> Markup:
        """A sentence of any room, as HTML; marked up as English where nobody translated it."""
        return WORDS.html(sentence, self.language)


def choose_language(chosen: str | None, accepted: str) -> Language:
    """The language to speak: what was chosen, else the first that the browser accepts and we have."""
    wanted = [chosen or "", *(part.strip()[:2] for part in accepted.lower().split(","))]
    return next((language for tag in wanted for language in LANGUAGES if tag == language), "en")
