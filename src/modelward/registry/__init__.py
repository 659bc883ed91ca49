# SPDX-License-Identifier: Apache-2.0
"""The registry keeps models: immutable versions with their lineage, sealed at rest, each file signed, verified on every load."""

from modelward.registry.card import CARD_FILE, model_card
from modelward.registry.contents import ForbiddenFileError, VersionTooLargeError
from modelward.registry.draft import InvalidVersionError
from modelward.registry.graph import LABEL, PROBABILITIES, TEXT, VALUES, GraphUnfitError, UnsafeGraphError
from modelward.registry.importing import ImportMissingError, UnusableImportError
from modelward.registry.interface import AnswerKind, Feature, Interface, InvalidInterfaceError, parse_interface
from modelward.registry.kinds.number import Number
from modelward.registry.manifest import (
    BACKGROUND_FILE,
    GRAPH_FILE,
    InvalidManifestError,
    Manifest,
    parse_manifest,
)
from modelward.registry.opened import OpenVersion, PredictionFailedError, UnrunnableGraphError, VersionClosedError
from modelward.registry.paths import UnsafePathError
from modelward.registry.rows import InvalidRowsError
from modelward.registry.service import Registry
from modelward.registry.signing import SignatureInvalidError, Signer, Statement, verify_signature
from modelward.registry.table import Columns, Encoded, Table
from modelward.registry.texts import LENGTH_LIMIT, CodePoints, code_points, text_of, texts_of
from modelward.registry.usual_metrics import USUAL_METRICS, Answered, answered
from modelward.registry.values import json_hint
from modelward.registry.verifying import verify_folder
from modelward.registry.version import (
    Dossier,
    DossierMissingError,
    Fault,
    Lineage,
    ModelFileImmutableError,
    ModelMissingError,
    ModelSummary,
    TamperedVersionError,
    Verification,
    Version,
    VersionFile,
    VersionMissingError,
    VersionNumberMissingError,
    parse_version_name,
)

__all__ = [
    "BACKGROUND_FILE",
    "CARD_FILE",
    "GRAPH_FILE",
    "LABEL",
    "LENGTH_LIMIT",
    "PROBABILITIES",
    "TEXT",
    "USUAL_METRICS",
    "VALUES",
    "AnswerKind",
    "Answered",
    "CodePoints",
    "Columns",
    "Dossier",
    "DossierMissingError",
    "Encoded",
    "Fault",
    "Feature",
    "ForbiddenFileError",
    "GraphUnfitError",
    "ImportMissingError",
    "Interface",
    "InvalidInterfaceError",
    "InvalidManifestError",
    "InvalidRowsError",
    "InvalidVersionError",
    "Lineage",
    "Manifest",
    "ModelFileImmutableError",
    "ModelMissingError",
    "ModelSummary",
    "Number",
    "OpenVersion",
    "PredictionFailedError",
    "Registry",
    "SignatureInvalidError",
    "Signer",
    "Statement",
    "Table",
    "TamperedVersionError",
    "UnrunnableGraphError",
    "UnsafeGraphError",
    "UnsafePathError",
    "UnusableImportError",
    "Verification",
    "Version",
    "VersionClosedError",
    "VersionFile",
    "VersionMissingError",
    "VersionNumberMissingError",
    "VersionTooLargeError",
    "answered",
    "code_points",
    "json_hint",
    "model_card",
    "parse_interface",
    "parse_manifest",
    "parse_version_name",
    "text_of",
    "texts_of",
    "verify_folder",
    "verify_signature",
]
