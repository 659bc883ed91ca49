# SPDX-License-Identifier: Apache-2.0
"""Chinese names in running text: a surname and one or two characters that names have, where no other word is more likely.

A linear score adds up how much the characters are those of names, how frequent the words are that could be read instead, and what
stands beside it. Where the text says that a name follows, or calls somebody by a title, hardly any characters are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from operator import mul
from typing import NamedTuple

from modelward.privacy.detector import CUED, GUESSED, LIKELY, Match
from modelward.privacy.folding import Folded

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝"
    "龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶"
    "解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原"
    "栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战慕"
    "危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由"
)
"""Surnames of one character."""

COMPOUND = frozenset(
    re.findall(
        r"\w+",
        """
    欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 公孙 慕容
    仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐
    段干 百里 呼延 东郭 南门 羊舌 微生 左丘 东门 西门 第五
        """,
    )
)
"""Surnames of two characters."""

STARTS = re.compile(f"[{''.join(sorted(SURNAMES | {each[0] for each in COMPOUND}))}](?=[\u4e00-\u9fff])")
"""Where a name may begin."""

_ENOUGH, _SURE, _CUE_COUNTS, _TITLE_COUNTS = -1.0, 1.5, 5.0, 3.5
_COMPOUND_SURNAME, _NO_GIVEN_NAME, _LEAST_LIKELY = -0.3, -6.5, -4.5
# Places, peoples and words that begin like a name and are frequent where people write of the world.
_NO_NAME = re.compile(
    "阿拉伯|阿根廷|阿富汗|巴基斯坦|巴勒斯坦|巴西|巴黎|白宫|柏林|成都|都江堰|高雄|葛洲坝|哈尔滨|哈萨克|华盛顿|吉尔吉斯|金字塔|井冈山|景德镇|黎巴嫩|"
    "连云港|卢布|卢森堡|卢旺达|罗布泊|罗马|马尼拉|马来西亚|莫斯科|穆斯林|南京|宁夏|蒲公英|齐齐哈尔|秦皇岛|荣誉|石家庄|温哥华|温馨|文明|乌克兰|"
    "乌鲁木齐|伊拉克|伊朗|伊斯兰|云南|张家港|张家界|张家口|智慧|祝福|祝贺|祝愿|贺卡|于是|关于|由于|易于|安徽|广西|江苏|江西|海南"
)
# No name has these but by chance, and they follow names.
_NEVER = frozenset("吧吗呢啊呀哦的了着过是我你他她它们这那也都就")
_SPEAKS_AFTER = frozenset("说称道在向和与同对等为于先女主教总书部")
_CALLS_BEFORE = frozenset("长者员理记席任师授家士民友人叫是的、")
_CUE = re.compile(
    r"(?:姓名|名字|名叫|我叫|叫做|我是|联系人|患者|病人|客户|用户|会员|收[件货]人|寄件人|申请人|经办人|负责人|代理人|被保险人|投保人|受益人|签[名字]人?|"
    r"户名|持卡人|借款人|本人|学生|员工|记者|作者|致|尊敬的)[:：是为叫 ]{0,2}"
)
_TITLE = re.compile(
    r"(?:先生|女士|小姐|同学|老师|医生|大夫|教授|经理|同志|主任|律师|护士|阿姨|师傅|博士|您好|你好|[(（][男女][)）])"
)


class Tables(NamedTuple):
    """Logarithms of shares and of counts, and what each trait counts, the constant last."""

    surnames: dict[str, float]
    given: dict[str, float]
    words: dict[str, float]
    weights: tuple[float, ...]


@cache
def tables() -> Tables:
    """The tables, read once."""
    read = json.loads(files("modelward.privacy.names").joinpath("chinese.json").read_text("utf-8"))
    return Tables(_values(read["surnames"], 1), _values(read["given"], 1), _values(read["words"], 2), tuple(read["weights"]))


def names_in(text: Folded) -> Iterator[Match]:
    """The names, none overlapping another, from the left."""
    written, end = text.text, 0
    *weights, constant = tables().weights
    cued = {found.end() for found in _CUE.finditer(written)}
    titled = {found.start() for found in _TITLE.finditer(written)}
    likely = _likely_surnames()
    for found in STARTS.finditer(written):
        start = found.start()
        if start < end:
            continue
        cue = start in cued
        if not cue:
            is_likely = written[start] in likely or not titled.isdisjoint((start + 2, start + 3, start + 4))
            if not is_likely or written[start] == written[start + 1] or _NO_NAME.match(written, start):
                continue
        scored = [(constant + sum(map(mul, weights, traits)), after) for _, after, traits in candidates(written, start)]
        if not scored:
            continue
        score, after = max(scored)
        title = after in titled
        if (total := score + _CUE_COUNTS * cue + _TITLE_COUNTS * title) > _ENOUGH:
            end = after
            yield Match(start, end, written[start:end], CUED if cue or title else LIKELY if total > _SURE else GUESSED)


@cache
def _likely_surnames() -> frozenset[str]:
    """The characters that begin a name often enough for one to be looked for where nothing else says that there is one."""
    return frozenset(each for each, value in tables().surnames.items() if value >= _LEAST_LIKELY) | {each[0] for each in COMPOUND}


def candidates(text: str, start: int) -> list[tuple[int, int, list[float]]]:
    """What may be a name at `start`, where `STARTS` matches: where it begins and ends, and the traits that tell."""
    surname = 2 if text[start : start + 2] in COMPOUND and _is_chinese(text[start + 2 : start + 3]) else 1
    given = start + surname
    if text[given] in _NEVER:
        return []
    found = [(start, given + 1, _traits(text, start, given, given + 1))]
    second = text[given + 1 : given + 2]
    if _is_chinese(second) and second not in _NEVER:
        found.insert(0, (start, given + 2, _traits(text, start, given, given + 2)))
    return found


def _traits(text: str, start: int, given: int, end: int) -> list[float]:
    of_surname, of_given, words, _ = tables()
    before, after = text[start - 1 : start] or "。", text[end : end + 1] or "。"
    first, last = of_given.get(text[given], _NO_GIVEN_NAME), of_given.get(text[end - 1], _NO_GIVEN_NAME)
    is_two, goes_on = end - given == 2, _is_chinese(after)
    return [
        _COMPOUND_SURNAME if given - start == 2 else of_surname.get(text[start], _NO_GIVEN_NAME),
        (first + last) / 2,
        first if first < last else last,
        1.0 if is_two else 0.0,
        words.get(text[start : start + 2], 0.0) if is_two and given - start == 1 else 0.0,
        words.get(text[start:end], 0.0),
        words.get(text[end - 2 : end], 0.0) if is_two else 0.0,
        words.get(text[end - 1] + after, 0.0),
        words.get(before + text[start], 0.0),
        1.0 if after in _SPEAKS_AFTER else 0.0,
        1.0 if before in _CALLS_BEFORE else 0.0,
        0.0 if goes_on and after not in _NEVER else 1.0,
        0.0 if _is_chinese(before) else 1.0,
        of_given.get(after, _NO_GIVEN_NAME) if not is_two and goes_on else _NO_GIVEN_NAME,
    ]


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def _values(rows: dict[str, str], length: int) -> dict[str, float]:
    return {row[place : place + length]: int(value) / 10 for value, row in rows.items() for place in range(0, len(row), length)}
