# SPDX-License-Identifier: Apache-2.0
"""The ledger as plain files that anybody can verify without Modelward."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from modelward.audit.checkpoint import Checkpoint, VerifierKey
from modelward.audit.entry import EntryUnreadableError
from modelward.audit.store import Row
from modelward.storage import whole_folder

_HOW_TO_VERIFY = """\
# A ledger, exported

- `entries.jsonl`: one entry a line, in order; the bytes of a line (without its line end) are the bytes that were hashed.
- `checkpoint.txt`: how many entries there are and their Merkle root, signed (C2SP tlog-checkpoint, signed-note, Ed25519).
- `public-key.txt`: the verifier key, `name+key id+base64`. Compare it with one you received by another way.

The tree is that of RFC 6962, section 2.1: a leaf is SHA-256 of a zero byte and the entry, a node is SHA-256 of a one byte and
its two children. Each entry holds the leaf hash of the one before as `previous`.

This script needs Python and the package `cryptography`. Run it in this folder; it prints how many entries it verified.

```python
import base64
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

stack = []  # (leaves below, hash) of the perfect subtrees, largest first
count = 0
for line in Path("entries.jsonl").open("rb"):
    size, node = 1, sha256(b"\\0" + line.removesuffix(b"\\n")).digest()
    while stack and stack[-1][0] == size:
        node = sha256(b"\\1" + stack.pop()[1] + node).digest()
        size *= 2
    stack.append((size, node))
    count += 1
root = stack.pop()[1]
while stack:
    root = sha256(b"\\1" + stack.pop()[1] + root).digest()

name, key_id, encoded = Path("public-key.txt").read_text().strip().split("+", 2)
body, _, signature = Path("checkpoint.txt").read_text(encoding="utf-8").partition("\\n\\n")
signed = base64.b64decode(signature.split()[-1])
Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:]).verify(signed[4:], (body + "\\n").encode())
if body.split("\\n") != [name, str(count), base64.b64encode(root).decode()]:
    raise SystemExit("NOT GENUINE: the entries are not those that the checkpoint signs")
print(f"{count} entries verified")
```
"""


def write(folder: Path, pages: Iterable[Sequence[Row]], *, checkpoint: Checkpoint, key: VerifierKey) -> int:
    """Write the export into a new `folder`, whole and durable or not at all; how many entries it holds.

    Raises:
        EntryUnreadableError: an entry is not the bytes of one line. FolderTakenError, FolderUnusableError, NoSpaceError.
    """
    with whole_folder(folder) as incoming:
        count = _write_entries(incoming / "entries.jsonl", pages)
        (incoming / "checkpoint.txt").write_text(checkpoint.text, encoding="utf-8")
        (incoming / "public-key.txt").write_text(f"{key}\n", encoding="utf-8")
        (incoming / "README.md").write_text(_HOW_TO_VERIFY, encoding="utf-8")
    return count


def _write_entries(file: Path, pages: Iterable[Sequence[Row]]) -> int:
    count = 0
    with file.open("xb") as lines:
        for page in pages:
            for row in page:
                if not isinstance(row.entry, bytes) or b"\n" in row.entry:
                    raise EntryUnreadableError(f"Entry {row.idx} is not as it was written. Run `modelward audit verify`.")
                lines.write(row.entry + b"\n")
                count += 1
    return count
