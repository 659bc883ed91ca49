# SPDX-License-Identifier: Apache-2.0
"""Programs that guard a keyring, as a KMS or an HSM would, and some that fail at it."""

import sys
from pathlib import Path

# Wraps under a key that lies in a file beside it, as a KMS keeps one out of reach.
HONEST = """
import os, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
key, given = AESGCM(open(__file__ + ".key", "rb").read()), sys.stdin.buffer.read()
if sys.argv[-1] == "wrap":
    nonce = os.urandom(12)
    sys.stdout.buffer.write(nonce + key.encrypt(nonce, given, b"kek"))
else:
    sys.stdout.buffer.write(key.decrypt(given[:12], given[12:], b"kek"))
"""


def program(folder: Path, source: str = HONEST, *, name: str = "kms") -> tuple[str, ...]:
    """The words that run a program of that source."""
    place = folder / f"{name}.py"
    place.write_text(source)
    key = Path(f"{place}.key")
    if not key.exists():
        key.write_bytes(bytes(range(32)))
    return (sys.executable, str(place))
