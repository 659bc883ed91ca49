# SPDX-License-Identifier: Apache-2.0
"""FastAPI as its tutorial writes it: pydantic in and out, and a plain `def`, which it runs in its pool of threads."""

import uvicorn
from fastapi import FastAPI
from onnx_model import HOST, PORT, load, matrix
from pydantic import BaseModel

app = FastAPI()
predict = load()


class Question(BaseModel):
    rows: list[list[float]]


class Answer(BaseModel):
    probabilities: list[list[float]]


@app.post("/predict")
def answer(question: Question) -> Answer:
    return Answer(probabilities=predict(matrix(question.rows)).tolist())


if __name__ == "__main__":
    uvicorn.run(app, host=HOST, port=PORT, log_level="warning", access_log=False)
