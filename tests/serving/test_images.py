# SPDX-License-Identifier: Apache-2.0
"""Files and folders of images are answered like images that are asked about one by one."""

import asyncio
import io
import threading
from base64 import b64encode

import msgspec
import polars as pl
import pytest

import pictures
from modelward.errors import InvalidError
from modelward.images import TooManyPixelsError
from modelward.registry import GRAPH_FILE, InvalidRowsError
from modelward.registry.kinds import image
from modelward.serving import Question, Why
from serving.tiny import LINEAGE

GRAPH, INTERFACE = pictures.bright()


@pytest.fixture
def light(house):
    """A house in which `light:1` is live."""
    said = {"lineage": LINEAGE, "interface": INTERFACE, "purpose": "tests", "owner": "tester", "facts": {}}
    house.make_live(house.registry.register("light", {GRAPH_FILE: GRAPH}, **said, by=house.admin).name)
    return house


def answered(house, place):
    return pl.read_csv(io.BytesIO(house.serving.predict_file("light", place, by=house.admin).payload))


def test_a_folder_is_answered_file_by_file(light, tmp_path):
    pictures.folder_of(tmp_path / "scans", rows=6)
    (tmp_path / "scans" / ".DS_Store").write_bytes(b"x")
    found = answered(light, tmp_path / "scans")
    files = sorted(str(path.relative_to(tmp_path / "scans")) for path in (tmp_path / "scans").rglob("*.png"))
    assert found["file"].to_list() == files
    for name, share in zip(files, found["probability_bright"], strict=True):
        alone = answered(light, tmp_path / "scans" / name)
        assert (alone["file"].item(), alone["probability_bright"].item()) == (name.partition("/")[2], share)


REFUSED = {
    "nothing": ({}, "holds no images"),
    "a note": ({"a.png": pictures.png(pictures.drawn(0)), "b.txt": b"x"}, "called neither .png nor .jpg"),
    "cut off": ({"a.png": pictures.png(pictures.drawn(0)), "b.png": pictures.png(pictures.drawn(0))[:60]}, "Row 2: .* cut off"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_of_something_else_is_refused(light, tmp_path, name):
    files, why = REFUSED[name]
    (tmp_path / "scans").mkdir()
    for path, data in files.items():
        (tmp_path / "scans" / path).write_bytes(data)
    with pytest.raises(InvalidError, match=why):
        answered(light, tmp_path / "scans")


def test_an_image_for_a_model_of_numbers_is_refused(house, tmp_path):
    (tmp_path / "a.png").write_bytes(pictures.png(pictures.drawn(0)))
    from modelward.serving.image_rows import rows_of_images
    from serving.tiny import INTERFACE as NUMBERS

    with pytest.raises(InvalidError, match="the model takes something else"):
        rows_of_images(tmp_path / "a.png", NUMBERS.features, limit_bytes=1 << 20)


def test_an_image_is_unpacked_where_no_other_question_waits_for_it(light, monkeypatch):
    """A file of few bytes may hold so many pixels that the event loop would stand still."""
    threads, unpack = [], image.pixels_of

    def watched(*given):
        threads.append(threading.current_thread())
        return unpack(*given)

    monkeypatch.setattr(image, "pixels_of", watched)
    rows = [{"scan": b64encode(pictures.png(pictures.drawn(0))).decode()}]
    payload = msgspec.json.encode({"rows": rows})

    async def asked():
        async with light.serving.gateway() as gateway:
            return await gateway.predict(Question(caller=light.key(), model="light", payload=payload), rows)

    assert msgspec.json.decode(asyncio.run(asked()).payload)["predictions"]
    assert threads
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("why", [False, True], ids=["answer", "explanation"])
def test_the_images_of_one_question_have_no_more_pixels_together_than_the_setting_allows(light, why):
    """So few bytes say so many pixels that only their number stops them; what is amiss with one image is still told."""
    light.serving._settings = msgspec.structs.replace(light.serving._settings, image_pixels_limit=2 * 144, explain_rows_limit=4)

    async def told(*scans):
        rows = [{"scan": b64encode(data).decode()} for data in scans]
        async with light.serving.gateway() as gateway:
            question = Question(caller=light.admin, model="light", payload=b"{}")
            if why:
                return await gateway.explain(question, lambda: Why(rows))
            return await gateway.predict(question, rows)

    image, other = (pictures.png(pictures.drawn(label)) for label in (0, 1))
    assert asyncio.run(told(image, other)).payload
    for scans in ((image, other, image), (pictures.bomb(18, 17),)):
        with pytest.raises(TooManyPixelsError, match="more than 288 pixels together"):
            asyncio.run(told(*scans))
    with pytest.raises(InvalidRowsError, match=r"Row 2: .* cut off"):
        asyncio.run(told(image, other[:60]))
