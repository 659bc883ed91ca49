# SPDX-License-Identifier: Apache-2.0
"""What the report of a load says, in Chinese."""

from __future__ import annotations

from modelward.assessment import REPORT_WORDS, Phrasebook

WORDS = {
    # The page
    "Load report": "负载报告",
    "Latencies are those of questions that were answered well, as the client saw them.": (
        "延迟是客户端所见、得到正常回答的请求的延迟。"
    ),
    "p99 is the time that 99 of 100 answers did not exceed.": "p99 是 100 个回答中 99 个没有超过的时间。",
    "Questions came at a rate, whatever became of them, and each is timed from the moment at which it was due.": (
        "请求按给定速率到来，不论结果如何；每个请求从其应发出的时刻起计时。"
    ),
    "Each connection asked, waited for the answer, and asked again, so that a service that stalls was asked less meanwhile.": (
        "每个连接提问、等待回答、再提问，因此服务停顿期间收到的请求较少。"
    ),
    "Service": "服务",
    "Address": "地址",
    "Protocol": "协议",
    "Rows in each request": "每个请求的行数",
    "Seconds, after so many to warm up": "秒数 · 预热秒数",
    "Arrivals": "到达方式",
    "poisson": "泊松",
    "constant": "等间隔",
    "Measured": "测量时间",
    "Machine of the client": "客户端机器",
    "What was met": "测量结果",
    "Load": "负载",
    "answers/s": "回答/秒",
    "rows/s": "行/秒",
    "greatest": "最大值",
    "refused": "拒绝",
    "failed": "失败",
    "client CPU": "客户端 CPU",
    "~ stands before a percentile that rests on fewer than ten slower answers: another run may well give another.": (
        "百分位数前的 ~ 表示只有不足十个更慢的回答作为依据：再测一次可能得到不同的值。"
    ),
    "Latencies": "延迟",
    "Towards the slowest answer": "直到最慢的回答",
    "Latency over percentile. Each nine takes as much room as the one before.": "延迟随百分位的变化。每多一个九占同样的宽度。",
    "Over time": "随时间的变化",
    "The median, the 99th percentile and the greatest latency of each moment.": "各时段的中位数、第 99 百分位与最大延迟。",
    "Answers and remarks": "回答与说明",
    "1 connection": "1 个连接",
    "The service and this client shared one machine.": "服务与本客户端在同一台机器上。",
}

SENTENCES = {
    "{count:n} connections": "{count} 个连接",
    "{rate:n}/s on 1 connection": "1 个连接，每秒 {rate} 个",
    "{rate:n}/s on {count:n} connections": "{count} 个连接，每秒 {rate} 个",
    "{status:n}": "{status}",
    "{status:n}, Retry-After {seconds:n} s": "{status}，Retry-After {seconds} 秒",
    "{status:n} without Retry-After": "{status}，没有 Retry-After",
    "This client used {share:n}% of a core, so it was the slower side: the service can do more.": (
        "本客户端占用了一个核心的 {share}%，是较慢的一方：服务的能力高于此。"
    ),
    "Measure with a compiled one, such as wrk.": "请用编译型的负载工具（如 wrk）测量。",
    "{count:n} question was never answered, and counted with the time of waiting, so the tail is longer than shown.": (
        "{count} 个请求始终没有得到回答，按已等待的时间计入，因此真实的尾部更长。"
    ),
    "{count:n} questions were never answered, and counted with the time of waiting, so the tail is longer than shown.": (
        "{count} 个请求始终没有得到回答，按已等待的时间计入，因此真实的尾部更长。"
    ),
    "{count:n} failed.": "{count} 个失败。",
    "{answered:n} of {asked:n} questions were answered well in time.": "{asked} 个请求中有 {answered} 个及时得到正常回答。",
    "{count:n} question was due while every connection was busy": "{count} 个请求应发出时所有连接都在忙",
    "{count:n} questions were due while every connection was busy": "{count} 个请求应发出时所有连接都在忙",
    "the wait is in the latencies.": "其等待已计入延迟。",
    "This client sent one in a hundred {late:n} ms late or more, which is in the latencies.": (
        "本客户端有百分之一的请求晚发出 {late} 毫秒以上，已计入延迟。"
    ),
    "{names}: fewer than {needed:n} answers were slower, so another run may well tell otherwise.": (
        "{names}：更慢的回答不足 {needed} 个，再测一次可能得到不同的值。"
    ),
    "Measure for longer.": "请延长测量时间。",
}

LOAD_WORDS = Phrasebook(WORDS, SENTENCES, upon=REPORT_WORDS)
