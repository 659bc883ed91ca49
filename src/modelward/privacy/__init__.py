# SPDX-License-Identifier: Apache-2.0
"""Privacy finds persons in data and hides them, and adds up what noisy answers tell of one row."""

from modelward.privacy.accountants import ACCOUNTANTS
from modelward.privacy.book import Book, BookFullError, BookUnreadableError, Meaning
from modelward.privacy.detector import Detector, Match
from modelward.privacy.detectors import DETECTORS
from modelward.privacy.finding import Found, find_spans, identifiers_in
from modelward.privacy.folding import Folded
from modelward.privacy.hiding import Deidentified, Plan, deidentify, give_back, restore
from modelward.privacy.marks import of_few_marks
from modelward.privacy.mechanism import (
    AccountantsDisagreeError,
    InvalidMechanismError,
    Loss,
    Mechanism,
    check_delta,
    epsilon_of,
    merged,
)
from modelward.privacy.mondrian import AnonymityUnreachableError, Axis, Sensitive, distance, divided
from modelward.privacy.noise import discrete_laplace, reach
from modelward.privacy.operator import InvalidOperatorError, Item, Operator, operator_of
from modelward.privacy.operators import OPERATORS
from modelward.privacy.span import Span

__all__ = [
    "ACCOUNTANTS",
    "DETECTORS",
    "OPERATORS",
    "AccountantsDisagreeError",
    "AnonymityUnreachableError",
    "Axis",
    "Book",
    "BookFullError",
    "BookUnreadableError",
    "Deidentified",
    "Detector",
    "Folded",
    "Found",
    "InvalidMechanismError",
    "InvalidOperatorError",
    "Item",
    "Loss",
    "Match",
    "Meaning",
    "Mechanism",
    "Operator",
    "Plan",
    "Sensitive",
    "Span",
    "check_delta",
    "deidentify",
    "discrete_laplace",
    "distance",
    "divided",
    "epsilon_of",
    "find_spans",
    "give_back",
    "identifiers_in",
    "merged",
    "of_few_marks",
    "operator_of",
    "reach",
    "restore",
]
