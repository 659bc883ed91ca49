# SPDX-License-Identifier: Apache-2.0
"""Signing in by an OpenID provider: the pages, what is asked of the provider over HTTP, and how its tokens are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.entrances.console.provider.configuration import configuration_of
from modelward.plugins import MissingExtraError

if TYPE_CHECKING:
    from modelward.entrances.console.provider.pages import ProviderPages
    from modelward.settings import Settings


def provider_pages(settings: Settings) -> ProviderPages | None:
    """The pages of the provider that the settings name; None where they name none.

    Raises:
        ProviderSettingError, InvalidRolesError: the settings are of no use. MissingExtraError: the library is not installed.
    """
    configuration = configuration_of(settings)
    if configuration is None:
        return None
    try:
        from modelward.entrances.console.provider.issuer import Issuer
        from modelward.entrances.console.provider.pages import ProviderPages
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "joserfc":
            raise
        raise MissingExtraError(
            "MODELWARD_OIDC_ISSUER is set, and the library that checks its tokens is not installed. "
            "Run `pip install 'modelward[oidc]'`, or unset it."
        ) from missing
    return ProviderPages(Issuer(configuration))


__all__ = ["provider_pages"]
