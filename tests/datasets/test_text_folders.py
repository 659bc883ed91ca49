# SPDX-License-Identifier: Apache-2.0
"""Texts that lie in files, in folders named after their classes: what becomes of them, and what is refused."""

import io
import zipfile

import pytest

import pictures
from modelward.datasets import ColumnKind, UnreadableFileError
from modelward.datasets.class_folders import Labelled, parts_of
from modelward.datasets.dataset import FIELD_LIMIT_CHARACTERS

SAID = {"target": "label", "purpose": "sorting of news", "owner": "press"}
GERMAN = 'Zwei Zeilen,\nmit "Anführung" und Komma; ein Text von einigen Wörtern'


def texts():
    """The bytes of forty texts by their paths: in two languages and three encodings, one of them empty."""
    found = {}
    for at in range(20):
        found[f"sport/{at:02}.txt"] = f"{GERMAN} Nummer {at}".encode("utf-8-sig" if at % 2 else "utf-8")
        found[f"culture/{at:02}.txt"] = f"这是第{at}篇文章，写的是一本书，很喜欢这个作者".encode("gb18030" if at % 2 else "utf-8")
    return found | {"sport/04.txt": b"", "culture/07.TXT": b"NA"}


def laid(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def packed(file, files):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in sorted(files.items()):
            archive.writestr(f"desks/{name}", data)
    file.write_bytes(sink.getvalue())
    return file


def test_a_folder_and_an_archive_of_texts_are_the_same_table(datasets, admin, tmp_path):
    laid(tmp_path / "desks", texts() | {"sport/.hidden.txt": b"x", "Thumbs.db": b"x"})
    made = datasets.add("desks", [tmp_path / "desks"], **SAID, by=admin)
    assert [(column.name, column.kind) for column in made.columns] == [("text", ColumnKind.TEXT), ("label", ColumnKind.CATEGORY)]
    again = datasets.add("desks", [packed(tmp_path / "desks.zip", texts())], **SAID, by=admin)
    assert again.fingerprint == made.fingerprint
    table = datasets.table("desks", by=admin)
    assert table.get_column("label").to_list() == ["culture"] * 21 + ["sport"] * 20
    read = dict(zip(sorted(texts()), table.get_column("text").to_list(), strict=True))
    assert read["sport/05.txt"] == f"{GERMAN} Nummer 5"
    assert read["culture/05.txt"] == "这是第5篇文章，写的是一本书，很喜欢这个作者"
    assert (read["sport/04.txt"], read["culture/07.TXT"]) == (None, "NA")


BAD = {
    "an image among them": ("sport/a.png", pictures.png(pictures.drawn(0)), "one is an image and one a text"),
    "another ending": ("sport/a.doc", b"x", "sport/a.doc is called neither"),
    "a folder deep down": ("sport/deep/a.txt", b"x", "lies in no folder of a class|deep is called neither"),
    "no text": ("sport/a.txt", b"Hidden\0words", "sport/a.txt is not text"),
    "Latin letters": ("sport/a.txt", "Hidden für alle".encode("cp1252"), r"sport/a.txt is not UTF-8 \(byte 8\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_bad_file_among_texts_is_refused_by_its_name_and_not_told(datasets, admin, tmp_path, case):
    name, data, why = BAD[case]
    for given in (laid(tmp_path / "desks", texts() | {name: data}), packed(tmp_path / "desks.zip", texts() | {name: data})):
        with pytest.raises(UnreadableFileError, match=why) as refused:
            datasets.add("desks", [given], **SAID, by=admin)
        assert "Hidden" not in str(refused.value)
    assert datasets.list(by=admin) == []


def test_a_text_beyond_the_limit_is_refused_and_not_cut():
    with pytest.raises(UnreadableFileError, match=r"The text sport/a\.txt has 1,048,577 characters; at most 1,048,576 are read"):
        list(parts_of([Labelled("sport/a.txt", "sport", b"x" * (FIELD_LIMIT_CHARACTERS + 1))]))
