"""The progress bar of a whole run, with the time that is left: steps and validations are counted apart."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from tqdm import tqdm

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} steps [{elapsed}{postfix}]"
_LOOK = 0.45  # of the time that an image takes in training; 0.4 to 0.5 in runs of both approaches, whole and in windows


@dataclass(frozen=True)
class Looks:
    """How often images are looked at without being learned from; each slice of an image is a look.

    Attributes:
        validation: in one validation.
        closing: in the predictions after the last one.
    """

    validation: float = 0.0
    closing: float = 0.0

    @property
    def closing_validations(self) -> float:
        """So many validations take as long as the predictions after the last one."""
        return self.closing / self.validation if self.validation else 0.0


UNKNOWN = Looks()


class ProgressBar:
    """A tqdm bar over all optimizer steps.

    A step and a validation cost differently, so what is left is steps left times the mean step of this process plus
    validations left times the last one, and no more than a budget of minutes leaves. Before the first validation its
    time is reckoned from that of a step and its looks.

    Args:
        total_steps: of the whole run.
        done: steps that an interrupted run has done.
        epoch_steps: steps from one validation to the next.
        shown: False draws nothing.
        budget_left: seconds that are left of a budget of minutes; infinite without one.
        looks: of a validation, and of the predictions that follow the training.
        batch_size: images a step.
        validation_seconds: what the last validation of an interrupted run took; 0 if there was none.
    """

    def __init__(
        self,
        total_steps: int,
        done: int,
        epoch_steps: int,
        shown: bool,
        budget_left: Callable[[], float] = lambda: math.inf,
        looks: Looks = UNKNOWN,
        batch_size: int = 1,
        validation_seconds: float = 0.0,
    ) -> None:
        epoch_steps = max(epoch_steps, 1)
        self.total, self.validations = total_steps, -(-total_steps // epoch_steps) - done // epoch_steps
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
        self.looks, self.batch_size = looks, batch_size
        self.stepping, self.validation_seconds = 0.0, validation_seconds
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
        self.validations = max(self.validations - 1, 0)

    def seconds_left(self) -> float:
        """Expected seconds to the end of training and of the predictions that follow it."""
        steps = max(self.total - self.done, 0)
        mean = self.stepping / max(self.done - self.first, 1)
        validation = self.validation_seconds or _LOOK * self.looks.validation / self.batch_size * mean
        training = min(steps * mean + self.validations * validation, self.budget_left())
        return training + self.looks.closing_validations * validation
