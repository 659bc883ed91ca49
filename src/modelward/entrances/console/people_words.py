# SPDX-License-Identifier: Apache-2.0
"""The words of signing in, and of the pages of people, keys and one's account, in Chinese."""

from __future__ import annotations

PEOPLE_WORDS = {
    # Signing in
    "With a one-time link instead": "改用一次性链接",
    "Password": "密码",
    "Code": "验证码",
    "Of your authenticator, or a recovery code; empty where you set up none.": "验证器上的验证码，或恢复码；未设置则留空。",
    "A password of your own": "设置自己的密码",
    "At least 12 characters, such as words that only you put together. Without one, it takes a new link to come in again.": (
        "至少 12 个字符，例如只有您会放在一起的几个词。不设密码，下次就只能用新的链接进入。"
    ),
    "The same once more": "再输入一次",
    # People
    "People": "人员",
    "Who signs in here. A name is given once for ever, so that the ledger never speaks of two people by one.": (
        "在此登录的人。每个名称只给一次，账本因此不会用同一名称指两个人。"
    ),
    "Signs in by": "登录方式",
    "Sessions": "会话",
    "Last seen": "最近使用",
    "must wait": "须等待",
    "password": "密码",
    "second factor": "第二因素",
    "link, unused": "链接，未使用",
    "links alone": "仅限链接",
    "Add a person": "添加人员",
    "Enter the code that your device shows now.": "请输入设备当前显示的验证码。",
    # Many keys
    "Name begins with": "名称开头",
    "The newest {n} keys. Search for others by the beginning of their name.": "列出最新的 {n} 个密钥；其他请按名称开头查询。",
    "Show every key": "显示全部密钥",
    "No valid key has a name that begins so.": "没有名称以此开头的有效密钥。",
    "Add": "添加",
    "You get a link for them, which works once.": "您会得到一个供其使用的链接，仅可使用一次。",
    "A link for {name}, shown this one time:": "{name} 的链接，仅显示这一次：",
    "It works once, until {moment} UTC. Send it over a channel you trust.": (
        "仅可使用一次，有效期至 {moment} UTC。请通过可信的渠道发送。"
    ),
    "Session": "会话",
    "Came by": "进入方式",
    "link": "链接",
    "provider": "身份提供方",
    "Ends": "结束",
    "this one": "当前会话",
    "End": "结束",
    "End session {id}": "结束会话 {id}",
    "End every session": "结束所有会话",
    "Signed in nowhere.": "没有登录的会话。",
    "Sign-ins failed. Somewhere the next is looked at from {moment} UTC on.": (
        "登录多次失败。某处的下一次登录要到 {moment} UTC 之后才受理。"
    ),
    "Unlock": "解除等待",
    "What failed is forgotten, and nobody waits.": "失败记录将被清除，无人需要等待。",
    "Change": "更改",
    "Another role": "另一角色",
    "Change the role": "更改角色",
    "Their sessions end; they sign in anew.": "其会话将结束，须重新登录。",
    "A new link": "新链接",
    "Make a new link": "生成新链接",
    "Their password, their second factor and an older link end.": "其密码、第二因素和旧链接将失效。",
    "Remove": "移除",
    "Remove {name} now": "立即移除 {name}",
    "They are out at once, for good.": "立即失去访问，且不可恢复。",
    # Keys
    "Keys": "密钥",
    "By which services call. A secret is shown once and kept nowhere.": "服务凭此调用。密钥内容只显示一次，不作保存。",
    "The secret of {name}, shown this one time:": "{name} 的密钥内容，仅显示这一次：",
    "It is kept nowhere. Put it where the service reads it, and nowhere else.": "任何地方都不保存它。请只放在服务读取它的地方。",
    "Key": "密钥",
    "every model": "所有模型",
    "every model of {tenant}": "{tenant} 的所有模型",
    "Revoke {name}": "吊销 {name}",
    "Revoke…": "吊销…",
    "End {name}": "终止 {name}",
    "Whoever has its secret is refused from the next question on, for good.": (
        "持有其密钥内容者从下一个请求起即被拒绝，且不可恢复。"
    ),
    "No key opens anything.": "没有有效的密钥。",
    "{n} keys that ended": "{n} 个已失效的密钥",
    "Keys that ended": "已失效的密钥",
    "Ended": "失效",
    "Make a key": "创建密钥",
    "Name of the service": "服务名称",
    "Names with commas between them; empty reaches every model, or every one of the tenant.": (
        "名称之间用逗号分隔；留空则可访问所有模型，或该租户的所有模型。"
    ),
    "The day begins at midnight UTC; empty is no end.": "当日从 UTC 零点起算；留空则不结束。",
    "Make it": "创建",
    "Quota": "配额",
    "Last used": "最近使用",
    "only": "仅限",
    "{n} requests a minute": "每分钟 {n} 次请求",
    "{n} requests a day": "每天 {n} 次请求",
    "{n} rows a minute": "每分钟 {n} 行",
    "{n} rows a day": "每天 {n} 行",
    "the secret before: {moment} UTC": "原密钥内容：{moment} UTC",
    "Another secret": "更换密钥内容",
    "Another secret for {name}": "更换 {name} 的密钥内容",
    "Seconds for which the one before still opens; 0 ends it at once": "原密钥内容继续有效的秒数；0 为立即失效",
    "Make another secret": "生成新的密钥内容",
    "Scope": "权限范围",
    "Permissions with commas between them; empty is all that the role may.": "权限名之间用逗号分隔；留空则为该角色的全部权限。",
    "Requests a minute": "每分钟请求数",
    "Requests a day": "每天请求数",
    "Rows a minute": "每分钟行数",
    "Rows a day": "每天行数",
    "At most; empty is no limit.": "上限；留空则不限。",
    # One's account
    "My account": "我的账户",
    "How you sign in as {name}, and where you are signed in.": "您以 {name} 登录的方式，以及登录的会话。",
    "Your role asks for a second factor. Set one up; until then this page is all that opens.": (
        "您的角色要求第二因素。请先设置；在此之前只能打开本页。"
    ),
    "You come in by {provider}, and have no password here. Who needs one asks an administrator for a one-time link.": (
        "您通过 {provider} 进入，在此没有密码。如需密码，请向管理员索取一次性链接。"
    ),
    "It needs a password first.": "须先设置密码。",
    "The second factor is set up. These recovery codes are shown this one time:": "第二因素已设置。以下恢复码仅显示这一次：",
    "Each opens once in place of a code. Keep them where your device is not.": "每个恢复码可代替验证码使用一次。请与设备分开保管。",
    "Set up the second factor": "设置第二因素",
    "Let the authenticator on your device read the picture, or type the secret into it. Then enter the code that it shows.": (
        "请用设备上的验证器扫描图片，或输入密钥内容，然后填入它显示的验证码。"
    ),
    "Secret": "密钥内容",
    "Confirm": "确认",
    "QR picture for the authenticator": "供验证器扫描的二维码",
    "Change the password": "更改密码",
    "Set a password": "设置密码",
    "Password now": "当前密码",
    "New password": "新密码",
    "At least 12 characters, such as several words that only you put together.": "至少 12 个字符，例如只有您会放在一起的几个词。",
    "Set the password": "设置密码",
    "Every other session ends.": "其他会话将全部结束。",
    "End the second factor": "停用第二因素",
    "{n} recovery codes are left": "剩余 {n} 个恢复码",
    "End it": "停用",
    "Set up another one afterwards to get new recovery codes.": "之后重新设置即可获得新的恢复码。",
    "Set up a second factor": "设置第二因素",
    "An authenticator on your device shows a new code every 30 seconds, and signing in asks for it beside the password.": (
        "设备上的验证器每 30 秒显示一个新的验证码，登录时除密码外还须填写。"
    ),
    "Begin": "开始",
}
PEOPLE_SENTENCES = {
    "The name, the password or the code is not right, or the code was used before.": "名称、密码或验证码不正确，或验证码已使用过。",
    "Who lost one of them asks an administrator for a new one-time link.": "遗失其中任何一项者，请向管理员索取新的一次性链接。",
    "This sign-in link is not valid.": "此登录链接无效。",
    "Each works once and for a while; ask an administrator for a new one.": "每个链接只在一段时间内可用一次；请向管理员索取新的。",
    "This session is over.": "此会话已结束。",
    "Sign in again, or ask an administrator for a new link.": "请重新登录，或向管理员索取新的链接。",
    "Too many sign-ins failed.": "登录失败次数过多。",
    "The next is looked at in {seconds:n} s; a new one-time link opens at once, and so does {command:code} by an administrator.": (
        "{seconds} 秒后才受理下一次；新的一次性链接，或管理员运行 {command}，可立即放行。"
    ),
    "Many people sign in at this moment.": "此刻登录的人很多。",
    "Nothing was changed.": "未作任何更改。",
    "The new password was not typed the same way twice.": "两次输入的新密码不一致。",
    "The password has fewer than {least:n} characters.": "密码少于 {least} 个字符。",
    "The password has more than {most:n} characters.": "密码超过 {most} 个字符。",
    "The password is little more than the person's name.": "密码几乎只是本人的名称。",
    "The password is among the first that anybody tries.": "这是人们最先尝试的密码之一。",
    "Take several words that only you put together.": "请使用只有您会放在一起的几个词。",
    "Take a shorter one.": "请缩短密码。",
    "The password is not right.": "密码不正确。",
    "The code is not right.": "验证码不正确。",
    "See whether the clocks of this server and of your device agree, and enter the next code, or begin anew.": (
        "请检查服务器与您设备的时钟是否一致，然后输入下一个验证码，或重新开始。"
    ),
    "No second factor is being set up.": "没有正在设置的第二因素。",
    "Begin on the page of your account.": "请在您的账户页面开始。",
    "{name:name} is the last administrator.": "{name} 是最后一名管理员。",
    "Make another first: {command:code}.": "请先添加另一名：{command}。",
    "No valid key is called {name:text}.": "没有名为 {name} 的有效密钥。",
    "The page of keys shows them all.": "密钥页面列出全部密钥。",
}
