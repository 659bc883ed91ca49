# SPDX-License-Identifier: Apache-2.0
"""The laws of `Guard`, over every guard of the table."""

import dataclasses

import pytest

from modelward.errors import ModelwardError
from modelward.storage import GUARDS, Means
from modelward.storage.guards import passphrase
from storage.programs import HONEST, program

CONTENT = b'{"secret": "canary-4d1c"}' + bytes(range(256))


def with_words(folder, words: str) -> Means:
    file = folder / f"words-{words[:4]}"
    file.write_text(f"{words}\n")
    file.chmod(0o600)
    return Means(passphrase_file=file)


# What opens each, and what is of the same kind and another.
MEANS = {
    "file": lambda folder: (Means(), Means()),
    "passphrase": lambda folder: (with_words(folder, "six words drawn at random"), with_words(folder, "other words than those")),
    "command": lambda folder: (
        Means(command=program(folder)),
        Means(command=program(folder, HONEST.replace('b"kek"', 'b"another"'), name="other")),
    ),
}


def test_every_guard_is_held_to_the_contract():
    assert set(MEANS) == set(GUARDS)


@pytest.fixture(autouse=True)
def _light(monkeypatch):
    monkeypatch.setattr(passphrase, "_MEMORY_KIB", 8 << 10)


@pytest.fixture(params=MEANS)
def kind(request):
    return GUARDS.load(request.param)


@pytest.fixture
def means(kind, tmp_path):
    return next(make for name, make in MEANS.items() if GUARDS.load(name) is kind)(tmp_path)


def test_what_it_protects_it_reveals_also_to_another_of_its_kind(kind, means):
    stored = kind(means[0]).protect(CONTENT)
    assert kind(means[0]).reveal(stored) == CONTENT


def test_it_protects_again_without_asking_again(kind, means):
    guard = kind(means[0])
    guard.protect(b"the first")
    for name in ("passphrase_file", "command"):
        object.__setattr__(means[0], name, None)
    assert guard.reveal(guard.protect(CONTENT)) == CONTENT


def test_the_key_that_is_handed_on_opens_it_without_other_means(kind, means):
    guard = kind(means[0])
    stored = guard.protect(CONTENT)
    assert kind(Means(key=guard.key)).reveal(stored) == CONTENT
    again = kind(dataclasses.replace(means[0], key=b"k" * 32))
    assert again.reveal(stored) == CONTENT, "a key that became wrong is no hindrance where the means are there"


def test_one_that_seals_shows_nothing_and_opens_with_its_own_means_alone(kind, means):
    stored = kind(means[0]).protect(CONTENT)
    if not kind.is_sealing:
        assert stored == CONTENT, "the file's mode alone guards it"
        return
    assert b"canary" not in stored
    with pytest.raises(ModelwardError) as caught:
        kind(means[1]).reveal(stored)
    assert "canary" not in str(caught.value)
    with pytest.raises(ModelwardError) as caught:
        kind(Means()).reveal(stored)
    assert "MODELWARD_KEYS_" in str(caught.value), "it names the setting that is missing"


def test_a_changed_byte_is_refused(kind, means):
    if not kind.is_sealing:
        return
    stored = kind(means[0]).protect(CONTENT)
    key = (guard := kind(means[0])).reveal(stored) and guard.key
    for place in range(0, len(stored), 3):
        changed = stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
        # With the key at hand no program has to answer for each of them; what it opens must fit the note as well.
        sealed = kind(Means(key=key, command=("/bin/false",), passphrase_file=means[0].passphrase_file))
        with pytest.raises(ModelwardError) as caught:
            sealed.reveal(changed)
        assert "canary" not in str(caught.value)


def test_no_guard_says_what_it_knows(kind, means):
    guard = kind(means[0])
    guard.protect(CONTENT)
    assert "canary" not in repr(guard) + str(guard) + repr(means[0])
    assert repr(means[0]) == "Means(…)"
