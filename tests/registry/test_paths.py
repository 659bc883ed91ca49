# SPDX-License-Identifier: Apache-2.0
"""Which paths a file of a version may have."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.registry import UnsafePathError
from modelward.registry.paths import check_path, check_paths


@pytest.mark.parametrize("path", ["model.onnx", "plots/roc.svg", "a/b/c.json", "Bericht über uns.md", "报告.html", "x" * 200])
def test_plain_relative_paths_are_taken(path):
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "/a",
        "//a",
        "a//b",
        "a/",
        "a\\b",
        "..\\a",
        "C:/a",
        "a\x00b",
        "a\nb",
        "a\u202eb",
        "a\u200bb",
        "a\u2028b",
        "\ud800",
        ".git/config",
        "a/.hidden",
        "a.",
        "a/...",
        " a",
        "a /b",
        "e\u0301.md",
        "x" * 201,
    ],
)
def test_a_path_that_could_leave_hide_or_collide_is_refused(path):
    with pytest.raises(UnsafePathError):
        check_path(path)


@pytest.mark.parametrize(
    "paths", [["a.md", "A.md"], ["a", "a/b"], ["a/b", "a/b/c"], ["A", "a/b"], [f"{n}.md" for n in range(1001)]]
)
def test_paths_that_collide_or_are_too_many_are_refused(paths):
    check_paths(paths[:1])
    with pytest.raises(UnsafePathError):
        check_paths(paths)


@given(path=st.text(st.sampled_from("ab./\\ é:~") | st.characters(), max_size=12))
def test_whatever_is_taken_stays_inside_its_folder(path):
    try:
        check_path(path)
    except UnsafePathError:
        return
    inside = Path("/shelf") / path
    assert inside.resolve().is_relative_to("/shelf")
    assert PurePosixPath(path).as_posix() == path
    assert inside != Path("/shelf")
