# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's client over HTTP, as it is, asks a real server: what it sends and expects is binary unless it is told otherwise."""

import asyncio
import json

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from entrances.triton import KINDS, ROWS, SPOTS, block, columns, refusals, served, texts


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("triton")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    opened = triton.InferenceServerClient(server.http)
    yield opened
    opened.close()


def records(server, rows):
    """What the records protocol says to the same rows."""
    answer = httpx.post(f"http://{server.http}/v1/models/income/predict", json={"rows": rows}, headers=server.headers)
    return answer.raise_for_status().json()["predictions"]


def test_it_finds_the_server_and_its_models(server, client):
    headers = server.headers
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("points", headers=headers)
    assert client.is_model_ready("points", "1", headers=headers)
    assert not client.is_model_ready("points", "2", headers=headers)
    assert not client.is_model_ready("nobody", headers=headers)
    assert client.get_server_metadata(headers=headers)["name"] == "modelward"
    told = client.get_model_metadata("income", headers=headers)
    assert [(given["name"], given["datatype"]) for given in told["inputs"]] == [
        ("age", "FP32"),
        ("hours", "FP32"),
        ("sector", "BYTES"),
    ]
    index = client.get_model_repository_index(headers=headers)
    assert [(each["name"], each["version"], each["state"]) for each in index] == [
        ("income", "1", "READY"),
        ("points", "1", "READY"),
    ]


def test_a_header_that_the_client_left_in_what_it_was_given_is_named(server, client):
    kept = server.headers
    packed, _ = block(triton)
    client.infer("points", [packed], headers=kept)
    listed, _ = block(triton, binary_data=False)
    wanted = [triton.InferRequestedOutput("label", binary_data=False)]
    with pytest.raises(InferenceServerException, match="By the header Inference-Header-Content-Length it ends after"):
        client.infer("points", [listed], headers=kept, outputs=wanted)
    assert len(client.infer("points", [listed], headers=server.headers, outputs=wanted).as_numpy("label")) == len(SPOTS)


# JSON has no form for BF16: the client refuses it, and so does the server.
@pytest.mark.parametrize(
    ("datatype", "is_binary"), [*((name, True) for name in KINDS), *((name, False) for name in KINDS if name != "BF16")]
)
def test_every_datatype_of_numbers_is_taken(server, client, datatype, is_binary):
    given, sides = block(triton, datatype, binary_data=is_binary)
    answer = client.infer("points", [given], headers=server.headers)
    assert answer.as_numpy("probabilities")[:, 1] == pytest.approx(sides, abs=1e-6)
    assert texts(answer.as_numpy("label")) == ["above" if side > 0.5 else "below" for side in sides]


@pytest.mark.parametrize("sends_binary", [True, False])
@pytest.mark.parametrize("takes_binary", [True, False, None])
def test_numbers_and_texts_go_each_way_in_each_form(server, client, sends_binary, takes_binary):
    inputs = columns(triton, binary_data=sends_binary)
    wanted = None
    if takes_binary is not None:
        wanted = [triton.InferRequestedOutput(name, binary_data=takes_binary) for name in ("probabilities", "label")]
    answer = client.infer("income", inputs, outputs=wanted, request_id="mine", headers=server.headers)
    told = answer.get_response()
    assert (told["id"], told["model_name"], told["model_version"]) == ("mine", "income", "1")
    assert [output["name"] for output in told["outputs"]] == (["probabilities", "label"] if wanted else ["label", "probabilities"])
    assert all(("data" in output) is (takes_binary is False) for output in told["outputs"])
    assert json.loads(told["parameters"]["unfamiliar"]) == [[], ["sector"], []]
    expected = records(server, ROWS)
    assert texts(answer.as_numpy("label")) == [each["label"] for each in expected]
    assert answer.as_numpy("probabilities").tolist() == [list(each["probabilities"].values()) for each in expected]


def test_truth_is_refused_where_a_number_belongs(server, client):
    given = triton.InferInput("p", [1, 3], "BOOL")
    given.set_data_from_numpy(np.array([[True, False, True]]))
    with pytest.raises(InferenceServerException, match="'x' must be a number and is true or false"):
        client.infer("points", [given], headers=server.headers)


def test_an_output_may_be_asked_for_alone(server, client):
    given, _ = block(triton)
    answer = client.infer("points", [given], outputs=[triton.InferRequestedOutput("label")], headers=server.headers)
    assert answer.as_numpy("probabilities") is None
    assert answer.as_numpy("label").shape == (len(SPOTS),)


def test_parameters_that_nobody_knows_change_nothing(server, client):
    given, sides = block(triton)
    answer = client.infer("points", [given], parameters={"mine": 3}, priority=2, timeout=5_000_000, headers=server.headers)
    assert answer.as_numpy("probabilities")[:, 1] == pytest.approx(sides, abs=1e-6)


def test_many_may_ask_at_once(server):
    with triton.InferenceServerClient(server.http, concurrency=8) as client:
        spots = [[[float(at), 1.0, 2.0]] for at in range(-20, 20)]
        asked = [block(triton, spots=spot) for spot in spots]
        pending = [client.async_infer("points", [given], headers=server.headers) for given, _ in asked]
        for (_, sides), request in zip(asked, pending, strict=True):
            assert request.get_result().as_numpy("probabilities")[:, 1] == pytest.approx(sides, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        *refusals(triton, unauthenticated="401", not_found="404", invalid="400"),
        ({"request_compression_algorithm": "gzip"}, "415", "Content-Encoding"),
    ],
)
def test_what_is_refused_is_told_in_words(server, client, change, status, words):
    given, _ = block(triton)
    asked = {"model_name": "points", "inputs": [given], "headers": server.headers} | change
    with pytest.raises(InferenceServerException, match=words) as refused:
        client.infer(**asked)
    assert refused.value.status() == status


def test_what_is_triton_s_own_is_told_to_be_missing(server, client):
    for ask in (client.get_model_config, client.get_inference_statistics, client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="Nothing answers at this path"):
            ask("points", headers=server.headers)
    shared = triton.InferInput("p", [1, 3], "FP32")
    shared.set_shared_memory("region", 12)
    with pytest.raises(InferenceServerException, match="shared_memory_region` is not offered"):
        client.infer("points", [shared], headers=server.headers)


def test_the_client_that_awaits_is_answered_alike(server):
    async def ask():
        async with triton_aio.InferenceServerClient(server.http) as client:
            assert await client.is_server_ready()
            assert await client.is_model_ready("points", headers=server.headers)
            asked = [block(triton_aio, spots=[[float(at), 1.0, 2.0]]) for at in range(20)]
            answers = await asyncio.gather(*(client.infer("points", [given], headers=server.headers) for given, _ in asked))
            for (_, sides), answer in zip(asked, answers, strict=True):
                assert answer.as_numpy("probabilities")[:, 1] == pytest.approx(sides, abs=1e-6)
            with pytest.raises(InferenceServerException, match="is not released"):
                await client.infer("nobody", [asked[0][0]], headers=server.headers)

    asyncio.run(ask())
