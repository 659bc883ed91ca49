# SPDX-License-Identifier: Apache-2.0
"""The detectors of direct identifiers, by what they find."""

from modelward.plugins import PluginTable

DETECTORS = PluginTable(
    family="detectors",
    places={
        "bank-card": "modelward.privacy.detectors.bank_card:BankCardDetector",
        "email": "modelward.privacy.detectors.email:EmailDetector",
        "ip-address": "modelward.privacy.detectors.ip_address:IpAddressDetector",
        "phone": "modelward.privacy.detectors.phone:PhoneDetector",
        "resident-identity-card": "modelward.privacy.detectors.resident_identity_card:ResidentIdentityCardDetector",
    },
)
