# SPDX-License-Identifier: Apache-2.0
"""Small images of every mode, drawn for tests."""

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from modelward.registry import Interface

MODES = ("L", "RGB", "RGBA", "LA", "P", "1", "I;16")


def drawn(label: int, *, side: int = 12, seed: int = 0) -> np.ndarray:
    """A bright bar, standing for 0 and lying for 1, at some place on dark noise: uint8 [side, side]."""
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 60, (side, side), dtype=np.uint8)
    at = int(draw.integers(2, side - 4))
    pixels[(slice(None), slice(at, at + 2)) if label == 0 else (slice(at, at + 2), slice(None))] = 230
    return pixels


def saved(image: Image.Image, form: str = "PNG", **options) -> bytes:
    """The image as a file."""
    sink = io.BytesIO()
    image.save(sink, form, **options)
    return sink.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """Pixels as a PNG."""
    return saved(Image.fromarray(pixels))


def in_mode(mode: str, *, form: str = "PNG", seed: int = 0) -> bytes:
    """An image of 12 by 12 that holds its colours so."""
    grey = Image.fromarray(drawn(0, seed=seed))
    if mode == "I;16":
        return saved(Image.fromarray(np.asarray(grey).astype(np.uint16) << 8))
    return saved(grey.convert("RGB").convert(mode) if mode != "LA" else grey.convert("LA"), form)


def animated(form: str = "PNG") -> bytes:
    """Two pictures in one file."""
    first, other = (Image.fromarray(drawn(label)) for label in (0, 1))
    return saved(first, form, save_all=True, append_images=[other])


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def bright() -> "tuple[bytes, Interface]":
    """A graph that says how bright an image of 12 by 12 is, and its interface."""
    import onnx
    from onnx import TensorProto, helper

    from modelward.registry import Feature, Interface

    nodes = [
        helper.make_node("Cast", ["scan"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("ReduceMean", ["flat", "across"], ["mean"], keepdims=1),
        helper.make_node("Div", ["mean", "most"], ["bright"]),
        helper.make_node("Sub", ["one", "bright"], ["dark"]),
        helper.make_node("Concat", ["bright", "dark"], ["probabilities"], axis=1),
    ]
    held = [helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in {"one": 1.0, "most": 255.0}.items()]
    held.append(helper.make_tensor("across", TensorProto.INT64, [1], [1]))
    taken = helper.make_tensor_value_info("scan", TensorProto.UINT8, [None, 12, 12, 1])
    given = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    graph = helper.make_graph(nodes, "bright", [taken], [given], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString(), Interface((Feature("scan", "image", shape=(12, 12, 1)),), "light", ("bright", "dark"))


WHOLE = png(drawn(0))
_HEAD = 33
PHOTO = saved(Image.fromarray(np.arange(64 * 64, dtype=np.uint16).astype(np.uint8).reshape(64, 64)), "JPEG")
_COLOURS = Image.fromarray(drawn(0)).convert("RGB")
_LYING = Image.Exif()
_LYING[0x0112] = 6


def _with_packed_text() -> bytes:
    """A PNG of a few bytes, whose comment unpacks to very many."""
    data = b"zTXt" + b"a\0\0" + zlib.compress(bytes(200_000_000))
    return WHOLE[:_HEAD] + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)) + WHOLE[_HEAD:]


BAD = {
    "cut off PNG": (WHOLE[:60], "is cut off or damaged"),
    "head of a PNG": (WHOLE[:20], "is cut off or damaged"),
    "cut off JPEG": (PHOTO[:-60], "is cut off or damaged"),
    "damaged PNG": (WHOLE[:45] + b"\0\0\0\0" + WHOLE[49:], "is cut off or damaged"),
    "text": (b"<svg/>", "is no PNG or JPEG"),
    "nothing": (b"", "is empty"),
    "GIF": (saved(Image.new("L", (4, 4)), "GIF"), "is no PNG or JPEG"),
    "animated GIF": (animated("GIF"), "is no PNG or JPEG"),
    "animated PNG": (animated(), "is animated"),
    "fractions": (b"Pf 1 1 -1.0\n\0\0\x80\x3f", "is no PNG or JPEG"),
    "many pixels": (bomb(6000, 6000), "has 6,000 by 6,000 pixels; at most 25,000,000"),
    "very many pixels": (bomb(60000, 60000), "has more than 25,000,000 pixels"),
    "packed comment": (_with_packed_text(), "is cut off or damaged"),
}
"""What is no image as it is read here, and what is said of it."""

ODD = {
    **{mode: in_mode(mode) for mode in MODES},
    "CMYK": saved(_COLOURS.convert("CMYK"), "JPEG"),
    "turned by its camera": saved(_COLOURS, exif=_LYING),
    "one pixel": png(np.array([[7]], dtype=np.uint8)),
    "a transparent grey": saved(Image.fromarray(drawn(0)), transparency=230),
    "a wide one": png(drawn(0, side=90)[:9]),
}
"""Images that are not alike, each of which is read."""


def folder_of(root, rows: int = 60) -> None:
    """Standing and lying bars in two folders of classes."""
    for at in range(rows):
        place = root / ("standing", "lying")[at % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{at:03}.png").write_bytes(png(drawn(at % 2, seed=at)))
