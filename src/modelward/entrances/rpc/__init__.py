# SPDX-License-Identifier: Apache-2.0
"""The door of gRPC: the Open Inference Protocol V2, and health. Importing it loads grpcio, so whoever needs it imports it late."""

import os

# Its own lines are no JSON, and strangers could write as many as they like.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from modelward.entrances.rpc.door import RpcDoor, RpcPortTakenError  # which reads it when it is first imported

__all__ = ["RpcDoor", "RpcPortTakenError"]
