from dataclasses import replace

import pytest
import torch

from data_tools.core.errors import InputError
from data_tools.loading.batch import Batch, Item, collate
from detect.model import DetectorConfig
from detect.multi_scale import at_random_size


def a_batch(seed: int = 0) -> Batch:
    """A white box on black in each of two images, of which the second is padded."""
    items = []
    for height, width in ((64, 96), (64, 48)):
        image = torch.zeros(1, height, width)
        image[:, 16:48, 8:40] = 1.0
        box = torch.tensor([[8.0, 16.0, 40.0, 48.0]])
        items.append(Item(0, image, box, torch.tensor([1]), 1.0, False, 0))
    return replace(collate(items), seed=seed)


def test_boxes_stay_on_what_they_outline() -> None:
    """Twice the size: box edges and image sizes double, and each box holds white alone, with black around."""
    batch = at_random_size(a_batch(), (2.0, 2.0))
    assert batch.images.shape == (2, 3, 128, 192)
    assert batch.sizes_hw == ((128, 192), (128, 96))
    for image, target in zip(batch.images, batch.targets, strict=True):
        assert target["boxes"].tolist() == [[16.0, 32.0, 80.0, 96.0]]
        assert target["labels"].tolist() == [1]
        assert float(image[:, 34:94, 18:78].min()) == 1.0
        assert float(image.sum()) == pytest.approx(3 * 64 * 64, rel=0.02)


def test_sizes_are_drawn_by_the_seed_within_bounds_and_in_whole_strides() -> None:
    drawn = [tuple(at_random_size(a_batch(seed), (0.5, 2.0)).images.shape[2:]) for seed in range(60)]
    assert drawn == [tuple(at_random_size(a_batch(seed), (0.5, 2.0)).images.shape[2:]) for seed in range(60)]
    assert {height for height, _ in drawn} == {32, 64, 96, 128}
    assert {width for _, width in drawn} == {64, 96, 128, 160, 192}  # 48 is a tie, which goes to the even multiple


def test_one_size_leaves_the_batch_alone() -> None:
    batch = a_batch()
    assert at_random_size(batch, (1.0, 1.0)) is batch


@pytest.mark.parametrize("sizes", [(1.2, 0.8), (0.0, 1.0), (1.0, 11.0)])
def test_impossible_sizes_are_refused(sizes: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="train_sizes"):
        DetectorConfig(train_sizes=sizes)
