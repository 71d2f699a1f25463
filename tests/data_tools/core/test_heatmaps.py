import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_tools.core.heatmaps import (
    boxes_to_map,
    cells_seen,
    is_transposed,
    map_to_boxes,
    normalise,
    peak,
    place_in_image,
    upsample,
)


def one_hot(shape: tuple[int, int], cell: tuple[int, int]) -> np.ndarray:
    heatmap = np.zeros(shape, dtype=np.float32)
    heatmap[cell] = 1.0
    return heatmap


def test_a_cell_centre_is_half_pixel_aligned() -> None:
    """Row 3, column 2 of a 7 x 7 map on 224 px: index (111.5, 79.5) as row and column, half a pixel more as edges."""
    found = peak(one_hot((7, 7), (3, 2)), (224, 224))
    assert found is not None
    assert found.xy == (80.0, 112.0)
    assert found.area_px == 32 * 32


def test_aligned_corners_and_nearest_would_be_wrong() -> None:
    """What the two usual mistakes cost at worst on 7 cells over 224 px."""
    cells = np.arange(7)
    right = (cells + 0.5) * 32 - 0.5
    corners = cells * 223 / 6
    assert np.abs(right - corners).max() == pytest.approx(15.5)
    assert peak(one_hot((7, 7), (0, 6)), (224, 224)).xy[0] - 0.5 == right[6] != corners[6]  # type: ignore[union-attr]
    full = upsample(one_hot((7, 7), (3, 2)), (224, 224))
    rows, columns = np.nonzero(full == full.max())
    assert (rows.mean(), columns.mean()) == (111.5, 79.5)


def test_non_square_images() -> None:
    found = peak(one_hot((9, 9), (0, 8)), (267, 275))
    assert found is not None
    assert found.xy == pytest.approx((8.5 * 275 / 9, 0.5 * 267 / 9))


def test_the_peak_is_the_centroid_of_the_first_plateau() -> None:
    heatmap = np.zeros((4, 6), dtype=np.float32)
    heatmap[1, 1] = heatmap[2, 2] = 1.0
    heatmap[0, 5] = 0.5
    heatmap[3, 5] = 1.0
    found = peak(heatmap, (4, 6))
    assert found is not None
    assert found.xy == (2.0, 2.0)
    assert found.area_px == 2.0


@pytest.mark.parametrize(
    "heatmap", [np.zeros((3, 3)), np.ones((3, 3)), -np.ones((3, 3)), [[np.nan, 1.0]], [[np.inf, 1.0]], [[-np.inf, 1.0]]]
)
def test_no_peak_is_invented(heatmap: np.ndarray) -> None:
    values = np.array(heatmap, dtype=np.float32)
    assert normalise(values) is None
    assert peak(values, (30, 30)) is None
    assert map_to_boxes(values, (30, 30), 0.5)[0].shape == (0, 4)


def test_a_map_that_is_nowhere_positive_has_a_maximum_like_any_other() -> None:
    heatmap = np.array([[-9.0, -9.0, -9.0], [-9.0, -1.0, -5.0]])
    assert normalise(heatmap).tolist() == [[0, 0, 0], [0, 1, 0.5]]  # type: ignore[union-attr]
    assert peak(heatmap, (2, 3)).xy == (1.5, 1.5)  # type: ignore[union-attr]
    assert map_to_boxes(heatmap, (2, 3), 0.9)[0].tolist() == [[1, 1, 2, 2]]
    assert peak(np.array([[0.0, -1.0]]), (1, 2)).xy == (0.5, 0.5)  # type: ignore[union-attr]


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e3, 1e6])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_is_added_to_a_whole_map_moves_no_peak(offset: float, kind: type) -> None:
    """Reconstruction errors and energies lie far above 0 and differ by little of it; rounding makes no peak."""
    heatmap = (np.array([[0.0, 0.1, 0.0, 0.5], [0.2, 0.0, 1.0, 0.1]]) + offset).astype(kind)
    assert peak(heatmap, (2, 4)).xy == (2.5, 1.5)  # type: ignore[union-attr]
    flat = np.full((2, 4), np.float32(1e6))
    flat[0, 0] = np.nextafter(flat[0, 0], np.float32(np.inf))
    assert peak(flat, (2, 4)).area_px == 8  # type: ignore[union-attr]


@given(
    arrays(np.float64, (4, 5), elements=st.integers(-6, 6)),
    st.sampled_from([1e-300, 1e-50, 1e-40, 1e-8, 1.0, 3e38, 1e300]),
)
def test_a_maps_scale_carries_no_meaning(heatmap: np.ndarray, scale: float) -> None:
    before, after = normalise(heatmap), normalise(heatmap * scale)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert np.allclose(before, after, atol=1e-6)
        assert peak(heatmap, (40, 50)) == peak(heatmap * scale, (40, 50))


@pytest.mark.parametrize(
    ("grid_hw", "size_hw", "transposed"),
    [
        ((120, 100), (100, 120), True),
        ((12, 10), (100, 120), True),
        ((100, 120), (100, 120), False),
        ((112, 112), (100, 120), False),
        ((100, 103), (103, 100), True),
        ((50, 51), (103, 100), False),
        ((3, 2), (100, 150), False),
    ],
)
def test_a_grid_on_its_side_is_told_from_the_image(
    grid_hw: tuple[int, int], size_hw: tuple[int, int], transposed: bool
) -> None:
    assert is_transposed(grid_hw, size_hw) == transposed


@given(
    arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(-5, 5, width=32)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_upsampling_is_torchs(heatmap: np.ndarray, size_hw: tuple[int, int]) -> None:
    import torch
    from torch.nn.functional import interpolate

    reference = interpolate(torch.from_numpy(heatmap)[None, None], size=size_hw, mode="bilinear", align_corners=False)
    assert np.allclose(upsample(heatmap, size_hw), reference[0, 0].numpy(), atol=1e-4)


@pytest.mark.parametrize("crop", [0, 10])
@pytest.mark.parametrize("seen", [40, 64, 97, 100, 111, 112, 127, 128])
def test_a_padded_inputs_map_lies_where_it_looked(seen: int, crop: int) -> None:
    """Cells of 32 px, each with the place of its middle as value: so has each cell of the image's map."""
    padded, size = 128, seen + 2 * crop
    ramp = np.broadcast_to(np.arange(16, 128, 32, dtype=np.float32)[:, None] + crop, (4, 4))
    window = (crop, crop, crop + seen, crop + seen)
    visible, covered = cells_seen(ramp, (seen, seen), (padded, padded), window)
    assert visible.shape[0] == -(-seen // 32)
    placed = place_in_image(visible, window, (size, size), covered)
    middles = (np.arange(len(placed)) + 0.5) * size / len(placed)
    shown = (middles >= crop) & (middles < crop + seen)
    assert shown.sum() >= seen // 32
    expected = np.clip(middles, 16 + crop, 32 * len(visible) - 16 + crop) * shown
    np.testing.assert_allclose(placed.max(axis=1), expected, rtol=1e-6)
    np.testing.assert_allclose(placed.max(axis=0) > 0, shown)


def test_map_to_boxes_finds_regions_best_first() -> None:
    heatmap = np.zeros((20, 30), dtype=np.float32)
    heatmap[2:5, 3:9] = 1.0
    heatmap[10:12, 20:21] = 0.75
    heatmap[15, 2] = 0.25
    boxes, highest = map_to_boxes(heatmap, (20, 30), 0.5)
    assert boxes.tolist() == [[3, 2, 9, 5], [20, 10, 21, 12]]
    assert highest.tolist() == pytest.approx([1.0, 0.75])
    assert map_to_boxes(heatmap, (20, 30), 0.5, min_area=3)[0].tolist() == [[3, 2, 9, 5]]


def test_boxes_to_map_peaks_at_the_box() -> None:
    heatmap = boxes_to_map(np.array([[40.0, 40, 60, 80]]), np.array([0.9]), (100, 200), (100, 200))
    found = peak(heatmap, (100, 200), tolerance=1e-3)
    assert found is not None
    assert found.xy == pytest.approx((50, 60), abs=0.6)
    assert heatmap.max() == pytest.approx(0.9, abs=0.01)
    assert heatmap[60, 55] == pytest.approx(
        0.9 * np.exp(-0.5 * (5.5 / 5) ** 2) * np.exp(-0.5 * (0.5 / 10) ** 2), rel=1e-3
    )


def test_two_boxes_add_as_noisy_or() -> None:
    box = np.array([[0.0, 0, 2, 2]])
    one = boxes_to_map(box, np.array([0.5]), (2, 2), (1, 1))
    two = boxes_to_map(np.repeat(box, 2, axis=0), np.array([0.5, 0.5]), (2, 2), (1, 1))
    assert one[0, 0] == pytest.approx(0.5)
    assert two[0, 0] == pytest.approx(0.75)


def test_boxes_of_a_large_map_are_those_of_a_small_one_times_its_size_and_take_little_memory() -> None:
    """12,000 x 9,000 px: read at 4 million places, 5.2 px apart."""
    heatmap = np.zeros((18, 24), dtype=np.float32)
    heatmap[4:7, 10:12], heatmap[15, 3] = 1.0, 0.8
    small, small_scores = map_to_boxes(heatmap, (900, 1200), 0.5)
    tracemalloc.start()
    try:
        large, large_scores = map_to_boxes(heatmap, (9000, 12000), 0.5)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(large, 10 * small, atol=11)
    np.testing.assert_allclose(large_scores, small_scores, atol=0.02)
    assert peak_bytes < 200e6


def test_the_least_area_is_in_pixels_of_the_image() -> None:
    heatmap = np.zeros((90, 120), dtype=np.float32)
    heatmap[40, 60] = 1.0
    (box,), _ = map_to_boxes(heatmap, (9000, 12000), 0.9)
    area = (box[2] - box[0]) * (box[3] - box[1])
    assert len(map_to_boxes(heatmap, (9000, 12000), 0.9, min_area=area / 4)[0]) == 1
    assert len(map_to_boxes(heatmap, (9000, 12000), 0.9, min_area=area * 2)[0]) == 0
