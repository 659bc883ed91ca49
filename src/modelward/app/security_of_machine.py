# SPDX-License-Identifier: Apache-2.0
"""Weak points of the machine and of how the house is reached: its account, memory, clock, network and environment."""

from __future__ import annotations

import ipaddress
import stat
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from modelward.app.weak_point import Premises, SecurityCheck, named, weak, well

_SOON = timedelta(days=30)
_FOR_OTHERS = stat.S_IRWXO | stat.S_IWGRP
# What a library takes for permission to tell others what is done with it.
_TELLING = {"ORT_DISABLE_TELEMETRY": ("0", "false"), "DO_NOT_TRACK": ("0", "false"), "HF_HUB_DISABLE_TELEMETRY": ("0", "false")}


def account(seen: Premises) -> SecurityCheck:
    """Which account runs it."""
    if seen.machine.user_id:
        return well("account", f"user {seen.machine.user_id}, not root")
    return weak(
        "account",
        "Modelward runs as root.",
        why="A flaw in any library that reads uploads or runs models is then a flaw of the whole machine.",
        advice="Run it as an account of its own, which owns the home and nothing else.",
    )


def swap(seen: Premises) -> SecurityCheck:
    """Whether memory reaches a disk in the clear."""
    found = seen.machine.plain_swaps
    if not found:
        return well("swap", "none, or encrypted")
    return weak(
        "swap",
        f"Memory is written to {named(found)}, unencrypted.",
        why="Keys and rows that are in use end up on the disk, and stay there when the process is gone.",
        advice="Encrypt the swap with a key that is drawn at each start (`swap` in /etc/crypttab), or turn it off (`swapoff -a`).",
    )


def core_dumps(seen: Premises) -> SecurityCheck:
    """Whether a process that dies writes its memory down."""
    machine = seen.machine
    if machine.core_limit_bytes == 0 and not machine.core_pattern.startswith("|"):
        return well("core-dumps", "off")
    to = f"handed to {machine.core_pattern[1:].split()[0]}" if machine.core_pattern.startswith("|") else "written to a file"
    return weak(
        "core-dumps",
        f"The memory of a process that dies is {to}.",
        why="It holds the opened keyring, and rows that were being answered.",
        advice="Set `LimitCORE=0` for the service (or `ulimit -c 0`); if a program gets them, `sysctl kernel.core_pattern=core`.",
    )


def clock(seen: Premises) -> SecurityCheck:
    """Whether the clock can be believed."""
    newest = seen.platform.ledger.entries(limit=1)
    now = seen.machine.now
    if newest and newest[0].entry.at > now + timedelta(minutes=5):
        return weak(
            "clock",
            f"The ledger's newest entry is of {newest[0].entry.at:%Y-%m-%d %H:%M} UTC; this machine says {now:%Y-%m-%d %H:%M} UTC.",
            why="Keys, grants and certificates end by the clock: one that is behind keeps what should have ended.",
            advice="Put the clock right (`timedatectl set-ntp true`), and look at the newest entries: `modelward audit log`.",
        )
    if seen.machine.is_clock_kept is False:
        return weak(
            "clock",
            "The system says that nobody keeps its clock right.",
            why="Keys, grants and certificates end by the clock, and the ledger says when things happened by it.",
            advice="Have the time kept by NTP (`timedatectl set-ntp true`).",
        )
    return well("clock", "kept, and not behind the ledger")


def telling_libraries(seen: Premises) -> SecurityCheck:
    """Whether the environment has libraries phone home, or traces leave the machine unencrypted."""
    found = sorted(name for name, values in _TELLING.items() if seen.machine.environment.get(name, "").lower() in values)
    if found:
        return weak(
            "telemetry",
            f"{named(found)} asks libraries to tell others what is done with them.",
            why="Names of models and identifiers of the machine would leave it.",
            advice="Unset it. Modelward turns telemetry off for itself, whatever it says; other programs here do not.",
        )
    if plain := _plain_traces(seen.machine.environment):
        return weak(
            "telemetry",
            f"Traces leave this machine unencrypted, to {plain}.",
            why="They hold routes, models, times and ids of requests.",
            advice="Name an address with https in OTEL_EXPORTER_OTLP_ENDPOINT, or a collector on this machine.",
        )
    return well("telemetry", "nothing leaves by itself")


def network(seen: Premises) -> SecurityCheck:
    """Whether questions travel in the clear."""
    settings = seen.platform.settings
    if settings.tls_certificate:
        return well("network", "TLS")
    if _is_loopback(settings.host):
        return well("network", f"plain HTTP, on {settings.host} alone")
    return weak(
        "network",
        f"{settings.host} is served over plain HTTP.",
        why="Whoever is on the way reads keys, questions and answers, and can change them.",
        advice="Run `modelward tls init`; or bind 127.0.0.1 behind a proxy that speaks TLS.",
    )


def training(seen: Premises) -> SecurityCheck:
    """Whether what learns is closed in."""
    chosen = seen.platform.settings.training_isolation
    if chosen != "none":
        return well("training", f"in a process of its own ({chosen})")
    return weak(
        "training",
        "Models are learnt in the process that holds the keys.",
        why="A flaw in a library that learns, or a recipe that somebody installed, reaches everything that is sealed.",
        advice="Unset MODELWARD_TRAINING_ISOLATION; `none` is to search for faults.",
    )


def tls_key(seen: Premises) -> SecurityCheck:
    """Whether others can read a private key, and whether clients' keys lie about."""
    settings = seen.platform.settings
    keys = [Path(settings.tls_key)] if settings.tls_key else []
    issued = sorted(settings.tls_files.key.parent.glob("issued/*.key"))
    if exposed := [str(key) for key in (*keys, *issued) if key.exists() and key.stat().st_mode & _FOR_OTHERS]:
        return weak(
            "tls-keys",
            f"Others can read or replace {named(exposed)}.",
            why="Who has the key can pass for this server, or for that client.",
            advice=f"Run `chmod 600 {exposed[0]}`, then have a certificate made for another key.",
        )
    if issued:
        return weak(
            "tls-keys",
            f"Keys of clients lie in the home: {named([key.stem for key in issued])}.",
            why="A client's key belongs to the client alone; a copy here is one more to lose.",
            advice="Hand them over, then remove them here: `.modelward/tls/issued/*.key`.",
        )
    return well("tls-keys", "closed" if keys else "none")


def certificates(seen: Premises) -> SecurityCheck:
    """Whether a certificate ends soon."""
    found = seen.platform.certifying.certificates(by=seen.by)
    ending = [f"{each.name} ({each.ends:%Y-%m-%d})" for each in found if each.ends - seen.machine.now < _SOON]
    if not ending:
        return well("certificates", f"{len(found)}, none ends within {_SOON.days} days")
    return weak(
        "certificates",
        f"They end, or have ended: {named(ending)}.",
        why="From then on clients go away, or learn to look past the warning.",
        advice="Run `modelward tls renew` for the server; for clients, move the old one away and run `modelward tls issue NAME`.",
    )


def _plain_traces(environment: Mapping[str, str]) -> str:
    for name in ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        if address := environment.get(name, ""):
            parts = urlsplit(address)
            return "" if parts.scheme == "https" or _is_loopback(parts.hostname or "") else parts.hostname or address[:80]
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


LOOKS = (account, swap, core_dumps, clock, telling_libraries, network, training, tls_key, certificates)
