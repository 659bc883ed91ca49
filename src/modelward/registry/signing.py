# SPDX-License-Identifier: Apache-2.0
"""Signatures over digests, in the format of OpenSSF model-signing 1.0.

A signature is a sigstore bundle v0.3 around a DSSE envelope around an in-toto statement, which lists every file with its
SHA-256. `model_signing verify key` accepts it over the plain files; here it is made and checked over digests alone, because
files at rest are sealed. Specs: https://github.com/ossf/model-signing-spec, https://github.com/secure-systems-lab/dsse
(protocol 1.0.0), https://in-toto.io/Statement/v1.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from modelward.digest import sha256_hex
from modelward.errors import RefusedError

SIGNATURE_FILE = "model.sig"
_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://model_signing/signature/v1.0"
SIGNATURE_LIMIT_BYTES = 16 << 20
_HEX = re.compile(r"[0-9a-f]{64}")


class SignatureInvalidError(RefusedError):
    """A signature that is not one, was made with another key, or speaks of other files."""


class _Resource(msgspec.Struct, frozen=True):
    name: str
    algorithm: str
    digest: str


class _Serialization(msgspec.Struct, frozen=True, omit_defaults=True):
    method: str
    hash_type: str
    allow_symlinks: bool
    ignore_paths: tuple[str, ...] = ()


class _Predicate(msgspec.Struct, frozen=True):
    serialization: _Serialization
    resources: tuple[_Resource, ...]


class _Subject(msgspec.Struct, frozen=True):
    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct, frozen=True, rename={"kind": "_type", "predicate_type": "predicateType"}):
    kind: str
    subject: tuple[_Subject, ...]
    predicate_type: str
    predicate: _Predicate


class _RawSignature(msgspec.Struct, frozen=True):
    sig: bytes
    keyid: str = ""


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    payload: bytes
    payload_type: str
    signatures: tuple[_RawSignature, ...]


class _KeyHint(msgspec.Struct, frozen=True):
    hint: str


class _Material(msgspec.Struct, frozen=True, rename="camel"):
    public_key: _KeyHint
    tlog_entries: tuple[()] = ()


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: _Envelope


@dataclass(frozen=True, slots=True)
class Statement:
    """What was signed: the name of the version, and the SHA-256 of each of its files."""

    name: str
    digests: dict[str, str]


class Signer:
    """Signs with one P-256 private key (PEM)."""

    def __init__(self, private_key: bytes) -> None:
        key = serialization.load_pem_private_key(private_key, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise SignatureInvalidError("The signer's key is not a P-256 private key. Restore the keyring from a backup.")
        self._key = key
        self.public_key = _pem(key.public_key())

    def sign(self, name: str, *, digests: Mapping[str, str]) -> str:
        """The bundle (JSON) that says: version `name` consists of exactly these files, path to SHA-256."""
        resources = tuple(_Resource(path, "sha256", digests[path]) for path in sorted(digests, key=_in_tree_order))
        serialization_ = _Serialization("files", "sha256", allow_symlinks=False, ignore_paths=(SIGNATURE_FILE,))
        subject = _Subject(name, {"sha256": _root(resources)})
        statement = _Statement(_STATEMENT_TYPE, (subject,), _PREDICATE_TYPE, _Predicate(serialization_, resources))
        payload = msgspec.json.encode(statement)
        signature = _RawSignature(self._key.sign(_encoded(payload), ec.ECDSA(hashes.SHA256())))
        envelope = _Envelope(payload, _PAYLOAD_TYPE, (signature,))
        return msgspec.json.encode(_Bundle(_BUNDLE_TYPE, _Material(_KeyHint(sha256_hex(self.public_key))), envelope)).decode()


def verify_signature(bundle: str | bytes, *, public_key: bytes) -> Statement:
    """What the holder of `public_key` (PEM) signed in `bundle`. Nothing of the statement is read before it is authentic.

    Raises:
        SignatureInvalidError: the bundle is malformed, was changed, or was made with another key.
    """
    envelope = _envelope(bundle, public_key)
    key = _load(public_key)
    try:
        key.verify(envelope.signatures[0].sig, _encoded(envelope.payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as wrong:
        raise SignatureInvalidError("The signature does not fit what it is said to sign: one of them was changed.") from wrong
    try:
        return _checked(msgspec.json.decode(envelope.payload, type=_Statement))
    except msgspec.DecodeError as wrong:
        raise SignatureInvalidError(f"What was signed is no model signature: {wrong}.") from wrong


def key_id(public_key: bytes) -> str:
    """SHA-256 of a public key, however its PEM is laid out: the hint in a bundle.

    Raises:
        SignatureInvalidError: it is no P-256 key.
    """
    return sha256_hex(_pem(_load(public_key)))


def _envelope(bundle: str | bytes, public_key: bytes) -> _Envelope:
    if len(bundle) > SIGNATURE_LIMIT_BYTES:
        raise SignatureInvalidError(f"The signature has {len(bundle)} bytes; the limit is {SIGNATURE_LIMIT_BYTES}.")
    try:
        parsed = msgspec.json.decode(bundle, type=_Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise SignatureInvalidError(f"The signature is not a sigstore bundle: {wrong}.") from wrong
    envelope = parsed.dsse_envelope
    if parsed.media_type != _BUNDLE_TYPE or envelope.payload_type != _PAYLOAD_TYPE or len(envelope.signatures) != 1:
        raise SignatureInvalidError("The signature is not a sigstore bundle v0.3 with one signature over an in-toto statement.")
    hint = key_id(public_key)
    if not hmac.compare_digest(parsed.verification_material.public_key.hint.encode(), hint.encode()):
        raise SignatureInvalidError("The signature was made with another key than the one it is checked against.")
    return envelope


def _checked(statement: _Statement) -> Statement:
    predicate = statement.predicate
    resources = predicate.resources
    digests = {resource.name: resource.digest for resource in resources}
    serialization_ = predicate.serialization
    is_sound = (
        (statement.kind, statement.predicate_type, len(statement.subject)) == (_STATEMENT_TYPE, _PREDICATE_TYPE, 1)
        and (serialization_.method, serialization_.hash_type) == ("files", "sha256")
        and len(digests) == len(resources) > 0
        and all(resource.algorithm == "sha256" and _HEX.fullmatch(resource.digest) for resource in resources)
    )
    if not is_sound or not hmac.compare_digest(statement.subject[0].digest.get("sha256", "").encode(), _root(resources).encode()):
        raise SignatureInvalidError("What was signed is no model signature of format 1.0 over files and SHA-256.")
    return Statement(statement.subject[0].name, digests)


def _root(resources: tuple[_Resource, ...]) -> str:
    """SHA-256 over the digests of all files, in their order: the subject's digest."""
    return hashlib.sha256(b"".join(bytes.fromhex(resource.digest) for resource in resources)).hexdigest()


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding of `payload`: what is signed."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD_TYPE), _PAYLOAD_TYPE.encode(), len(payload), payload)


def _in_tree_order(path: str) -> tuple[str, ...]:
    # Folder by folder, as upstream sorts paths: `a/b` comes before `a.b`.
    return tuple(path.split("/"))


def _load(public_key: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_pem_public_key(public_key)
    except ValueError as wrong:
        raise SignatureInvalidError("The public key is not PEM.") from wrong
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SignatureInvalidError("The public key is not a P-256 key.")
    return key


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
