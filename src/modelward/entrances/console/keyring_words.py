# SPDX-License-Identifier: Apache-2.0
"""The words of the page of the keyring in Chinese."""

from __future__ import annotations

KEYRING_WORDS = {
    "Keyring": "钥匙串",
    "It opens everything that is sealed: a master key wraps the key of every dataset, model and report.": (
        "它能打开一切密封之物：主密钥包裹每个数据集、模型和报告的密钥。"
    ),
    "The master key {name} wraps from now on.": "从现在起由主密钥 {name} 包裹。",
    "{n} keys were wrapped anew, and {before} left the keyring.": "重新包裹了 {n} 个密钥，{before} 已移出钥匙串。",
    "Make a backup, and copy the keyring to where you keep it: older backups open with the older keyring alone.": (
        "请制作备份，并把钥匙串复制到保管处：旧的备份只能用旧的钥匙串打开。"
    ),
    "Guard": "守护方式",
    "Master key": "主密钥",
    "Of before, in it still": "仍在其中的旧主密钥",
    "Sealed objects": "密封对象",
    "Replace the master key": "更换主密钥",
    "Replace the master key…": "更换主密钥…",
    "A fresh master key wraps the key of every sealed object anew. No file is encrypted again, and whoever asks is answered "
    "meanwhile.": "新的主密钥会重新包裹每个密封对象的密钥。文件不会重新加密，期间照常回答请求。",
    "The one before leaves the keyring for good. Older copies of the database open nothing from then on, but with an older copy of "
    "the keyring.": "原主密钥将永久移出钥匙串。此后，数据库的旧副本若没有钥匙串的旧副本便什么也打不开。",
    "Backups that were made before open with the keyring of their time alone. Keep it apart, or make new ones.": (
        "此前的备份只能用当时的钥匙串打开。请另行保管它，或制作新的备份。"
    ),
    "Where it is cut off, nothing is lost: do the same again.": "若中途中断，不会丢失任何内容：再做一次即可。",
    "Replace it now": "立即更换",
}
