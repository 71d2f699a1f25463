"""The one fit loop, for both approaches, on Hugging Face accelerate."""

import copy
import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader

from data_tools.core.errors import InputError
from data_tools.files.checkpoint_files import BEST, LAST, best_weights
from data_tools.files.runs import MANIFEST
from data_tools.loading.batch import Batch, Item
from data_tools.networks.precision import resolve_precision
from data_tools.training import processes
from data_tools.training.checkpoint import (
    load_state,
    load_tensors,
    load_weights,
    optimizer_tensors,
    random_state,
    restore_optimizer,
    restore_random_state,
    save_checkpoint,
)
from data_tools.training.curves import CURVES, draw_curves
from data_tools.training.event_files import EVENTS, require_tensorboard, write_events
from data_tools.training.fit_config import FitConfig
from data_tools.training.interrupt import Stopped, stop_requests
from data_tools.training.loader_failures import in_words
from data_tools.training.metrics_file import METRICS, append_line, keep_lines, read_lines
from data_tools.training.progress import Progress
from data_tools.training.progress_bar import UNKNOWN, Looks, ProgressBar
from data_tools.training.schedule import Schedule

log = logging.getLogger(__name__)

LossFunction = Callable[[nn.Module, Batch], dict[str, Tensor]]
Validation = Callable[[nn.Module], dict[str, float | None]]


@dataclass(frozen=True)
class FitResult:
    """How it went.

    Attributes:
        epochs: done.
        top_epoch: the one with the highest validation; 0 where it was never defined.
        best_epoch: the one whose weights are kept, see `fit`.
        best: its validation metrics.
        minutes: spent, over all resumed runs.
        boxes_lost: boxes that augmentation clipped away.
        resumed: when the run was taken up again, ISO 8601, UTC.
    """

    epochs: int
    top_epoch: int
    best_epoch: int
    best: Mapping[str, float | None]
    minutes: float
    boxes_lost: int
    resumed: tuple[str, ...] = ()


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def require_fit(config: FitConfig) -> None:
    """Refuse settings that this machine cannot follow, before anything is written.

    Raises:
        InputError: a number format that the device lacks, or TensorBoard is not installed.
    """
    if config.mixed_precision == "fp16" and not torch.cuda.is_available():
        raise InputError("fit.mixed_precision fp16 needs a GPU; give auto, bf16 or no")
    if config.tensorboard:
        require_tensorboard()


def fit(
    model: nn.Module,
    loader: DataLoader[Item],
    loss_function: LossFunction,
    validate: Validation,
    monitor: str,
    config: FitConfig,
    folder: Path,
    resume: bool,
    looks: Looks = UNKNOWN,
) -> FitResult:
    """Train `model`, keep its best epoch on validation and load that into `model` at the end, in float32 throughout.

    The best epoch is the last one whose `monitor` (higher is better) is within one standard error, `monitor` +
    "_error" of the same metrics, of the highest (Breiman et al., Classification and Regression Trees, 1984): epochs
    that validation cannot tell apart differ by how far the learning rate has been annealed. Without an error it is the
    last of the highest.

    Writes `metrics.jsonl`, `last/` and `best/` under `folder`. `loader`'s sampler is one of `loading.dataset`, with
    the attributes `epoch` and `start`. With `resume` it goes on from `last/`, or from the start if there is none yet.
    `looks` of a validation and of what follows enter the time that is shown as left.

    Several processes, each with its part of every batch, end with the weights of one process with the whole batches, up
    to rounding; `loss_function` must weigh its means for that, see `processes.average`. The main process alone writes.

    Raises:
        FloatingPointError: a loss is not finite; the message shows each loss and the images. Checkpoints stay.
        Stopped: SIGTERM or Ctrl-C came; the state is saved.
        InputError: `resume` with a damaged checkpoint, or one of another model; nothing has been written then.
    """
    training = _Training(model, config, folder, len(loader), monitor)
    if resume:
        training.restore()
    progress, schedule = training.progress, training.schedule
    bar = ProgressBar(
        schedule.total_steps,
        progress.step,
        len(loader),
        processes.is_main(),
        schedule.seconds_left,
        looks,
        config.batch_size,
        progress.validation_seconds,
    )
    with stop_requests() as stop, bar:
        while not training.is_over():
            with in_words(folder):
                losses = training.epoch(loader, loss_function, stop, bar)
            validated = time.monotonic()
            # the main process's, so that all agree on the best epoch to the last bit
            metrics = processes.gather(validate(training.average))[0]
            schedule.validation_seconds = progress.validation_seconds = time.monotonic() - validated
            training.end_epoch(losses, metrics)
            bar.validated()
            training.stop_if(processes.totals(stop.is_set())[0])
    if progress.is_stale(config.patience):
        log.info("no higher validation for %d epochs: stopped", config.patience)
    elif progress.step < schedule.total_steps:
        log.info(
            "fit.max_minutes %g ended the run after %d of %d steps: with another load after others",
            config.max_minutes,
            progress.step,
            schedule.total_steps,
        )
    processes.on_main(lambda: None)  # the main process may still be writing
    training.release()
    load_weights(model, folder / BEST, "model")
    log.info("kept epoch %d of %d: %s", progress.best_epoch, progress.epoch, progress.why_kept())
    return FitResult(
        progress.epoch,
        progress.top_epoch,
        progress.best_epoch,
        progress.best,
        progress.seconds / 60,
        progress.boxes_lost,
        tuple(progress.resumed),
    )


class _Training:
    """A model with its moving average, optimizer and progress, and how they are saved and restored."""

    def __init__(self, model: nn.Module, config: FitConfig, folder: Path, epoch_steps: int, monitor: str) -> None:
        self.config, self.folder, self.monitor = config, folder, monitor
        precision = resolve_precision(config.mixed_precision)
        log.info("precision: %s", {"no": "float32"}.get(precision, f"{precision} and float32 mixed"))
        AcceleratorState._reset_state()  # one process may train several models, each with its own precision
        self.accelerator = Accelerator(mixed_precision=precision, cpu=not torch.cuda.is_available())
        processes.share_batch_statistics(model)
        self.model = model.to(memory_format=torch.channels_last)
        optimizer = AdamW(_parameter_groups(model, config), lr=config.lr)
        # first, because what is prepared computes in the training's precision, and whoever loads the run in float32
        self.average = copy.deepcopy(model).requires_grad_(False).eval().to(self.accelerator.device)
        self.wrapped, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.progress, self.schedule = Progress(), Schedule(config, epoch_steps)
        self.saved_at, self.images_per_s = time.monotonic(), 0.0

    def release(self) -> None:
        """Let the model compute in float32 again, as everybody has it who loads the run."""
        self.accelerator.unwrap_model(self.wrapped, keep_fp32_wrapper=False)

    def is_over(self) -> bool:
        """Whether nothing is left to do; an epoch that a kill left without its validation still is."""
        progress, config = self.progress, self.config
        if progress.step_in_epoch:
            return False
        return self.schedule.is_over(progress.step) or progress.is_stale(config.patience)

    def epoch(
        self, loader: DataLoader[Item], loss_function: LossFunction, stop: threading.Event, bar: ProgressBar
    ) -> dict[str, float]:
        """The rest of the epoch under way, cut short when the budget is spent; the mean of each loss."""
        progress, sampler = self.progress, cast(Any, loader.sampler)
        sampler.epoch, sampler.start = progress.epoch, progress.step_in_epoch * self.config.batch_size
        self.wrapped.train()
        started, first = time.monotonic(), progress.step_in_epoch
        for batch in cast(Iterable[Any], loader):
            if self.schedule.is_over(progress.step):
                break
            losses = self.step(self._placed(batch), loss_function, loader)
            for name, loss in losses.items():
                progress.loss_sums[name] = progress.loss_sums.get(name, 0.0) + loss
            progress.step += 1
            progress.step_in_epoch += 1
            bar.step()
            boxes_lost, stopped = processes.totals(batch.boxes_lost, stop.is_set())
            progress.boxes_lost += int(boxes_lost)
            self.stop_if(stopped)
            if time.monotonic() - self.saved_at > self.config.checkpoint_minutes * 60:
                self.save()
        images = (progress.step_in_epoch - first) * self.config.batch_size
        self.images_per_s = images / max(time.monotonic() - started, 1e-9)
        return {name: value / max(progress.step_in_epoch, 1) for name, value in progress.loss_sums.items()}

    def stop_if(self, stopped: float) -> None:
        """Save and leave if any of the processes was asked to stop."""
        if stopped:
            self.save()
            raise Stopped(
                f"stopped on request after step {self.progress.step}; go on with --run {self.folder} --resume"
            )

    def _placed(self, batch: Batch) -> Batch:
        """The batch on the device, as this process's part of the whole one: of its size, with its random numbers."""
        height, width = processes.maxima(*batch.images.shape[2:])
        seed = int(np.random.SeedSequence((self.config.seed, self.progress.step)).generate_state(1)[0])
        part = replace(batch.padded_to(int(height), int(width)), seed=seed, place=processes.rank() * len(batch.indices))
        return part.to(self.accelerator.device)

    def step(self, batch: Batch, loss_function: LossFunction, loader: DataLoader[Item]) -> dict[str, float]:
        """One optimizer step; each loss."""
        self.progress.lr = self.schedule.lr(self.progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.progress.lr * group["lr_factor"]
        with self.accelerator.autocast():
            losses = loss_function(self.wrapped, batch)
            stacked = torch.stack(list(losses.values()))
            total = stacked.sum()
        values = dict(zip(losses, processes.average(stacked).tolist(), strict=True))
        if not all(math.isfinite(value) for value in values.values()):
            raise FloatingPointError(_describe_broken(values, batch, loader))
        self.accelerator.backward(total)
        self.accelerator.clip_grad_norm_(self.wrapped.parameters(), self.config.grad_clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        _update_average(
            self.average, self.accelerator.unwrap_model(self.wrapped), self.config.ema_decay, self.progress.step + 1
        )
        return values

    def end_epoch(self, losses: dict[str, float], metrics: Mapping[str, float | None]) -> None:
        """Keep the epoch if it is the best so far, and let the main process write that, its line, and `last/`."""
        progress = self.progress
        progress.epoch += 1
        progress.step_in_epoch, progress.loss_sums = 0, {}
        progress.seconds = self.schedule.seconds()
        kept = progress.note(metrics, self.monitor)
        if not processes.is_main():
            return
        if kept:
            self._save_best()
        line: dict[str, Any] = {"epoch": progress.epoch, "step": progress.step}
        line |= {"minutes": round(progress.seconds / 60, 3), "images_per_s": round(self.images_per_s, 2)}
        line |= {"lr": progress.lr, "losses": losses, "validation": dict(metrics)}
        append_line(self.folder / METRICS, line)
        self.save()
        self._draw()
        log.info("epoch %d: %s%s", progress.epoch, _summary(losses, metrics), "  (kept)" if kept else "")

    def save(self) -> None:
        """Write `last/`: everything that decides how the run goes on, in every process."""
        self.saved_at = time.monotonic()
        if not processes.is_main():
            return
        self.progress.seconds = self.schedule.seconds()
        tensors = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": optimizer_tensors(self.optimizer),
            "random": random_state(),
        }
        save_checkpoint(self.folder / LAST, tensors, asdict(self.progress))

    def restore(self) -> None:
        """Put everything back as `save` found it; a run that was killed before its first save starts again.

        All of it is read and checked before the first file is written.
        """
        last, epoch_steps = self.folder / LAST, self.schedule.epoch_steps
        if last.exists():
            self.progress = Progress.of(load_state(last), epoch_steps)
            load_weights(self.model, last, "model")
            load_weights(self.average, last, "average")
            restore_optimizer(self.optimizer, last, self.progress.step)
            restore_random_state(last)
            self.schedule.go_on_from(self.progress.seconds)
            self.schedule.validation_seconds = self.progress.validation_seconds
        if (self.folder / METRICS).exists():
            read_lines(self.folder / METRICS, self.progress.epoch)
        processes.on_main(self._require_best)
        self.progress.resumed.append(datetime.now(UTC).isoformat(timespec="seconds"))
        if processes.is_main():
            keep_lines(self.folder / METRICS, self.progress.epoch)
            if self.progress.epoch:  # a kill may have come between the checkpoint and its picture
                self._draw()
        log.info("resumed after epoch %d, step %d", self.progress.epoch, self.progress.step)

    def _draw(self) -> None:
        """Draw `curves.png` and write event files, where they are asked for, from the lines of `metrics.jsonl`."""
        metrics = self.folder / METRICS
        if not metrics.exists():
            return
        draw_curves(metrics, self.monitor, self.progress.best_epoch, self.folder / CURVES)
        if self.config.tensorboard:
            write_events(metrics, self.folder / EVENTS)

    def _require_best(self) -> None:
        """Find out before the work whether `best/` is whole; where the epoch in `last/` is the best, make it anew."""
        progress, best = self.progress, self.folder / BEST
        if not progress.best_epoch:
            return
        try:
            state = load_state(best)
            state.only({"epoch", *progress.best})
            state.choice("epoch", (progress.best_epoch, progress.epoch + 1))  # killed after `best/`, before `last/`
            if (self.folder / MANIFEST).exists():
                best_weights(self.folder)
            load_tensors(best, "model")
        except InputError as error:
            if progress.best_epoch != progress.epoch or progress.step_in_epoch:
                raise
            log.warning("%s; made anew from %s", error, self.folder / LAST)
            self._save_best()

    def _save_best(self) -> None:
        state = {"epoch": self.progress.epoch, **self.progress.best}
        save_checkpoint(self.folder / BEST, {"model": self.average.state_dict()}, state)


def _parameter_groups(model: nn.Module, config: FitConfig) -> list[dict[str, Any]]:
    """Weights and the rest, of the backbone and of the heads; only what learns."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            key = (name.startswith("backbone.body."), parameter.ndim > 1)
            groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "lr_factor": config.backbone_lr_factor if backbone else 1.0,
            "weight_decay": config.weight_decay if weights else 0.0,
        }
        for (backbone, weights), parameters in groups.items()
    ]


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the model; a shorter memory at the start, so that it forgets the random weights."""
    keep = min(decay, step / (step + 10.0)) if decay > 0 else 0.0
    ours, theirs = average.state_dict(), model.state_dict()
    floating = [name for name, value in ours.items() if value.is_floating_point()]
    torch._foreach_lerp_([ours[name] for name in floating], [theirs[name] for name in floating], 1.0 - keep)
    for name in ours.keys() - set(floating):
        ours[name].copy_(theirs[name])


def _describe_broken(values: Mapping[str, float], batch: Batch, loader: DataLoader[Item]) -> str:
    samples = cast(Any, loader.dataset).samples
    parts = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    mine = [
        f"image {samples[i].image_id} ({samples[i].path}) boxes {target['boxes'].tolist()}"
        for i, target in zip(batch.indices, batch.targets, strict=True)
    ]
    images = "; ".join(image for part in processes.gather(mine) for image in part)
    return f"a loss is not finite: {parts}. The batch was: {images}"


def _summary(losses: Mapping[str, float], metrics: Mapping[str, float | None]) -> str:
    shown = [f"loss {sum(losses.values()):.3f}"]
    shown += [f"{name} {'n/a' if value is None else f'{value:.3f}'}" for name, value in metrics.items()]
    return "  ".join(shown)
