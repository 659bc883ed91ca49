# SPDX-License-Identifier: Apache-2.0
"""What is written out is whole or absent; what only passes through is gone, also after a kill."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

import pytest

from modelward.storage import (
    FolderTakenError,
    FolderUnusableError,
    check_free,
    cut_off,
    passing_folder,
    replace_durably,
    sweep_passing_folders,
    whole_folder,
    write_private,
)


@pytest.fixture
def passing(tmp_path, monkeypatch):
    """Where temporary files lie, for this process and its children."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return place


def test_a_folder_takes_its_place_whole_and_private(tmp_path):
    out = tmp_path / "a" / "out"
    with whole_folder(out) as incoming:
        (incoming / "deep").mkdir()
        (incoming / "deep" / "file.txt").write_text("one")
        assert not out.exists()
    assert (out / "deep" / "file.txt").read_text() == "one"
    assert out.stat().st_mode & 0o077 == 0
    assert list(out.parent.iterdir()) == [out]


def test_every_file_and_name_is_on_the_disk_before_the_folder_takes_its_place(tmp_path, monkeypatch):
    synced, out, fsync = [], tmp_path / "out", os.fsync

    def noted(handle):
        synced.append((os.fstat(handle).st_ino, out.exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    with whole_folder(out) as incoming:
        (incoming / "deep").mkdir()
        (incoming / "deep" / "file.txt").write_text("one")
    inside = {place.stat().st_ino for place in (out, out / "deep", out / "deep" / "file.txt")}
    assert {inode for inode, is_there in synced if not is_there} == inside
    assert {inode for inode, is_there in synced if is_there} == {tmp_path.stat().st_ino}


def test_a_folder_that_filled_up_meanwhile_is_left_alone(tmp_path):
    def fill():
        with whole_folder(tmp_path / "out") as incoming:
            (incoming / "theirs.txt").write_text("theirs")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "mine.txt").write_text("mine")

    with pytest.raises(FolderTakenError, match="no longer empty"):
        fill()
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["mine.txt", "out"]


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path):
    def fill():
        with whole_folder(tmp_path / "out") as incoming:
            (incoming / "first.txt").write_text("one")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_what_lies_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link", "file/below"):
        with pytest.raises(FolderUnusableError):
            check_free(tmp_path / name)
    with pytest.raises(FolderTakenError):
        check_free(tmp_path)


def test_a_private_file_is_new_and_its_owners(tmp_path):
    write_private(tmp_path / "token", b"one")
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "token", b"two")
    replace_durably(tmp_path / "token", b"two")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("token", b"two")]
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_private_keeps_its_permissions_or_gets_those_of_any_new_file(tmp_path):
    (tmp_path / "any").touch()
    replace_durably(tmp_path / "new", b"one", is_private=False)
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "any").stat().st_mode
    (tmp_path / "new").chmod(0o666)
    replace_durably(tmp_path / "new", b"two", is_private=False)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o666
    assert (tmp_path / "new").read_bytes() == b"two"


def test_a_file_of_the_longest_name_is_replaced(tmp_path):
    for place in (tmp_path / ("x" * 255), tmp_path / ("\N{CJK UNIFIED IDEOGRAPH-6A21}" * 85)):
        replace_durably(place, b"one")
        assert place.read_bytes() == b"one"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_whose_writer_was_killed_is_found_and_no_other(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from modelward.storage import replace_durably\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "replace_durably(Path(sys.argv[1]), b'half')"
    )
    place = tmp_path / "[a] token"
    place.write_bytes(b"whole")
    (tmp_path / "[a] token.mine").touch()
    subprocess.run([sys.executable, "-c", script, str(place)], check=False)
    (found,) = cut_off(place)
    assert found.read_bytes() == b"half"
    assert place.read_bytes() == b"whole"


def test_what_passes_through_is_gone_at_the_end_and_private_meanwhile(passing):
    def use():
        with passing_folder() as folder:
            assert folder.parent == passing
            assert folder.stat().st_mode & 0o077 == 0
            (folder / "rows.csv").write_text("a row")
            assert sweep_passing_folders() == 0, "it is in use"
            assert (folder / "rows.csv").exists()
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        use()
    assert list(passing.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(passing):
    script = (
        "import sys, time; from modelward.storage import passing_folder\n"
        "with passing_folder() as folder: (folder / 'rows.csv').write_text('a row'); print(folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        left = Path(child.stdout.readline().strip())
        assert sweep_passing_folders() == 0, "its process lives"
        child.send_signal(signal.SIGKILL)
    assert (left / "rows.csv").exists()
    assert sweep_passing_folders() == 1
    assert list(passing.iterdir()) == []


def test_nothing_else_is_swept(passing, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    (passing / "modelward-passing-link").symlink_to(tmp_path / "mine")
    (passing / "modelward-passing-file").write_text("a file")
    (passing / "other").mkdir()
    assert sweep_passing_folders() == 0
    assert (tmp_path / "mine" / "file").exists()
    assert len(list(passing.iterdir())) == 3


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o1700])
def test_a_folder_that_we_did_not_make_is_not_swept(passing, mode):
    strange = passing / "modelward-passing-strange"
    strange.mkdir()
    strange.chmod(mode)
    assert (sweep_passing_folders(), strange.exists()) == (0, True)
    strange.chmod(0o700)
    assert (sweep_passing_folders(), strange.exists()) == (1, False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give a folder away")
def test_the_folder_of_another_user_is_not_swept(passing):
    strange = passing / "modelward-passing-strange"
    strange.mkdir(mode=0o700)
    os.chown(strange, 65534, 65534)
    assert (sweep_passing_folders(), strange.exists()) == (0, True)


def test_a_folder_too_deep_to_be_removed_fails_nothing(passing):
    # In a process of its own, for the working folder is the process's.
    script = (
        "import os, sys; from modelward.storage import sweep_passing_folders\n"
        "os.mkdir(sys.argv[1], 0o700); os.chdir(sys.argv[1])\n"
        "for _ in range(1100): os.mkdir('d'); os.chdir('d')\n"
        "os.chdir('/'); sys.exit(sweep_passing_folders())"
    )
    deep = passing / "modelward-passing-deep"
    done = subprocess.run([sys.executable, "-c", script, str(deep)], capture_output=True, text=True, check=False)
    subprocess.run(["rm", "-rf", str(deep)], check=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_sweeping_while_folders_are_made_takes_none_that_is_in_use(passing):
    faults, done = [], []

    def use():
        for _ in range(30):
            with passing_folder() as folder:
                (folder / "rows.csv").write_text("a row")
                if not (folder / "rows.csv").exists():
                    faults.append(folder)
        done.append(True)

    threads = [Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(done) < 3 and any(thread.is_alive() for thread in threads):
        sweep_passing_folders()
    for thread in threads:
        thread.join()
    assert (faults, len(done)) == ([], 3)
    assert list(passing.iterdir()) == []
