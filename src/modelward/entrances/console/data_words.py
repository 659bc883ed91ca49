# SPDX-License-Identifier: Apache-2.0
"""The words of the pages of data in Chinese; what profiles warn of, and why a training ended early."""

from __future__ import annotations

from modelward.entrances.console.budget_words import BUDGET_WORDS
from modelward.entrances.console.erasing_words import ERASING_SENTENCES, ERASING_WORDS
from modelward.entrances.console.grant_words import GRANT_WORDS
from modelward.entrances.console.hiding_words import HIDING_WORDS
from modelward.entrances.console.record_words import RECORD_SENTENCES, RECORD_WORDS

DATA_WORDS = {
    **GRANT_WORDS,
    **RECORD_WORDS,
    **ERASING_WORDS,
    **BUDGET_WORDS,
    **HIDING_WORDS,
    "Every dataset, sealed and fingerprinted; it never changes.": "每个数据集都已加密并记录指纹，不再改变。",
    "Rows": "行数",
    "Columns": "列",
    "Target": "目标列",
    "Registered": "登记",
    "Shard": "分片",
    "{part} of {parts} of {dataset}": "{dataset} 的第 {part} 片，共 {parts} 片",
    "Purpose": "用途",
    "License": "许可",
    "No dataset yet.": "还没有数据集。",
    "What to look at": "需要注意",
    "Nothing about these rows calls for a second look.": "这些数据行没有需要特别注意之处。",
    "Classes of {target}": "{target} 的类别",
    "{n} rows": "{n} 行",
    "missing in {share} of the rows": "{share} 的行缺失",
    "no value missing": "没有缺失",
    "{n} different values": "{n} 个不同的值",
    "holds direct identifiers of persons, so nothing more is told of it": "含有个人的直接标识，因此不再说明",
    "From {low} to {high}, mean {mean}, median {median}.": "从 {low} 到 {high}，均值 {mean}，中位数 {median}。",
    "Half of the texts have at most {median} characters, 95 % at most {p95}, the longest {longest}.": (
        "一半的文本不超过 {median} 个字符，95 % 不超过 {p95} 个，最长 {longest} 个。"
    ),
    "From {earliest} to {latest}.": "从 {earliest} 到 {latest}。",
    "The fullest of {n} bars, from {low} to {high}, has about {rows} rows.": (
        "{n} 个柱形中最高的在 {low} 与 {high} 之间，约 {rows} 行。"
    ),
    "Learnt from it": "用它训练过",
    "{n} outliers.": "{n} 个离群值。",
    "Image sizes": "图像尺寸",
    "Lengths in steps": "长度（步数）",
    "The series have {least} to {most} steps, half of them at most {median}.": (
        "各序列有 {least} 到 {most} 步，其中一半不超过 {median} 步。"
    ),
    "{n} hold no number.": "{n} 个不含任何数值。",
    "Of the numbers within, {share} are missing.": "序列内的数值有 {share} 缺失。",
    "Range of each of {n} channels": "{n} 个通道各自的范围",
    "Their numbers go from {low} to {high}.": "数值从 {low} 到 {high}。",
    "Bars count rows between the first and the last percentile, rounded down to fives; what lies beyond is at the ends.": (
        "柱形为第 1 与第 99 百分位之间的行数，向下取整到五的倍数；其外的行计入两端的柱形。"
    ),
    "Too few values, or too alike, for a histogram.": "取值太少或过于相近，无法绘制直方图。",
    "category": "类别",
    "boolean": "真假",
    "date": "日期",
    "text": "文本",
    "image": "图像",
    "series": "数值序列",
    "series-long": "序列过长",
    "series-empty": "空序列",
    "series-gaps": "序列内有缺失",
    "series-flat": "通道取值恒定",
    "constant": "取值恒定",
    "near-unique": "几乎各不相同",
    "high-cardinality": "取值过多",
    "outliers": "离群值",
    "image-sizes": "图像尺寸不一",
    "image-modes": "图像色彩模式",
    "dates": "日期",
    "row-counter": "行计数",
    "small-class": "类别过小",
    "favourable-class": "有利类别",
    "correlated": "相关列",
    "duplicates": "重复行",
    "ties": "时间相同",
    "short-histories": "历史过短",
    "rare-items": "稀有物品",
    "repeats": "重复交互",
    "direct-identifiers": "直接标识",
}
DATA_SENTENCES = {
    **RECORD_SENTENCES,
    **ERASING_SENTENCES,
    "Column {name} holds direct identifiers of persons ({what}).": "列 {name} 含有个人的直接标识（{what}）。",
    "Leave it out.": "请排除该列。",
    "No row has {values:text} in column {column:text}.": "列 {column} 中没有任何行的值是 {values}。",
    "Did you mean {near:text}?": "您是指 {near} 吗？",
    "Column {name} has one value only and teaches nothing.": "列 {name} 只有一个取值，学不到任何东西。",
    "Column {name} has {values:n} different values in {rows:n} rows: it names rows, or holds texts.": (
        "列 {name} 在 {rows} 行中有 {values} 个不同的值：它是行的名称，或者是文本。"
    ),
    "Leave it out of a table, or learn from its texts alone ({line:code} in the spec).": (
        "请在表格中排除该列，或只从它的文本学习（在训练说明中写 {line}）。"
    ),
    "Column {name} has {values:n} different texts, too many for a category.": "列 {name} 有 {values} 个不同的文本，作为类别太多。",
    "Column {name} holds dates, from which nothing is learned here.": "列 {name} 是日期，这里不从日期学习。",
    "Leave it out, or divide the rows by it.": "请排除该列，或按它划分数据行。",
    "Column {name} is missing in {share:n}% of the rows.": "列 {name} 在 {share}% 的行中缺失。",
    "Column {name} has {found:n} outliers (1.5 interquartile ranges beyond the quartiles).": (
        "列 {name} 有 {found} 个离群值（超出四分位数 1.5 倍四分位距）。"
    ),
    "The users in column {name} are direct identifiers of persons ({what}).": "列 {name} 中的用户是个人的直接标识（{what}）。",
    "Put a number in the place of each.": "请用编号代替每个用户。",
    "Column {name} only counts the rows.": "列 {name} 只是行号。",
    "The smallest class of {name} has {fewest:n} of {rows:n} rows ({share:n}%): accuracy will flatter.": (
        "{name} 的最小类别在 {rows} 行中只有 {fewest} 行（{share}%）：准确率会显得过高。"
    ),
    "A class of {name} has {fewest:n} rows: hardly enough for each part of a split.": (
        "{name} 有一个类别只有 {fewest} 行，难以分到划分的每个部分。"
    ),
    "Leave it out, or join it to another.": "请排除它，或与其他类别合并。",
    "Nobody said which class of {name} is favourable: {taken} (the rarer one) is taken, and fairness counts who gets it.": (
        "没有指明 {name} 的哪个类别是有利的：取较少的 {taken}，公平性按谁得到它来计算。"
    ),
    "Say another with {option:code}, or as {line:code} in the spec.": "可用 {option} 或训练说明中的 {line} 另行指定。",
    "Columns {one} and {other} say the same: correlation {share:n}.": "列 {one} 与 {other} 内容相同：相关系数 {share}。",
    "Keep one.": "请只保留一列。",
    "{found:n} of {rows:n} rows repeat another: copies may fall on both sides of a split, and flatter the test.": (
        "{rows} 行中有 {found} 行与别的行重复：副本可能落在划分的两边，使测试结果偏高。"
    ),
    "The recipe {name} diverged in epoch {epoch:n}, at step {step:n} of its {steps:n}: its loss is no longer a number.": (
        "配方 {name} 在第 {epoch} 轮（共 {steps} 步中的第 {step} 步）发散：损失不再是数值。"
    ),
    "The recipe {name} diverged in epoch {epoch:n}, at step {step:n} of its {steps:n}: its gradient is no longer a number.": (
        "配方 {name} 在第 {epoch} 轮（共 {steps} 步中的第 {step} 步）发散：梯度不再是数值。"
    ),
    "The recipe {name} diverged in epoch {epoch:n}, at step {step:n} of its {steps:n}: its validation loss is no longer a "
    "number.": ("配方 {name} 在第 {epoch} 轮（共 {steps} 步中的第 {step} 步）发散：验证损失不再是数值。"),
    "The last gradient had the norm {norm:n}.": "最后一个梯度的范数为 {norm}。",
    "Lower learning_rate (it is {rate:n}), or set clip_norm: 1.0.": "请降低 learning_rate（现为 {rate}），或设置 clip_norm: 1.0。",
    "Lower learning_rate (it is {rate:n}), or lower clip_norm (it is {norm:n}).": (
        "请降低 learning_rate（现为 {rate}），或降低 clip_norm（现为 {norm}）。"
    ),
    "Stopped by {signal}.": "被 {signal} 停止。",
    "It ended without a word.": "它没有留下任何消息就结束了。",
}
