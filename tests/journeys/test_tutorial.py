# SPDX-License-Identifier: Apache-2.0
"""The tutorial is pasted into a shell, block by block, and prints what it shows."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from journeys.pages import lines_not_printed, steps

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial" / "first-model.md").read_text()


class Shell:
    """Pastes blocks; what was printed before stands in for what a reader would copy from there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "COLUMNS": "80", "PATH": path}
        self._servers: list[subprocess.Popen[bytes]] = []
        self._copied: dict[str, str] = {}

    def filled(self, text: str) -> str:
        """`text` with what a reader would put in from what was printed."""
        for written, copied in self._copied.items():
            text = text.replace(written, copied)
        return text

    def paste(self, block: str) -> tuple[int, str]:
        """Exit code and everything that the block prints."""
        block = self.filled(block)
        if block.startswith("modelward serve"):
            return 0, self._serve(block)
        command = ["bash", "-e", "-c", block]
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        self._copy(done.stdout)
        return done.returncode, done.stdout

    def _copy(self, printed: str) -> None:
        for written, form in (("mw_…", r"mw_[\w-]+"), ("req-…", r"req-[0-9a-f]+"), ("127.0.0.1:8321", r"127\.0\.0\.1:\d+")):
            if found := re.findall(form, printed):
                self._copied[written] = found[-1]

    def _serve(self, block: str) -> str:
        log = self._folder / "serve.log"
        with log.open("w") as sink:
            words = [*block.split(), "--port", "0"]
            self._servers.append(
                subprocess.Popen(words, cwd=self._folder, env=self._environment, stdout=sink, stderr=subprocess.STDOUT)
            )
        for _ in range(600):
            if "127.0.0.1:" in log.read_text():
                break
            time.sleep(0.05)
        self._copy(log.read_text())
        return log.read_text()

    def close(self) -> None:
        for server in self._servers:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


@pytest.fixture
def shell(tmp_path):
    opened = Shell(tmp_path)
    yield opened
    opened.close()


@pytest.mark.slow
def test_the_tutorial_prints_what_it_shows(shell, tmp_path):
    for kind, words, shown in steps(TUTORIAL):
        if kind == "file":
            (tmp_path / words).write_text(shown)
            continue
        code, printed = shell.paste(words)
        assert (code != 0) == shown.startswith("error"), f"{words}\nended with {code}:\n{printed}"
        assert lines_not_printed(shell.filled(shown), printed) == [], f"{words}\nprinted:\n{printed}"


def test_a_line_that_is_not_printed_is_seen():
    printed = "one   1.25 s\ntwo\nthree\n"
    assert lines_not_printed("one … s\n…\nthree\n", printed) == []
    assert lines_not_printed("two\none\n", printed) == ["one"]
    assert lines_not_printed("one … ms\nfour", printed) == ["one … ms", "four"]
    assert lines_not_printed("one 1.24 s\n", printed) == []
    assert lines_not_printed("one 2.25 s\n", printed) == ["one 2.25 s"]


def test_the_tutorial_writes_files_and_shows_what_is_printed():
    found = steps("Write `a.yaml`:\n\n```yaml\nx: 1\n```\n\n```sh\nmodelward init\n```\n\n```text\nA home\n```\n")
    assert found == [("file", "a.yaml", "x: 1\n"), ("paste", "modelward init\n", "A home\n")]
    assert [kind for kind, _, shown in steps(TUTORIAL) if kind == "paste" and shown]
