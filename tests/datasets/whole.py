# SPDX-License-Identifier: Apache-2.0
"""The tables of tests are small enough to be looked at whole."""

import tempfile
from pathlib import Path

from modelward.datasets import frame_of
from modelward.datasets.reading import read_table as read_kept
from modelward.storage import Scratch


def read_table(files, *, limit_bytes):
    with Scratch(Path(tempfile.gettempdir())) as scratch:
        return frame_of(read_kept(files, limit_bytes=limit_bytes, scratch=scratch))
