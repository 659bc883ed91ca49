# SPDX-License-Identifier: Apache-2.0
"""Serving answers questions: it opens what is live, asks it, and lets no answer leave before the ledger holds it.

Online questions come through the `Gateway`, files through `Serving.predict_file`; both ask the same open version through the
same interface, so that their numbers are identical. What is not released, or does not verify, answers nothing.
"""

from modelward.serving.answer import (
    LedgerUnavailableError,
    ModelUnavailableError,
    NotServedError,
    OverloadedError,
    Reply,
    ShuttingDownError,
    TooManyRowsError,
    TooSlowError,
    Written,
)
from modelward.serving.batcher import Call
from modelward.serving.capture import (
    DAYS_LIMIT,
    SHREDDED_AT_ONCE,
    Capture,
    CaptureAlteredError,
    CapturedExchange,
    CaptureMissingError,
    CaptureRule,
    CaptureShreddedError,
    CapturesOffError,
    InvalidCaptureRuleError,
    ShreddedCaptures,
    SweptCaptures,
)
from modelward.serving.captures import Captures
from modelward.serving.computed import Computed
from modelward.serving.deployments import Deployment, Deployments, Readiness
from modelward.serving.engine import Cost, Engine
from modelward.serving.engines import ENGINES
from modelward.serving.explainer import Attribution, Explainer
from modelward.serving.explainers import EXPLAINERS
from modelward.serving.explanations import (
    BackgroundMissingError,
    Contribution,
    Explanation,
    UnexplainableError,
    UnknownLabelError,
)
from modelward.serving.file_rows import FileRows, RowsFileError, kinds_of, rows_of_file, sequences_of, with_lists
from modelward.serving.gateway import Gateway
from modelward.serving.image_rows import NoImageTakenError, is_of_images
from modelward.serving.instruments import (
    Counter,
    Distribution,
    Distributions,
    Instrument,
    Kind,
    Labels,
    Numbers,
    Panel,
    Reading,
    Snapshot,
)
from modelward.serving.keychain import Keychain
from modelward.serving.meters import SECONDS, Meters
from modelward.serving.offline import Batch
from modelward.serving.pending import Pending, Standing
from modelward.serving.question import Asking, Question, Why
from modelward.serving.quotas import QuotaUsedUpError
from modelward.serving.records import (
    Answer,
    Prediction,
    Ranked,
    RankingAnswer,
    RankingPrediction,
    TextAnswer,
    TextPrediction,
    ValuesAnswer,
    ValuesPrediction,
    as_records,
)
from modelward.serving.request_id import new_request_id
from modelward.serving.service import Serving
from modelward.serving.tracing import Tracing

__all__ = [
    "DAYS_LIMIT",
    "ENGINES",
    "EXPLAINERS",
    "SECONDS",
    "SHREDDED_AT_ONCE",
    "Answer",
    "Asking",
    "Attribution",
    "BackgroundMissingError",
    "Batch",
    "Call",
    "Capture",
    "CaptureAlteredError",
    "CaptureMissingError",
    "CaptureRule",
    "CaptureShreddedError",
    "CapturedExchange",
    "Captures",
    "CapturesOffError",
    "Computed",
    "Contribution",
    "Cost",
    "Counter",
    "Deployment",
    "Deployments",
    "Distribution",
    "Distributions",
    "Engine",
    "Explainer",
    "Explanation",
    "FileRows",
    "Gateway",
    "Instrument",
    "InvalidCaptureRuleError",
    "Keychain",
    "Kind",
    "Labels",
    "LedgerUnavailableError",
    "Meters",
    "ModelUnavailableError",
    "NoImageTakenError",
    "NotServedError",
    "Numbers",
    "OverloadedError",
    "Panel",
    "Pending",
    "Prediction",
    "Question",
    "QuotaUsedUpError",
    "Ranked",
    "RankingAnswer",
    "RankingPrediction",
    "Readiness",
    "Reading",
    "Reply",
    "RowsFileError",
    "Serving",
    "ShreddedCaptures",
    "ShuttingDownError",
    "Snapshot",
    "Standing",
    "SweptCaptures",
    "TextAnswer",
    "TextPrediction",
    "TooManyRowsError",
    "TooSlowError",
    "Tracing",
    "UnexplainableError",
    "UnknownLabelError",
    "ValuesAnswer",
    "ValuesPrediction",
    "Why",
    "Written",
    "as_records",
    "is_of_images",
    "kinds_of",
    "new_request_id",
    "rows_of_file",
    "sequences_of",
    "with_lists",
]
