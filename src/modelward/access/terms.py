# SPDX-License-Identifier: Apache-2.0
"""Terms of confidentiality of a model or of a dataset. Where some are put, whoever uses it has accepted them before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelward.access.name import check_name
from modelward.access.permission import Permission
from modelward.access.seal import AlteredRowError
from modelward.audit import Event
from modelward.errors import ConflictError, InvalidError, NotFoundError, RefusedError

TERMS_PUT: Final = Event("terms.put", "Terms of confidentiality were put for a model or a dataset; all accept them anew.")
TERMS_ACCEPTED: Final = Event("terms.accepted", "Somebody accepted the terms of a model or a dataset, by the digest of their text.")
TEXT_LIMIT_BYTES: Final = 64 << 10
_KINDS: Final = {
    "model": (Permission.MODELS_READ, Permission.MODELS_PREDICT, Permission.MODELS_EXPLAIN),
    "dataset": (Permission.DATA_READ, Permission.DATA_STATISTICS),
}
_BINDING: Final = {
    "model": (Permission.MODELS_PREDICT, Permission.MODELS_EXPLAIN, Permission.MODELS_EXPORT),
    "dataset": (Permission.DATA_READ, Permission.DATA_STATISTICS),
}


class InvalidTermsError(InvalidError):
    """Terms cannot be put as they are, or what they are to hold for is named wrongly."""


class TermsMissingError(NotFoundError):
    """Nobody put terms for that."""


class TermsChangedError(ConflictError):
    """The terms that are accepted are not those in place any more."""


class TermsNotAcceptedError(RefusedError):
    """Somebody uses what has terms without having accepted them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What terms hold for: a model or a dataset."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Those of which any lets somebody read the terms."""
        return (*_KINDS[self.kind], Permission.TERMS_PUT)

    @property
    def binding(self) -> tuple[Permission, ...]:
        """Those that are of use to nobody who has not accepted the terms."""
        return _BINDING[self.kind]


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms in place. `digest` is the SHA-256 of their text in UTF-8: who accepts, accepts that."""

    subject: str
    text: str
    digest: str
    put: datetime
    by: str


@dataclass(frozen=True, slots=True)
class OfferedTerms:
    """Terms, and when whoever looks accepted them, if they did. `fault` says why that, or their text, cannot be told."""

    terms: Terms
    accepted: datetime | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That `actor` accepted the terms with that digest; `by` is somebody else where it was on the actor's behalf."""

    subject: str
    digest: str
    actor: str
    accepted: datetime
    by: str


def parse_subject(text: str) -> Subject:
    """What `model:income` or `dataset:adult` names.

    Raises:
        InvalidTermsError: it is neither. InvalidNameError.
    """
    kind, _, name = text.partition(":")
    if kind not in _KINDS:
        raise InvalidTermsError(f"Terms are of a model or a dataset, as model:income or dataset:adult, not of {text[:80]!r}.")
    return Subject(kind, check_name(kind, name))


def check_terms(text: str) -> str:
    """The text, without blanks around it.

    Raises:
        InvalidTermsError: it is empty, too long, or holds what is no text.
    """
    text = text.strip()
    if not text:
        raise InvalidTermsError("The terms are empty. Write what whoever uses it is to keep to.")
    if (size := len(text.encode("utf-8", "surrogatepass"))) > TEXT_LIMIT_BYTES:
        raise InvalidTermsError(f"The terms have {size} bytes; {TEXT_LIMIT_BYTES} is the most.")
    if not all(sign.isprintable() or sign in "\n\t\r" for sign in text):
        raise InvalidTermsError("The terms hold signs that cannot be shown. Put them as plain text in UTF-8.")
    return text


def terms_altered(subject: str) -> AlteredRowError:
    """The refusal of everybody, where the row of terms is not what the ledger tells of."""
    return AlteredRowError(
        f"The terms of {subject} are not those that the ledger tells of: something other than Modelward altered their row, took it "
        f"away or put an older one back. Nobody is let through. Put them again: `modelward terms put {subject} FILE`; and run "
        "`modelward audit verify`."
    )


def not_accepted(subject: str, actor: str) -> TermsNotAcceptedError:
    """The refusal of who has not accepted the terms in place."""
    kind, _, name = subject.partition(":")
    return TermsNotAcceptedError(
        f"{actor} has not accepted the terms of {subject}. Read them with `modelward terms show {subject}` or GET "
        f"/api/v1/terms/{kind}/{name}, and accept them with `modelward terms accept {subject}` or POST "
        f"/api/v1/terms/{kind}/{name}/acceptances; for a key, whoever manages keys can: `--for KEY_ID`."
    )
