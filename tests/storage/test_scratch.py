# SPDX-License-Identifier: Apache-2.0
import errno
import os

import pytest

from modelward.storage import NoSpaceError, Scratch, SealBrokenError


def test_blocks_come_out_as_they_were_put_from_memory_and_from_the_disk(tmp_path):
    blocks = [bytes([number]) * 1000 for number in range(9)]
    with Scratch(tmp_path, in_memory_bytes=2500) as scratch:
        numbers = [scratch.put(block) for block in blocks]
        assert [scratch.get(number) for number in reversed(numbers)] == blocks[::-1]


def test_what_is_put_aside_cannot_be_found_or_read_on_the_disk(tmp_path):
    with Scratch(tmp_path, in_memory_bytes=0) as scratch:
        scratch.put(b"Anna lives in Ulm" * 100)
        assert list(tmp_path.iterdir()) == []
        assert b"Ulm" not in os.pread(scratch._file.fileno(), 1 << 20, 0)
    assert scratch._file is None


def test_a_block_that_somebody_changed_is_refused(tmp_path):
    with Scratch(tmp_path, in_memory_bytes=0) as scratch:
        number = scratch.put(b"rows")
        os.pwrite(scratch._file.fileno(), b"\0", 3)
        with pytest.raises(SealBrokenError, match="changed"):
            scratch.get(number)


def test_memory_that_is_given_back_is_used_again(tmp_path):
    with Scratch(tmp_path, in_memory_bytes=1000) as scratch:
        scratch.discard(scratch.put(b"x" * 1000))
        scratch.put(b"y" * 1000)
        assert scratch._file is None


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with Scratch(tmp_path, in_memory_bytes=0) as scratch, pytest.raises(NoSpaceError, match="Free some space"):
        scratch.put(b"rows")
