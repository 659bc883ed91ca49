# SPDX-License-Identifier: Apache-2.0
"""Policies are put in force and taken out in the console, and it says why somebody may do something."""

import re

from modelward.access import Role

FORBID = '@id("no-export") forbid (principal == Service::"nobody", action == Action::"models:export", resource);'


def test_an_administrator_puts_a_policy_in_force_changes_it_and_takes_it_out(house):
    ada = house.visitor(Role.ADMINISTRATOR)
    sent = ada.post("/access/policies", {"name": "site", "text": FORBID, "revision": "0"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/console/access/policies/site")
    page = ada.get("/access/policies/site").text
    assert "no-export" in page
    assert 'name="revision" value="1"' in page
    late = ada.post("/access/policies", {"name": "site", "text": FORBID, "revision": "0"})
    assert (late.status_code, "revision 1" in late.text) == (422, True)
    wrong = ada.post("/access/policies", {"name": "other", "text": "permit(;", "revision": "0"})
    assert (wrong.status_code, "column 8" in wrong.text, "permit(;" in wrong.text) == (422, True, True)
    gone = ada.post("/access/policies/site/removal", {"revision": "1"}, shown_at="/access/policies/site")
    assert (gone.status_code, gone.headers["location"]) == (303, "/console/access/policies")
    assert "site" not in re.findall(r"/console/access/policies/([\w-]+)", ada.get("/access/policies").text)


def test_the_page_says_why_and_of_others_to_who_manages_policies_alone(house):
    ada, bob = house.visitor(Role.ADMINISTRATOR, "anna"), house.visitor(Role.AUDITOR, "bernd")
    told = ada.get("/access/why?who=bernd&action=models:predict&what=model:grant").text
    assert "person:bernd is auditor and lacks models:predict" in told
    assert "Denied" in told
    own = bob.get("/access/why?action=models:read").text
    assert "Allowed" in own
    assert "lacks policies:manage" in bob.get("/access/why?who=anna&action=models:read").text
    assert bob.get("/access/policies").status_code == 403
