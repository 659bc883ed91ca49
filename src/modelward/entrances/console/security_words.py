# SPDX-License-Identifier: Apache-2.0
"""The words of the page of weak points in Chinese: what was looked at, what was found, why it matters and what to do."""

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
# What is looked at has a name in the documents, which stays beside these.
SECURITY_NAMES = {
    "files": "文件",
    "keyring": "钥匙串",
    "master-keys": "主密钥",
    "first-token": "首个令牌",
    "key-ends": "密钥期限",
    "key-purposes": "密钥用途",
    "key-models": "密钥可及的模型",
    "administrator-keys": "管理员密钥",
    "unused-keys": "闲置的密钥",
    "second-factors": "第二因素",
    "altered-rows": "被改动的数据行",
    "ledger-durability": "账本持久性",
    "ledger-verified": "账本核验",
    "account": "系统账户",
    "swap": "交换空间",
    "core-dumps": "内存转储",
    "clock": "时钟",
    "telemetry": "遥测",
    "network": "网络",
    "training": "训练",
    "tls-keys": "TLS 密钥",
    "certificates": "证书",
}
SECURITY_SENTENCES = {
    "Other accounts of this machine reach {places}.": "本机的其他账户可访问 {places}。",
    "{places} belongs to another account than the one that runs Modelward.": "{places} 属于运行 Modelward 之外的另一账户。",
    "closed to others": "对他人关闭",
    "Run {command:code} on {place:name}, for the account that runs Modelward.": (
        "请对 {place} 运行 {command}，改为运行 Modelward 的账户。"
    ),
    "The keyring opens for whoever can read its file.": "能读取钥匙串文件的人就能打开它。",
    "It lies in the home, so that whoever copies the home has both.": "它放在主目录中，复制主目录的人两者皆得。",
    "Put it under a guard: {command:code}, or {other:code} for a KMS or an HSM.": (
        "请置于守护之下：{command}；使用 KMS 或 HSM 时选 {other}。"
    ),
    "Others can replace {places}, which opens the keyring.": "他人可以替换打开钥匙串的 {places}。",
    "guarded by {name:name}": "守护方式为 {name}",
    "Master keys of before in the keyring: {count:n}.": "钥匙串中有旧的主密钥：{count} 个。",
    "Sealed objects that hold their own wrapped key: {count:n}.": "含有自身密钥的密封对象：{count} 个。",
    "one; sealed objects: {count:n}": "一个；密封对象：{count} 个",
    "Run {command:code}: it wraps every key anew, and removes the master keys of before.": (
        "请运行 {command}：它重新包裹所有密钥，并移除旧的主密钥。"
    ),
    "used or ended": "已使用或已失效",
    "Nobody has signed in with the first administrator's token in {file:name}.": "尚无人使用 {file} 中首位管理员的令牌登录。",
    "Sign in with it": "请用它登录",
    "or let it end, and remove the file.": "或等它失效并移除该文件。",
    "{what:said} ({these:n} of {all:n}): {names}.": "{what}（{all} 个中的 {these} 个）：{names}。",
    "Keys that never end": "永不到期的密钥",
    "Keys without a purpose": "未声明用途的密钥",
    "Keys that are limited to no models, and reach those to come too": "不限定模型的密钥（今后的模型也可访问）",
    "Keys that are administrators": "具有管理员角色的密钥",
    "Keys that did nothing for {days:n} days": "{days} 天没有使用的密钥",
    "People whom a password alone lets in": "仅凭密码即可进入的人",
    "none of {count:n}": "{count} 个中没有",
    "none of {count:n} with a password lacks one": "有密码的 {count} 人均已设置",
    "Make a key that ends ({command:code}), give it to the service, and revoke the old one.": (
        "请创建有期限的密钥（{command}），交给服务使用，并吊销旧的。"
    ),
    "Make them anew with {option:code}, and revoke the old ones.": "请用 {option} 重新创建，并吊销旧的。",
    "Make a key with the least role that does ({command:code}), and revoke this one.": (
        "请用够用的最小角色创建密钥（{command}），并吊销此密钥。"
    ),
    "Revoke them: {command:code}.": "请吊销它们：{command}。",
    "Have them set one up, and demand it: {setting:name} names the roles that need one.": (
        "请让他们设置第二因素并作为要求：{setting} 指定须设置的角色。"
    ),
    "{names}: altered by something other than Modelward.": "{names}：被 Modelward 以外的程序改动。",
    "Run {command:code}, find out who can write there, and restore a backup.": "请运行 {command}，查明谁能写入那里，并恢复备份。",
    "full": "完全",
    "Answers leave before they are on record.": "答案在入账之前就已送出。",
    "Unset {setting:name}": "请取消设置 {setting}",
    "{value:code} is for measuring.": "{value} 仅供测量时使用。",
    "on {day:name}": "于 {day}",
    "begun lately": "刚刚开始",
    "Nobody verified the ledger since {day:name}.": "自 {day} 起无人核验账本。",
    "Nobody verified the ledger since it was begun.": "账本自开始以来无人核验。",
    "Run {command:code} every week, and keep a checkpoint elsewhere: {other:code}.": (
        "请每周运行 {command}，并在别处保存检查点：{other}。"
    ),
    "user {number:n}, not root": "用户 {number}，不是 root",
    "Modelward runs as root.": "Modelward 以 root 身份运行。",
    "Run it as an account of its own, which owns the home and nothing else.": "请以专用账户运行，该账户只拥有主目录。",
    "none, or encrypted": "没有，或已加密",
    "Memory is written to {places}, unencrypted.": "内存未加密地写入 {places}。",
    "Encrypt the swap with a key that is drawn at each start ({entry:code} in {file:name}), or turn it off ({command:code}).": (
        "请用每次启动时抽取的密钥加密交换空间（{file} 中的 {entry}），或将其关闭（{command}）。"
    ),
    "off": "关闭",
    "The memory of a process that dies is written to a file.": "进程异常结束时其内存会写入文件。",
    "The memory of a process that dies is handed to {program:name}.": "进程异常结束时其内存会交给 {program}。",
    "Set {line:code} for the service (or {command:code})": "请为服务设置 {line}（或 {command}）",
    "if a program gets them, {command:code}.": "若由程序接收，则用 {command}。",
    "The ledger's newest entry is of {entry} UTC": "账本最新条目的时间为 {entry} UTC",
    "this machine says {now} UTC.": "本机时间为 {now} UTC。",
    "Put the clock right ({command:code}), and look at the newest entries: {other:code}.": (
        "请校准时钟（{command}），并查看最新的条目：{other}。"
    ),
    "The system says that nobody keeps its clock right.": "系统表示其时钟无人校准。",
    "Have the time kept by NTP ({command:code}).": "请用 NTP 校时（{command}）。",
    "kept, and not behind the ledger": "已校准，且不落后于账本",
    "{names} asks libraries to tell others what is done with them.": "{names} 要求各库向他人报告使用情况。",
    "Unset it.": "请取消此设置。",
    "Modelward turns telemetry off for itself, whatever it says": "无论如何设置，Modelward 自身都关闭遥测",
    "other programs here do not.": "此处的其他程序则不会。",
    "Traces leave this machine unencrypted, to {host}.": "追踪数据未加密地离开本机，送往 {host}。",
    "Name an address with https in {setting:name}, or a collector on this machine.": (
        "请在 {setting} 中填写 https 地址，或使用本机上的收集器。"
    ),
    "nothing leaves by itself": "不会自行外传",
    "TLS": "TLS",
    "plain HTTP, on {host:name} alone": "明文 HTTP，仅限 {host}",
    "{host:name} is served over plain HTTP.": "{host} 以明文 HTTP 提供服务。",
    "Run {command:code}": "请运行 {command}",
    "or bind 127.0.0.1 behind a proxy that speaks TLS.": "或只监听 127.0.0.1，并置于提供 TLS 的代理之后。",
    "in a process of its own ({how})": "在独立的进程中（{how}）",
    "Models are learnt in the process that holds the keys.": "模型在持有密钥的进程中训练。",
    "{value:code} is to search for faults.": "{value} 仅供查找故障时使用。",
    "Others can read or replace {places}.": "他人可以读取或替换 {places}。",
    "Run {command:code}, then have a certificate made for another key.": "请运行 {command}，然后为另一密钥签发证书。",
    "Keys of clients lie in the home: {names}.": "主目录中有客户端的密钥：{names}。",
    "Hand them over, then remove them here: {files:code}.": "请交给客户端，然后在此移除：{files}。",
    "closed": "已关闭",
    "{count:n}, none ends within {days:n} days": "{count} 个，{days} 天内无到期",
    "They end, or have ended: {names}.": "即将到期或已到期：{names}。",
    "Run {command:code} for the server": "服务器请运行 {command}",
    "for clients, move the old one away and run {command:code}.": "客户端请移开旧证书并运行 {command}。",
    "It could not be looked at: {told:said}": "无法查看：{told}",
    "Run {command:code}.": "请运行 {command}。",
}
