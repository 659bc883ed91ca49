# SPDX-License-Identifier: Apache-2.0
"""Erasing at a terminal: tried first, done once, and told of wherever a version is looked at that may know the rows."""

ROWS = ("--rows", "age >= 70")
NOTE = "Note: grants:1 may have learned from rows of people that were erased since ("


def test_it_is_tried_and_done_and_told_of_wherever_such_a_version_is_looked_at_or_goes_live(terminal):
    tried = terminal("data", "erase", "people", *ROWS, "--dry-run")
    assert ("nothing was changed" in tried.out, "Learned from the rows: grants:1 (" in tried.out) == (True, True)
    looks = (["model", "show", "grants:1"], ["release", "show", "r-1"])
    assert not any(NOTE in terminal(*words).err for words in looks)
    assert terminal("data", "erase", "people", *ROWS).code == 2
    done = terminal("data", "erase", "people", *ROWS, "--reason", "they objected")
    assert (done.code, "nobody can read them again" in done.out, "keys rotate-master" in done.out) == (0, True, True)
    said = tried.out.splitlines()[1:]
    assert done.out.splitlines()[1 : 1 + len(said)] == said, "what was tried is what is done"
    for words in looks:
        shown = terminal(*words, "--json")
        assert (shown.code, NOTE in " ".join(shown.err.split()), NOTE in shown.out) == (0, True, False)
    assert "may have learned from rows that were erased since: grants:1 (" in " ".join(
        terminal("model", "show", "grants").err.split()
    )
    for words in (["model", "verify", "grants:1"], ["compare", "grants:1", "grants:2"]):
        assert NOTE in " ".join(terminal(*words).err.split())
    assert terminal("release", "pause", "r-1").code == 0
    assert NOTE in terminal("release", "promote", "r-1").err
    assert "grants:1 (" in terminal("doctor").out
