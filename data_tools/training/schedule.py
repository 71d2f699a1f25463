"""How far a run is, and the learning rate there: by steps, or by the clock where a budget of minutes runs out first."""

import math
import time

from data_tools.training import processes
from data_tools.training.fit_config import FitConfig

_LEAST_LR = 0.01


class Schedule:
    """Turns steps done, and minutes spent where they are limited, into one progress from 0 to 1.

    Args:
        config: with the budget and the highest learning rate.
        epoch_steps: optimizer steps of an epoch, as its loader gives them.

    Attributes:
        epoch_steps, total_steps: of an epoch, and of the whole run.
        validation_seconds: what the last validation took; it is kept back from a budget of minutes.
    """

    def __init__(self, config: FitConfig, epoch_steps: int) -> None:
        self.config = config
        self.epoch_steps, self.total_steps = epoch_steps, config.total_steps(epoch_steps)
        self.start = time.monotonic()
        self.validation_seconds = 0.0

    def go_on_from(self, seconds: float) -> None:
        """Count the seconds that an interrupted run had spent."""
        self.start = time.monotonic() - seconds

    def seconds(self) -> float:
        """Spent, over all resumed runs."""
        return time.monotonic() - self.start

    def seconds_left(self) -> float:
        """Of the budget of minutes; infinite without one."""
        return math.inf if self.config.max_minutes is None else max(self.config.max_minutes * 60 - self.seconds(), 0.0)

    def progress(self, step: int) -> float:
        """Share 0..1 of the run that is done; of several processes the main one's clock counts for all."""
        by_steps = min(step / self.total_steps, 1.0)
        if self.config.max_minutes is None:
            return by_steps
        budget = max(self.config.max_minutes * 60 - self.validation_seconds, 1.0)
        return processes.on_main(lambda: min(max(by_steps, self.seconds() / budget), 1.0))

    def is_over(self, step: int) -> bool:
        """Whether the budget is spent."""
        return self.progress(step) >= 1.0

    def lr(self, step: int) -> float:
        """Learning rate of the step after `step` done ones: a linear rise, then a cosine down to a hundredth."""
        warmup = min((step + 1) / max(self.config.warmup_steps, 1), 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress(step)))
        return self.config.lr * warmup * (_LEAST_LR + (1 - _LEAST_LR) * cosine)
