# SPDX-License-Identifier: Apache-2.0
"""Images on the shelf: folders, archives and arrays of them, what is refused, what is told, and what is near."""

import io
import zipfile

import numpy as np
import polars as pl
import pytest
from PIL import Image

import pictures
from modelward.datasets import ColumnKind, Split, UnreadableFileError, UnusableTableError, find_clusters, make_split
from modelward.datasets.readers import archive, arrays
from modelward.images import TooManyPixelsError

SAID = {"target": "label", "purpose": "sorting of bars", "owner": "archive"}


def zipped(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return sink.getvalue()


def arrayed(**held) -> bytes:
    sink = io.BytesIO()
    np.savez_compressed(sink, **held)
    return sink.getvalue()


@pytest.fixture
def folder(tmp_path):
    pictures.folder_of(tmp_path / "bars")
    return tmp_path / "bars"


def test_a_folder_an_archive_and_a_parquet_file_of_the_same_images_are_the_same_data(datasets, admin, folder, tmp_path):
    made = datasets.add("bars", [folder], **SAID, by=admin)
    assert [(column.name, column.kind) for column in made.columns] == [("image", ColumnKind.IMAGE), ("label", ColumnKind.CATEGORY)]
    files = sorted(folder.rglob("*.png"))
    (tmp_path / "bars.zip").write_bytes(zipped({f"bars/{file.relative_to(folder)}": file.read_bytes() for file in files}))
    table = pl.DataFrame({"image": [file.read_bytes() for file in files], "label": [file.parent.name for file in files]})
    table.write_parquet(tmp_path / "bars.parquet")
    for name in ("bars.zip", "bars.parquet"):
        assert datasets.add("bars", [tmp_path / name], **SAID, by=admin).fingerprint == made.fingerprint
    assert datasets.table("bars", by=admin).equals(table)


def test_arrays_are_images_and_labels(datasets, admin, tmp_path):
    pixels = np.stack([pictures.drawn(at % 2, seed=at) for at in range(30)])
    (tmp_path / "bars.npz").write_bytes(arrayed(images=pixels, labels=np.arange(30) % 2))
    made = datasets.add("bars", [tmp_path / "bars.npz"], **SAID, by=admin)
    assert (made.rows, made.column("image").kind) == (30, ColumnKind.IMAGE)
    assert datasets.profile("bars", by=admin).classes == {"0": 15, "1": 15}


def test_images_lie_sealed(datasets, admin, folder, home):
    datasets.add("bars", [folder], **SAID, by=admin)
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"PNG\r\n" not in kept


def test_what_file_managers_leave_behind_is_passed_over(datasets, admin, folder):
    for name in (".DS_Store", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
        (folder / "lying" / name).write_bytes(b"x")
    assert datasets.add("bars", [folder], **SAID, by=admin).rows == 60


BAD_FILES = {
    **{f"lying/{name}.png": (data, rf"lying/{name}\.png {why}") for name, (data, why) in pictures.BAD.items()},
    "lying/notes.doc": (b"x", "lying/notes.doc is called neither .png nor .jpg"),
    "lying/deep/a.png": (pictures.png(pictures.drawn(0)), "lies in no folder of a class|deep is called neither"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_one_bad_file_among_images_is_refused_by_its_name(datasets, admin, folder, tmp_path, name):
    data, why = BAD_FILES[name]
    packed = {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.png"))} | {name: data}
    (tmp_path / "bars.zip").write_bytes(zipped(packed))
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    for given in (folder, tmp_path / "bars.zip"):
        with pytest.raises(UnreadableFileError, match=why):
            datasets.add("bars", [given], **SAID, by=admin)
    assert datasets.list(by=admin) == []


@pytest.mark.parametrize("name", pictures.BAD)
def test_a_bad_image_in_a_table_is_refused_by_its_row(datasets, admin, tmp_path, name):
    files = [pictures.png(pictures.drawn(at % 2, seed=at)) for at in range(30)]
    files[16], why = pictures.BAD[name]
    pl.DataFrame({"scan": files, "label": ["a", "b"] * 15}).write_parquet(tmp_path / "bars.parquet")
    with pytest.raises(UnusableTableError, match=f"column 'scan', row 17, {why}"):
        datasets.add("bars", [tmp_path / "bars.parquet"], **SAID, by=admin)


def test_an_image_that_could_not_be_asked_about_is_not_registered(folder, room, admin):
    small = room(image_pixels_limit=12 * 12 - 1)
    with pytest.raises(UnreadableFileError, match="has 12 by 12 pixels; at most 143 in all are read"):
        small.add("bars", [folder], **SAID, by=admin)


@pytest.mark.parametrize("form", ["folder", "zip", "parquet"])
def test_all_images_of_a_dataset_have_no_more_pixels_than_the_setting_allows(folder, room, admin, tmp_path, form):
    """A small archive may hold so many blank images that to look at each would take days."""
    files = sorted(folder.rglob("*.png"))
    given = folder if form == "folder" else tmp_path / f"bars.{form}"
    if form == "zip":
        given.write_bytes(zipped({str(file.relative_to(folder)): file.read_bytes() for file in files}))
    elif form == "parquet":
        table = pl.DataFrame({"image": [file.read_bytes() for file in files], "label": [file.parent.name for file in files]})
        table.write_parquet(given)
    with pytest.raises(TooManyPixelsError, match="have more than 8,639 pixels together"):
        room(dataset_pixels_limit=60 * 144 - 1).add("bars", [given], **SAID, by=admin)
    assert room(dataset_pixels_limit=60 * 144).add("bars", [given], **SAID, by=admin).rows == 60


def test_a_folder_of_no_classes_is_refused(datasets, admin, tmp_path):
    for at in range(3):
        (tmp_path / f"{at}.png").write_bytes(pictures.png(pictures.drawn(0)))
    with pytest.raises(UnreadableFileError, match="one folder of images for each class"):
        datasets.add("bars", [tmp_path], **SAID, by=admin)


def test_a_link_in_a_folder_is_refused(datasets, admin, folder, tmp_path):
    (folder / "other").symlink_to(folder / "lying")
    with pytest.raises(UnreadableFileError, match="one folder of images for each class"):
        datasets.add("bars", [folder], **SAID, by=admin)


BAD_ARRAYS = {
    "floats": ({"images": np.zeros((4, 3, 3)), "labels": np.zeros(4, int)}, "the type float64"),
    "flat": ({"images": np.zeros((4, 9), np.uint8), "labels": np.zeros(4, int)}, r"the shape \[4, 9\]"),
    "five channels": ({"images": np.zeros((4, 3, 3, 5), np.uint8), "labels": np.zeros(4, int)}, r"\[4, 3, 3, 5\]"),
    "no labels": ({"images": np.zeros((4, 3, 3), np.uint8)}, "no array 'labels'"),
    "few labels": ({"images": np.zeros((4, 3, 3), np.uint8), "labels": np.zeros(3, int)}, "one whole number or text for each"),
    "no pixels": ({"images": np.zeros((4, 0, 3), np.uint8), "labels": np.zeros(4, int)}, "no pixel"),
    "pickles": ({"images": np.array([{}, {}]), "labels": np.zeros(2, int)}, "not a whole .npz of plain arrays"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_arrays_that_are_no_images_are_refused(name):
    held, why = BAD_ARRAYS[name]
    with pytest.raises(UnreadableFileError, match=why):
        list(arrays.ArrayReader().read(io.BytesIO(arrayed(**held)), source="bars.npz"))


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(archive, "UNPACKED_LIMIT_BYTES", 1000)
    monkeypatch.setattr(arrays, "UNPACKED_LIMIT_BYTES", 1000)
    packed = zipped({"a/1.png": bytes(2000)})
    for reader in (archive.ArchiveReader(), arrays.ArrayReader()):
        with pytest.raises(UnreadableFileError, match=r"unpacks to 2,000 bytes; at most 1,000"):
            list(reader.read(io.BytesIO(packed), source="bars.zip"))


@pytest.mark.parametrize(
    ("packed_as", "limit", "why"),
    [
        (zipfile.ZIP_DEFLATED, 1999, "a/1.png has 2,000 bytes; at most 1,999"),
        (zipfile.ZIP_BZIP2, 2000, "packed in an unusual way"),
        (zipfile.ZIP_LZMA, 2000, "packed in an unusual way"),
    ],
)
def test_an_image_that_is_too_large_in_an_archive_is_not_unpacked(monkeypatch, packed_as, limit, why):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", packed_as) as packed:
        packed.writestr("a/1.png", bytes(2000))
    monkeypatch.setattr(archive, "SIZE_LIMIT_BYTES", limit)
    monkeypatch.setattr(archive, "_unpacked", None)
    with pytest.raises(UnreadableFileError, match=why):
        list(archive.ArchiveReader().read(sink, source="bars.zip"))


def test_a_profile_counts_sizes_modes_and_what_is_converted(datasets, admin, tmp_path):
    files = [pictures.png(pictures.drawn(at % 2, seed=at)) for at in range(24)]
    files += [pictures.in_mode(mode, seed=at) for at, mode in enumerate(("RGBA", "I;16", "P"))]
    files += [pictures.png(pictures.drawn(0, side=20)), files[0]]
    pl.DataFrame({"scan": files, "label": ["a", "b"] * 14 + ["a"]}).write_parquet(tmp_path / "bars.parquet")
    datasets.add("bars", [tmp_path / "bars.parquet"], **SAID, by=admin)
    profile = datasets.profile("bars", by=admin)
    found = profile.columns[0].images
    assert found.sizes == {"12x12": 28, "20x20": 1}
    assert found.modes == {"L": 26, "I;16": 1, "P": 1, "RGBA": 1}
    assert (found.converted, found.repeated) == (3, 1)
    assert 0 < found.brightness < 128 < found.brightness + 2 * found.contrast
    assert {"image-sizes", "image-modes"} <= {warning.kind for warning in profile.warnings}


def test_an_image_is_no_target(datasets, admin, folder):
    with pytest.raises(UnusableTableError, match="'image' holds images"):
        datasets.add("bars", [folder], **(SAID | {"target": "image"}), by=admin)


def near_copies(rows: int = 40) -> pl.DataFrame:
    """Photographs of nothing, and of each a copy in another format, size and brightness."""
    draw, files = np.random.default_rng(0), []
    for _ in range(rows):
        rough = Image.fromarray(draw.integers(0, 200, (6, 6), dtype=np.uint8)).resize((48, 48), Image.Resampling.BICUBIC)
        files += [pictures.saved(rough), pictures.saved(rough.resize((40, 40)).point(lambda value: value + 20), "JPEG", quality=70)]
    return pl.DataFrame({"image": files, "label": ["a", "a", "b", "b"] * (rows // 2)})


def test_copies_of_an_image_never_straddle_a_split_by_cluster():
    table = near_copies()
    clusters = find_clusters(table, ["image"])
    assert clusters.of_row.tolist() == [at // 2 for at in range(len(table))]
    parts = make_split(table, "label", Split(by="cluster", test=0.3, validation=0.1, seed=3), features=["image"])
    sides = {int(row): side for side, rows in enumerate((parts.train, parts.validation, parts.test)) for row in rows}
    assert all(sides[at] == sides[at + 1] for at in range(0, len(table), 2))


def test_blank_images_are_alike_by_their_brightness():
    files = [pictures.saved(Image.new("L", (9, 9), value)) for value in (10, 11, 200, 201)]
    found = find_clusters(pl.DataFrame({"image": files, "label": list("abab")}), ["image"])
    assert found.of_row.tolist() == [0, 0, 1, 1]
