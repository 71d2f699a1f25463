from collections.abc import Callable

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.loading.copy_paste import Load, PasteConfig, Paster


def loader(images: dict[int, np.ndarray]) -> Load:
    """Gives a sample's image as it is here, with all its boxes at that size."""

    def load(sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        image = images[sample.image_id]
        scale_xy = (np.array(image.shape) / sample.size_hw)[::-1]
        return image, sample.boxes_xyxy * np.tile(scale_xy, 2), np.arange(len(sample.boxes_xyxy))

    return load


def test_shares_are_kept_and_decoys_stay_good(make_sample: Callable[..., Sample]) -> None:
    samples = [make_sample(1, [[40, 40, 50, 50]]), make_sample(2), make_sample(3)]
    images = {1: np.full((100, 100), 50, np.uint8), 2: np.full((100, 100), 51, np.uint8)}
    images[3] = np.random.default_rng(0).integers(0, 9, (100, 100), dtype=np.uint8)
    images[1][40:50, 40:50] = 250
    paster = Paster(samples, PasteConfig(share=0.4, decoy_share=0.5, jitter=0.2))
    rng = np.random.default_rng(1)
    made = [paster(images[3], loader(images), rng) for _ in range(400)]
    defects = [m for m in made if m is not None and len(m.boxes_xyxy)]
    decoys = [m for m in made if m is not None and not len(m.boxes_xyxy)]
    assert len(defects) / 400 == pytest.approx(0.4, abs=0.08)
    assert len(decoys) / 400 == pytest.approx(0.3, abs=0.08)
    for one in defects:
        x1, y1, x2, y2 = one.boxes_xyxy[0].astype(int)
        assert one.image[y1:y2, x1:x2].min() > 150
        assert abs((x1 + x2) / 2 - 45) <= 20.5
        assert one.labels.tolist() == [1]
    assert max(int(one.image.max()) for one in decoys) < 60
    assert any((one.image != images[3]).any() for one in decoys)


def pasted_boxes(samples: list[Sample], config: PasteConfig, images: dict[int, np.ndarray], count: int) -> np.ndarray:
    """(n, 4) of `count` pastes on the last sample."""
    paster, rng = Paster(samples, config), np.random.default_rng(0)
    made = [paster(images[samples[-1].image_id], loader(images), rng) for _ in range(count)]
    return np.concatenate([one.boxes_xyxy for one in made if one is not None])


def test_where_every_place_is_alike_each_is_as_likely(make_sample: Callable[..., Sample]) -> None:
    samples = [make_sample(1, [[40, 40, 50, 50]]), make_sample(2)]
    images = {i: np.zeros((100, 100), np.uint8) for i in (1, 2)}
    boxes = pasted_boxes(samples, PasteConfig(share=1, jitter=1.0), images, 2000)
    corners = boxes[:, :2]
    assert corners.min() >= 0
    assert corners.max() <= 90
    quarters = np.histogram2d(*corners.T, bins=3, range=[[0, 90]] * 2)[0] / len(boxes)
    assert quarters == pytest.approx(np.full((3, 3), 1 / 9), abs=0.03)


def test_what_was_cut_at_an_edge_goes_to_that_edge(make_sample: Callable[..., Sample]) -> None:
    samples = [make_sample(1, [[40, 0, 50, 20], [97, 60, 100, 64]]), make_sample(2)]
    images = {i: np.zeros((100, 100), np.uint8) for i in (1, 2)}
    boxes = pasted_boxes(samples, PasteConfig(share=1, jitter=1.0), images, 400)
    upper = boxes[boxes[:, 2] - boxes[:, 0] == 10]
    right = boxes[boxes[:, 2] - boxes[:, 0] == 3]
    assert len(upper) + len(right) == len(boxes)
    assert (upper[:, 1] == 0).all()
    assert (right[:, 2] == 100).all()
    assert np.ptp(upper[:, 0]) > 60
    assert np.ptp(right[:, 1]) > 60


def test_a_stretched_patch_takes_its_box_along(make_sample: Callable[..., Sample]) -> None:
    samples = [make_sample(1, [[40, 40, 50, 60]]), make_sample(2)]
    images = {1: np.zeros((100, 100), np.uint8), 2: np.zeros((100, 100), np.uint8)}
    images[1][40:60, 40:50] = 200
    paster, rng = Paster(samples, PasteConfig(share=1, jitter=1.0, stretch=2.0)), np.random.default_rng(0)
    sides = []
    for _ in range(300):
        made = paster(images[2], loader(images), rng)
        assert made is not None
        (x1, y1, x2, y2), bright = made.boxes_xyxy[0], np.argwhere(made.image > 100)
        assert bright.min(axis=0) == pytest.approx([y1, x1], abs=1.5)
        assert bright.max(axis=0) + 1 == pytest.approx([y2, x2], abs=1.5)
        sides.append([x2 - x1, y2 - y1])
    assert np.min(sides, axis=0) == pytest.approx([5, 10], rel=0.05)
    assert np.max(sides, axis=0) == pytest.approx([20, 40], rel=0.05)


def test_a_donor_is_read_once_and_pasted_alike_each_time(make_sample: Callable[..., Sample]) -> None:
    samples = [make_sample(1, [[40, 40, 50, 50]]), make_sample(2)]
    images = {i: np.random.default_rng(i).integers(0, 99, (100, 100), dtype=np.uint8) for i in (1, 2)}
    paster, read = Paster(samples, PasteConfig(share=1, jitter=1.0, stretch=1.5)), []

    def load(sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        read.append(sample.image_id)
        return images[sample.image_id], sample.boxes_xyxy, np.arange(len(sample.boxes_xyxy))

    first, second = (paster(images[2], load, np.random.default_rng(3)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.image == second.image).all()
    assert first.boxes_xyxy.tolist() == second.boxes_xyxy.tolist()
    assert read == [1]


def test_near_boxes_are_cut_together(make_sample: Callable[..., Sample]) -> None:
    """A patch never holds half of a neighbour; the last box is near the first and third together, not one alone."""
    near = make_sample(1, [[10, 10, 20, 20], [60, 80, 70, 90], [25, 30, 30, 40], [8, 45, 12, 50]])
    assert [rows for _, rows in Paster([near], PasteConfig(share=1, jitter=0.1)).donors] == [(0, 2, 3), (1,)]
    samples = [make_sample(1, [[10, 10, 20, 20], [25, 12, 31, 20]]), make_sample(2)]
    images = {1: np.zeros((100, 100), np.uint8), 2: np.zeros((100, 100), np.uint8)}
    images[1][10:20, 10:20] = images[1][12:20, 25:31] = 200
    paster, rng = Paster(samples, PasteConfig(share=1, jitter=1.0)), np.random.default_rng(0)
    for _ in range(20):
        made = paster(images[2], loader(images), rng)
        assert made is not None
        assert (made.boxes_xyxy[1] - made.boxes_xyxy[0]).tolist() == [15, 2, 11, 0]
        assert made.labels.tolist() == [1, 1]
        for x1, y1, x2, y2 in made.boxes_xyxy.astype(int):
            assert (made.image[y1:y2, x1:x2] == 200).all()


def test_what_reaches_from_edge_to_edge_still_does(make_sample: Callable[..., Sample]) -> None:
    samples = [make_sample(1, [[0, 40, 100, 60]]), make_sample(2)]
    images = {i: np.zeros((100, 100), np.uint8) for i in (1, 2)}
    boxes = pasted_boxes(samples, PasteConfig(share=1, jitter=1.0, stretch=1.6, lengthen=4.0), images, 100)
    assert len(boxes) == 100
    assert boxes[:, [0, 2]] == pytest.approx(np.tile([0.0, 100.0], (100, 1)))
    assert np.ptp(boxes[:, 3] - boxes[:, 1]) > 10


def test_lines_become_longer_and_nothing_else_does(make_sample: Callable[..., Sample]) -> None:
    samples = [make_sample(1, [[40, 10, 42, 20], [60, 60, 70, 70]]), make_sample(2)]
    images = {i: np.zeros((100, 100), np.uint8) for i in (1, 2)}
    boxes = pasted_boxes(samples, PasteConfig(share=1, jitter=1.0, lengthen=20.0), images, 400)
    assert len(boxes) == 400
    sides = boxes[:, 2:] - boxes[:, :2]
    lines = sides[sides[:, 0] < 5]
    assert lines[:, 0] == pytest.approx(np.full(len(lines), 2.0))
    assert lines[:, 1].min() == pytest.approx(10, rel=0.05)
    assert lines[:, 1].max() == pytest.approx(76, rel=0.05)  # with a margin of 12 at either end it fits the image
    assert sides[sides[:, 0] > 5] == pytest.approx(np.full((400 - len(lines), 2), 10.0))


def test_a_line_is_judged_in_the_pixels_it_was_taken_in(make_sample: Callable[..., Sample]) -> None:
    """In a tall image squeezed to a square a round spot looks like a line, and a line like a spot."""
    samples = [make_sample(1, [[40, 40, 60, 60], [40, 100, 46, 124]], size_hw=(400, 100)), make_sample(2)]
    images = {i: np.zeros((100, 100), np.uint8) for i in (1, 2)}
    boxes = pasted_boxes(samples, PasteConfig(share=1, jitter=1.0, lengthen=4.0), images, 200)
    sides = boxes[:, 2:] - boxes[:, :2]
    spots, lines = sides[sides[:, 0] > 10], sides[sides[:, 0] < 10]
    assert len(spots) + len(lines) == 200
    assert spots == pytest.approx(np.tile([20.0, 5.0], (len(spots), 1)))
    assert lines[:, 0] == pytest.approx(np.full(len(lines), 6.0))
    assert lines[:, 1].min() == pytest.approx(6, rel=0.1)
    assert lines[:, 1].max() == pytest.approx(24, rel=0.1)


def test_without_boxes_nothing_is_pasted(make_sample: Callable[..., Sample]) -> None:
    paster = Paster([make_sample(1)], PasteConfig(share=1, jitter=0.1))
    assert (
        paster(np.zeros((9, 9), np.uint8), lambda s: (np.zeros((9, 9)), s.boxes_xyxy), np.random.default_rng()) is None
    )


def test_bad_shares_are_refused() -> None:
    with pytest.raises(InputError, match=r"paste\.share"):
        PasteConfig(share=1.5)
    with pytest.raises(InputError, match=r"paste\.stretch must be at least 1 and at most 4, not 0.5"):
        PasteConfig(stretch=0.5)
    with pytest.raises(InputError, match=r"paste\.lengthen must be at least 1 and at most 20, not 21"):
        PasteConfig(lengthen=21)
