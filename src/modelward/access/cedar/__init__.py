# SPDX-License-Identifier: Apache-2.0
"""Cedar: what the site's policies may speak of, how a file of them is checked, and how they are asked.

Nothing here is imported before a home has policies of its own.
"""

from modelward.access.cedar.checking import Statement, check, read
from modelward.access.cedar.policies import BEARING_LIMIT, CompiledPolicies, Found, Question, TooManyBearError
from modelward.access.cedar.policy_file import PolicyFile
from modelward.access.cedar.vocabulary import BUILT_IN, SCHEMA_TEXT, built_in_text

__all__ = [
    "BEARING_LIMIT",
    "BUILT_IN",
    "SCHEMA_TEXT",
    "CompiledPolicies",
    "Found",
    "PolicyFile",
    "Question",
    "Statement",
    "TooManyBearError",
    "built_in_text",
    "check",
    "read",
]
