import numpy as np
import pytest

from classify.to_prediction import to_prediction
from data_tools.judging.map_boxes import with_boxes
from data_tools.loading.transforms import PreprocessConfig

PLAIN = PreprocessConfig()


def one_hot(rows: int, columns: int, row: int, column: int) -> np.ndarray:
    cam = np.zeros((rows, columns), dtype=np.float32)
    cam[row, column] = 2.0
    return cam


def test_score_peak_and_map(make_sample) -> None:
    prediction = to_prediction(make_sample(1), 0.0, one_hot(4, 4, 1, 2), (100, 100), (100, 100), PLAIN)
    assert prediction.score == 0.5
    assert prediction.peak_xy == (62.5, 37.5)
    assert prediction.heatmap.tolist() == one_hot(4, 4, 1, 2).tolist()


def test_padding_is_no_part_of_the_map(make_sample) -> None:
    """Seen at 100 px within 200: two of four cells a side, and a hot cell in the padding is an abstention."""
    prediction = to_prediction(make_sample(1), 0.0, one_hot(4, 4, 3, 3), (100, 100), (200, 200), PLAIN)
    assert prediction.peak_xy is None
    assert prediction.heatmap.shape == (2, 2)


@pytest.mark.parametrize("seen", [100, 110, 60, 51])
def test_a_cell_that_is_cut_short_stays_where_it_looked(make_sample, seen: int) -> None:
    """Cells of 50 px, of an image of 100 px that is seen at other sizes: the first one's middle is at 25 of them."""
    prediction = to_prediction(make_sample(1), 0.0, one_hot(4, 4, 0, 0), (seen, seen), (200, 200), PLAIN)
    assert prediction.peak_xy == pytest.approx((2500 / seen, 2500 / seen))
    last = -(-seen // 50) - 1
    prediction = to_prediction(make_sample(1), 0.0, one_hot(4, 4, last, last), (seen, seen), (200, 200), PLAIN)
    assert prediction.peak_xy == pytest.approx((min((50 * last + 25) * 100 / seen, 100),) * 2)


@pytest.mark.parametrize("cam", [np.zeros((3, 3)), np.ones((3, 3)), np.full((3, 3), np.nan)])
def test_a_map_that_says_nothing_abstains(make_sample, cam: np.ndarray) -> None:
    prediction = to_prediction(make_sample(1), 3.0, cam.astype(np.float32), (96, 96), (96, 96), PLAIN)
    assert prediction.peak_xy is None
    assert not len(with_boxes(prediction, 0.5).boxes_xyxy)


def test_a_crop_is_undone_for_peak_map_and_boxes(make_sample) -> None:
    """A crop of 20 leaves 60 of 100 px: three cells of 20 px, and five over the whole image."""
    config = PreprocessConfig(crop_px=20)
    prediction = to_prediction(make_sample(1), 0.0, one_hot(3, 3, 0, 2), (60, 60), (60, 60), config)
    assert prediction.peak_xy == (20 + 50, 20 + 10)
    assert prediction.heatmap == pytest.approx(one_hot(5, 5, 1, 3))
    (box,) = with_boxes(prediction, 0.9).boxes_xyxy
    assert box[0] < 70 < box[2]
    assert box[1] < 30 < box[3]


def test_a_crop_and_a_resize_are_both_undone(make_sample) -> None:
    """The window of 60 px is seen at 120, where the hot cell is the same share of it."""
    config = PreprocessConfig(crop_px=20)
    prediction = to_prediction(make_sample(1), 0.0, one_hot(3, 3, 0, 2), (120, 120), (120, 120), config)
    assert prediction.peak_xy == (70, 30)
