# SPDX-License-Identifier: Apache-2.0
"""The doctor: looks a home over, says what is ill, and sweeps away what interrupted work left."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from modelward.app.home import half_written
from modelward.app.platform import Platform, open_platform
from modelward.compute import usable_cores
from modelward.errors import ModelwardError
from modelward.settings import Settings
from modelward.storage import Means, is_idle

_LEAST_FREE_BYTES = 1 << 30
_IDLE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the doctor looked at."""

    what: str
    found: str
    is_well: bool


def examine(settings: Settings, *, means: Means | None = None) -> list[Check]:
    """Look a home over. What interrupted work left in the object store is removed once nobody touched it for an hour; what it left
    of destroyed keys in files of the database, at once.
    """
    checks = [_of_python(), _of_extras(), _of_space(settings), _of_workers(settings)]
    try:
        platform = open_platform(settings, means=means)
    except ModelwardError as error:
        return [*checks, Check("home", str(error), is_well=False)]
    try:
        return [*checks, Check("home", str(settings.home), is_well=True), *_of_platform(platform)]
    finally:
        platform.close()


def _of_platform(platform: Platform) -> Iterator[Check]:
    for what, look in (
        ("ledger", _of_ledger),
        ("keys and people", _of_access),
        ("tenants", _of_tenants),
        ("sealed objects", _of_objects),
        ("data keys", _of_data_keys),
        ("erased data", _of_erased),
        ("left-overs", _of_left_overs),
    ):
        try:
            yield look(what, platform)
        except ModelwardError as error:
            yield Check(what, str(error), is_well=False)


def _of_ledger(what: str, platform: Platform) -> Check:
    found = platform.ledger.verify()
    platform.ledger.note_verified(found)
    if found.is_sound:
        return Check(what, f"{found.size} entries, sound", is_well=True)
    rest = len(found.faults) - 1
    more = f" And {rest} {'fault' if rest == 1 else 'faults'} more." if rest else ""
    return Check(what, f"{found.faults[0].what}{more} Run `modelward audit verify`.", is_well=False)


def _of_access(what: str, platform: Platform) -> Check:
    altered = [*platform.access.altered(), *platform.grants.altered()]
    if not altered:
        return Check(what, "as they were written", is_well=True)
    more = f" and {len(altered) - 3} more" if len(altered) > 3 else ""
    found = f"{', '.join(altered[:3])}{more} altered by something other than Modelward: they open nothing. Restore a backup."
    return Check(what, found, is_well=False)


def _of_tenants(what: str, platform: Platform) -> Check:
    """Whether a model or dataset of the house has the name of a tenant."""
    taken = platform.tenants.called_as_things()
    if not taken:
        return Check(what, "none is called as a model or dataset is", is_well=True)
    more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
    found = (
        f"{', '.join(taken[:3])}{more} called as a model or dataset of the house is: what is called after that, as {taken[0]}-1, "
        "is the tenant's. Remove the tenant once nobody belongs to it (`modelward tenants remove NAME`), or register the data and "
        "train under another name."
    )
    return Check(what, found, is_well=False)


def _of_objects(what: str, platform: Platform) -> Check:
    with platform.database.look() as connection:
        named = platform.sealed_objects(connection)
    missing = sorted(digest for digest in named if not platform.vault.holds(digest))
    if missing:
        shown = ", ".join(f"{digest[:16]}…" for digest in missing[:3])
        return Check(what, f"{len(missing)} of {len(named)} are missing: {shown}. Restore them from a backup.", is_well=False)
    return Check(what, f"{len(named)}, all there", is_well=True)


def _of_data_keys(what: str, platform: Platform) -> Check:
    lacking = platform.vault.missing_masters()
    if not lacking:
        return Check(what, f"the keyring unwraps them, with {platform.keyring.current!r} now", is_well=True)
    told = ", ".join(f"{count} by {master!r}" for master, count in sorted(lacking.items()))
    found = f"wrapped by master keys that the keyring lacks: {told}. Put back the keyring that belongs to this database."
    return Check(what, found, is_well=False)


def _of_erased(what: str, platform: Platform) -> Check:
    """Whether anything answers that may have learned from what was erased."""
    told = []
    for _, release in sorted(platform.releases.live().items()):
        version = platform.registry.find(release.version, by=platform.access.owner())
        told += [f"{release.version} ({_rows(each.gone)} of {each.dataset})" for each in platform.assessment.erasures(version)]
    if not told:
        return Check(what, "nothing that is live may have learned from it", is_well=True)
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    found = (
        f"live, and may have learned from rows that were erased since: {', '.join(told[:3])}{more}. Train again and release that."
    )
    return Check(what, found, is_well=False)


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"


def _of_left_overs(what: str, platform: Platform) -> Check:
    swept = platform.vault.sweep(named=platform.sealed_objects, idle_seconds=_IDLE_SECONDS)
    old = [file for file in half_written(platform.settings) if is_idle(file, _IDLE_SECONDS)]
    for file in old:
        file.unlink(missing_ok=True)
    checkpoints = platform.training.sweep(idle_seconds=_IDLE_SECONDS)
    cleared = platform.vault.clear()
    if not (halves := swept.fragments + len(old)) and not swept.objects and not checkpoints and not cleared:
        return Check(what, "none that is older than an hour", is_well=True)
    counts = f"{swept.objects} sealed objects that nothing names, {halves} files that were cut off in the writing"
    counts += f", {checkpoints} checkpoints that no run goes on from" if checkpoints else ""
    counts += ", what files of the database still held of keys that were destroyed" if cleared else ""
    return Check(what, f"removed: {counts}", is_well=True)


def _of_python() -> Check:
    found = sys.version_info
    return Check("Python", f"{found.major}.{found.minor}.{found.micro}", is_well=found >= (3, 11))


def _of_extras() -> Check:
    named = {
        "boosting": "lightgbm",
        "explain": "shap",
        "glass": "interpret",
        "oidc": "joserfc",
        "otel": "opentelemetry",
        "privacy": "dp_accounting",
        "torch": "torch",
    }
    lacking = [extra for extra, module in named.items() if find_spec(module) is None]
    advice = f"not installed: {', '.join(lacking)} (`pip install 'modelward[{','.join(lacking)}]'`)"
    return Check("extras", advice if lacking else ", ".join(named), is_well=True)


def _of_workers(settings: Settings) -> Check:
    cores = usable_cores()
    found = f"{settings.workers} on {cores} {'core' if cores == 1 else 'cores'}"
    more = f"; more than there are cores gain nothing. Set MODELWARD_WORKERS to {cores}." if settings.workers > cores else ""
    return Check("workers", found + more, is_well=True)


def _of_space(settings: Settings) -> Check:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    return Check("free space", f"{free / 1e9:.1f} GB", is_well=free > _LEAST_FREE_BYTES)
