"""Regions of many planes at once: those of a label image for each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.heatmaps import rectangles_above, regions_within
from data_tools.core.plane_regions import plane_regions


def test_by_hand() -> None:
    """At 0.5 a ring that touches itself at corners, and a cell apart; at 1 the two highest cells."""
    full = np.array(
        [
            [0.0, 0.5, 0.0, 0.0, 1.0],
            [0.5, 0.0, 0.7, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0, 0.0],
        ],
        dtype=np.float32,
    )
    regions = plane_regions(np.stack([full >= 0.5, full >= 1.0]))
    assert regions.planes.tolist() == [0, 0, 1, 1]
    assert regions.boxes_xyxy.tolist() == [[0, 0, 3, 3], [4, 0, 5, 1], [4, 0, 5, 1], [1, 2, 2, 3]]
    assert regions.areas.tolist() == [4, 1, 1, 1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.integers(2, 9))
def test_as_label_images_have_them(seed: int, height: int, width: int, values: int) -> None:
    full = (np.random.default_rng(seed).integers(0, values, (height, width)) + 1).astype(np.float32)
    full /= full.max()
    fractions = [0.05, 0.3, 0.5, 0.75, 1.0]
    regions = plane_regions(np.stack([full >= fraction for fraction in fractions]))
    for i, fraction in enumerate(fractions):
        rectangle = rectangles_above(full.max(axis=0), full.max(axis=1), (fraction,))[0].tolist()
        wanted = regions_within(full, fraction, rectangle)
        own = regions.planes == i
        assert regions.boxes_xyxy[own].tolist() == wanted.boxes_xyxy.tolist()
        assert regions.areas[own].tolist() == wanted.areas.tolist()
