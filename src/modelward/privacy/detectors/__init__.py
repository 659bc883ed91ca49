# SPDX-License-Identifier: Apache-2.0
"""The detectors of personal data, by what they find."""

from modelward.plugins import PluginTable

_PLACE = "modelward.privacy.detectors."

DETECTORS = PluginTable(
    family="detectors",
    places={
        "address": f"{_PLACE}address:AddressDetector",
        "bank-card": f"{_PLACE}bank_card:BankCardDetector",
        "date-of-birth": f"{_PLACE}date_of_birth:DateOfBirthDetector",
        "email": f"{_PLACE}email:EmailDetector",
        "iban": f"{_PLACE}iban:IbanDetector",
        "ip-address": f"{_PLACE}ip_address:IpAddressDetector",
        "medical-record": f"{_PLACE}medical_record:MedicalRecordDetector",
        "name": f"{_PLACE}name:NameDetector",
        "number-plate": f"{_PLACE}number_plate:NumberPlateDetector",
        "passport": f"{_PLACE}passport:PassportDetector",
        "phone": f"{_PLACE}phone:PhoneDetector",
        "resident-identity-card": f"{_PLACE}resident_identity_card:ResidentIdentityCardDetector",
        "social-credit-code": f"{_PLACE}social_credit_code:SocialCreditCodeDetector",
        "social-security-number": f"{_PLACE}social_security_number:SocialSecurityNumberDetector",
        "url": f"{_PLACE}url:UrlDetector",
    },
)
