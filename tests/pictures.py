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


def animated() -> bytes:
    """Two pictures in one PNG."""
    first, other = (Image.fromarray(drawn(label)) for label in (0, 1))
    return saved(first, save_all=True, append_images=[other])


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


def folder_of(root, rows: int = 60) -> None:
    """Standing and lying bars in two folders of classes."""
    for at in range(rows):
        place = root / ("standing", "lying")[at % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{at:03}.png").write_bytes(png(drawn(at % 2, seed=at)))
