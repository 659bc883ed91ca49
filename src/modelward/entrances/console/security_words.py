# SPDX-License-Identifier: Apache-2.0
"""The words of the page of weak points in Chinese. What was found, and what to do, stay as they are: they name commands."""

from __future__ import annotations

SECURITY_WORDS = {
    "Security": "安全",
    "Weak points": "薄弱点",
    "What somebody could do more than they need be able to. Nothing of it is a fault.": (
        "某人能做的超出其所需之事。这些都不是故障。"
    ),
    "Weak": "薄弱",
    "Well": "良好",
    "Looked at": "所查项目",
    "Found": "所见",
    "Why it matters": "为何重要",
    "What to do": "怎么办",
    "No weak point was found.": "未发现薄弱点。",
    "What nobody can look at may be weak.": "无人能查看之处可能薄弱。",
    "What is sealed stays shut to them; names, times and decisions in the database are not sealed.": (
        "密封的内容对他们仍是关闭的；数据库中的名称、时间和决定并未密封。"
    ),
    "Its owner can change or remove what lies there.": "其拥有者可以更改或移除其中的内容。",
    "It opens everything that is sealed, and signs as this house.": "它能打开一切密封之物，并以本机构的名义签名。",
    "Their program would be given what the keyring's key is wrapped in, and run as this account.": (
        "他们的程序会得到包裹钥匙串密钥的内容，并以此账户运行。"
    ),
    "An older copy of the keyring opens what was sealed then; a key that lies in an object outlives its row.": (
        "钥匙串的旧副本能打开当时密封之物；存于对象之中的密钥比其数据行留得更久。"
    ),
    "A flaw in a library that learns, or a recipe that somebody installed, reaches everything that is sealed.": (
        "学习所用库中的缺陷，或某人安装的配方，会触及一切密封之物。"
    ),
    "Whoever reads that file first is the administrator.": "谁先读到该文件，谁就是管理员。",
    "A key that leaks and is forgotten opens the house for ever.": "泄露而被遗忘的密钥会永远敞开大门。",
    "Nobody can tell later what they were for, and no model's purpose is held against them.": (
        "日后无人能说清它们的用途，也没有模型的用途可与之对照。"
    ),
    "A caller needs the models that it asks; a key that leaks should reach no more.": (
        "调用者只需要它所询问的模型；泄露的密钥不应触及更多。"
    ),
    "A program with such a key can give itself, or anybody, any right.": "持有这种密钥的程序可以给自己或任何人任何权利。",
    "Nobody would miss them, and nobody would notice who else uses them.": "没有人会想起它们，也没有人会注意到还有谁在使用。",
    "A password that was guessed, seen or used elsewhere too is all that it takes.": "只需一个被猜中、被看到或在别处也使用的密码。",
    "Somebody can write to the database. Those rows open nothing; what else they tried is the question.": (
        "有人能写入数据库。那些行打不开任何东西；问题是他们还尝试了什么。"
    ),
    "After a power cut there are answers of which the ledger knows nothing.": "断电之后，会有账本一无所知的回答。",
    "What was changed in it is found by whoever looks; the later, the harder to mend.": (
        "只有查看的人才能发现其中的改动；越晚越难补救。"
    ),
    "A flaw in any library that reads uploads or runs models is then a flaw of the whole machine.": (
        "任何读取上传文件或运行模型的库中的缺陷，都会成为整台机器的缺陷。"
    ),
    "Keys and rows that are in use end up on the disk, and stay there when the process is gone.": (
        "使用中的密钥和数据行会落到磁盘上，进程结束后仍留在那里。"
    ),
    "It holds the opened keyring, and rows that were being answered.": "其中有打开的钥匙串，以及正在回答的数据行。",
    "Keys, grants and certificates end by the clock: one that is behind keeps what should have ended.": (
        "密钥、授权和证书按时钟到期：慢的时钟会保留本应到期之物。"
    ),
    "Keys, grants and certificates end by the clock, and the ledger says when things happened by it.": (
        "密钥、授权和证书按时钟到期，账本也按时钟记录事情发生的时间。"
    ),
    "Names of models and identifiers of the machine would leave it.": "模型的名称和机器的标识会离开本机。",
    "They hold routes, models, times and ids of requests.": "其中有路由、模型、时间和请求编号。",
    "Whoever is on the way reads keys, questions and answers, and can change them.": (
        "途中的任何人都能读到密钥、问题和回答，并能更改它们。"
    ),
    "Who has the key can pass for this server, or for that client.": "持有密钥者可以冒充此服务器或该客户端。",
    "A client's key belongs to the client alone; a copy here is one more to lose.": (
        "客户端的密钥只属于客户端；这里的副本多一份丢失的风险。"
    ),
    "From then on clients go away, or learn to look past the warning.": "从那时起，客户端会离开，或学会忽视警告。",
}
