"""What the tests of training share."""

import os
import signal
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from data_tools.training import fit


@pytest.fixture(autouse=True)
def _no_picture_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits of a few tiny steps would spend most of their time on curves.png, which test_end_to_end asks for."""
    monkeypatch.setattr(fit, "draw_curves", lambda *_: None)


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType, int], None]:
    """Has the next training of an approach, given by its module `training`, get SIGTERM in a step counted from 1."""

    def stop(training: ModuleType, step: int) -> None:
        whole, steps = training.fit, [0]

        def fit_and_stop(model: Any, loader: Any, loss: Any, *rest: Any) -> Any:
            def loss_and_stop(network: Any, batch: Any) -> Any:
                steps[0] += 1
                if steps[0] == step:
                    os.kill(os.getpid(), signal.SIGTERM)
                return loss(network, batch)

            return whole(model, loader, loss_and_stop, *rest)

        monkeypatch.setattr(training, "fit", fit_and_stop)

    return stop
