import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.loading.transforms import Augmentation, AugmentConfig


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (60, 80), dtype=np.uint8)


def test_the_same_seed_gives_the_same_image() -> None:
    augment = Augmentation(AugmentConfig(geometry="d4", photometry=1.0))
    boxes = np.array([[5.0, 5, 20, 20]])
    (a, _, b, lost), (c, _, d, _), (e, *_) = (augment(picture(), None, boxes, seed) for seed in (1, 1, 2))
    assert (a == c).all()
    assert (b == d).all()
    assert lost == 0
    assert a.shape != e.shape or (a != e).any()


@pytest.mark.filterwarnings("error")
def test_where_no_step_moves_a_box_nothing_is_warned_of() -> None:
    boxes = np.array([[5.0, 5, 20, 20]])
    for photometry in (0.0, 1.0):
        augment = Augmentation(AugmentConfig(geometry="none", photometry=photometry))
        _, _, same, lost = augment(picture(), None, boxes, 1)
        assert np.allclose(same, boxes, atol=1e-4)
        assert lost == 0


def test_a_long_image_is_mirrored_but_neither_laid_down_nor_stood_up() -> None:
    """Each pixel has a value of its own, so that the box says where the image's first pixels have gone."""
    augment, box = Augmentation(AugmentConfig(geometry="d4", photometry=0)), np.array([[0.0, 0, 2, 1]])
    for height, width, shapes in ((3, 15, 1), (15, 3, 1), (4, 16, 2)):
        image = np.arange(height * width, dtype=np.uint8).reshape(height, width)
        made = [augment(image, image.astype(np.float32), box, seed) for seed in range(40)]
        assert len({changed.shape for changed, *_ in made}) == shapes
        assert len({changed.tobytes() + bytes(changed.shape) for changed, *_ in made}) == 4 * shapes
        for changed, beside, boxes, lost in made:
            assert lost == 0
            assert beside is not None
            assert (beside == changed).all()
            x1, y1, x2, y2 = boxes.round().astype(int)[0]
            assert sorted(changed[y1:y2, x1:x2].ravel()) == [0, 1]


def test_a_zoom_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="zoom"):
        AugmentConfig(zoom=1.0)
