# SPDX-License-Identifier: Apache-2.0
"""The accountants of differential privacy, by how they add up."""

from modelward.plugins import PluginTable

ACCOUNTANTS = PluginTable(
    family="accountants",
    places={
        "opacus-rdp": "modelward.privacy.accountants.opacus_rdp:OpacusRdpAccountant",
        "pld": "modelward.privacy.accountants.google_dp:PldAccountant",
        "rdp": "modelward.privacy.accountants.google_dp:RdpAccountant",
    },
    extras={"opacus-rdp": "privacy", "pld": "privacy", "rdp": "privacy"},
)
