# SPDX-License-Identifier: Apache-2.0
"""Pages with commands to paste and what these print: how they are read, and held against what was printed."""

import re

import pytest

FRACTION = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.…])")
TOKEN = re.compile(rf"(…|\s+|{FRACTION.pattern})")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def steps(page: str) -> list[tuple[str, str, str]]:
    """Each file to write, as ("file", its name, its text), and each block to paste, as ("paste", the block, what it shows)."""
    found: list[tuple[str, str, str]] = []
    for block in BLOCK.finditer(page):
        language, text = block.groups()
        if language == "yaml":
            found.append(("file", re.findall(r"`([\w-]+\.yaml)`", page[: block.start()])[-1], text))
        elif language == "sh":
            found.append(("paste", text, ""))
        elif language == "text":
            found[-1] = (*found[-1][:2], text)
    return found


def lines_not_printed(shown: str, printed: str) -> list[str]:
    """The lines of `shown` that `printed` has not, in that order."""
    left = printed.splitlines()
    missing = []
    for line in filter(str.strip, shown.splitlines()):
        at = next((at for at, there in enumerate(left) if is_shown_as(there, line)), None)
        if at is None:
            missing.append(line)
        else:
            left = left[at:] if line.strip() == "…" else left[at + 1 :]
    return missing


def pattern_of(token: str) -> str:
    if FRACTION.fullmatch(token):
        return r"(\d+\.\d+)"
    if token == "…":
        return ".*"
    return r"\s+" if token.isspace() else re.escape(token)


def is_shown_as(printed: str, line: str) -> bool:
    """Whether `line` shows what was printed: `…` stands for anything, and another machine's fractions differ a little."""
    # After a blank, `…` may stand for nothing.
    found = re.search("".join(map(pattern_of, TOKEN.split(line.strip()))), f"{printed} ")
    if found is None:
        return False
    return [float(each) for each in found.groups()] == pytest.approx([float(each) for each in FRACTION.findall(line)], rel=0.1)
