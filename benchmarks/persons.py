# SPDX-License-Identifier: Apache-2.0
"""Measures how well personal data is found in texts, and how fast, beside Presidio's default English analyser on the same texts.

    python benchmarks/persons.py [--sentences 1000] [--place .cache/persons]

The sentences with identifiers and with near misses are generated (`tests/persons.py`), half in Chinese, where identifiers touch
the words, and half in English; those with English names by presidio-evaluator. Presidio is installed with pip into an environment
of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean, median

from machine import described

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from modelward.privacy import Book, Plan, deidentify, find_spans, give_back
from persons import MAKERS, Sentence, sentences

PRESIDIO = Path(__file__).parent / "presidio"
# What Presidio calls each kind. It has nothing for the others.
TYPES = {
    "bank-card": {"CREDIT_CARD"},
    "email": {"EMAIL_ADDRESS"},
    "iban": {"IBAN_CODE"},
    "ip-address": {"IP_ADDRESS"},
    "name": {"PERSON"},
    "passport": {"US_PASSPORT", "UK_PASSPORT"},
    "phone": {"PHONE_NUMBER"},
    "social-security-number": {"US_SSN"},
    "url": {"URL"},
}
Found = list[tuple[int, int, str]]
LETTERS = {
    "English": (
        "Dear team, the meeting with Mr. Porter about the renovation of the library at 12 Elm Street has been moved to Thursday. "
        "Please bring the invoices of last month, and call me at (212) 555-0143 or write to ada@example.org if anything is "
        "unclear. "
        + "The budget of this part was approved last year and covers chairs, tables and lamps, as the committee had asked. "
        * 10
    )[:1024],
    "Chinese": (
        "尊敬的客户您好，您在2024年3月5日提交的申请已经受理，经办人会在三个工作日内与您联系，请保持手机13800138000畅通。"
        "如需补充材料，请发送至邮箱zhang@example.com，或寄到北京市朝阳区建国路88号。"
        + "审核通过后系统会自动通知，费用按照合同约定结算，发票随货寄出，如有疑问可以在网站上留言，客服人员会尽快回复。"
        * 8
    )[:360],
}


def ours(texts: Sequence[str]) -> tuple[list[Found], list[float]]:
    """What Modelward finds in each text, and the seconds it takes."""
    find_spans("To begin with, 一二三。")
    found, seconds = [], []
    for text in texts:
        began = time.perf_counter()
        spans = find_spans(text)
        seconds.append(time.perf_counter() - began)
        found.append([(span.start, span.end, span.kind) for span in spans])
    return found, seconds


def presidios(python: Path, texts: Sequence[str], *, place: Path) -> tuple[list[Found], list[float]]:
    """What Presidio finds in each, in its own words for kinds."""
    asked, answered = place / "texts.json", place / "found.json"
    asked.write_text(json.dumps(list(texts)))
    subprocess.run([python, PRESIDIO / "analyse.py", asked, answered], check=True)
    read = json.loads(answered.read_text())
    return [[tuple(span) for span in spans] for spans in read["found"]], read["seconds"]


def is_found(each: Sentence, found: Found, kinds: set[str]) -> bool:
    """Whether one of `found` is of the kind and covers all that was planted."""
    return any(kind in kinds and start <= each.start and end >= each.end for start, end, kind in found)


def share(hits: int, count: int) -> str:
    """A share with its interval of 95 % (Wilson)."""
    from scipy.stats import binomtest

    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return f"{hits / count:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def f2(hits: int, count: int, false: int) -> float:
    """The F measure that counts recall four times as much as precision."""
    return 5 * hits / (5 * hits + 4 * (count - hits) + false)


def table(
    planted: Sequence[Sentence], found: Sequence[Found], near: Mapping[str, Sequence[Found]], kinds_of: Callable[[str], set[str]]
) -> list[str]:
    """For each kind: recall, F2, and how many of its near misses are taken for an identifier of any kind."""
    rows, any_kind = [], set[str]().union(*map(kinds_of, MAKERS))
    for kind in MAKERS:
        kinds = kinds_of(kind)
        if not kinds:
            rows.append("none | | ")
            continue
        of_kind = [(each, spans) for each, spans in zip(planted, found, strict=True) if each.kind == kind]
        others = [spans for each, spans in zip(planted, found, strict=True) if each.kind != kind]
        hits = sum(is_found(each, spans, kinds) for each, spans in of_kind)
        false = sum(any(said in kinds for *_, said in spans) for spans in [*others, *near[kind]])
        taken = sum(any(said in any_kind for *_, said in spans) for spans in near[kind])
        rows.append(f"{share(hits, len(of_kind))} | {f2(hits, len(of_kind), false):.3f} | {share(taken, len(near[kind]))}")
    return rows


def timed(work: Callable[[], object]) -> float:
    """The seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def environment(place: Path) -> Path:
    """The Python of Presidio's environment, which is made with pip where there is none."""
    python = place / "environment" / "bin" / "python"
    if not python.exists():
        print(f"installing Presidio into {python.parents[1]} …", file=sys.stderr)
        venv.create(python.parents[1], with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", PRESIDIO / "requirements.txt"], check=True)
    return python


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=1000, help="of each kind")
    parser.add_argument("--place", type=Path, default=Path(".cache/persons"))
    asked = parser.parse_args()
    asked.place.mkdir(parents=True, exist_ok=True)
    python = environment(asked.place)
    planted = sentences(seed=11, count=asked.sentences)
    near = {kind: sentences(seed=12, count=asked.sentences, wrong=True, kinds=[kind]) for kind in MAKERS}
    subprocess.run([python, PRESIDIO / "sentences.py", asked.place / "names.json", "1500"], check=True)
    english = json.loads((asked.place / "names.json").read_text())
    parts = [planted, *near.values(), english]
    texts = [each["text"] if isinstance(each, dict) else each.text for part in parts for each in part]
    rows = []
    for name, (found, seconds), kinds_of in (
        ("Modelward", ours(texts), lambda kind: {kind}),
        ("Presidio", presidios(python, texts, place=asked.place), lambda kind: TYPES.get(kind, set())),
    ):
        taken = iter(found)
        of_planted, *of_near, of_english = ([*islice(taken, len(part))] for part in parts)
        rows.append(table(planted, of_planted, dict(zip(near, of_near, strict=True)), kinds_of))
        people = [
            any(said in kinds_of("name") and left < end and start < right for left, right, said in spans)
            for each, spans in zip(english, of_english, strict=True)
            for start, end, kind in each["spans"]
            if kind == "PERSON"
        ]
        print(f"{name}: of English names a part at least is found: {share(sum(people), len(people))} of {len(people)}")
        print(f"{name}: {1e6 * sum(seconds) / sum(map(len, texts)):.2f} us a character, {1e6 * fmean(seconds):.0f} us a text")
    print("\n| | recall | F2 | near misses taken | Presidio: recall | F2 | near misses taken |\n|---|---|---|---|---|---|---|")
    for kind, mine, theirs in zip(MAKERS, *rows, strict=True):
        print(f"| `{kind}` | {mine} | {theirs} |")
    for language, text in LETTERS.items():
        book = Book()
        hidden = deidentify(text, Plan(), book).text
        for what, work in {
            "found": partial(find_spans, text),
            "hidden as pseudonyms": partial(deidentify, text, Plan(), book),
            "given back": partial(give_back, hidden, book),
        }.items():
            milliseconds = 1e3 * median(map(timed, [work] * 300))
            print(f"{language}: {len(text.encode()):,} bytes {what}: {milliseconds:.2f} ms (median of 300)")
    print(described())


if __name__ == "__main__":
    main()
