# SPDX-License-Identifier: Apache-2.0
"""What may lie in a version: formats that hold data and no program. The list is of what is allowed; everything else is refused.

A file must be what its name says: the bytes are looked at too, so that a pickle does not come in as `notes.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

import msgspec

from modelward.errors import InvalidError, TooLargeError
from modelward.registry.graph import UnsafeGraphError, check_graph
from modelward.registry.paths import check_paths

VERSION_LIMIT_BYTES = 2 << 30
_HEADER_LIMIT_BYTES = 100 << 20

_EXECUTABLE_NAMES = (
    ".bin",
    ".ckpt",
    ".dill",
    ".h5",
    ".hdf5",
    ".joblib",
    ".keras",
    ".npy",
    ".npz",
    ".pickle",
    ".pkl",
    ".pt",
    ".pth",
    ".py",
    ".sav",
    ".skops",
    ".whl",
    ".zip",
)
_MAGICS = (
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"PK\x03\x04", "a ZIP archive, as PyTorch, Keras, NumPy and skops write"),
    (b"\x93NUMPY", "a NumPy file, which may hold pickled objects"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\x1f\x8b", "compressed (gzip), as joblib writes"),
    (b"BZh", "compressed (bzip2), as joblib writes"),
    (b"\xfd7zXZ", "compressed (xz), as joblib writes"),
    (b"\x04\x22\x4d\x18", "compressed (lz4), as joblib writes"),
    (b"ZF", "compressed (zlib), as joblib writes"),
    (b"x\x01", "compressed (zlib), as joblib writes"),
    (b"x\x9c", "compressed (zlib), as joblib writes"),
    (b"x\xda", "compressed (zlib), as joblib writes"),
)


class ForbiddenFileError(InvalidError):
    """A file of a format that may not lie in a version, above all one that can run a program when it is loaded."""


class VersionTooLargeError(TooLargeError):
    """The files of a version are larger than the limit."""


def check_contents(files: Mapping[str, bytes]) -> None:
    """Check the paths, the sizes, and that each file is of an allowed format, by name and by content.

    Raises:
        UnsafePathError, VersionTooLargeError, ForbiddenFileError: see there; a graph may also raise `UnsafeGraphError`.
    """
    check_paths(files)
    size = sum(map(len, files.values()))
    if size > VERSION_LIMIT_BYTES:
        raise VersionTooLargeError(f"The files have {size} bytes together; the limit of a version is {VERSION_LIMIT_BYTES}.")
    for path, data in files.items():
        check_content(path, data)


def check_content(path: str, data: bytes) -> None:
    """Check that one file is of an allowed format, by name and by content.

    Raises:
        ForbiddenFileError: it is not. UnsafeGraphError: it is an ONNX graph with external data or foreign operators.
    """
    suffix = PurePosixPath(path).suffix.lower()
    magic = next((what for start, what in _MAGICS if data.startswith(start)), "")
    check = _FORMATS.get(suffix)
    if check is None:
        what = magic or ("of a kind that can hold a program" if suffix in _EXECUTABLE_NAMES else "of a kind that is not listed")
        raise ForbiddenFileError(_refusal(path, what))
    # Tensors and text may start with the same bytes by chance; only what fails its own check is asked what it is instead.
    try:
        is_sound = check(data)
    except UnsafeGraphError:
        if not magic:
            raise
        is_sound = False
    if not is_sound:
        raise ForbiddenFileError(_refusal(path, magic or f"not what its name says ({suffix})"))


def _refusal(path: str, what: str) -> str:
    return (
        f"The file {path!r} is {what}; it is not taken. Loading a pickle, or what holds one, can run any program, so a version "
        f"holds only {', '.join(sorted(_FORMATS))}. Convert the model to ONNX where it was trained, for scikit-learn with "
        "`from skl2onnx import to_onnx; to_onnx(model, X[:1].astype('float32'), options={'zipmap': False})`."
    )


def _is_graph(data: bytes) -> bool:
    return check_graph(data) is not None


def _is_tensors(data: bytes) -> bool:
    """A safetensors file: the length of a JSON header, the header, then nothing but the bytes it describes."""
    size = int.from_bytes(data[:8], "little")
    if not 2 <= size <= min(_HEADER_LIMIT_BYTES, len(data) - 8):
        return False
    try:
        header = msgspec.json.decode(data[8 : 8 + size], type=dict[str, dict[str, object]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    ends = [tensor.get("data_offsets") for name, tensor in header.items() if name != "__metadata__"]
    limits = [end for pair in ends if isinstance(pair, list) and len(pair) == 2 for end in pair]
    return len(limits) == 2 * len(ends) and all(isinstance(end, int) and 0 <= end <= len(data) - 8 - size for end in limits)


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _is_text(data: bytes) -> bool:
    try:
        return "\x00" not in data.decode()
    except UnicodeDecodeError:
        return False


_FORMATS: dict[str, Callable[[bytes], bool]] = {
    ".onnx": _is_graph,
    ".safetensors": _is_tensors,
    ".json": _is_json,
    ".md": _is_text,
    ".txt": _is_text,
    ".html": _is_text,
    ".svg": _is_text,
}
