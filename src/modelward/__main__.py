# SPDX-License-Identifier: Apache-2.0
"""`python -m modelward` is the command `modelward`."""

from modelward.entrances.cli import main

if __name__ == "__main__":
    main()
