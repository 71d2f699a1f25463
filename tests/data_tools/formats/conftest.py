"""Fixtures that the tests of several formats use."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import Sample
from data_tools.formats.registry import Findings, ReadOptions, formats

Reading = tuple[dict[str, Sample], Findings]


@pytest.fixture(scope="session")
def save() -> Callable[..., Path]:
    """Save pixels, or a gray image of (height, width), to a path."""

    def build(path: Path, pixels: np.ndarray | tuple[int, int] = (60, 80), **options: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.full(pixels, 90, dtype=np.uint8) if isinstance(pixels, tuple) else pixels
        Image.fromarray(array).save(path, **options)
        return path

    return build


@pytest.fixture(scope="session")
def read() -> Callable[..., Reading]:
    """The samples of a source by path, and the findings."""

    def build(name: str, *sources: Path, **options: object) -> Reading:
        findings = Findings()
        samples: Sequence[Sample] = list(formats()[name].read(sources, ReadOptions(**options), findings))  # type: ignore[arg-type]
        assert len({sample.path for sample in samples}) == len(samples)
        return {sample.path: sample for sample in samples}, findings

    return build
