# SPDX-License-Identifier: Apache-2.0
"""What a decision costs, kept and not kept, with few and with many policies, and with few and with many keys that ask in turn.

    python benchmarks/decisions.py --policies 0 10 10000 --keys 10 100000

Each policy but the last two names a key and a model; those two are of every service, one of them with a condition. A home has
these policies in force, and its judge decides. Every question is asked by another key about its own model. Not kept means: as it is
the first time that one is asked. Figures are medians of single questions, in microseconds. Then: how long another process takes to
read the policies, all of them when it starts, and after one small file was put beside them (median of five), in milliseconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from modelward.access import Actor, Permission, Role
from modelward.app import Platform, create_home, open_platform
from modelward.settings import Settings

_QUESTIONS = 2000
_FILE_POLICIES = 2500
_GENERAL = (
    'forbid (principal is Service, action == Action::"models:export", resource);\n'
    'forbid (principal is Service, action == Action::"models:predict", resource) when { context.purpose == "sales" };\n'
)


def policy(number: int) -> str:
    scope = f'principal == Service::"k{number}", action == Action::"models:predict", resource == Model::"m{number}"'
    return f'forbid ({scope}) when {{ context.purpose == "no" }};\n'


def actors(count: int, platform) -> list[Actor]:
    """Some of so many keys: as many as there are questions."""
    step = max(1, count // _QUESTIONS)
    judge = platform.access.owner().judge
    numbers = range(0, count, step)
    return [Actor(f"service:k{n}", f"k{n}", Role.CALLER, purpose="tests", credential=f"c{n}", judge=judge) for n in numbers]


def asked(actor: Actor) -> float:
    name = f"m{actor.name[1:]}"
    begun = time.perf_counter()
    allowed = actor.may(Permission.MODELS_PREDICT, model=name)
    taken = time.perf_counter() - begun
    assert allowed
    return taken * 1e6


def measure(policies: int, keys: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home")
        create_home(settings)
        platform = open_platform(settings)
        owner = platform.access.owner()
        for begin in range(0, policies, _FILE_POLICIES):
            last = min(begin + _FILE_POLICIES, policies)
            text = "".join(policy(number) for number in range(begin, last))
            platform.access.policies.put(f"file{begin}", text + (_GENERAL if last == policies else ""), by=owner)
        who = actors(keys, platform)
        asked(Actor("service:first", "m0", Role.CALLER, judge=owner.judge))
        first = [asked(actor) for actor in who]
        again = [median(asked(actor) for _ in range(5)) for actor in who]
        high = quantiles(first, n=20)[-1]
        begun, changed = readings(platform, settings, policies)
        print(
            f"{policies:>9,} {keys:>9,} {median(first):>10.1f} {high:>10.1f} {median(again):>10.2f} {begun:>10.0f} {changed:>10.1f}"
        )
        platform.close()


def readings(platform: Platform, settings: Settings, policies: int) -> tuple[float, float]:
    """How long another process reads at its beginning, and after a change."""
    other = open_platform(settings)
    judge = other.access.owner().judge
    taken = []
    for revision in range(6):
        begun = time.perf_counter()
        judge.refreshed()
        taken.append((time.perf_counter() - begun) * 1e3)
        platform.access.policies.put("small", policy(policies + revision), revision=revision, by=platform.access.owner())
    other.close()
    return taken[0], median(taken[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", type=int, nargs="+", default=[0, 10, 10_000])
    parser.add_argument("--keys", type=int, nargs="+", default=[10, 100_000])
    chosen = parser.parse_args()
    print(f"{'policies':>9} {'keys':>9} {'not kept':>10} {'of 95 %':>10} {'kept':>10} (µs) {'begun':>5} {'changed':>10} (ms)")
    for policies in chosen.policies:
        for keys in chosen.keys:
            measure(policies, keys)


if __name__ == "__main__":
    main()
