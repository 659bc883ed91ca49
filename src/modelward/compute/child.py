# SPDX-License-Identifier: Apache-2.0
"""The program of a workshop: it closes itself in before it loads or receives anything else, and then does what it was started for.

Run as `python -m modelward.compute.child DESCRIPTOR`; only a `Workshop` has a use for it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from importlib import import_module

import msgspec

from modelward.compute.sandbox import Sandbox, close_in, end_first, end_with_parent, shut_memory
from modelward.compute.wire import Wire
from modelward.errors import place_of


def main(descriptor: int) -> None:
    """Serve the one that holds the other end, until that is gone."""
    # Whoever started it hears Ctrl-C, and says what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    end_first()
    shut_memory()
    wire = Wire(socket.socket(fileno=descriptor))
    begun = wire.receive()
    if begun is None:
        return
    try:
        asked = begun.head["sandbox"]
        version = close_in(msgspec.convert(asked, Sandbox)) if asked else 0
        wire.send({"kind": "ready", "landlock": version})
        module, _, attribute = str(begun.head["place"]).partition(":")
        getattr(import_module(module), attribute)(wire)
    except Exception as fault:  # noqa: BLE001  # whoever waits must hear of it, whatever it is; its text may hold values
        wire.send({"kind": "broken", "fault": type(fault).__name__, "at": place_of(fault)})


if __name__ == "__main__":
    main(int(sys.argv[1]))
    # Threads that are still at work have nobody left to work for.
    os._exit(0)
