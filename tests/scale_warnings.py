"""What is said where a run, or its bundle, sees an image at another scale than it learned from."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest


def assert_said_once_of_far_smaller(models: Iterable[Any], caplog: pytest.LogCaptureFixture) -> None:
    """Of models that learned from 64 px and see 32: these are halved, and 200 px are 0.16 of their size."""
    for model in models:
        caplog.clear()
        model.predict([np.zeros((side, side), np.uint8) for side in (64, 200, 200)])
        (said,) = [record.getMessage() for record in caplog.records if "learned" in record.getMessage()]
        assert said.startswith("WARNING: array 2 has 200 x 200 pixels and is seen at 0.16 of its size")
