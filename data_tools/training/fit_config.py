"""The settings of the fit loop."""

from dataclasses import dataclass
from typing import Literal

from data_tools.core.checks import require_number


@dataclass(frozen=True)
class FitConfig:
    """How to train.

    Attributes:
        steps: optimizer steps in all; the learning rate is annealed over them. Null takes `epochs`.
        epoch_steps: steps from one validation to the next; null is one pass through the training images.
        epochs: how many epochs, where `steps` is null.
        max_minutes: wall-clock budget, validation included, within which the learning rate is annealed if it is reached
            before the steps are done. It costs repeatability: the number of steps then depends on the machine and on
            what else it does. Null is no limit, and a run repeats exactly, also when it is interrupted and resumed.
        batch_size: images a step, shared evenly by all processes of the run.
        lr: highest learning rate of AdamW.
        backbone_lr_factor: the backbone learns at `lr` times this.
        weight_decay: of AdamW, on weights but not on biases and normalisation.
        warmup_steps: the learning rate rises linearly over so many steps, then falls as a cosine to a hundredth.
        ema_decay: the validated and saved weights are an exponential moving average over steps; 0 switches it off.
        grad_clip: largest gradient norm.
        positive_share: share of defect images in training; null keeps the natural distribution.
        train_share: share of the train split that is learned from, whole groups picked by the seed.
        patience: stop after so many epochs without a higher validation; null never stops early.
        tensorboard: also write TensorBoard event files; needs the extra `tensorboard`.
        workers: loader processes, 0..64; results do not depend on it.
        checkpoint_minutes: `last/` is saved at the end of each epoch, and within an epoch each time so many minutes
            have passed.
        mixed_precision: "no", "bf16", "fp16", or "auto": bf16 where the device multiplies it in hardware, else no.
        seed: of weights, order, augmentation and sampling.
    """

    steps: int | None = None
    epoch_steps: int | None = None
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
    tensorboard: bool = False
    workers: int = 0
    checkpoint_minutes: float = 5.0
    mixed_precision: Literal["auto", "no", "bf16", "fp16"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        require_number("fit.steps", self.steps, 1, 10**9, optional=True)
        require_number("fit.epoch_steps", self.epoch_steps, 1, 10**9, optional=True)
        require_number("fit.epochs", self.epochs, 1, 10**6)
        require_number("fit.max_minutes", self.max_minutes, above=0, optional=True)
        require_number("fit.batch_size", self.batch_size, 1, 2**16)
        require_number("fit.lr", self.lr, most=10, above=0)
        require_number("fit.backbone_lr_factor", self.backbone_lr_factor, 0, 1000)
        require_number("fit.weight_decay", self.weight_decay, 0, 10)
        require_number("fit.warmup_steps", self.warmup_steps, 0, 10**9)
        require_number("fit.ema_decay", self.ema_decay, 0, below=1)
        require_number("fit.grad_clip", self.grad_clip, above=0)
        require_number("fit.positive_share", self.positive_share, above=0, below=1, optional=True)
        require_number("fit.train_share", self.train_share, most=1, above=0)
        require_number("fit.patience", self.patience, 1, optional=True)
        require_number("fit.workers", self.workers, 0, 64)
        require_number("fit.checkpoint_minutes", self.checkpoint_minutes, 0)
        require_number("fit.seed", self.seed, 0, 2**63 - 1)

    def total_steps(self, epoch_steps: int) -> int:
        """Optimizer steps of the whole run.

        Args:
            epoch_steps: those of an epoch, as its loader gives them.
        """
        return self.steps if self.steps is not None else max(self.epochs * epoch_steps, 1)
