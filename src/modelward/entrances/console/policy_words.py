# SPDX-License-Identifier: Apache-2.0
"""The words of the pages of policies, and of why, in Chinese."""

from __future__ import annotations

POLICY_WORDS = {
    "Policies": "访问策略",
    "Why may somebody do something?": "为何某人可以做某事？",
    "What decided, and what would have to change.": "是什么作出了决定，以及需要改变什么。",
    "Who": "谁",
    "Action": "操作",
    "With what": "对什么",
    "Ask": "查询",
    "Allowed": "允许",
    "Denied": "拒绝",
    "Allowed, and refused until what is not met below is": "策略允许，但在下列未满足的条件满足之前仍会被拒绝",
    "From which address": "来自哪个地址",
    "With a client certificate": "是否出示客户端证书",
    "What bore on it": "相关依据",
    "permits": "允许",
    "forbids": "禁止",
    "met": "已满足",
    "not met": "未满足",
    "What would change it": "如何改变",
    "Limited to": "限于",
    "Policies of the site, in Cedar, beside the roles. What forbids overrides what permits.": (
        "本站的 Cedar 策略，与角色并行。禁止优先于允许。"
    ),
    "Revision": "修订号",
    "In force since (UTC)": "生效时间（UTC）",
    "Put a new file in force": "使新文件生效",
    "Name": "名称",
    "Text": "文本",
    "Put it in force": "使其生效",
    "Take it out of force": "使其失效",
    "Take it out of force…": "使其失效…",
    "At once: what it forbade is forbidden no more, and what it alone permitted is refused. Keep a copy of the text first.": (
        "立即生效：它所禁止的不再被禁止，仅由它允许的将被拒绝。请先保存一份文本。"
    ),
    "It comes with Modelward and cannot be changed.": "它随 Modelward 提供，不能更改。",
    "This policy lacks rules of the one that comes with Modelward:": "此策略缺少 Modelward 自带策略的以下规则：",
    "{policy} lacks rules of the one that comes with Modelward:": "{policy} 缺少 Modelward 自带策略的以下规则：",
}
