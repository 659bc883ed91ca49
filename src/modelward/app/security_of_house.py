# SPDX-License-Identifier: Apache-2.0
"""Weak points of the house itself: its files, its keyring, its keys and people, its ledger."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from modelward.access import Key, Role
from modelward.app.weak_point import Premises, SecurityCheck, named, weak, well
from modelward.storage import Means

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_REPLACEABLE = stat.S_IWGRP | stat.S_IWOTH
_IDLE = timedelta(days=90)
_VERIFIED_WITHIN = timedelta(days=30)


def files(seen: Premises) -> SecurityCheck:
    """Whether other accounts of the machine reach what the house keeps."""
    settings = seen.platform.settings
    outside = [settings.keyring_path, *_in_files(settings.database_url), *_in_files(settings.objects_url)]
    apart = [place for place in outside if place.exists() and settings.home not in place.parents]
    opened = [str(place) for place in (settings.home, *apart) if place.stat().st_mode & _OTHERS]
    if opened:
        return weak(
            "files",
            f"Other accounts of this machine reach {named(opened)}.",
            why="What is sealed stays shut to them; names, times and decisions in the database are not sealed.",
            advice=f"Run `chmod go= {opened[0]}`.",
        )
    strange = [str(place) for place in (settings.home, *apart) if place.stat().st_uid != seen.machine.user_id]
    strange = strange if seen.machine.user_id == os.geteuid() else []
    if strange:
        return weak(
            "files",
            f"{named(strange)} belongs to another account than the one that runs Modelward.",
            why="Its owner can change or remove what lies there.",
            advice=f"Run `chown -R` on {strange[0]}, for the account that runs Modelward.",
        )
    return well("files", "closed to others")


def keyring(seen: Premises) -> SecurityCheck:
    """What guards the keyring."""
    guard, settings = seen.platform.custody.guard(by=seen.by), seen.platform.settings
    if guard == "file":
        beside = " It lies in the home, so that whoever copies the home has both." if _lies_within(settings.home, seen) else ""
        return weak(
            "keyring",
            f"The keyring opens for whoever can read its file.{beside}",
            why="It opens everything that is sealed, and signs as this house.",
            advice="Put it under a guard: `modelward keys guard passphrase`, or `command` for a KMS or an HSM.",
        )
    program = Path(Means.of(settings).command[0]) if guard == "command" and settings.keys_command else None
    if program is not None and program.exists():
        # Who can write the folder can put another program in its place.
        open_to_all = [str(place) for place in (program, program.parent) if place.stat().st_mode & _REPLACEABLE]
        if open_to_all:
            return weak(
                "keyring",
                f"Others can replace {named(open_to_all)}, which opens the keyring.",
                why="Their program would be given what the keyring's key is wrapped in, and run as this account.",
                advice=f"Run `chmod go-w {open_to_all[0]}`.",
            )
    return well("keyring", f"guarded by {guard}")


def master_keys(seen: Premises) -> SecurityCheck:
    """Whether master keys of before still open something, and whether keys lie in what they seal."""
    platform = seen.platform
    with platform.database.look() as connection:
        objects = platform.sealed_objects(connection)
    inside = sum(not each.id for each in platform.vault.keys_of(objects))
    old = len(platform.keyring.masters) - 1
    if old or inside:
        kept = f"Master keys of before in the keyring: {old}." if old else ""
        lying = f"Sealed objects that hold their own wrapped key: {inside}." if inside else ""
        return weak(
            "master-keys",
            " ".join(filter(None, (kept, lying))),
            why="An older copy of the keyring opens what was sealed then; a key that lies in an object outlives its row.",
            advice="Run `modelward keys rotate-master`: it wraps every key anew, and removes the master keys of before.",
        )
    return well("master-keys", f"one; sealed objects: {len(objects)}")


def first_token(seen: Premises) -> SecurityCheck:
    """Whether the first administrator's token still opens the console."""
    file = seen.platform.first_invitation
    if file is None:
        return well("first-token", "used or ended")
    return weak(
        "first-token",
        f"Nobody has signed in with the first administrator's token in {file}.",
        why="Whoever reads that file first is the administrator.",
        advice="Sign in with it; or let it end, and remove the file.",
    )


def key_ends(seen: Premises) -> SecurityCheck:
    """Keys that never end."""
    return _of_keys(
        seen,
        "key-ends",
        lambda key: key.expires is None,
        found="Keys that never end",
        why="A key that leaks and is forgotten opens the house for ever.",
        advice="Make a key that ends (`modelward keys create … --expires DATE`), give it to the service, and revoke the old one.",
    )


def key_purposes(seen: Premises) -> SecurityCheck:
    """Keys without a purpose."""
    return _of_keys(
        seen,
        "key-purposes",
        lambda key: not key.purpose,
        found="Keys without a purpose",
        why="Nobody can tell later what they were for, and no model's purpose is held against them.",
        advice="Make them anew with `--purpose`, and revoke the old ones.",
    )


def key_models(seen: Premises) -> SecurityCheck:
    """Keys of callers that are limited to no models."""
    return _of_keys(
        seen,
        "key-models",
        lambda key: key.role is Role.CALLER and key.models is None,
        found="Keys that are limited to no models, and reach those to come too",
        why="A caller needs the models that it asks; a key that leaks should reach no more.",
        advice="Make them anew with `--models`, and revoke the old ones.",
    )


def administrator_keys(seen: Premises) -> SecurityCheck:
    """Keys that may do everything."""
    return _of_keys(
        seen,
        "administrator-keys",
        lambda key: key.role is Role.ADMINISTRATOR,
        found="Keys that are administrators",
        why="A program with such a key can give itself, or anybody, any right.",
        advice="Make a key with the least role that does (`modelward keys create … --role operator`), and revoke this one.",
    )


def unused_keys(seen: Premises) -> SecurityCheck:
    """Keys that nobody used for long."""

    def is_idle(key: Key) -> bool:
        since = seen.machine.now - _IDLE
        return key.created < since and _last_act(seen, f"service:{key.name}", key.created) < since

    return _of_keys(
        seen,
        "unused-keys",
        is_idle,
        found=f"Keys that did nothing for {_IDLE.days} days",
        why="Nobody would miss them, and nobody would notice who else uses them.",
        advice="Revoke them: `modelward keys revoke ID`.",
    )


def second_factors(seen: Premises) -> SecurityCheck:
    """People whom a password alone lets in."""
    people = [each for each in seen.platform.access.accounts.standings(by=seen.by) if each.has_password]
    without = [f"{each.name} ({each.role.value})" for each in people if not each.has_second_factor]
    if not without:
        return well("second-factors", f"none of {len(people)} with a password lacks one")
    return weak(
        "second-factors",
        f"People whom a password alone lets in ({len(without)} of {len(people)}): {named(without)}.",
        why="A password that was guessed, seen or used elsewhere too is all that it takes.",
        advice="Have them set one up, and demand it: MODELWARD_SECOND_FACTOR_ROLES names the roles that need one.",
    )


def altered_rows(seen: Premises) -> SecurityCheck:
    """Rows of keys and people that something else than Modelward wrote."""
    altered = seen.platform.access.altered()
    if not altered:
        return well("altered-rows", "none")
    return weak(
        "altered-rows",
        f"{named(altered)}: altered by something other than Modelward.",
        why="Somebody can write to the database. Those rows open nothing; what else they tried is the question.",
        advice="Run `modelward audit verify`, find out who can write there, and restore a backup.",
    )


def ledger_durability(seen: Premises) -> SecurityCheck:
    """Whether answers leave before they are on record."""
    if seen.platform.settings.ledger_durability == "full":
        return well("ledger-durability", "full")
    return weak(
        "ledger-durability",
        "Answers leave before they are on record.",
        why="After a power cut there are answers of which the ledger knows nothing.",
        advice="Unset MODELWARD_LEDGER_DURABILITY; `relaxed` is for measuring.",
    )


def ledger_verified(seen: Premises) -> SecurityCheck:
    """Whether anybody looked lately whether the ledger is as it was written."""
    ledger = seen.platform.ledger
    first = ledger.entries(limit=1, newest_first=False)
    begun = first[0].entry.at if first else seen.machine.now
    verified = ledger.last_verified()
    if seen.machine.now - (verified or begun) < _VERIFIED_WITHIN:
        return well("ledger-verified", f"on {verified:%Y-%m-%d}" if verified else "begun lately")
    since = f"since {verified:%Y-%m-%d}" if verified else "since it was begun"
    return weak(
        "ledger-verified",
        f"Nobody verified the ledger {since}.",
        why="What was changed in it is found by whoever looks; the later, the harder to mend.",
        advice="Run `modelward audit verify` every week, and keep a checkpoint elsewhere: `modelward audit checkpoint`.",
    )


def _of_keys(seen: Premises, what: str, is_so: Callable[[Key], bool], *, found: str, why: str, advice: str) -> SecurityCheck:
    keys = [key for key in seen.platform.access.keys(by=seen.by) if key.is_valid(seen.machine.now)]
    these = [key.name for key in keys if is_so(key)]
    if these:
        return weak(what, f"{found} ({len(these)} of {len(keys)}): {named(these)}.", why=why, advice=advice)
    return well(what, f"none of {len(keys)}")


def _last_act(seen: Premises, actor: str, otherwise: datetime) -> datetime:
    latest = seen.platform.ledger.entries(actor=actor, limit=1)
    return latest[0].entry.at if latest else otherwise


def _lies_within(home: Path, seen: Premises) -> bool:
    return home in seen.platform.settings.keyring_path.parents


def _in_files(url: str) -> list[Path]:
    scheme, _, path = url.partition("://")
    return [Path(path)] if scheme in {"file", "sqlite"} and path.startswith("/") else []


LOOKS = (
    files,
    keyring,
    master_keys,
    first_token,
    key_ends,
    key_purposes,
    key_models,
    administrator_keys,
    unused_keys,
    second_factors,
    altered_rows,
    ledger_durability,
    ledger_verified,
)
