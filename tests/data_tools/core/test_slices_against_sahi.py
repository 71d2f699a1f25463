"""SAHI (Akyon et al., ICIP 2022) is the oracle: we cut no box that its grid shows, and merge parts as it does."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sahi.postprocess.backends import set_postprocess_backend
from sahi.postprocess.combine import GreedyNMMPostprocess, NMSPostprocess
from sahi.prediction import ObjectPrediction
from sahi.slicing import get_slice_bboxes

from data_tools.core.geometry import iou
from data_tools.core.slices import Seen, Window, join_slices, slices_of

Floats = NDArray[np.float64]

set_postprocess_backend("numpy")


def windows_of_sahi(size_hw: tuple[int, int], side: int, overlap: float) -> list[Window]:
    height, width = size_hw
    found = get_slice_bboxes(height, width, side, side, False, overlap, overlap)
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in found]


def is_whole_in(windows: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """(n,) whether some window holds all of a box."""
    low = (windows[None, :, :2] <= boxes[:, None, :2]).all(axis=2)
    high = (windows[None, :, 2:] >= boxes[:, None, 2:]).all(axis=2)
    return np.asarray((low & high).any(axis=1))


@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.integers(8, 120),
    st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75]),
    st.integers(0, 10_000),
)
def test_our_windows_show_whole_what_sahi_s_show_whole(
    height: int, width: int, side: int, overlap: float, seed: int
) -> None:
    """Boxes no longer than the overlap, which is what an overlap promises; and both cover each pixel."""
    ours = np.array(slices_of((0, 0, width, height), side, overlap), dtype=float)
    theirs = np.array(windows_of_sahi((height, width), side, overlap), dtype=float)
    rng = np.random.default_rng(seed)
    most = np.minimum(max(int(overlap * side), 1), (width, height))
    extents = rng.integers(1, most + 1, (60, 2))
    corners = rng.integers(0, np.array((width, height)) - extents + 1)
    boxes = np.concatenate([corners, corners + extents], axis=1).astype(float)
    assert is_whole_in(ours, boxes)[is_whole_in(theirs, boxes)].all()
    assert is_whole_in(ours, boxes).all()


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 6), st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75]))
def test_our_windows_are_as_many_as_sahi_s(height: int, width: int, twenties: int, overlap: float) -> None:
    """Of a side of which the overlap is a whole number of pixels; else SAHI rounds the overlap down."""
    side = 20 * twenties
    assert len(slices_of((0, 0, width, height), side, overlap)) == len(windows_of_sahi((height, width), side, overlap))


def merged_by_sahi(post: GreedyNMMPostprocess | NMSPostprocess, looks: list[Seen]) -> Floats:
    """(n, 4) boxes that SAHI makes of the same looks."""
    predictions = [
        ObjectPrediction(bbox=box.tolist(), category_id=0, score=float(score), full_shape=[400, 400])
        for look in looks
        for box, score in zip(look.boxes_xyxy, look.scores, strict=True)
    ]
    return np.array([one.bbox.to_xyxy() for one in post(predictions)], dtype=float).reshape(-1, 4)


def apart(rng: np.random.Generator, count: int, most: float) -> Floats:
    """Boxes that neither touch nor overlap, in an image of 300 x 200."""
    boxes: list[Floats] = []
    for _ in range(count):
        corner, extent = rng.uniform([0, 0], [300 - most, 200 - most]), rng.uniform(5, most, 2)
        box = np.concatenate([corner, corner + extent])
        if all(iou(box[None] + [-3, -3, 3, 3], other[None])[0, 0] == 0 for other in boxes):
            boxes.append(box)
    return np.stack(boxes)


def looks_at(truth: Floats, windows: list[Window], least: float, noise: float, rng: np.random.Generator) -> list[Seen]:
    """What a detector sees in each window that shows at least so much of a box; the more it shows, the surer."""
    looks = []
    for window in windows:
        cut = np.concatenate([np.maximum(truth[:, :2], window[:2]), np.minimum(truth[:, 2:], window[2:])], axis=1)
        shown = (cut[:, 2:] - cut[:, :2]).clip(min=0).prod(axis=1) / (truth[:, 2:] - truth[:, :2]).prod(axis=1)
        kept = np.clip(
            cut[shown >= least] + rng.uniform(-noise, noise, (int((shown >= least).sum()), 4)),
            np.tile(window[:2], 2),
            np.tile(window[2:], 2),
        )
        scores = 0.5 + 0.4 * shown[shown >= least] + rng.uniform(0, 0.01, len(kept))
        looks.append(Seen(window, kept, scores, np.ones(len(kept), dtype=np.int64)))
    return looks


def assert_same(ours: Floats, theirs: Floats, least: float) -> None:
    """One of ours for each of SAHI's and no more."""
    overlaps = iou(ours, theirs)
    assert len(ours) == len(theirs)
    assert (overlaps.max(axis=0) >= least).all()
    assert (overlaps.max(axis=1) >= least).all()


@given(st.integers(0, 10_000), st.sampled_from([0.25, 0.4, 0.5]))
def test_parts_at_seams_become_the_box_that_sahi_merges_them_to(seed: int, overlap: float) -> None:
    """Greedy non-maximum merging by intersection over the smaller area, SAHI's default: no double, none lost."""
    rng = np.random.default_rng(seed)
    side, image = 64, (0, 0, 300, 200)
    truth = apart(rng, 10, side * overlap - 1)
    looks = looks_at(truth, windows_of_sahi((200, 300), side, overlap), 0.4, 0.0, rng)
    theirs = merged_by_sahi(GreedyNMMPostprocess(0.5, "IOS", False), looks)
    ours, _, _ = join_slices(looks, image)
    assert len(theirs) == len(truth)
    assert_same(ours, theirs, 0.9)


@given(st.integers(0, 10_000), st.sampled_from([0.25, 0.5]))
def test_whole_boxes_of_several_windows_become_as_many_as_suppression_leaves(seed: int, overlap: float) -> None:
    """Boxes that no seam cuts, each seen a little elsewhere in each window: plain suppression says how many."""
    rng = np.random.default_rng(seed)
    side, image = 64, (0, 0, 300, 200)
    truth = apart(rng, 10, side * overlap - 1)
    looks = looks_at(truth, list(slices_of(image, side, overlap)), 1.0, 0.4, rng)
    theirs = merged_by_sahi(NMSPostprocess(0.5, "IOU", False), looks)
    ours, _, _ = join_slices(looks, image)
    assert len(theirs) == len(truth)
    assert_same(ours, theirs, 0.6)
