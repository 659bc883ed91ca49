# SPDX-License-Identifier: Apache-2.0
"""Routes of models, versions and assessments."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec
from starlette.responses import Response

from modelward.access import Permission
from modelward.assessment import LANGUAGES, Comparison, Objective, TrustReport, VersionErased
from modelward.datasets import RecordedErasure
from modelward.entrances.api.audit import zipped
from modelward.entrances.api.control import Call
from modelward.entrances.api.endpoint import Endpoint, Name, one_of, whole_number
from modelward.errors import InvalidError, NotFoundError, RefusedError
from modelward.registry import Dossier, ModelSummary, Verification, Version
from modelward.serving import Batch
from modelward.storage import passing_folder

T = TypeVar("T")
_VERSION = "/api/v1/models/{model}/versions/{number}"
_SEQUENCE = {"sequence": whole_number("The dossier of that number; the latest without it.")}


class NewImport(msgspec.Struct, forbid_unknown_fields=True):
    """What is said about a model made elsewhere. `public_key` (PEM) is what its signature must verify with."""

    name: Name
    purpose: str = ""
    owner: str = ""
    public_key: str = ""


class Assess(msgspec.Struct, forbid_unknown_fields=True):
    """Which assessors to run; all where none is named."""

    only: list[str] = []


class Compare(msgspec.Struct, forbid_unknown_fields=True):
    """Versions to compare, and by what."""

    versions: list[str]
    objective: Objective


class NewBatch(msgspec.Struct, forbid_unknown_fields=True):
    """A file of rows to answer. `version` is a model, or a version such as income:3; `form` is csv or parquet."""

    version: str = ""
    form: Literal["csv", "parquet"] = "csv"


class OneFileError(InvalidError):
    """Another number of files than one was sent."""


class OnlyExportedError(RefusedError):
    """A file that a version consists of, asked for by itself."""


class NotAssessedError(NotFoundError):
    """The version has no trust report."""


def _name(call: Call) -> str:
    return f"{call.path['model']}:{call.path['number']}"


def _import(call: Call) -> Version:
    new: NewImport = call.body
    key = new.public_key.encode() or None
    return call.platform.registry.import_folder(
        call.folder, new.name, purpose=new.purpose, owner=new.owner, public_key=key, by=call.actor
    )


def _export(call: Call) -> Response:
    with passing_folder() as folder:
        call.platform.registry.export(_name(call), folder / "version", by=call.actor)
        return zipped(folder / "version")


def _file(call: Call) -> Response:
    version = call.platform.registry.find(_name(call), by=call.actor)
    path = call.path["path"]
    if path in {file.path for file in version.files}:
        raise OnlyExportedError(
            f"{path} is a part of {version.name} itself. A version leaves whole, and on record: "
            f"`modelward model export {version.name} --to FOLDER`."
        )
    data = call.platform.registry.read(version, path, sequence=call.number("sequence"))
    return Response(data, media_type="application/octet-stream")


def _dossier(call: Call) -> Dossier:
    version = call.platform.registry.find(_name(call), by=call.actor)
    return call.platform.registry.dossier(version, sequence=call.number("sequence"))


def _erasures(call: Call) -> tuple[RecordedErasure, ...]:
    return call.platform.assessment.erasures(call.platform.registry.find(_name(call), by=call.actor), by=call.actor)


def _report(call: Call) -> TrustReport:
    return _assessed(call, call.platform.assessment.report(_name(call), by=call.actor))


def _page(call: Call) -> Response:
    language = call.choice("language", LANGUAGES)
    page = _assessed(call, call.platform.assessment.page(_name(call), language=language, by=call.actor))
    return Response(page, media_type="text/html")


def _assessed(call: Call, found: T | None) -> T:
    if found is None:
        raise NotAssessedError(f"{_name(call)} was not assessed. Run `modelward assess {_name(call)}`.")
    return found


def _batch(call: Call) -> Batch:
    name = call.body.version or call.path["model"]
    if name.partition(":")[0] != call.path["model"]:
        raise InvalidError("The path names one model and the form another. Send the same in both.")
    if len(call.files) != 1:
        raise OneFileError(f"One file is answered at a time; {len(call.files)} were sent.")
    return call.platform.serving.predict_file(name, call.files[0], form=call.body.form, by=call.actor)


def _compare(call: Call) -> Comparison:
    return call.platform.assessment.compare(call.body.versions, objective=call.body.objective, by=call.actor)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/models",
        Permission.MODELS_READ,
        lambda call: call.platform.registry.models(by=call.actor),
        "List models.",
        list[ModelSummary],
    ),
    Endpoint(
        "POST",
        "/api/v1/models",
        Permission.MODELS_IMPORT,
        _import,
        "Check a model made elsewhere, sign it, and put it on the shelf.",
        Version,
        takes=NewImport,
        has_files=True,
        status=201,
    ),
    Endpoint(
        "GET",
        "/api/v1/models/{model}/versions",
        Permission.MODELS_READ,
        lambda call: call.platform.registry.versions(call.path["model"], by=call.actor),
        "List a model's versions.",
        list[Version],
    ),
    Endpoint(
        "GET",
        _VERSION,
        Permission.MODELS_READ,
        lambda call: call.platform.registry.find(_name(call), by=call.actor),
        "Show a version.",
        Version,
    ),
    Endpoint(
        "GET",
        f"{_VERSION}/dossier",
        Permission.MODELS_READ,
        _dossier,
        "Show a version's signed directory: its files and the signature.",
        Dossier,
        query=_SEQUENCE,
    ),
    Endpoint(
        "GET",
        f"{_VERSION}/files/{{path:path}}",
        Permission.MODELS_READ,
        _file,
        "What was written about the version: card, report, plots.",
        None,
        media="application/octet-stream",
        query=_SEQUENCE,
    ),
    Endpoint(
        "GET",
        f"{_VERSION}/export",
        Permission.MODELS_EXPORT,
        _export,
        "The signed directory as a ZIP archive.",
        None,
        media="application/zip",
    ),
    Endpoint(
        "POST",
        f"{_VERSION}/verify",
        Permission.MODELS_READ,
        lambda call: call.platform.registry.verify(_name(call), by=call.actor),
        "Check a version's signature and every file.",
        Verification,
    ),
    Endpoint(
        "POST",
        f"{_VERSION}/assessments",
        Permission.MODELS_ASSESS,
        lambda call: call.platform.assessment.assess(_name(call), only=call.body.only, by=call.actor),
        "Measure a version; the report is signed with it.",
        TrustReport,
        takes=Assess,
        status=201,
    ),
    Endpoint(
        "GET",
        f"{_VERSION}/erasures",
        Permission.MODELS_READ,
        _erasures,
        "See which rows that a version may have learned from were erased since.",
        list[RecordedErasure],
    ),
    Endpoint(
        "GET",
        "/api/v1/models/{model}/erasures",
        Permission.MODELS_READ,
        lambda call: call.platform.assessment.erased_versions(call.path["model"], by=call.actor),
        "See which versions of a model may have learned from rows that were erased since.",
        list[VersionErased],
    ),
    Endpoint("GET", f"{_VERSION}/report", Permission.MODELS_READ, _report, "The version's trust report.", TrustReport),
    Endpoint(
        "GET",
        f"{_VERSION}/report/page",
        Permission.MODELS_READ,
        _page,
        "The version's trust report as one HTML file.",
        None,
        media="text/html",
        query={"language": one_of("The page's language; English without it.", LANGUAGES)},
    ),
    Endpoint(
        "POST",
        "/api/v1/models/{model}/batches",
        Permission.MODELS_PREDICT,
        _batch,
        "Answer a file of rows; the payload is the table of answers.",
        Batch,
        takes=NewBatch,
        has_files=True,
    ),
    Endpoint(
        "POST",
        "/api/v1/comparisons",
        Permission.MODELS_ASSESS,
        _compare,
        "Large against small: the table, the plot, the recommendation.",
        Comparison,
        takes=Compare,
    ),
)
