# SPDX-License-Identifier: Apache-2.0
"""The words of the pages of access in Chinese: who may come in, and who may do what."""

from __future__ import annotations

from modelward.access import Permission, Role
from modelward.entrances.console.capture_words import CAPTURE_WORDS
from modelward.entrances.console.emergency_words import EMERGENCY_WORDS
from modelward.entrances.console.keyring_words import KEYRING_WORDS
from modelward.entrances.console.policy_words import POLICY_WORDS
from modelward.entrances.console.security_words import SECURITY_WORDS
from modelward.entrances.console.tenant_words import TENANT_WORDS
from modelward.entrances.console.terms_words import TERMS_WORDS

_ROLES = {
    Role.ADMINISTRATOR: "管理本安装，可以做任何事；主目录的拥有者即是管理员。",
    Role.DATA_OWNER: "带来数据，授权给模型，并查看由此产生的训练与模型。",
    Role.DATA_SCIENTIST: "把数据变成模型，测量模型，并提议发布。",
    Role.RISK_OFFICER: "阅读证据，批准或拒绝发布。",
    Role.OPERATOR: "运行服务：导入、导出、上线、暂停、回退、监视。",
    Role.CALLER: "向模型提问的应用程序。",
    Role.AUDITOR: "阅读并核验发生过的事，不作任何改动。",
}
_PERMISSIONS = {
    Permission.DATA_READ: "查看数据集及其列与概况，并让其行用于训练和评估。",
    Permission.DATA_STATISTICS: "在隐私预算之内查询数据集的加噪统计；不显示任何数据行。",
    Permission.DATA_WRITE: "登记数据集。",
    Permission.DATA_SHRED: "销毁数据集的密钥，使任何人都无法再读取它们。",
    Permission.DATA_GRANT: "把数据集授权给模型、收回授权，并查看据此读取的记录。",
    Permission.DATA_ERASE: "从数据集中永久删除某人的数据行。",
    Permission.DATA_REIDENTIFY: "得知去标识化数据集中的假名代表谁，并记录在案。",
    Permission.TRAINING_RUN: "训练候选模型，并继续中断的训练。",
    Permission.TRAINING_READ: "查看训练及其报告。",
    Permission.MODELS_READ: "查看并核验模型、版本、可信报告和模型卡。",
    Permission.MODELS_IMPORT: "把别处制作的版本放上架。",
    Permission.MODELS_EXPORT: "取出版本的文件，已解密。",
    Permission.MODELS_ASSESS: "测量一个版本，并比较版本。",
    Permission.MODELS_PREDICT: "请已发布的模型作预测。",
    Permission.MODELS_EXPLAIN: "询问模型为何如此预测。",
    Permission.RELEASES_READ: "查看发布、策略和决定。",
    Permission.RELEASES_PROPOSE: "提议发布一个版本。",
    Permission.RELEASES_DECIDE: "批准或拒绝他人提议的发布。",
    Permission.RELEASES_PROMOTE: "让已批准的发布上线、暂停它，以及回退。",
    Permission.CAPTURES_RULE: "裁定留存对模型的哪些提问与回答，并销毁已留存的内容。",
    Permission.CAPTURES_READ: "查看留存了哪些提问，并在记录在案后查阅其内容。",
    Permission.TERMS_PUT: "为模型和数据集设定保密条款。",
    Permission.AUDIT_READ: "阅读、核验和导出账本，并取得任何回执。",
    Permission.AUDIT_RECEIPT: "取得自己请求的回执，以及核验它们的公钥。",
    Permission.USERS_MANAGE: "添加、邀请和移除人员，更改其角色，结束其会话与等待。",
    Permission.KEYS_MANAGE: "创建和吊销 API 密钥。",
    Permission.POLICIES_MANAGE: "更改本站的访问策略，并查询任何人为何可以做某事。",
    Permission.TENANTS_MANAGE: "添加和移除租户。",
    Permission.EMERGENCIES_DECIDE: "批准、拒绝或结束他人在紧急情况下申请的访问。",
    Permission.METRICS_READ: "读取运行中服务的指标。",
}
ACCESS_WORDS = {
    "Access": "访问",
    "Roles": "角色",
    "Pages of access": "访问页面",
    "Who may do what. Whatever no role allows is refused.": "谁可以做什么。没有任何角色允许的事一律拒绝。",
    "You are {name}, {role}.": "您是 {name}，角色为{role}。",
    "Your role": "您的角色",
    "Who has it": "谁拥有",
    "Permission": "权限",
    "Permissions": "权限",
    "Role": "角色",
    "What it allows": "允许做什么",
    "What it is for": "职责",
    **EMERGENCY_WORDS,
    **KEYRING_WORDS,
    **POLICY_WORDS,
    **SECURITY_WORDS,
    **TENANT_WORDS,
    **TERMS_WORDS,
    **CAPTURE_WORDS,
    **{role.meaning: said for role, said in _ROLES.items()},
    **{permission.meaning: said for permission, said in _PERMISSIONS.items()},
}
