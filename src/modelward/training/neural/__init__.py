# SPDX-License-Identifier: Apache-2.0
"""Networks are trained here, all by one loop. A recipe brings networks, what they lower and the rows; the loop does the rest.

Nothing here loads PyTorch before it is used, but `layers`, which a recipe imports where it makes its network.
"""

from modelward.training.neural.batches import ArrayBatches, Batch, Batches
from modelward.training.neural.classifying import Alter, classifier
from modelward.training.neural.dense import Activation, dense, draw_activated, draw_dense
from modelward.training.neural.devices import DeviceMissingError, PrecisionMissingError, check_device, check_installed, device_named
from modelward.training.neural.generating import generator
from modelward.training.neural.learning import AdversarialLearning, ClassifierLearning, Learning
from modelward.training.neural.loop import Learnt, learn
from modelward.training.neural.losses import ClassLoss, Loss, class_loss, squared_error
from modelward.training.neural.randomness import Randomness
from modelward.training.neural.shapes import check_shape, dense_weights, image_weights
from modelward.training.neural.task import Task, Turn

__all__ = [
    "Activation",
    "AdversarialLearning",
    "Alter",
    "ArrayBatches",
    "Batch",
    "Batches",
    "ClassLoss",
    "ClassifierLearning",
    "DeviceMissingError",
    "Learning",
    "Learnt",
    "Loss",
    "PrecisionMissingError",
    "Randomness",
    "Task",
    "Turn",
    "check_device",
    "check_installed",
    "check_shape",
    "class_loss",
    "classifier",
    "dense",
    "dense_weights",
    "device_named",
    "draw_activated",
    "draw_dense",
    "generator",
    "image_weights",
    "learn",
    "squared_error",
]
