# SPDX-License-Identifier: Apache-2.0
"""The body of an answer in the protocol of records is the JSON of the `Answer` that is described, whatever classes are called."""

import msgspec
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from modelward.registry import Feature, Interface
from modelward.serving import Answer, Computed, Prediction, as_records
from modelward.serving.computed import CallAnswers

odd = ["p0", "p1", "label", "predictions", '"', "\\", "\\u0041", "{}", "класс", "🙂", "__class__", "class"]
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8) | st.sampled_from(odd)
classes = st.lists(names, min_size=2, max_size=5, unique=True)
probabilities = st.one_of(
    st.floats(0, 1, width=32), st.sampled_from([0.0, 1.0, 0.5, float(np.float32(1e-45)), float(np.float32(1 / 3))])
)


@st.composite
def said(draw):
    """What an engine said in one call: to what interface, the probabilities, what is unfamiliar, and where a question begins."""
    called = draw(classes)
    features = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    interface = Interface(tuple(Feature(name, "number") for name in features), "target", tuple(called))
    rows = draw(st.lists(st.lists(probabilities, min_size=len(called), max_size=len(called)), min_size=1, max_size=6))
    strange = st.lists(st.sampled_from(features), max_size=len(features), unique=True).map(tuple)
    unfamiliar = [draw(st.one_of(st.just(()), strange)) for _ in rows]
    return interface, np.array(rows, dtype=np.float32), unfamiliar, draw(st.integers(0, len(rows) - 1))


@given(said=said(), model=st.sampled_from(["income", "a-b.c"]), number=st.integers(1, 10**6))
@example(
    said=(Interface((Feature("x", "number"),), "t", ("b", "a")), np.array([[0.5, 0.5]], np.float32), [()], 0), model="m", number=1
)
def test_an_answer_is_the_json_of_what_is_described(said, model, number):
    interface, block, unfamiliar, start = said
    answers = CallAnswers(interface, block, unfamiliar)
    computed = Computed(answers, start, len(block), "req-1", model, number)
    predictions = tuple(
        Prediction(
            label=max(zip(interface.classes, row, strict=True), key=lambda one: one[1])[0],
            probabilities=dict(zip(interface.classes, map(float, row), strict=True)),
            unfamiliar=strange,
        )
        for row, strange in zip(block[start:], unfamiliar[start:], strict=True)
    )
    described = Answer(predictions=predictions, model=model, version=number, request_id="req-1")
    told = msgspec.json.decode(msgspec.json.encode(described))
    for prediction in told["predictions"]:
        # What nobody has to be told is left out.
        assert prediction.pop("cut") == []
    assert as_records(computed).body == msgspec.json.encode(told)
    assert msgspec.json.decode(as_records(computed).body, type=Answer) == described
