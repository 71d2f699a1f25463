from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.loading.batch import Batch
from data_tools.loading.input_config import InputConfig
from data_tools.loading.transforms import PreprocessConfig
from data_tools.networks.backbones import build_backbone
from data_tools.runtime.batches import batches_of, stacked
from data_tools.training.batches import shared_batches


def test_smaller_images_are_padded_with_black() -> None:
    batch = stacked([np.ones((2, 3), np.float32), np.full((3, 1), 0.5, np.float32)], multiple_of=4)
    assert batch.sizes_hw == ((2, 3), (3, 1))
    assert batch.images.shape == (2, 1, 4, 4)
    assert batch.images.sum() == 6 + 1.5
    assert stacked([np.ones((4, 8), np.float32)], multiple_of=4).images.shape == (1, 1, 4, 8)


@pytest.mark.parametrize(
    "config",
    [
        InputConfig(),
        InputConfig(size_hw=(40, 56), standardize=True),
        InputConfig(max_pixels=2000, preprocess=PreprocessConfig(5, 60)),
        InputConfig(scale=1.5, preprocess=PreprocessConfig(white_from=128)),
    ],
)
def test_a_graph_sees_the_very_pixels_that_torch_sees(make_sample: Callable[..., Sample], config: InputConfig) -> None:
    rng = np.random.default_rng(0)
    samples = [
        make_sample(i, size_hw=size)
        for i, size in enumerate([(64, 64), (50, 90), (64, 64), (33, 40), (64, 64)], start=1)
    ]
    pixels = {sample.image_id: rng.integers(0, 256, sample.size_hw, dtype=np.uint8) for sample in samples}

    def read(sample: Sample) -> np.ndarray:
        return pixels[sample.image_id]

    theirs: list[Batch] = []

    def take(chosen: tuple[Sample, ...], batch: Batch) -> list[None]:
        theirs.append(batch)
        return [None] * len(chosen)

    shared_batches(build_backbone("simple_cnn", "none"), samples, read, config, 2, "b", take)
    for (places, one), other in zip(batches_of(samples, read, config, 2, "a"), theirs, strict=True):
        assert tuple(places) == other.indices
        assert one.sizes_hw == other.sizes_hw
        assert torch.equal(torch.from_numpy(one.images).expand(-1, 3, -1, -1), other.images)


def test_an_image_of_another_size_than_noted_is_refused(make_sample: Callable[..., Sample], tmp_path: Path) -> None:
    sample = make_sample(1, size_hw=(20, 30))
    with pytest.raises(InputError, match="annotated as 30 x 20"):
        list(batches_of([sample], lambda _: np.zeros((20, 31), np.uint8), InputConfig(), 2, "a"))
