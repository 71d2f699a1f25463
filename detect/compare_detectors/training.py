"""What the peers share: the plain training loop with a budget, and the record of what a detector found."""

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

from data_tools.core.geometry import best_centre
from data_tools.core.records import Prediction, Sample


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
        grad_clip: largest gradient norm; None leaves gradients alone.
        settings: what a reader of the comparison wants to know.
    """

    network: nn.Module
    loader: DataLoader[Any]
    loss: Callable[[Any], Tensor]
    optimizer: Optimizer
    lr: Callable[[float, int], float]
    predict: Callable[[Sequence[Sample], Path], list[Prediction]]
    grad_clip: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spent:
    """What a budget bought."""

    steps: int
    epochs: float
    minutes: float


def train_for(recipe: Recipe, seconds: float) -> Spent:
    """Train until the time is over and leave the network as it is then; loading counts, as in every training.

    Raises:
        FloatingPointError: a loss is not finite.
    """
    recipe.network.train()
    start, steps = time.monotonic(), 0
    with tqdm(total=round(seconds), unit="s", desc="training") as bar:
        while True:
            for batch in recipe.loader:
                spent = time.monotonic() - start
                bar.update(min(round(spent), round(seconds)) - int(bar.n))
                if spent >= seconds:
                    return Spent(steps, steps / len(recipe.loader), spent / 60)
                try:
                    train_step(recipe, batch, recipe.lr(spent / seconds, steps))
                except FloatingPointError as error:
                    raise FloatingPointError(f"{error} after {steps} steps, {spent / 60:.1f} minutes") from error
                steps += 1


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
    """Boxes in original pixels as the record that all are judged by.

    The image's score is that of its best box, 0 without one; the peak is that box's centre.
    """
    height, width = sample.size_hw
    boxes = np.clip(boxes_xyxy, 0.0, np.array([width, height, width, height], dtype=np.float64))
    return Prediction(
        image_id=sample.image_id,
        file_name=sample.path,
        size_hw=sample.size_hw,
        score=float(scores.max(initial=0.0)),
        boxes_xyxy=boxes,
        box_scores=scores,
        box_labels=labels,
        peak_xy=best_centre(boxes, scores),
    )


def device() -> torch.device:
    """The accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
