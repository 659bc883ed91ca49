# SPDX-License-Identifier: Apache-2.0
"""The operators that hide values, by what people call them."""

from modelward.plugins import PluginTable

OPERATORS = PluginTable(
    family="operators",
    places={
        "generalise": "modelward.privacy.operators.generalise:Generalise",
        "hash": "modelward.privacy.operators.hashing:Hash",
        "keep": "modelward.privacy.operators.keep:Keep",
        "mask": "modelward.privacy.operators.mask:Mask",
        "pseudonym": "modelward.privacy.operators.pseudonym:Pseudonym",
        "redact": "modelward.privacy.operators.redact:Redact",
        "shift-dates": "modelward.privacy.operators.shift_dates:ShiftDates",
    },
)
