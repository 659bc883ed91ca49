# SPDX-License-Identifier: Apache-2.0
"""Puts objects on the shelf as the first layout had it, with the wrapped data key in them: for homes of an earlier version."""

import io

from modelward.storage import Keyring, ObjectStore, as_stream, seal


def put_first(store: ObjectStore, data: bytes, *, label: str, keyring: Keyring) -> str:
    """The digest of `data` on the shelf, sealed so."""
    return store.put(as_stream(seal(io.BytesIO(data), label=label, keyring=keyring, chunk_bytes=16)))
