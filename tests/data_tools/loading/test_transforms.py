import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.loading.transforms import Augmentation, AugmentConfig


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (60, 80), dtype=np.uint8)


def test_the_same_seed_gives_the_same_image() -> None:
    augment = Augmentation(AugmentConfig(geometry="d4", photometry=1.0))
    boxes = np.array([[5.0, 5, 20, 20]])
    (a, b, lost), (c, d, _), (e, _, _) = (augment(picture(), boxes, seed) for seed in (1, 1, 2))
    assert (a == c).all()
    assert (b == d).all()
    assert lost == 0
    assert a.shape != e.shape or (a != e).any()


def test_a_zoom_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="zoom"):
        AugmentConfig(zoom=1.0)
