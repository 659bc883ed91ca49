# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's clients, over gRPC and over HTTP, ask a real server about histories and series."""

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

from entrances.asking import until
from entrances.takers import above, ranked, register, shares
from entrances.triton import served, texts

HISTORIES = np.array([["", "", "a"], ["", "", ""], ["c", "b", "a"]], dtype=object)
READ = [["a"], [], ["c", "b", "a"]]
WAVES = np.array([[1, -2, np.nan, np.nan], [0.5, 0.25, -0.5, -1]], dtype=np.float32)[..., None]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("takers")) as running:
        for name in register(running.house.platform.registry, by=running.house.by):
            running.house.make_live(name)
        yield running


@pytest.fixture(params=[tritonclient.grpc, tritonclient.http], ids=["grpc", "http"])
def ask(request, server):
    """Asks a model about one tensor, and gives what it answers by the names of the outputs."""
    triton = request.param
    client = triton.InferenceServerClient(server.rpc if triton is tritonclient.grpc else server.http)

    def infer(model, name, datatype, array):
        until(lambda: client.is_model_ready(model, headers=server.headers))
        tensor = triton.InferInput(name, [*array.shape], datatype)
        tensor.set_data_from_numpy(array)
        answer = client.infer(model, [tensor], headers=server.headers)
        return {output: answer.as_numpy(output) for output in ("label", "probabilities")}

    yield infer
    client.close()


def test_a_history_is_a_padded_tensor_of_texts(ask):
    answer = ask("shop", "history", "BYTES", HISTORIES)
    assert texts(answer["label"]) == [ranked(*history)[0][0] for history in READ]
    assert answer["probabilities"] == pytest.approx(np.array([[*shares(*history).values()] for history in READ]), abs=1e-6)


def test_a_series_is_a_padded_tensor_of_numbers(ask):
    answer = ask("swing", "wave", "FP32", WAVES)
    assert answer["probabilities"][:, 1] == pytest.approx([above(1, -2), above(0.5, 0.25, -0.5, -1)], abs=1e-6)
