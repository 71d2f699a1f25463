"""Training budgets in pixels that a network sees, because steps and minutes of two approaches are not alike."""

import importlib
import io
import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from data_tools.commands.settings import settings_from
from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.loading.input_config import InputConfig
from data_tools.training.fit_config import FitConfig

ROOT = Path(__file__).resolve().parents[2]  # where our packages lie, in a checkout or installed


@dataclass(frozen=True)
class Budget:
    """What a training of ours would take.

    Attributes:
        pixels_a_step: that the network sees, on average, without padding.
        steps: of its own settings.
        epoch_steps: likewise, from one validation to the next.
    """

    pixels_a_step: float
    steps: int
    epoch_steps: int

    @property
    def megapixels(self) -> float:
        """Of the training by its own settings."""
        return self.steps * self.pixels_a_step / 1e6

    def flags(self, megapixels: float) -> tuple[str, ...]:
        """Flags of the training that make it see so many, at least one step of them."""
        steps = max(round(megapixels * 1e6 / self.pixels_a_step), 1)
        epoch_steps = min(self.epoch_steps, steps)
        return ("--fit.steps", str(steps), "--fit.epoch_steps", str(epoch_steps), "--fit.max_minutes", "null")


def environment() -> dict[str, str]:
    """That of this process, in which its packages are found from any folder."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": paths}


def settings_of(command: Sequence[str]) -> dict[str, Any]:
    """The settings that a training command would use, with what it decides by the data.

    Args:
        command: module and flags.

    Raises:
        InputError: the command refused its input; its message stands on stderr.
    """
    module, *words = command
    with redirect_stdout(io.StringIO()) as shown:
        status = importlib.import_module(module).main([*words, "--print_config"])
    if status != 0:
        raise InputError(f"{' '.join(command)}: refused; see the message above")
    values: dict[str, Any] = yaml.safe_load(shown.getvalue())
    return values


def budget_of(settings: Mapping[str, Any], samples: Sequence[Sample]) -> Budget:
    """What a training with these settings takes.

    Args:
        settings: as `settings_of` gives them.
        samples: of the train split.
    """
    seen = settings_from(InputConfig, settings["input"], "input")
    fit = settings_from(FitConfig, settings["fit"], "fit")
    pass_steps = max(len(samples) // fit.batch_size, 1)
    epoch_steps = fit.epoch_steps or pass_steps
    pixels = float(np.mean([np.prod(seen.target_hw(sample.size_hw)) for sample in samples]))
    if seen.slices.side_px is not None:
        pixels += seen.slices.share * (seen.slices.seen_px**2 - pixels)
    return Budget(fit.batch_size * pixels, fit.total_steps(pass_steps), epoch_steps)
