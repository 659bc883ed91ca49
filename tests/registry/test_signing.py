# SPDX-License-Identifier: Apache-2.0
"""Signatures: ours are upstream's, and upstream's are ours. The package `model_signing` is the oracle."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from model_signing import hashing as upstream_hashing
from model_signing import signing as upstream_signing
from model_signing import verifying as upstream_verifying

from modelward.digest import sha256_hex
from modelward.registry import SignatureInvalidError, Signer, verify_folder, verify_signature
from registry.tiny import new_key

KEY = new_key()
PUBLIC = Signer(KEY).public_key


def upstream_accepts(folder: Path, public_key: bytes) -> bool:
    key = folder.parent / "key.pem"
    key.write_bytes(public_key)
    try:
        upstream_verifying.Config().use_elliptic_key_verifier(public_key=key).verify(folder, folder / "model.sig")
    except Exception:  # noqa: BLE001  # upstream raises whatever its libraries raise
        return False
    return True


def we_accept(folder: Path, public_key: bytes) -> bool:
    return verify_folder(folder, public_key=public_key).is_sound


def written(folder: Path) -> Path:
    folder.mkdir()
    for path, data in {"a.txt": b"one", "a/b.txt": b"two", "a/c/d.txt": b"", "z.md": b"three", "ä.txt": b"four"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def digests_of(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "model.sig"]
    return {file.relative_to(folder).as_posix(): sha256_hex(file.read_bytes()) for file in files}


def upstream_signs(folder: Path, private_key: bytes) -> None:
    (folder.parent / "private.pem").write_bytes(private_key)
    hashing = upstream_hashing.Config().set_ignored_paths(paths=["model.sig"], ignore_git_paths=True)
    config = upstream_signing.Config().use_elliptic_key_signer(private_key=folder.parent / "private.pem")
    config.set_hashing_config(hashing).sign(folder, folder / "model.sig")


@pytest.fixture(params=["ours", "upstream's"])
def signed(request, tmp_path) -> Path:
    """A folder that one of the two signed with `KEY`."""
    folder = written(tmp_path / "folder")
    if request.param == "ours":
        (folder / "model.sig").write_text(Signer(KEY).sign("folder", digests=digests_of(folder)))
    else:
        upstream_signs(folder, KEY)
    return folder


def refused_by_both(folder: Path, public_key: bytes = PUBLIC) -> bool:
    return not upstream_accepts(folder, public_key) and not we_accept(folder, public_key)


def test_both_accept_what_either_signed(signed):
    assert we_accept(signed, PUBLIC)
    assert upstream_accepts(signed, PUBLIC)


def test_both_refuse_a_flipped_byte_in_any_file(signed):
    for file in [file for file in signed.rglob("*.*") if file.name != "model.sig" and file.stat().st_size]:
        kept = file.read_bytes()
        file.write_bytes(bytes([kept[0] ^ 1]) + kept[1:])
        assert refused_by_both(signed), file
        file.write_bytes(kept)
    assert we_accept(signed, PUBLIC)


def test_both_refuse_an_added_a_removed_and_a_renamed_file(signed):
    (signed / "new.txt").write_bytes(b"")
    assert refused_by_both(signed)
    (signed / "new.txt").unlink()
    (signed / "z.md").rename(signed / "y.md")
    assert refused_by_both(signed)
    (signed / "y.md").unlink()
    assert refused_by_both(signed)


def test_both_refuse_a_symbolic_link(signed):
    (signed / "z.md").rename(signed.parent / "z.md")
    (signed / "z.md").symlink_to(signed.parent / "z.md")
    assert refused_by_both(signed)


def test_both_refuse_another_key(signed):
    assert refused_by_both(signed, Signer(new_key()).public_key)


def test_both_refuse_what_another_key_signed_under_our_hint(signed):
    bundle = json.loads((signed / "model.sig").read_text())
    forged = json.loads(Signer(new_key()).sign("folder", digests=digests_of(signed)))
    forged["verificationMaterial"] = bundle["verificationMaterial"]
    (signed / "model.sig").write_text(json.dumps(forged))
    assert refused_by_both(signed)


def test_both_refuse_a_changed_statement(signed):
    bundle = json.loads((signed / "model.sig").read_text())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    (signed / "z.md").write_bytes(b"four")
    changed = payload.replace(sha256_hex(b"three").encode(), sha256_hex(b"four").encode())
    assert changed != payload
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(changed).decode()
    (signed / "model.sig").write_text(json.dumps(bundle))
    assert refused_by_both(signed)


def test_the_folder_says_what_is_wrong_with_which_file(signed):
    (signed / "z.md").write_bytes(b"changed")
    (signed / "new.txt").write_bytes(b"")
    (signed / "a.txt").unlink()
    found = verify_folder(signed, public_key=PUBLIC)
    assert {fault.path for fault in found.faults} == {"z.md", "new.txt", "a.txt"}
    assert found.is_signed
    (signed / "model.sig").unlink()
    assert verify_folder(signed, public_key=PUBLIC).faults[0].path == "model.sig"


def test_the_upstream_command_accepts_an_exported_version(exported, registry):
    key = exported.parent / "trusted.pem"
    key.write_bytes(registry.public_key)
    command = [sys.executable, "-W", "ignore", "-m", "model_signing", "verify", "key", str(exported)]
    options = ["--signature", str(exported / "model.sig"), "--public_key", str(key)]
    assert subprocess.run([*command, *options], capture_output=True, check=False).returncode == 0
    (exported / "README.md").write_text("better than it is")
    assert subprocess.run([*command, *options], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle: bundle.update(mediaType="application/json"),
        lambda bundle: bundle["dsseEnvelope"].update(payloadType="text/plain"),
        lambda bundle: bundle["dsseEnvelope"].update(signatures=[]),
        lambda bundle: bundle["dsseEnvelope"].update(signatures=bundle["dsseEnvelope"]["signatures"] * 2),
        lambda bundle: bundle["verificationMaterial"]["publicKey"].update(hint="00"),
        lambda bundle: bundle.pop("dsseEnvelope"),
        lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(sig="AAAA"),
    ],
)
def test_a_malformed_bundle_is_refused(change):
    bundle = json.loads(Signer(KEY).sign("income:1", digests={"a": "0" * 64}))
    verify_signature(json.dumps(bundle), public_key=PUBLIC)
    change(bundle)
    with pytest.raises(SignatureInvalidError):
        verify_signature(json.dumps(bundle), public_key=PUBLIC)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "\x00", "{" * 100_000])
def test_what_is_no_bundle_is_refused(text):
    with pytest.raises(SignatureInvalidError):
        verify_signature(text, public_key=PUBLIC)


@pytest.mark.parametrize(
    "change",
    [
        lambda statement: statement.update(predicateType="https://model_signing/Digests/v0.1"),
        lambda statement: statement.update(subject=[]),
        lambda statement: statement["subject"][0]["digest"].update(sha256="0" * 64),
        lambda statement: statement["predicate"]["resources"].clear(),
        lambda statement: statement["predicate"]["resources"][0].update(algorithm="blake3"),
        lambda statement: statement["predicate"]["resources"][0].update(digest="0"),
        lambda statement: statement["predicate"]["resources"].append(statement["predicate"]["resources"][0]),
        lambda statement: statement["predicate"]["serialization"].update(method="shards"),
    ],
)
def test_a_signed_statement_of_another_shape_is_refused(change):
    """Signed by the right key all the same: only the shape tells."""
    signer = Signer(KEY)
    bundle = json.loads(signer.sign("income:1", digests={"a": "0" * 64, "b": "1" * 64}))
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))

    def resigned() -> str:
        payload = json.dumps(statement).encode()
        kind = bundle["dsseEnvelope"]["payloadType"].encode()
        signature = signer._key.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload), ec.ECDSA(hashes.SHA256()))
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()
        return json.dumps(bundle)

    verify_signature(resigned(), public_key=PUBLIC)
    change(statement)
    with pytest.raises(SignatureInvalidError):
        verify_signature(resigned(), public_key=PUBLIC)


PATHS = st.lists(st.text("abc.é-", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join)


@given(name=st.text(min_size=1, max_size=20), files=st.dictionaries(PATHS, st.binary(max_size=8), min_size=1, max_size=6))
def test_whatever_is_signed_is_read_back(name, files):
    digests = {path: sha256_hex(data) for path, data in files.items()}
    statement = verify_signature(Signer(KEY).sign(name, digests=digests), public_key=PUBLIC)
    assert (statement.name, statement.digests) == (name, digests)


def test_a_key_of_another_kind_does_not_sign():
    rsa_like = ec.generate_private_key(ec.SECP384R1())
    pem = rsa_like.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SignatureInvalidError, match="P-256"):
        Signer(pem)
    with pytest.raises(SignatureInvalidError):
        verify_signature(Signer(KEY).sign("a", digests={"a": "0" * 64}), public_key=b"nonsense")


@pytest.mark.parametrize("name", ["a.txt", "model.sig"])
def test_a_pipe_in_the_place_of_a_file_is_a_fault_and_is_not_waited_for(signed, name):
    (signed / name).unlink()
    os.mkfifo(signed / name)
    assert not verify_folder(signed, public_key=PUBLIC).is_sound
