"""How long a training would take on this machine, from a few steps of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from data_tools.core.quiet import quiet
from data_tools.files.atomic import scratch_folder
from data_tools.loading.batch import Batch
from data_tools.training.fit import LossFunction, fit
from data_tools.training.fit_config import FitConfig
from data_tools.training.progress_bar import Looks

_STEPS, _SETTLED = 8, 4  # the first steps pay for caches and memory
_LONG_S = 5.0  # so long a look at some images has paid for them


@dataclass(frozen=True)
class ExpectedTime:
    """What was measured.

    Attributes:
        step_seconds: of an optimizer step, the median of some.
        image_seconds: of an image in validation.
    """

    step_seconds: float
    image_seconds: float

    def minutes(self, fit_config: FitConfig, epoch_steps: int, validation: int, looks: Looks) -> float:
        """Of the whole run.

        Args:
            fit_config: with the budget.
            epoch_steps: steps from one validation to the next.
            validation: images of a validation.
            looks: at these images, and at those that are predicted at the end.
        """
        steps = fit_config.total_steps(epoch_steps)
        epochs = -(-steps // max(epoch_steps, 1))
        validations = epochs + looks.closing_validations
        return (steps * self.step_seconds + validations * validation * self.image_seconds) / 60


def measure(
    model: nn.Module, loader: Any, loss_function: LossFunction, config: FitConfig, validate: Callable[[], int]
) -> ExpectedTime:
    """Train for a few steps in a temporary folder, and predict some images.

    Args:
        model: changed by it.
        loader, loss_function, config: as for `fit`.
        validate: predicts some images as a validation would, and says how many; twice, unless that takes long.
    """
    moments: list[float] = []

    def timed(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        moments.append(time.monotonic())
        return loss_function(network, batch)

    few = replace(config, steps=_STEPS, epoch_steps=None, max_minutes=None, tensorboard=False)
    with scratch_folder() as folder, quiet(logging.WARNING, "data_tools.training.fit"):
        fit(model, loader, timed, lambda _model: {"none": None}, "none", few, folder, resume=False)
    step_seconds = float(np.median(np.diff(moments)[-_SETTLED:]))
    image_seconds, seconds = _image_seconds(validate)
    if seconds < _LONG_S:
        image_seconds, _ = _image_seconds(validate)
    return ExpectedTime(step_seconds, image_seconds)


def _image_seconds(validate: Callable[[], int]) -> tuple[float, float]:
    """Of an image, and of all together."""
    started = time.monotonic()
    images = validate()
    seconds = time.monotonic() - started
    return seconds / max(images, 1), seconds
