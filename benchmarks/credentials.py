# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: SLF001  # it measures what nobody outside reaches
"""What it costs to decide whether a key may ask a model (key, permission, purpose, terms, quota), and how soon a revoked key opens
nothing at any worker.

Each decision is taken as the server takes it, in one process (CPU time of its thread), with few keys in the home and with many:
known on the connection, known to the process, and for the first time. The homes are measured in turn, round after round, and the
ratios of neighbours are given with 95 % intervals (bootstrap over rounds). Then two workers serve, keys are revoked one after the
other, and connections to both ask until they are refused.

    python benchmarks/credentials.py [--keys 10,100000] [--policies 0] [--rounds 15] [--revocations 30] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import http.client
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from machine import described, free_port

from modelward.access import Key, Quota, Role
from modelward.access.credential import draw_secret
from modelward.access.store import keys as key_rows
from modelward.access.store import sealed as sealed_rows
from modelward.app import Platform, create_home, open_platform
from modelward.entrances.heads import Head, KnownHeads
from modelward.serving import Gateway
from modelward.settings import Settings
from serving import BY, POLICY, make_live

MODEL = "forest"
PURPOSE = "measuring speed"
QUOTA = Quota(requests_per_minute=10**9, requests_per_day=10**12, rows_per_minute=10**9, rows_per_day=10**12)
ROUNDS, FIRST_USES, WARMING = 20_000, 10, 3
DRAWS = 10_000
RAW = b"POST /v1/models/forest/predict HTTP/1.1\r\nauthorization: Bearer mw_\r\n\r\n"
CONNECTIONS = 12


def fill(house: Platform, count: int) -> list[str]:
    """So many keys more, and their secrets, in one transaction; the verb would put each on record."""
    made = [draw_secret("mw") for _ in range(count)]
    now, access = datetime.now(UTC), house.access
    with house.database.change() as connection:
        for number, secret in enumerate(made):
            key = Key(
                id=secret.id, name=f"k{secret.id}{number}", role=Role.CALLER, purpose=PURPOSE, created=now, by=BY.id, quota=QUOTA
            )
            key_rows.insert_key(connection, key, secret_hash=access.credential_hash(secret.text), seal=access._seal)
        sealed_rows.advance_revision(connection)
    return [secret.text for secret in made]


def microseconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Of one, beyond an empty loop: the least of five passes, for whatever disturbs only adds."""
    passes = []
    for _ in range(5):
        gc.collect()
        began = time.thread_time()
        for _ in range(rounds):
            pass
        empty = time.thread_time() - began
        began = time.thread_time()
        for _ in range(rounds):
            work()
        passes.append(time.thread_time() - began - empty)
    return min(passes) / rounds * 1e6


async def decisions(house: Platform, secrets: list[str], *, others: list[str], plain: str) -> dict[str, float]:
    """What each decision costs, in microseconds; the `secrets` are used by a server that knows none of them, and that is at work:
    it has just read which keys there are, which leaves its code in no cache of the processor, and then looked up `others`.
    """
    async with house.serving.gateway() as gateway:
        for _ in range(WARMING):
            for secret in others:
                house.access.authenticate(secret)
        first = _for_the_first_time(gateway, secrets)
        return {
            "known on the connection, without a quota": _on_connection(gateway, plain, deployment=gateway._deployments.get(MODEL)),
            "known on the connection, with a quota": _on_connection(
                gateway, secrets[0], deployment=gateway._deployments.get(MODEL)
            ),
            "known to the process": microseconds(lambda: standing(gateway, secrets[0]), ROUNDS // 4),
            "for the first time": first,
        }


def standing(gateway: Gateway, secret: str) -> Any:
    return gateway.standing(secret, model=MODEL, number=None, request="")


def _on_connection(gateway: Gateway, secret: str, *, deployment: object) -> float:
    """What `Connection.data_received` and the gateway do for one more question."""
    known, found = KnownHeads(), standing(gateway, secret)
    known.keep(RAW, Head(None, {}, found, None, 0, 1.0, 0, has_own_deadline=False))  # type: ignore[arg-type]  # nobody asks it
    quotas = gateway._quotas

    def decide() -> None:
        head = known.find(RAW, gateway.keys_revision)
        assert head is not None
        held = head.standing
        assert held is not None
        if held.is_limited:
            quotas.check(held.actor)
        if held.agreed is not deployment:
            raise SystemExit("it is not known")
        if held.is_limited:
            quotas.take(held.actor, requests=1, rows=1)

    return microseconds(decide)


def _for_the_first_time(gateway: Gateway, secrets: list[str]) -> float:
    """The middle of keys that this process did not see before, each with its terms accepted before."""
    passed = []
    for secret in secrets:
        began = time.thread_time()
        standing(gateway, secret)
        passed.append(time.thread_time() - began)
    return statistics.median(passed) * 1e6


@contextmanager
def workers(home: Path) -> Iterator[int]:
    """Two workers, on a port."""
    port = free_port()
    command = [sys.executable, "-m", "modelward", "serve", "--home", str(home), "--port", str(port), "--workers", "2", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline() if process.stdout else ""
            yield port
        finally:
            process.terminate()


def revocations(house: Platform, count: int) -> list[float]:
    """Seconds from the beginning of a revocation until no connection of many, to two workers, is let in any more."""
    path, passed = f"/v1/models/{MODEL}/predict", []

    def is_let_in(connection: http.client.HTTPConnection, secret: str) -> bool:
        connection.request("POST", path, body=b'{"rows": []}', headers={"authorization": f"Bearer {secret}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status != 401

    with workers(house.settings.home) as port, ExitStack() as held:
        opened = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(CONNECTIONS)]
        for connection in opened:
            held.callback(connection.close)
        for number in range(count):
            issued = house.access.create_key(f"to-revoke-{number}-{time.time_ns()}", role=Role.CALLER, purpose=PURPOSE, by=BY)
            if not all(is_let_in(connection, issued.secret) for connection in opened):
                raise SystemExit("a key that was just made opens nothing")
            # Revocations fall anywhere between two looks of the workers.
            time.sleep(0.05 + 0.5 * number / count)
            began = time.perf_counter()
            house.access.revoke_key(issued.key.id, by=BY)
            while any(is_let_in(connection, issued.secret) for connection in opened):
                pass
            passed.append(time.perf_counter() - began)
    return passed


def policies(house: Platform, count: int) -> None:
    """So many policies of the site, each of somebody else."""
    if count:
        text = "".join(f'forbid(principal == Person::"nobody-{number}", action, resource);\n' for number in range(count))
        house.access.policies.put("bench", text, by=BY)


@dataclass
class Home:
    """A home with so many keys, and what was measured over it."""

    house: Platform
    secrets: list[str]
    plain: str
    planned: int
    rounds: list[dict[str, float]] = field(default_factory=list)

    def of_round(self, number: int) -> list[str]:
        """The secrets that are used in a round: others than in those before, as far as there are."""
        return [
            self.secrets[(number * FIRST_USES + at) * len(self.secrets) // self.uses % len(self.secrets)]
            for at in range(FIRST_USES)
        ]

    @property
    def uses(self) -> int:
        """How many of the secrets are used."""
        return min(len(self.secrets), FIRST_USES * self.planned)


def prepared(folder: Path, count: int, *, rules: int, rounds: int) -> Home:
    """A home with so many keys, those of which are asked with having accepted the terms."""
    folder.mkdir()
    settings = Settings(home=folder / ".modelward")
    create_home(settings)
    house = open_platform(settings)
    house.releases.policies.put(POLICY, by=BY)
    make_live(house, MODEL, folder)
    policies(house, rules)
    house.access.terms.put(f"model:{MODEL}", "Nothing leaves the room.", by=BY)
    plain = house.access.create_key("plain", role=Role.CALLER, purpose=PURPOSE, by=BY).secret
    home = Home(house, fill(house, count), plain, rounds)
    for secret in {plain, *(secret for number in range(rounds) for secret in home.of_round(number))}:
        house.access.terms.accept(f"model:{MODEL}", by=house.access.authenticate(secret))
    # As a server finds it that is started: one transaction of many keys lies in the write-ahead log until somebody copies it back.
    house.close()
    home.house = open_platform(settings)
    return home


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Their median, and where it lies in 95 of 100 draws of as many of them again."""
    draw = random.Random(1)  # nothing secret
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(DRAWS))
    return statistics.median(ratios), medians[DRAWS // 40], medians[-DRAWS // 40]


def run(counts: list[int], *, rules: int, revoked: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Everything, with each number of keys, in turn: what disturbs a round disturbs its neighbours, and their ratio little."""
    homes = {count: prepared(folder / str(count), count, rules=rules, rounds=rounds) for count in counts}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds} …", file=sys.stderr)
        for home in homes.values():
            home.rounds.append(
                asyncio.run(decisions(home.house, home.of_round(number), others=home.of_round(number + 1), plain=home.plain))
            )
    found: dict[str, Any] = {"machine": described(), "policies": rules, "rounds": rounds, "keys": {}}
    first = homes[counts[0]]
    for count, home in homes.items():
        costs = {what: statistics.median(each[what] for each in home.rounds) for what in home.rounds[0]}
        pairs = list(zip(home.rounds, first.rounds, strict=True))
        ratios = {what: interval([one[what] / other[what] for one, other in pairs]) for what in costs}
        passed = sorted(revocations(home.house, revoked)) if revoked else []
        found["keys"][count] = {"microseconds": costs, "ratios": ratios, "revocation_seconds": passed}
        home.house.close()
    return found


def show(found: dict[str, Any]) -> None:
    print("\n".join(found["machine"].values()))
    print(f"{found['policies']} policies of the site\n")
    counts = list(found["keys"])
    more = [f"{count:,} to {counts[0]:,}" for count in counts[1:]]
    columns = [*(f"{count:,} keys" for count in counts), *more]
    print(f"| µs a decision (medians of {found['rounds']} rounds) | " + " | ".join(columns) + " |\n|---|" + "--:|" * len(columns))
    for what in found["keys"][counts[0]]["microseconds"]:
        costs = [f"{found['keys'][count]['microseconds'][what]:.2f}" for count in counts]
        ratios = ["{:.2f} ({:.2f} to {:.2f})".format(*found["keys"][count]["ratios"][what]) for count in counts[1:]]
        print(f"| {what} | " + " | ".join(costs + ratios) + " |")
    for count in counts:
        if passed := found["keys"][count]["revocation_seconds"]:
            seen = f"{statistics.median(passed):.2f} s (median), {max(passed):.2f} s (most)"
            print(f"\n{count:,} keys, {len(passed)} revocations: seen by both workers after {seen}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", default="10,100000", help="how many, in growing numbers")
    parser.add_argument("--policies", type=int, default=0, help="policies of the site that bear on somebody else")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--revocations", type=int, default=30)
    parser.add_argument("--json", type=Path, help="file for the figures as JSON")
    given = parser.parse_args()
    counts = [int(count) for count in given.keys.split(",")]
    with tempfile.TemporaryDirectory(prefix="modelward-bench-") as folder:
        found = run(counts, rules=given.policies, revoked=given.revocations, rounds=given.rounds, folder=Path(folder))
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    show(found)


if __name__ == "__main__":
    main()
