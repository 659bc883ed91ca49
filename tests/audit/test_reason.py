# SPDX-License-Identifier: Apache-2.0
"""What stays in the ledger for ever has a reason of a bearable length."""

import pytest

from modelward.audit import ReasonError, checked_reason


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501])
def test_no_reason_and_a_long_one_are_refused_with_what_is_wanted(reason):
    with pytest.raises(ReasonError, match=rf"has {len(reason.strip())} characters, and must have 1 to 500: .*--reason"):
        checked_reason(reason)


@pytest.mark.parametrize("reason", ["x", "x" * 500, "  the consent ended \n"])
def test_a_reason_is_kept_without_the_blanks_around_it(reason):
    assert checked_reason(reason) == reason.strip()
