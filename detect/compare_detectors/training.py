"""What the peers share: the plain training loop with a budget, and the record of what a detector found."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader
from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, Sample
from detect.to_prediction import of_boxes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """A peer, ready to train.

    Attributes:
        network: what learns.
        loader: of training batches; each pass is an epoch.
        loss: of a batch, a scalar.
        optimizer: of the network's parameters.
        lr: (progress 0..1, steps done) -> learning rate.
        predict: samples and the images' root -> a prediction for each, in order.
        pixels: that the network sees of a batch.
        grad_clip: largest gradient norm; None leaves gradients alone.
        settings: what a reader of the comparison wants to know.
    """

    network: nn.Module
    loader: DataLoader[Any]
    loss: Callable[[Any], Tensor]
    optimizer: Optimizer
    lr: Callable[[float, int], float]
    predict: Callable[[Sequence[Sample], Path], list[Prediction]]
    pixels: Callable[[Any], float]
    grad_clip: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spent:
    """What a budget bought."""

    steps: int
    epochs: float
    megapixels: float
    minutes: float


def train_for(recipe: Recipe, megapixels: float) -> Spent:
    """Train until the network has seen so many pixels, at least one step, and leave it as it is then.

    Raises:
        InputError: the training images do not fill one of the recipe's batches.
        FloatingPointError: a loss is not finite.
    """
    if not len(recipe.loader):
        raise InputError(
            f"{recipe.settings.get('images')} images that the recipe learns from do not fill its batch of "
            f"{recipe.settings.get('batch_size')}; leave this approach out with --approaches"
        )
    recipe.network.train()
    start, steps, seen = time.monotonic(), 0, 0.0
    with tqdm(total=round(megapixels), unit="Mpx", desc="training") as bar:
        while True:
            for batch in recipe.loader:
                if seen >= megapixels:
                    minutes = (time.monotonic() - start) / 60
                    return Spent(steps, steps / len(recipe.loader), round(seen, 3), minutes)
                try:
                    train_step(recipe, batch, recipe.lr(seen / megapixels, steps))
                except FloatingPointError as error:
                    raise FloatingPointError(f"{error} after {steps} steps, {seen:.1f} megapixels") from error
                steps, seen = steps + 1, seen + recipe.pixels(batch) / 1e6
                bar.update(min(round(seen), round(megapixels)) - int(bar.n))


def train_stably(build: Callable[[float], Recipe], megapixels: float, tries: int = 4) -> tuple[Recipe, Spent]:
    """Train at the recipe's learning rate; where the loss is not finite, anew at half of it, and so on.

    A recipe that diverges is no comparison, and its user would lower the rate. Each try has the whole budget; a rate
    is left only for a loss that is not finite, so test images choose nothing.

    Args:
        build: share of the recipe's learning rate -> the recipe, untrained and seeded.
        megapixels: see `train_for`.
        tries: at most.

    Raises:
        InputError: see there.
        FloatingPointError: every try ended so.
    """
    for attempt in range(tries):
        recipe = build(0.5**attempt)
        try:
            return recipe, train_for(recipe, megapixels)
        except FloatingPointError as error:
            if attempt + 1 == tries:
                raise
            log.warning("%s; again at half of the learning rate", error)
    raise AssertionError("unreachable")


def train_step(recipe: Recipe, batch: Any, lr: float) -> float:
    """One step at a learning rate; the loss.

    Raises:
        FloatingPointError: the loss is not finite.
    """
    for group in recipe.optimizer.param_groups:
        group["lr"] = lr
    loss = recipe.loss(batch)
    value = float(loss.item())
    if not math.isfinite(value):
        raise FloatingPointError(f"the loss is {value}")
    recipe.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if recipe.grad_clip is not None:
        torch.nn.utils.clip_grad_norm_(recipe.network.parameters(), recipe.grad_clip)
    recipe.optimizer.step()
    return value


def to_prediction(
    sample: Sample, boxes_xyxy: NDArray[np.float64], scores: NDArray[np.float64], labels: NDArray[np.int64]
) -> Prediction:
    """Boxes in original pixels as the record that all are judged by; the score is that of the best box, 0 without."""
    return of_boxes(sample, float(scores.max(initial=0.0)), boxes_xyxy, scores, labels)


def device() -> torch.device:
    """The accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
