# SPDX-License-Identifier: Apache-2.0
"""The entrances: a command line, an HTTP API and a console. Each reads the request, calls one service, shows the answer.

They do not know each other; what joins two of them is `modelward.entrances.web`.
"""
