# SPDX-License-Identifier: Apache-2.0
"""What single recipes promise beside the contract that all of them keep."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from modelward.errors import UnavailableError
from modelward.training.recipe import DivergedError, Inputs, InvalidParameterError, UnusableInputsError, configure
from modelward.training.recipes import RECIPES


def inputs(*, classes=2, rows=300, width=6, seed=0, validation=80):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows + validation)
    matrix = (random.normal(size=(rows + validation, width)) + np.eye(classes, width)[labels] * 4).astype(np.float32)
    return Inputs(
        train=matrix[:rows],
        train_labels=labels[:rows],
        validation=matrix[rows:],
        validation_labels=labels[rows:],
        classes=tuple(f"class {number}" for number in range(classes)),
        seed=seed,
    )


def make(name, given=None, **parameters):
    return configure(RECIPES.load(name), name=name, parameters=parameters).make(given or inputs(), lambda *_: None)


def served(made, rows):
    session = onnxruntime.InferenceSession(made.graph().SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"X": rows})[0]


def accuracy(made, given):
    return (made.predict(given.validation).argmax(axis=1) == given.validation_labels).mean()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("logistic-regression", {"l1_ratio": 0.5}),
        ("logistic-regression", {"class_weight": "balanced"}),
        ("decision-tree", {"max_depth": 60, "min_samples_leaf": 1, "criterion": "entropy"}),
        ("decision-tree", {"pruning": 0.01, "class_weight": "balanced"}),
        ("random-forest", {"trees": 7, "max_features": 0.5, "class_weight": "balanced"}),
        ("gradient-boosting", {"rounds": 12, "max_depth": 3, "l2": 1.0, "class_weight": "balanced"}),
        ("lightgbm", {"rounds": 40, "max_depth": 3, "l1": 0.1, "l2": 1.0, "class_weight": "balanced"}),
        ("lightgbm", {"rounds": 40, "max_features": 0.5, "max_samples": 0.7, "max_bins": 15, "min_gain": 0.01}),
        ("lightgbm", {"rounds": 1, "max_leaf_nodes": 1024, "min_samples_leaf": 1, "learning_rate": 1.0}),
        ("ebm", {"bags": 2, "interactions": 4, "max_bins": 8, "max_pair_bins": 4, "learning_rate": 0.1}),
        ("ebm", {"bags": 1, "interactions": 0, "min_samples_leaf": 1, "class_weight": "balanced"}),
        ("knn", {"neighbours": 1}),
        ("knn", {"neighbours": 1000, "max_rows": 40}),
        ("svm", {"kernel": "rbf", "components": 50}),
        ("svm", {"kernel": "rbf", "gamma": 0.1, "class_weight": "balanced"}),
        ("naive-bayes", {"smoothing": 0.1, "variance_floor": 0.1}),
        ("mlp", {"hidden": [8], "activation": "tanh", "optimizer": "nadam", "schedule": "step", "learning_rate": 0.05}),
        ("mlp", {"hidden": [8, 8, 8], "activation": "gelu", "dropout": 0.2, "l1": 1e-4, "learning_rate": 0.02, "epochs": 60}),
        ("mlp", {"activation": "sigmoid", "loss": "mse", "clip_norm": 1.0, "class_weight": "balanced", "learning_rate": 0.01}),
        ("mlp", {"optimizer": "sgd", "batch_size": 1, "epochs": 2, "schedule": "constant", "learning_rate": 0.01}),
        ("mlp", {"optimizer": "momentum", "batch_size": 0, "learning_rate": 0.1, "epochs": 30}),
        ("mlp", {"activation": "elu", "learning_rate": 0.02}),
        ("mlp", {"activation": "silu", "learning_rate": 0.02}),
    ],
)
@pytest.mark.parametrize("classes", [2, 4])
def test_options_are_served_as_they_were_trained(name, parameters, classes):
    given = inputs(classes=classes)
    made = make(name, given, **parameters)
    assert np.abs(served(made, given.validation) - made.predict(given.validation)).max() < 1e-5
    if parameters.get("neighbours") != 1000:
        assert accuracy(made, given) > 0.8


@pytest.mark.parametrize("name", ["logistic-regression", "svm", "mlp"])
def test_the_solver_says_when_it_was_stopped_too_early(name):
    note = make(name, **({"epochs": 1} if name == "mlp" else {"iterations": 1})).notes[0]
    assert ("ran 1 epochs" if name == "mlp" else "before it had converged") in note


def test_balanced_classes_raise_the_recall_of_the_rare_one():
    random = np.random.default_rng(1)
    labels = (random.random(600) < 0.1).astype(np.int64)
    rows = (random.normal(size=(600, 3)) + labels[:, None]).astype(np.float32)
    given = Inputs(train=rows, train_labels=labels, validation=rows[:0], validation_labels=labels[:0], classes=("often", "rare"))
    for name, other in (
        ("logistic-regression", {}),
        ("decision-tree", {"max_depth": 3}),
        ("random-forest", {"max_depth": 3}),
        ("gradient-boosting", {"rounds": 10}),
        ("lightgbm", {"rounds": 10}),
        ("ebm", {"bags": 2}),
        ("svm", {}),
        ("mlp", {}),
    ):
        probabilities = [make(name, given, class_weight=weight, **other).predict(rows) for weight in (None, "balanced")]
        often, balanced = (one.argmax(axis=1)[labels == 1].mean() for one in probabilities)
        assert balanced > often, name


def test_neighbours_at_the_same_distance_are_the_same_in_graph_and_estimator():
    """Rows of zeros and ones: almost every distance is shared by many, and rounding must not choose between them."""
    random = np.random.default_rng(0)
    rows = np.hstack([(random.random((2000, 30)) < 0.3), np.round(random.normal(size=(2000, 2)), 1)]).astype(np.float32)
    labels = random.integers(0, 2, 2000)
    given = Inputs(
        train=rows[:1500], train_labels=labels[:1500], validation=rows[:0], validation_labels=labels[:0], classes=("a", "b")
    )
    made = make("knn", given)
    assert np.abs(served(made, rows) - made.predict(rows)).max() < 1e-6


def test_neighbours_are_the_nearest():
    given = inputs(rows=500)
    made = make("knn", given, neighbours=3)
    distances = ((given.validation[:, None, :].astype(np.float64) - given.train[None]) ** 2).sum(axis=2)
    votes = given.train_labels[np.argsort(distances, axis=1)[:, :3]].mean(axis=1)
    assert made.predict(given.validation)[:, 1] == pytest.approx(votes)


def test_the_neighbours_kept_are_bounded_and_the_notes_say_so():
    made = make("knn", inputs(rows=300), max_rows=100)
    assert made.parameters == 100 * 6
    assert "100 of 300" in made.notes[0]


def test_a_forest_grown_in_parts_is_the_forest_grown_in_one_go():
    from sklearn.ensemble import RandomForestClassifier

    given = inputs()
    whole = RandomForestClassifier(n_estimators=25, max_depth=14, min_samples_leaf=5, random_state=0).fit(
        given.train, given.train_labels
    )
    assert (make("random-forest", given, trees=25).predict(given.validation) == whole.predict_proba(given.validation)).all()


@pytest.mark.parametrize(
    ("name", "said"), [("gradient-boosting", "It stopped after round"), ("lightgbm", "3 more had not lowered the validation loss")]
)
def test_boosting_stops_when_the_validation_loss_rises(name, said):
    random = np.random.default_rng(0)
    rows, labels = random.normal(size=(300, 4)).astype(np.float32), random.integers(0, 2, 300)
    given = Inputs(
        train=rows[:200], train_labels=labels[:200], validation=rows[200:], validation_labels=labels[200:], classes=("a", "b")
    )
    made = make(name, given, rounds=500, patience=3)
    assert said in made.notes[0]
    assert len(made.curves["validation_loss"]) == len(made.curves["training_loss"]) < 50


def test_what_is_kept_of_lightgbm_are_the_rounds_up_to_the_best_by_validation():
    given = inputs(rows=60)
    made = make("lightgbm", given, rounds=200, patience=5, learning_rate=0.3)
    best = int(np.argmin(made.curves["validation_loss"])) + 1
    assert f"It kept {best} rounds" in made.notes[0]
    picked = made.predict(given.validation)[np.arange(80), given.validation_labels]
    assert -np.log(picked).mean() == pytest.approx(min(made.curves["validation_loss"]), rel=1e-6)


def test_boosting_by_lightgbm_says_nothing_on_any_stream(capfd):
    make("lightgbm", inputs(rows=8, validation=0), rounds=3)
    make("lightgbm", inputs(classes=4), rounds=3)
    assert capfd.readouterr() == ("", "")


def test_a_single_tree_that_asks_nothing_is_drawn_too():
    given = inputs(rows=30, validation=0)
    made = make("lightgbm", given, min_samples_leaf=1000)
    rows = inputs().train
    assert np.abs(served(made, rows) - made.predict(rows)).max() < 1e-6
    assert np.ptp(made.predict(rows)[:, 1]) == 0
    assert "no leaf could be split" in made.notes[0]


@pytest.mark.parametrize("classes", [2, 5])
def test_a_glass_box_is_made_of_a_handful_of_rows_too(classes):
    given = inputs(classes=classes, rows=2000)
    few = np.array([np.flatnonzero(given.train_labels == label)[0] for label in range(classes)])
    little = Inputs(
        train=given.train[few],
        train_labels=given.train_labels[few],
        validation=given.validation[:0],
        validation_labels=given.validation_labels[:0],
        classes=given.classes,
    )
    made = make("ebm", little, bags=2, rounds=100)
    assert np.abs(served(made, given.validation) - made.predict(given.validation)).max() < 1e-5


def test_the_perceptron_keeps_its_best_epoch():
    given = inputs(rows=60)
    made = make("mlp", given, hidden=[64, 64], epochs=60, learning_rate=0.03, schedule="constant", l2=0.0, patience=6)
    losses = made.curves["validation_loss"]
    assert len(losses) < 60
    assert f"kept epoch {int(np.argmin(losses)) + 1}," in made.notes[0]
    picked = made.predict(given.validation)[np.arange(80), given.validation_labels]
    assert -np.log(picked).mean() == pytest.approx(min(losses), rel=1e-4)


def test_a_perceptron_that_diverges_says_what_to_do():
    with pytest.raises(DivergedError, match=r"diverged in epoch \d+.*Lower learning_rate \(it is 1000\), or set clip_norm"):
        make("mlp", optimizer="sgd", learning_rate=1000, schedule="constant", activation="relu", epochs=50, hidden=[32, 32, 32])


def test_another_seed_makes_another_perceptron():
    graphs = {make("mlp", inputs(seed=seed), epochs=1).graph().SerializeToString() for seed in (0, 0, 1)}
    assert len(graphs) == 2


def test_a_device_that_is_not_there_is_refused():
    given = inputs()
    fields = {name: getattr(given, name) for name in given.__slots__}
    with pytest.raises(UnavailableError, match="no device 'xpu'"):
        make("mlp", Inputs(**{**fields, "device": "xpu"}))


def test_a_margin_cannot_be_calibrated_on_a_single_row_of_a_class():
    given = inputs(rows=50)
    labels = np.zeros(50, dtype=np.int64)
    labels[0] = 1
    with pytest.raises(UnusableInputsError, match="single training row"):
        make(
            "svm",
            Inputs(
                train=given.train,
                train_labels=labels,
                validation=given.validation[:0],
                validation_labels=labels[:0],
                classes=("a", "b"),
            ),
        )


@pytest.mark.parametrize(
    ("name", "parameters", "parameter"),
    [
        ("mlp", {"hidden": []}, "hidden"),
        ("mlp", {"hidden": [0]}, "hidden"),
        ("mlp", {"clip_norm": 0}, "clip_norm"),
        ("mlp", {"activation": "relu6"}, "activation"),
        ("gradient-boosting", {"max_depth": 0}, "max_depth"),
        ("lightgbm", {"max_samples": 0}, "max_samples"),
        ("lightgbm", {"class_weight": "rare"}, "class_weight"),
        ("ebm", {"bags": 0}, "bags"),
        ("ebm", {"interactions": -1}, "interactions"),
        ("random-forest", {"max_features": 1.5}, "max_features"),
        ("svm", {"gamma": -1}, "gamma"),
        ("knn", {"neighbours": 2.5}, "neighbours"),
    ],
)
def test_a_value_that_a_parameter_cannot_have_is_refused_by_name(name, parameters, parameter):
    with pytest.raises(InvalidParameterError, match=f"'{parameter}.*{name}"):
        configure(RECIPES.load(name), name=name, parameters=parameters)


READ_ONLY = """
import sys
for name in ("torch", "sklearn", "onnx", "onnxruntime", "scipy", "lightgbm", "interpret", "joblib"):
    sys.modules[name] = None
from modelward.plugins import MissingExtraError
from modelward.training.recipe import configure
from modelward.training.recipes import RECIPES
for name in RECIPES:
    try:
        configure(RECIPES.load(name), name=name, parameters={})
    except MissingExtraError as missing:
        print(name, missing)
"""


def test_parameters_are_read_without_any_library_and_a_missing_extra_is_named():
    out = subprocess.run([sys.executable, "-c", READ_ONLY], capture_output=True, text=True, check=True).stdout
    packages = {"ebm": ("interpret", "glass"), "lightgbm": ("lightgbm", "boosting")}
    packages |= dict.fromkeys(("autoencoder", "cnn", "gan", "mlp", "rnn", "sasrec", "seq2seq", "transformer"), ("torch", "torch"))
    assert out.splitlines() == [
        f"{name} The recipe {name!r} needs the package {package!r}, which is not installed. Run `pip install 'modelward[{extra}]'`."
        for name, (package, extra) in sorted(packages.items())
    ]
