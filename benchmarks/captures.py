# SPDX-License-Identifier: Apache-2.0
"""What it takes from the answers to keep questions: no rule, and rules for growing shares, in turn, on one server.

The ratio of each to the part of its round without a rule is given with a 95 % interval (bootstrap over rounds), and how many of
the questions that were to be kept were lost because more came in than could be sealed.

    python benchmarks/captures.py [--model logistic-regression] [--shares 0.01,0.1,1] [--rounds 7] [--seconds 4] [--json FILE]

It needs `wrk`; without `taskset` nothing is pinned.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
from credentials import interval
from machine import described

from modelward.access import Role
from modelward.app import Platform, create_home, open_platform
from modelward.settings import Settings
from serving import BY, POLICY, SUBJECTS, Server, check, load, make_live, sample_rows

CONNECTIONS = 64
# A server reads the rules once a second; then what waits is written.
SETTLING_SECONDS = 2.5


def rule(house: Platform, model: str, share: float) -> None:
    """Rule that a share is kept, or, at 0, that nothing is; wait until the server knows, and has written what waited."""
    if share:
        house.captures.rule(model, share=share, days=1, reason="measuring", by=BY)
    elif any(each.model == model for each in house.captures.rules(by=BY)):
        house.captures.end(model, reason="measuring", by=BY)
    time.sleep(SETTLING_SECONDS)


def counted(server: Server, key: str) -> dict[str, float]:
    """How many captures were kept and lost until now."""
    told = httpx.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {key}"}, timeout=30)
    lines = told.raise_for_status().text.splitlines()
    found = [line.rpartition(" ") for line in lines if line.startswith("modelward_captures_total{")]
    return {
        outcome: sum(float(value) for name, _, value in found if f'outcome="{outcome}"' in name) for outcome in ("kept", "lost")
    }


def run(model: str, *, shares: list[float], rounds: int, seconds: int, folder: Path) -> dict[str, Any]:
    """Build, serve, check, and ask, each share in turn."""
    settings = Settings(home=folder / ".modelward")
    create_home(settings)
    house = open_platform(settings)
    house.releases.policies.put(POLICY, by=BY)
    asked, expected = sample_rows(house, model, make_live(house, model, folder), folder)
    key, watching = (house.access.create_key(role, role=role, by=BY).secret for role in (Role.CALLER, Role.OPERATOR))
    server = Server(settings.home, folder / "server.log")
    check(server.url, key, model, rows=asked, expected=expected)
    load(server, key, model, rows=asked, connections=CONNECTIONS, seconds=1)
    cells: dict[float, list[dict[str, float]]] = {share: [] for share in (0.0, *shares)}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds} …", file=sys.stderr)
        for share, found in cells.items():
            rule(house, model, share)
            before = counted(server, watching)
            cell = load(server, key, model, rows=asked, connections=CONNECTIONS, seconds=seconds)
            time.sleep(SETTLING_SECONDS)
            after = counted(server, watching)
            found.append(
                {
                    "requests_per_second": cell.requests_per_second,
                    "p99_ms": cell.p99_ms,
                    "errors": cell.errors,
                    "elsewhere_cores": cell.elsewhere_cores,
                    **{outcome: after[outcome] - before[outcome] for outcome in after},
                }
            )
    if server.end() != 0:
        raise SystemExit(f"The server did not end well: {(folder / 'server.log').read_text()}")
    if not house.ledger.verify().is_sound:
        raise SystemExit("The ledger is not sound. These figures are void.")
    house.close()
    told = {}
    for share, found in cells.items():
        pairs = zip(found, cells[0.0], strict=True)
        middle = {what: statistics.median(each[what] for each in found) for what in found[0]}
        ratio = interval([one["requests_per_second"] / other["requests_per_second"] for one, other in pairs])
        told[str(share)] = {**middle, "ratio": ratio}
    return {"machine": described(), "model": model, "rounds": rounds, "seconds": seconds, "shares": told}


def show(found: dict[str, Any]) -> None:
    print("\n".join(found["machine"].values()))
    print(f"{SUBJECTS[found['model']].title}; {CONNECTIONS} connections; medians of {found['rounds']} rounds\n")
    print("| share kept | answers a second | of those without | p99, ms | kept | lost | others used, cores |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for share, told in found["shares"].items():
        ratio = "{:.2f} ({:.2f} to {:.2f})".format(*told["ratio"])
        print(
            f"| {float(share):g} | {told['requests_per_second']:,.0f} | {ratio} | {told['p99_ms']:.1f} | {told['kept']:,.0f} | "
            f"{told['lost']:,.0f} | {told['elsewhere_cores']:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="logistic-regression", choices=SUBJECTS)
    parser.add_argument("--shares", default="0.01,0.1,1")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--json", type=Path, help="file for the figures as JSON")
    given = parser.parse_args()
    shares = [float(share) for share in given.shares.split(",")]
    with tempfile.TemporaryDirectory(prefix="modelward-bench-") as folder:
        found = run(given.model, shares=shares, rounds=given.rounds, seconds=given.seconds, folder=Path(folder))
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    show(found)


if __name__ == "__main__":
    main()
