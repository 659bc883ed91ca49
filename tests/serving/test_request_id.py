# SPDX-License-Identifier: Apache-2.0
"""Request ids come in the order of time, cannot be guessed and never repeat."""

import subprocess
import sys
import threading
import time

from modelward.serving import new_request_id


def test_ids_never_repeat_also_between_threads():
    made = []
    threads = [threading.Thread(target=lambda: made.extend([new_request_id() for _ in range(5000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20_000
    assert all(len(one) == 36 and one.startswith("req-") and int(one[4:], 16) >= 0 for one in made)


def test_a_later_id_sorts_behind_an_earlier_one():
    before = time.time_ns() // 1_000_000
    made = []
    for _ in range(5):
        made.append(new_request_id())
        time.sleep(0.002)
    assert made == sorted(made)
    assert before <= int(made[0][4:16], 16) <= int(made[-1][4:16], 16) <= time.time_ns() // 1_000_000


def test_the_rest_of_an_id_is_random():
    """Of 80 bits drawn 4000 times each is set about every second time: 6.4 standard deviations, so one false alarm in 10^7."""
    made = [int(new_request_id()[16:], 16) for _ in range(4000)]
    for bit in range(80):
        assert abs(sum(one >> bit & 1 for one in made) - 2000) < 202


FORKING = """
import os
from modelward.serving.request_id import new_request_id
new_request_id()
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, " ".join(new_request_id() for _ in range(100)).encode())
    os._exit(0)
os.close(writer)
print(open(reader).read(), *[new_request_id() for _ in range(100)])
"""


def test_a_forked_process_gives_out_ids_of_its_own():
    made = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True).stdout.split()
    assert len(made) == len({one[16:] for one in made}) == 200
