"""Within a block `detect.train` starts from a detector trained on other defects, all its parts included."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import detect.training
from detect.first_weights import take_heads
from tests.benchmarks.pretraining.pack import packed


@contextmanager
def started_from(run: Path | None) -> Iterator[None]:
    """From a finished run's weights; None leaves ImageNet's."""
    if run is None:
        yield
        return
    state, original = packed(run), detect.training.prepare
    bodies = {key: value for key, value in state.items() if key.startswith(("backbone.", "fpn."))}

    def prepared(*given: Any) -> Any:
        made = original(*given)
        made.model.load_state_dict(bodies, strict=False)
        take_heads(made.model, state)
        return made

    detect.training.prepare = prepared
    try:
        yield
    finally:
        detect.training.prepare = original
