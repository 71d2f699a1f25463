"""The progress bar of a whole run, with the time that is left: steps and validations are counted apart."""

import math
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} steps [{elapsed}{postfix}]"


class ProgressBar:
    """A tqdm bar over all optimizer steps.

    A step and a validation cost differently, so what is left is steps left times the mean step of this process plus
    validations left times the last one, and no more than a budget of minutes leaves. Before the first validation its
    time is unknown and left out.

    Args:
        total_steps: of the whole run.
        done: steps that an interrupted run has done.
        epoch_steps: steps from one validation to the next.
        shown: False draws nothing.
        budget_left: seconds that are left of a budget of minutes; infinite without one.
    """

    def __init__(
        self,
        total_steps: int,
        done: int,
        epoch_steps: int,
        shown: bool,
        budget_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self.total, self.epoch_steps = total_steps, max(epoch_steps, 1)
        self.done, self.first, self.budget_left = done, done, budget_left
        self.bar = tqdm(
            total=total_steps,
            initial=done,
            desc="training",
            bar_format=_FORMAT,
            mininterval=1.0,
            leave=False,
            disable=not shown,
        )
        self.stepping, self.validation_seconds = 0.0, 0.0
        self.since = time.monotonic()

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bar.close()

    def step(self) -> None:
        """One more optimizer step is done."""
        now = time.monotonic()
        self.stepping += now - self.since
        self.since = now
        self.done += 1
        self.bar.set_postfix_str(f"about {tqdm.format_interval(self.seconds_left())} left", refresh=False)
        self.bar.update()

    def validated(self) -> None:
        """The time since the last step went into a validation."""
        now = time.monotonic()
        self.validation_seconds, self.since = now - self.since, now

    def seconds_left(self) -> float:
        """Expected seconds to the end of training."""
        steps = max(self.total - self.done, 0)
        validations = -(-self.total // self.epoch_steps) - self.done // self.epoch_steps
        mean = self.stepping / max(self.done - self.first, 1)
        return min(steps * mean + max(validations, 0) * self.validation_seconds, self.budget_left())
