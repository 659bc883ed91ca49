# SPDX-License-Identifier: Apache-2.0
"""A process that writes to a ledger until it is done or killed. It prints the index of each entry once it is acknowledged.

python writer.py HOME NAME COUNT
"""

import sys
from functools import partial
from pathlib import Path
from threading import Semaphore

from opened import DONE, Lone, open_ledger

from modelward.audit import Draft, GroupCommit

IN_FLIGHT = 16


def main() -> None:
    home, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    commits, free = GroupCommit(open_ledger(home)), Semaphore(IN_FLIGHT)
    commits.start()

    def acknowledge(outcome: int | Exception, number: int) -> None:
        sys.stdout.write(f"{outcome} {name}-{number}\n")
        sys.stdout.flush()
        free.release()

    for number in range(count):
        free.acquire()
        draft = Draft(DONE, actor=f"service:{name}", subject="income:1", request=f"{name}-{number}")
        commits.submit(Lone(draft, partial(acknowledge, number=number)))
    commits.close()


if __name__ == "__main__":
    main()
