"""The one fit loop, for both approaches, on Hugging Face accelerate."""

import copy
import json
import logging
import math
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from tqdm import tqdm

from data_tools.checkpoint import (
    load_state,
    load_tensors,
    load_weights,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from data_tools.dataset import Batch, Item

log = logging.getLogger(__name__)

LossFunction = Callable[[nn.Module, Batch], dict[str, Tensor]]
Validation = Callable[[nn.Module], dict[str, float | None]]


@dataclass(frozen=True)
class FitConfig:
    """How to train.

    Attributes:
        epochs: at most so many passes.
        max_minutes: wall-clock budget, validation included; the learning rate is annealed within it. With a budget the
            number of steps depends on the machine; without one a run repeats exactly. None is no limit.
        batch_size: images a step.
        lr: highest learning rate of AdamW.
        backbone_lr_factor: the backbone learns at `lr` times this.
        weight_decay: of AdamW, on weights but not on biases and normalisation.
        warmup_steps: the learning rate rises linearly over so many steps, then falls as a cosine to a hundredth.
        ema_decay: the validated and saved weights are an exponential moving average over steps; 0 switches it off.
        grad_clip: largest gradient norm.
        positive_share: share of defect images in training; null keeps the natural distribution.
        train_share: share of the train split that is learned from, whole groups picked by the seed.
        patience: stop after so many epochs without a better validation; null never stops early.
        workers: loader processes; results do not depend on it.
        mixed_precision: "no", "bf16" or "fp16".
        seed: of weights, order, augmentation and sampling.
    """

    epochs: int = 12
    max_minutes: float | None = None
    batch_size: int = 8
    lr: float = 5e-4
    backbone_lr_factor: float = 1.0
    weight_decay: float = 0.02
    warmup_steps: int = 50
    ema_decay: float = 0.99
    grad_clip: float = 5.0
    positive_share: float | None = 0.5
    train_share: float = 1.0
    patience: int | None = None
    workers: int = 0
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    seed: int = 0


@dataclass(frozen=True)
class FitResult:
    """How it went: epochs done, the best epoch with its validation metrics, minutes spent, boxes lost on the way."""

    epochs: int
    best_epoch: int
    best: Mapping[str, float | None]
    minutes: float
    boxes_lost: int


@dataclass
class _Progress:
    """What a resumed run must know; saved with every checkpoint."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = -1
    best_value: float | None = None
    seconds: float = 0.0
    boxes_lost: int = 0


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def fit(
    model: nn.Module, loader: DataLoader[Item], loss_function: LossFunction, validate: Validation, monitor: str,
    config: FitConfig, folder: Path, resume: bool,
) -> FitResult:  # fmt: skip
    """Train `model`, keep the best checkpoint by `monitor` (higher is better) and load it into `model` at the end.

    Writes `metrics.jsonl`, `last/` and `best/` under `folder`. `loader`'s sampler has an `epoch` attribute.

    Raises:
        FloatingPointError: a loss is not finite; the message shows each loss and the images. Checkpoints stay.
        InputError: `resume` without a readable checkpoint.
    """
    accelerator = Accelerator(mixed_precision=config.mixed_precision, cpu=not torch.cuda.is_available())
    model.to(memory_format=torch.channels_last)
    optimizer = AdamW(_parameter_groups(model, config), lr=config.lr)
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    average = copy.deepcopy(model).requires_grad_(False).eval()
    progress = _Progress()
    best: Mapping[str, float | None] = {}
    if resume:
        progress, best = _restore(folder, model, average, optimizer)
        log.info("resumed after epoch %d, step %d", progress.epoch, progress.step)
    clock = _Clock(config, len(loader), progress.seconds)
    while progress.epoch < config.epochs and not clock.is_over(progress.step):
        started = time.monotonic()
        losses = _train_epoch(wrapped, average, loader, loss_function, optimizer, accelerator, config, progress, clock)
        trained = time.monotonic()
        metrics = validate(average)
        clock.validation_seconds = time.monotonic() - trained
        progress.epoch += 1
        progress.seconds = clock.seconds()
        value = metrics.get(monitor)
        improved = progress.best_epoch < 0 or (value is not None and value > (progress.best_value or -math.inf))
        if improved:
            progress.best_epoch, progress.best_value, best = progress.epoch, value, metrics
            save_checkpoint(folder / "best", {"model": average.state_dict()}, {"epoch": progress.epoch, **metrics})
        _save_last(folder, model, average, optimizer, progress, best)
        line = {"epoch": progress.epoch, "step": progress.step, "minutes": round(progress.seconds / 60, 3)}
        rates = {"lr": optimizer.param_groups[0]["lr"], "images_per_s": len(loader) * config.batch_size /
                 max(trained - started, 1e-9)}  # fmt: skip
        _append(folder / "metrics.jsonl", line | {"losses": losses} | rates | {"validation": metrics})
        log.info("epoch %d: %s%s", progress.epoch, _summary(losses, metrics), "  (best)" if improved else "")
        if config.patience is not None and progress.epoch - progress.best_epoch >= config.patience:
            log.info("no better validation for %d epochs: stopped", config.patience)
            break
    load_weights(model, folder / "best", "model")
    return FitResult(progress.epoch, progress.best_epoch, best, progress.seconds / 60, progress.boxes_lost)


class _Clock:
    """Turns steps done and minutes spent into one progress from 0 to 1."""

    def __init__(self, config: FitConfig, steps_per_epoch: int, seconds_before: float) -> None:
        self.config, self.total_steps = config, max(config.epochs * steps_per_epoch, 1)
        self.start = time.monotonic() - seconds_before
        self.validation_seconds = 0.0

    def seconds(self) -> float:
        return time.monotonic() - self.start

    def progress(self, step: int) -> float:
        by_steps = step / self.total_steps
        if self.config.max_minutes is None:
            return min(by_steps, 1.0)
        budget = max(self.config.max_minutes * 60 - self.validation_seconds, 1.0)
        return min(max(by_steps, self.seconds() / budget), 1.0)

    def is_over(self, step: int) -> bool:
        return self.progress(step) >= 1.0

    def lr_factor(self, step: int) -> float:
        warmup = min((step + 1) / max(self.config.warmup_steps, 1), 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress(step)))
        return warmup * (0.01 + 0.99 * cosine)


def _train_epoch(
    model: nn.Module, average: nn.Module, loader: DataLoader[Item], loss_function: LossFunction, optimizer: Any,
    accelerator: Accelerator, config: FitConfig, progress: _Progress, clock: _Clock,
) -> dict[str, float]:  # fmt: skip
    """One pass, cut short when the budget is spent; the mean of each loss."""
    sampler: Any = loader.sampler
    sampler.epoch = progress.epoch
    model.train()
    sums: dict[str, float] = {}
    steps = 0
    batches: Iterable[Any] = tqdm(loader, desc=f"epoch {progress.epoch + 1}", leave=False, mininterval=1.0)
    for batch in batches:
        if clock.is_over(progress.step):
            break
        batch = batch.to(accelerator.device)
        factor = clock.lr_factor(progress.step)
        for group in optimizer.param_groups:
            group["lr"] = config.lr * group["lr_factor"] * factor
        with accelerator.autocast():
            losses = loss_function(model, batch)
            total = torch.stack(list(losses.values())).sum()
        _require_finite(total, losses, batch, loader)
        accelerator.backward(total)
        accelerator.clip_grad_norm_(model.parameters(), config.grad_clip)
        optimizer.step()
        optimizer.zero_grad()
        progress.step += 1
        progress.boxes_lost += batch.boxes_lost
        _update_average(average, accelerator.unwrap_model(model), config.ema_decay, progress.step)
        steps += 1
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + float(loss.detach())
    return {name: value / steps for name, value in sums.items()}


def _parameter_groups(model: nn.Module, config: FitConfig) -> list[dict[str, Any]]:
    """Weights and the rest, of the backbone and of the heads; only what learns."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            key = (name.startswith("backbone."), parameter.ndim > 1)
            groups.setdefault(key, []).append(parameter)
    return [
        {"params": parameters, "lr_factor": config.backbone_lr_factor if backbone else 1.0,
         "weight_decay": config.weight_decay if weights else 0.0}
        for (backbone, weights), parameters in groups.items()
    ]  # fmt: skip


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the model; a shorter memory at the start, so that it forgets the random weights."""
    keep = min(decay, step / (step + 10.0)) if decay > 0 else 0.0
    ours, theirs = average.state_dict(), model.state_dict()
    for name, value in ours.items():
        if value.is_floating_point():
            value.lerp_(theirs[name], 1.0 - keep)
        else:
            value.copy_(theirs[name])


def _require_finite(total: Tensor, losses: dict[str, Tensor], batch: Batch, loader: DataLoader[Item]) -> None:
    if bool(torch.isfinite(total)):
        return
    dataset: Any = loader.dataset
    parts = ", ".join(f"{name} {float(loss):.4g}" for name, loss in losses.items())
    images = "; ".join(
        f"image {dataset.samples[i].image_id} ({dataset.samples[i].path}) boxes {target['boxes'].tolist()}"
        for i, target in zip(batch.indices, batch.targets, strict=True)
    )
    raise FloatingPointError(f"a loss is not finite: {parts}. The batch was: {images}")


def _save_last(
    folder: Path, model: nn.Module, average: nn.Module, optimizer: Any, progress: _Progress, best: Mapping[str, Any]
) -> None:
    tensors = {
        "model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer_tensors(optimizer),
        "random": {"torch": torch.get_rng_state()},
    }  # fmt: skip
    save_checkpoint(folder / "last", tensors, {"progress": asdict(progress), "best": dict(best)})


def _restore(folder: Path, model: nn.Module, average: nn.Module, optimizer: Any) -> tuple[_Progress, dict[str, Any]]:
    last = folder / "last"
    state = load_state(last)
    load_weights(model, last, "model")
    load_weights(average, last, "average")
    restore_optimizer(optimizer, load_tensors(last, "optimizer"))
    torch.set_rng_state(load_tensors(last, "random")["torch"])
    return _Progress(**state["progress"]), dict(state["best"])


def _append(path: Path, line: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()


def _summary(losses: Mapping[str, float], metrics: Mapping[str, float | None]) -> str:
    shown = [f"loss {sum(losses.values()):.3f}"]
    shown += [f"{name} {'n/a' if value is None else f'{value:.3f}'}" for name, value in metrics.items()]
    return "  ".join(shown)
