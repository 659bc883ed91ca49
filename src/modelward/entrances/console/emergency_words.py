# SPDX-License-Identifier: Apache-2.0
"""The words of the page of access in emergencies in Chinese."""

from __future__ import annotations

EMERGENCY_WORDS = {
    "Break-glass": "紧急访问",
    "Access beyond your role in an emergency: for a while, for a reason, once two others approve. All of it is on record.": (
        "紧急情况下超出角色的访问：限时、有理由，并须另外两人批准。每一步、每次使用都会入账。"
    ),
    "for": "申请",
    "asked by": "申请人",
    "for {n} minutes": "时长 {n} 分钟",
    "approved by": "批准人",
    "Nobody has approved it yet.": "尚无人批准。",
    "closed by": "结束人",
    "End it…": "结束…",
    "End it now": "立即结束",
    "What it gave is taken back at once. To have it again, two others have to approve again.": (
        "所给予的权限立即收回。如需再次取得，须另外两人重新批准。"
    ),
    "Nothing was asked for.": "没有任何申请。",
    "Ask for access": "申请访问",
    "What you need": "所需权限",
    "For how many minutes, at most {n}": "分钟数，最多 {n}",
    "Ask two others": "请另外两人批准",
    "asked": "已申请",
    "over": "已到期",
    "lapsed": "已失效",
}
