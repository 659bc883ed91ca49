# SPDX-License-Identifier: Apache-2.0
"""What the page of why says, in Chinese: what decided, what besides is asked, and what would have to change."""

from __future__ import annotations

from itertools import combinations
from typing import Final

_LIMITS: Final = {
    "requests a minute": "每分钟 {%s} 次请求",
    "requests a day": "每天 {%s} 次请求",
    "rows a minute": "每分钟 {%s} 行",
    "rows a day": "每天 {%s} 行",
}
_QUOTAS: Final = {
    ", ".join(f"{{n{at}:n}} {limit}" for at, limit in enumerate(some)): "，".join(
        _LIMITS[limit] % f"n{at}" for at, limit in enumerate(some)
    )
    for count in range(1, len(_LIMITS) + 1)
    for some in combinations(_LIMITS, count)
}
# What of a dataset a model is granted, until when.
_GRANTS: Final = {
    f"{{grant:name}} gives model {{model:name}} {columns} {rows} of {{dataset:name}}, for {{purpose:text}}, {ends}": (
        f"{{grant}} 将数据集 {{dataset}} 的{all_columns}、{all_rows}授予模型 {{model}}，用途为 {{purpose}}，{end}"
    )
    for columns, all_columns in (("every column", "全部列"), ("1 column", " 1 列"), ("{n:n} columns", " {n} 列"))
    for rows, all_rows in (("of every row", "全部行"), ("of the rows that its filter keeps", "经行条件筛选的行"))
    for ends, end in (("until it is revoked", "撤销前有效"), ("until {day:name} {time:name} UTC", "有效至 {day} {time} UTC"))
}
_NO_GRANTS: Final = {
    f"nothing{of} is granted to model {{model:name}}{over}": f"{ended}没有{of_what}授予模型 {{model}}"
    for of, of_what in (("", "任何数据"), (" of {dataset:name}", "数据集 {dataset} 的任何内容"))
    for over, ended in (("", ""), (" any more: {grant:name} of {other:name} is over", "{other} 的授权 {grant} 已终止，现在"))
}
# Of which kind a ground, or a condition, is.
WHY_KINDS: Final = {
    "role": "角色",
    "limit": "密钥的限制",
    "tenant": "租户",
    "policy": "策略",
    "owner": "所有者",
    "emergency": "紧急访问",
    "fault": "故障",
    "scope": "权限范围",
    "expiry": "期限",
    "purpose": "用途",
    "quota": "配额",
    "terms": "保密条款",
    "second factor": "第二因素",
    "wait": "等待",
    "ended": "已终止",
    "connection": "连接",
    "grant": "授权",
}
WHY_SENTENCES: Final = {
    **_QUOTAS,
    **_GRANTS,
    "{who:name} has not accepted the terms of {subject:name}.": "{who} 尚未接受 {subject} 的条款。",
    "Read them with {show:code} or GET {place:name}, and accept them with {accept:code} or POST {other:name}": (
        "可用 {show} 或 GET {place} 阅读，用 {accept} 或 POST {other} 接受"
    ),
    "for a key, whoever manages keys can: {option:code}.": "管理密钥者可代密钥接受：{option}。",
    **_NO_GRANTS,
    "Nobody here is called {name:text}.": "这里没有名为 {name} 的人或服务。",
    "Say person:NAME, service:NAME or model:NAME": "请写 person:名称、service:名称或 model:名称",
    "{people:code} and {keys:code} show who there is.": "{people} 和 {keys} 可查看有谁。",
    "Who owns the data grants it: {command:code}.": "由数据的所有者授权：{command}。",
    "{who:name} is {role:name} and lacks {permission:name}.": "{who} 的角色是 {role}，没有 {permission} 权限。",
    "Roles that have it: {roles}.": "拥有此权限的角色：{roles}。",
    "Ask an administrator.": "请联系管理员。",
    "{who:name} is {role:name}, which has {permission:name}.": "{who} 的角色是 {role}，拥有 {permission} 权限。",
    "{who:name} lacks {permission:name}: its key is for {scope} alone.": "{who} 没有 {permission} 权限：其密钥仅限 {scope}。",
    "Ask an administrator for a key that is for more: {command:code}.": "请向管理员索取权限更多的密钥：{command}。",
    "{who:name} lacks {permission:name} for model {model}: its key is limited to {models}.": (
        "{who} 对模型 {model} 没有 {permission} 权限：其密钥仅限 {models}。"
    ),
    "{who:name} lacks {permission:name}: its key is limited to {models}.": "{who} 没有 {permission} 权限：其密钥仅限 {models}。",
    "Ask an administrator for a key that reaches further: {command:code}.": "请向管理员索取范围更大的密钥：{command}。",
    "{who:name} owns the home, and may always repair its policies.": "{who} 是主目录的所有者，始终可以修复其策略。",
    "{who:name} is of the tenant {tenant:name}, and {permission:name} concerns the whole house.": (
        "{who} 属于租户 {tenant}，而 {permission} 关系到整个机构。"
    ),
    "Ask an administrator of it.": "请联系本机构的管理员。",
    "{who:name} is refused {permission:name} by the site's policy {policies}.": (
        "本站的策略 {policies} 拒绝 {who} 执行 {permission}。"
    ),
    "{who:name} is refused {permission:name} of dataset {dataset:name} (of which {shard:name} is a shard) by the site's policy "
    "{policies}.": "{shard} 是数据集 {dataset} 的分片，本站的策略 {policies} 拒绝 {who} 对该数据集执行 {permission}。",
    "{who:name} is refused {permission:name} of dataset {dataset:name} by the site's policy {policies}.": (
        "本站的策略 {policies} 拒绝 {who} 对数据集 {dataset} 执行 {permission}。"
    ),
    "An administrator sees why: {command:code}.": "管理员可查看原因：{command}。",
    "The site's policy {policies} permits {who:name} {permission:name}.": "本站的策略 {policies} 允许 {who} 执行 {permission}。",
    "{who:name} has {permission:name} by {emergency:name} until {moment:name} UTC": (
        "{who} 凭紧急访问 {emergency} 拥有 {permission} 权限，至 {moment} UTC"
    ),
    "every use is on record.": "每次使用都会记入账本。",
    "{who:name} is a model, which has no role, and no policy of the site permits it {permission:name}.": (
        "{who} 是模型，没有角色，本站也没有策略允许它执行 {permission}。"
    ),
    "Forbid it with a policy of the site: {command:code}.": "用本站的策略禁止：{command}。",
    "It is refused where no other administrator could do it.": "若没有其他管理员能执行此操作，则该策略会被拒绝。",
    "Nothing does: who owns the home could read its database and its keyring anyway.": (
        "没有办法：主目录的所有者本来就能读取其数据库和密钥环。"
    ),
    "What {who:name} learns and is measured from is granted, apart from roles and policies: {command:code} shows it, and "
    "{other:code} grants it.": "{who} 从何处学习、以何测量由授权决定，与角色和策略无关：{command} 可查看，{other} 可授权。",
    "Nothing has to change for {who:name} to learn and be measured from what is granted: that needs no role and no policy.": (
        "{who} 按已有授权学习和测量，无需任何更改：这不需要角色，也不需要策略。"
    ),
    "Give {who:name} one of the roles that have {permission:name} ({roles}): {command:code}.": (
        "给 {who} 一个拥有 {permission} 权限的角色（{roles}）：{command}。"
    ),
    "Permit it with a policy of the site: {command:code}.": "用本站的策略允许：{command}。",
    "No key that is limited to models has {permission:name}: give {who:name} a key without the limit, {command:code}.": (
        "限定模型的密钥都没有 {permission} 权限：请给 {who} 一个不作此限定的密钥：{command}。"
    ),
    "Give {who:name} a key that reaches further: {command:code}.": "给 {who} 一个范围更大的密钥：{command}。",
    "Nobody of a tenant has {permission:name}: ask somebody of the house to do it.": (
        "租户中无人拥有 {permission} 权限：请让本机构的人员来做。"
    ),
    "The key {name:name} ({id:name}) was revoked on {day:name} {time:name} UTC, and opens nothing.": (
        "密钥 {name}（{id}）已于 {day} {time} UTC 吊销，什么也打不开。"
    ),
    "The key {name:name} ({id:name}) ended on {day:name} {time:name} UTC, and opens nothing.": (
        "密钥 {name}（{id}）已于 {day} {time} UTC 到期，什么也打不开。"
    ),
    "Make another key, under another name: {command:code}.": "请以另一名称创建密钥：{command}。",
    "The person {name:name} was removed on {day:name} {time:name} UTC, and cannot sign in.": (
        "用户 {name} 已于 {day} {time} UTC 被移除，无法登录。"
    ),
    "Add them again, under another name: {command:code}.": "请以另一名称重新添加：{command}。",
    "too many sign-ins failed, so none by password is looked at before {day:name} {time:name} UTC": (
        "登录失败次数过多，{day} {time} UTC 之前不受理密码登录"
    ),
    "Let them in at once: {command:code}.": "立即放行：{command}。",
    "Only the tenant that has it, or the house, reaches it": "只有其所属租户或本机构可以访问",
    "{who:name} is of {tenant}.": "{who} 属于 {tenant}。",
    "Change or remove the policy {policy:name}: {command:code}.": "更改或移除策略 {policy}：{command}。",
    "its key is for {scope} alone": "其密钥仅限 {scope}",
    "its key ends {moment} UTC": "其密钥于 {moment} UTC 到期",
    "a version is asked for {purpose}, and refuses where its own does not cover that": (
        "按用途 {purpose} 询问版本；若版本自身的用途不涵盖它，即被拒绝"
    ),
    "it is asked for {purpose}, and {version:name} is for {own}": "按用途 {purpose} 询问，而 {version} 的用途为 {own}",
    "Make a key for what the version is for: {command:code}.": "请按该版本的用途创建密钥：{command}。",
    "at most {quota:said}": "最多{quota}",
    "what is beyond that is refused until the next begins": "超出的部分在下一周期开始前被拒绝",
    "those of {subject:name} were accepted {moment} UTC": "{subject} 的条款已于 {moment} UTC 接受",
    "those of {subject:name} were accepted {moment} UTC by {who:name}": "{subject} 的条款已于 {moment} UTC 由 {who} 代为接受",
    "those of {subject:name}, {digest:name}, are in place since {day:name} {time:name} UTC and were not accepted": (
        "{subject} 的条款（{digest}）自 {day} {time} UTC 起生效，尚未接受"
    ),
    "Have them read and accepted: {command:code}.": "请先阅读并接受：{command}。",
    "{who:name} reads and accepts them in the console, under Access, Terms: /console/access/terms.": (
        "{who} 请在控制台的“访问”“保密条款”中阅读并接受：/console/access/terms。"
    ),
    "Put the terms again.": "请重新发布条款。",
    "the ledger tells of one whose row was altered or taken away, so no password opens anything": (
        "账本记载的第二因素其数据行被改动或移除，因此密码什么也打不开"
    ),
    "Have them begin anew: {command:code}.": "请让其重新开始：{command}。",
    "its code is asked for at every sign-in by password": "每次用密码登录时都要求其验证码",
    "who is {role:name} needs one, and none is set up: until then a session opens the page of their account alone": (
        "角色为 {role} 者须有第二因素而尚未设置：在此之前会话只能打开其账户页面"
    ),
    "They set one up on the page of their account.": "请其在自己的账户页面设置。",
    "policies look at the connection": "策略会查看连接",
    "this answer is for one from {address:name}, with a client certificate": "此答复针对来自 {address}、带客户端证书的连接",
    "this answer is for one from {address:name}, without a client certificate": "此答复针对来自 {address}、不带客户端证书的连接",
    "this answer is for one without an address, with a client certificate": "此答复针对没有地址、带客户端证书的连接",
    "this answer is for one without an address, without a client certificate": "此答复针对没有地址、不带客户端证书的连接",
}
