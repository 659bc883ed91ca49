# SPDX-License-Identifier: Apache-2.0
"""ID tokens: who signed one, for whom, and what it says (OpenID Connect Core 1.0, section 3.1.3.7; RFC 7515, RFC 8725)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from modelward.entrances.console.provider.configuration import ALGORITHMS, Configuration
from modelward.errors import RefusedError

TOKEN_LIMIT_CHARACTERS: Final = 32 << 10
_KEYS_LIMIT: Final = 100
_RSA_BITS: Final = 2048
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KINDS: Final[dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_SUBJECT_CHARACTERS: Final = 255


class TokenRefusedError(RefusedError):
    """What the provider sent does not prove who somebody is."""


class UnknownSigningKeyError(TokenRefusedError):
    """The token names a key that the provider has not published, or not yet."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key of the provider, and the algorithms it may be used with."""

    id: str
    algorithms: frozenset[str]
    key: Key


class Signer(JWSRegistry):
    """What joserfc may read of a token: some providers send longer heads than it takes by default."""

    max_header_length = 4096
    max_payload_length = TOKEN_LIMIT_CHARACTERS


def signing_keys(told: Mapping[str, Any]) -> tuple[SigningKey, ...]:
    """The keys of a JWK set that tokens may be signed with. Others, weak ones and unreadable ones are left out."""
    listed = told.get("keys")
    return tuple(_signing_keys(listed[:_KEYS_LIMIT] if isinstance(listed, list) else []))


def checked_claims(
    token: object, keys: Sequence[SigningKey], *, configuration: Configuration, nonce: str, now: float
) -> dict[str, Any]:
    """What an ID token says, once it is known to come from the issuer, for this client, for this very sign-in, and to be in force.

    Where its keys lie, and which algorithm is right, is never taken from the token itself.

    Raises:
        TokenRefusedError: anything of that is not so; the message says which, and nothing that the token holds.
        UnknownSigningKeyError: the key that it names is not among `keys`.
    """
    if not isinstance(token, str) or not token.isascii() or len(token) > TOKEN_LIMIT_CHARACTERS:
        raise _refused("is no token, or too long")
    header = _header(token)
    key = _key_for(header, keys, configuration.algorithms)
    only = Signer(algorithms=[str(header["alg"])], strict_check_header=False)
    try:
        found = jwt.decode(token, key.key, registry=only)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise _refused("is not signed by the key that it names") from None
    _check_parties(found.claims, configuration)
    _check_times(found.claims, configuration.skew_seconds, now)
    said = found.claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise _refused("belongs to another sign-in (nonce)")
    return found.claims


def check_access_token(claims: Mapping[str, Any], access_token: str, token: str) -> None:
    """Refuse an access token that does not belong to the ID token, where that says which does (`at_hash`).

    Raises:
        TokenRefusedError: it belongs to another.
    """
    said = claims.get("at_hash")
    if said is None:
        return
    algorithm = str(_header(token)["alg"])
    digest = {"256": sha256, "384": sha384}.get(algorithm[-3:], sha512)(access_token.encode()).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode("utf-8", "replace"), expected):
        raise _refused("came with an access token of another (at_hash)")


def _signing_keys(listed: Iterable[Any]) -> Iterable[SigningKey]:
    for each in listed:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or not _PRIVATE.isdisjoint(each):
            continue
        algorithms = {name for name, fits in ALGORITHMS.items() if fits == (each.get("kty"), each.get("crv", ""))}
        if "alg" in each:
            algorithms &= {each["alg"]} if isinstance(each["alg"], str) else set()
        identifier = each.get("kid", "")
        if not algorithms or not isinstance(identifier, str) or (each["kty"] == "RSA" and _bits(each.get("n")) < _RSA_BITS):
            continue
        try:
            key = _KINDS[each["kty"]].import_key({name: each[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in each})
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        yield SigningKey(identifier, frozenset(algorithms), key)


def _bits(modulus: object) -> int:
    """How long an RSA key is; 0 where it cannot be read."""
    try:
        return int.from_bytes(urlsafe_b64decode(f"{modulus}==")).bit_length()
    except ValueError:
        return 0


def _header(token: str) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode(), registry=Signer(strict_check_header=False)).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise _refused("cannot be read") from None
    if "crit" in header or header.get("b64", True) is not True:
        raise _refused("has a head that asks for what is not understood")
    return header


def _key_for(header: Mapping[str, Any], keys: Sequence[SigningKey], algorithms: Sequence[str]) -> SigningKey:
    algorithm, identifier = header.get("alg"), header.get("kid")
    if algorithm not in algorithms:
        raise _refused("is signed in a way that is not allowed (MODELWARD_OIDC_ALGORITHMS)")
    fitting = [key for key in keys if algorithm in key.algorithms]
    if identifier is None and len(fitting) == 1:
        return fitting[0]
    named = [key for key in fitting if identifier is not None and key.id == identifier]
    if len(named) == 1:
        return named[0]
    if identifier is not None and not any(key.id == identifier for key in keys):
        raise UnknownSigningKeyError(_text("names a key that the provider has not published"))
    raise _refused("does not say by which of the provider's keys it is signed")


def _check_parties(claims: Mapping[str, Any], configuration: Configuration) -> None:
    if claims.get("iss") != configuration.issuer:
        raise _refused("comes from another issuer")
    audience, authorized = claims.get("aud"), claims.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    if configuration.client_id not in audiences or (len(audiences) > 1 and authorized is None):
        raise _refused("is for somebody else (aud)")
    if authorized is not None and authorized != configuration.client_id:
        raise _refused("was given to somebody else (azp)")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_CHARACTERS:
        raise _refused("does not say whom it is about (sub)")


def _check_times(claims: Mapping[str, Any], skew_seconds: int, now: float) -> None:
    moments = {name: claims.get(name) for name in ("exp", "iat", "nbf")}
    if moments["nbf"] is None:
        moments["nbf"] = moments["iat"]
    for name, moment in moments.items():
        if isinstance(moment, bool) or not isinstance(moment, int | float) or not abs(moment) < 2**53:
            raise _refused(f"does not say when it holds ({name})")
        if name == "exp" and moment + skew_seconds <= now:
            raise _refused("has expired; is the clock of the server, or of the provider, right (exp)?")
        if name != "exp" and moment - skew_seconds > now:
            raise _refused(f"holds from a moment to come; is the clock of the server, or of the provider, right ({name})?")


def _text(what: str) -> str:
    end = "" if what.endswith("?") else "."
    return (
        f"The sign-in provider's token {what}{end} Nobody was signed in. Begin again at /console/sign-in; if it stays so, tell an "
        "administrator: docs/how-to/sign-in-oidc.md says what to look at."
    )


def _refused(what: str) -> TokenRefusedError:
    return TokenRefusedError(_text(what))
