# SPDX-License-Identifier: Apache-2.0
"""LitServe: an API process, and a worker that computes batches. It reads annotations of these methods as FastAPI does, so there are
none.
"""

import litserve
import numpy as np
from onnx_model import BATCH, HOST, PORT, WAIT_SECONDS, load, matrix


class Forest(litserve.LitAPI):
    def setup(self, _device):
        self._predict = load()

    def decode_request(self, request):
        return matrix(request["rows"])

    def batch(self, inputs):
        return np.concatenate(inputs), np.cumsum([len(rows) for rows in inputs])[:-1]

    def predict(self, x):
        rows, ends = x
        return np.split(self._predict(rows), ends)

    def unbatch(self, output):
        return output

    def encode_response(self, output):
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    api = Forest(max_batch_size=BATCH, batch_timeout=WAIT_SECONDS)
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1, fast_queue=True)
    server.run(host=HOST, port=PORT, generate_client_file=False, log_level="error", num_api_servers=1)
