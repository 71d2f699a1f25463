import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.heatmaps import upsample
from data_tools.metrics.energy_pointing import energy_pointing

BOX = np.array([[0.0, 0, 2, 2]])


def test_by_hand() -> None:
    heatmap = np.zeros((4, 4), dtype=np.float32)
    heatmap[1, 1], heatmap[1, 2] = 3.0, 1.0
    found = energy_pointing(heatmap, BOX, (4, 4))
    assert found is not None
    assert (found.inside, found.lift) == pytest.approx((0.75, 3.0))


def test_a_uniform_map_has_no_lift() -> None:
    found = energy_pointing(np.ones((4, 4), dtype=np.float32), BOX, (4, 4))
    assert found is not None
    assert (found.inside, found.lift) == pytest.approx((0.25, 1.0))


@pytest.mark.parametrize("heatmap", [np.zeros((2, 2)), -np.ones((2, 2)), [[np.nan, 1.0]], [[np.inf, 1.0]]])
def test_without_energy_it_is_undefined(heatmap: np.ndarray) -> None:
    assert energy_pointing(np.array(heatmap, dtype=np.float32), BOX, (4, 4)) is None


@given(st.integers(0, 10_000))
def test_like_summing_the_pixels_of_the_upsampled_map(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = tuple(int(v) for v in rng.integers(8, 40, 2))
    heatmap = rng.normal(0, 1, rng.integers(1, 9, 2)).astype(np.float32) + np.float32(0.5)
    corners = rng.integers(0, min(size) - 2, (3, 2))
    boxes = np.concatenate([corners, corners + 1 + rng.integers(0, 5, (3, 2))], axis=1).astype(float)
    boxes = np.minimum(boxes, [size[1], size[0]] * 2)
    inside = np.zeros(size, dtype=bool)
    for x1, y1, x2, y2 in boxes.astype(int):
        inside[y1:y2, x1:x2] = True
    full = upsample(np.maximum(heatmap, 0), size)  # type: ignore[arg-type]
    found = energy_pointing(heatmap, boxes, size)  # type: ignore[arg-type]
    if full.sum() == 0:
        assert found is None
        return
    assert found is not None
    assert found.inside == pytest.approx(full[inside].sum() / full.sum(), abs=1e-5)
    assert found.lift == pytest.approx(found.inside / inside.mean(), rel=1e-5)
