# SPDX-License-Identifier: Apache-2.0
"""Routes of the ledger."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import msgspec
from starlette.responses import PlainTextResponse, Response

from modelward.access import Permission
from modelward.audit import Consistency, LoggedEntry, Verification
from modelward.entrances.api.control import Call, QueryError
from modelward.entrances.api.endpoint import Endpoint, Parameter, one_of, whole_number
from modelward.storage import passing_folder

_PAGE = 100
_ORDERS = ("newest-first", "oldest-first")


class Earlier(msgspec.Struct, forbid_unknown_fields=True):
    """A checkpoint that the client kept; left out where it has none."""

    checkpoint: str | None = None


def zipped(folder: Path) -> Response:
    """All files of a folder as one ZIP archive."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(path.relative_to(folder).as_posix(), path.read_bytes())
    return Response(sink.getvalue(), media_type="application/zip")


def _log(call: Call) -> list[LoggedEntry]:
    return call.platform.auditing.log(
        event=call.query.get("event", ""),
        actor=call.query.get("actor", ""),
        subject=call.query.get("subject", ""),
        request=call.query.get("request", ""),
        since=call.number("since") or 0,
        until=call.number("until"),
        limit=_PAGE if (limit := call.number("limit")) is None else limit,
        newest_first=call.choice("order", _ORDERS) == _ORDERS[0],
        by=call.actor,
    )


def _consistency(call: Call) -> Consistency:
    older = call.number("from")
    if older is None:
        raise QueryError("The query must say `from`: how many entries the ledger had when you kept its checkpoint.")
    return call.platform.auditing.consistency(older, call.number("to"), by=call.actor)


def _export(call: Call) -> Response:
    with passing_folder() as folder:
        call.platform.auditing.export(folder / "ledger", by=call.actor)
        return zipped(folder / "ledger")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/ledger/entries",
        Permission.AUDIT_READ,
        _log,
        "List entries, newest first.",
        list[LoggedEntry],
        query={
            "event": Parameter("Only this event."),
            "actor": Parameter("Only what this actor did."),
            "subject": Parameter("Only what was done to this."),
            "request": Parameter("Only this request."),
            "since": whole_number("From this index on."),
            "until": whole_number("Before this index."),
            "limit": whole_number(f"At most so many; {_PAGE} without it."),
            "order": one_of("Which come first; the newest without it.", _ORDERS),
        },
    ),
    Endpoint(
        "POST",
        "/api/v1/ledger/verify",
        Permission.AUDIT_READ,
        lambda call: call.platform.auditing.verify(earlier=call.body.checkpoint, by=call.actor),
        "Check every entry, the tree and the signed checkpoint.",
        Verification,
        takes=Earlier,
    ),
    Endpoint(
        "GET",
        "/api/v1/ledger/export",
        Permission.AUDIT_READ,
        _export,
        "The whole ledger as a ZIP archive.",
        None,
        media="application/zip",
    ),
    Endpoint(
        "GET",
        "/api/v1/ledger/checkpoint",
        Permission.AUDIT_RECEIPT,
        lambda call: PlainTextResponse(call.platform.auditing.checkpoint(by=call.actor).text),
        "The signed checkpoint (C2SP tlog-checkpoint).",
        str,
        media="text/plain",
    ),
    Endpoint(
        "GET",
        "/api/v1/ledger/consistency",
        Permission.AUDIT_RECEIPT,
        _consistency,
        "The proof that the ledger only grew (RFC 6962, section 2.1.2).",
        Consistency,
        query={
            "from": whole_number("How many entries the older state has.", is_required=True),
            "to": whole_number("How many the newer one has; all there are without it."),
        },
    ),
    Endpoint(
        "GET",
        "/api/v1/ledger/key",
        Permission.AUDIT_RECEIPT,
        lambda call: PlainTextResponse(call.platform.auditing.public_key(by=call.actor)),
        "The key that verifies checkpoints and receipts.",
        str,
        media="text/plain",
    ),
    Endpoint(
        "GET",
        "/api/v1/receipts/{request}",
        Permission.AUDIT_RECEIPT,
        lambda call: PlainTextResponse(call.platform.auditing.receipt(call.path["request"], by=call.actor)),
        "The receipt of one answer (C2SP tlog-proof).",
        str,
        media="text/plain",
    ),
)
