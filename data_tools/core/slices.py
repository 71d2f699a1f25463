"""Large images seen in overlapping windows: where the windows lie, and one set of boxes from what they show.

Slicing as in Akyon et al., Slicing Aided Hyper Inference (ICIP 2022). Parts of a defect that a seam divides are not
joined by their overlap alone, which a long defect makes small, but by what both windows can see of each other's box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import hull, iou, iou_in_pairs, weighed_mean

Window = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels, half-open."""

Joined = Literal["highest", "mean"]
Floats = NDArray[np.float64]
_AGREE = 0.5
_AT_SEAM = 0.02  # of a window's side: a box that ends so near to a seam is taken as cut by it


@dataclass(frozen=True)
class Seen:
    """What a window shows, all in pixels of the whole image.

    Attributes:
        window: that was looked at.
        boxes_xyxy: (n, 4) in it.
        scores: (n,) in 0..1.
        labels: (n,) int64.
    """

    window: Window
    boxes_xyxy: Floats
    scores: Floats
    labels: NDArray[np.int64]


def slices_of(within: Window, side: int, overlap: float) -> tuple[Window, ...]:
    """Windows that cover an area, row by row; neighbours share at least `overlap` of their side.

    Args:
        within: the area, such as a whole image.
        side: of a window; where the area is narrower, the window is as narrow.
        overlap: share 0..1, below 1.
    """
    x1, y1, x2, y2 = within
    columns, rows = _starts(x2 - x1, side, overlap), _starts(y2 - y1, side, overlap)
    return tuple((x1 + x, y1 + y, min(x1 + x + side, x2), min(y1 + y + side, y2)) for y in rows for x in columns)


def join_slices(
    looks: Sequence[Seen], image: Window, most: int | None = None, scores_of: Joined = "highest"
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The boxes of an image from those of its windows, best first: no defect twice, none cut at a seam.

    Two windows' boxes are the same defect if what both windows can see of them agrees: each box, cut at the other's
    window, overlaps the other with an IoU of at least 0.5. From the surest to the least sure, each box joins the group
    with the surest box it agrees with, at most one a window. A group becomes the mean, weighed by scores, of the
    boxes that no seam cuts; where seams cut all, the hull of them. Its score is the highest, or the mean of the whole
    look's and the highest of the others', 0 where one of them has no such box.

    Args:
        looks: of one image; the first one may be of the whole image, and is with the mean.
        image: all of it; its edges are no seams.
        most: only so many of the boxes that are surest by their highest score; the time grows with it, and all of them
            are compared without it.
        scores_of: what becomes of the scores.

    Returns:
        (n, 4) boxes, (n,) scores, (n,) labels.
    """
    scores = np.concatenate([np.zeros(0), *(one.scores for one in looks)])
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    boxes = np.concatenate([np.zeros((0, 4)), *(one.boxes_xyxy for one in looks)])[order]
    labels = np.concatenate([np.zeros(0, dtype=np.int64), *(one.labels for one in looks)])[order]
    source = np.repeat(np.arange(len(looks)), [len(one.boxes_xyxy) for one in looks])[order]
    windows = np.array([one.window for one in looks], dtype=np.float64).reshape(-1, 4)[source]
    groups: list[list[int]] = []
    agreeing: dict[int, set[int]] = {}  # of a box to come, the groups that it agrees with
    for i in range(len(boxes)):
        free = [g for g in agreeing.pop(i, ()) if source[i] not in source[groups[g]]]
        if free:
            place = min(free)  # groups begin in the order of their surest boxes
            groups[place].append(i)
        elif most is None or len(groups) < most:
            place = len(groups)
            groups.append([i])
        else:
            continue  # it would begin a group after the wanted ones
        others = i + 1 + np.flatnonzero(_touches(boxes[i], boxes[i + 1 :]))
        others = others[(labels[others] == labels[i]) & (source[others] != source[i])]
        for j in others[_agreement(boxes[i], windows[i], boxes[others], windows[others]) >= _AGREE].tolist():
            agreeing.setdefault(j, set()).add(place)
    cut = _is_cut(boxes, windows, np.array(image, dtype=np.float64))
    joined = np.array([_joined(boxes[one], scores[one], cut[one]) for one in groups]).reshape(-1, 4)
    of_groups = np.array([_score(scores[one], source[one] == 0, scores_of) for one in groups], dtype=np.float64)
    best_first = np.argsort(-of_groups, kind="stable")
    first = np.array([one[0] for one in groups], dtype=np.int64)[best_first]
    return joined[best_first], of_groups[best_first], labels[first]


def joined_score(whole: float, best_slice: float, scores_of: Joined) -> float:
    """What the score of the whole look and the highest of the slices become; of logits likewise."""
    return max(whole, best_slice) if scores_of == "highest" else 0.5 * (whole + best_slice)


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Where windows begin along one direction: as few as cover it, evenly."""
    if length <= side:
        return [0]
    step = max(side * (1 - overlap), 1.0)
    count = int(np.ceil((length - side) / step)) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


def _touches(box: Floats, others: Floats) -> NDArray[np.bool_]:
    """(n,) whether others (n, 4) share area with a box."""
    (x1, y1, x2, y2), (left, top, right, bottom) = box, others.T
    touches: NDArray[np.bool_] = (left < x2) & (right > x1) & (top < y2) & (bottom > y1)
    return touches


def _agreement(box: Floats, window: Floats, others: Floats, their_windows: Floats) -> Floats:
    """(n,) IoU of a box, cut at each of n windows, with that window's box, cut at the first box's window."""
    return iou_in_pairs(_clipped(np.broadcast_to(box, others.shape), their_windows), _clipped(others, window))


def _clipped(boxes: Floats, windows: Floats) -> Floats:
    """(n, 4) boxes cut at one window, or each at its own."""
    low, high = np.maximum(boxes[:, :2], windows[..., :2]), np.minimum(boxes[:, 2:], windows[..., 2:])
    return np.concatenate([low, high], axis=1)


def _is_cut(boxes: Floats, windows: Floats, image: Floats) -> NDArray[np.bool_]:
    """(n,) whether a box ends at an edge of its window that is no edge of the image."""
    near = _AT_SEAM * np.tile(windows[:, 2:] - windows[:, :2], 2)
    at_edge = np.abs(boxes - windows) <= near
    return np.asarray((at_edge & (windows != image)).any(axis=1))


def _score(scores: Floats, of_whole: NDArray[np.bool_], scores_of: Joined) -> float:
    """Of a group's scores; a look without such a box counts as 0."""
    return joined_score(float(scores[of_whole].max(initial=0.0)), float(scores[~of_whole].max(initial=0.0)), scores_of)


def _joined(boxes: Floats, scores: Floats, cut: NDArray[np.bool_]) -> Floats:
    if cut.all():
        return hull(boxes)
    kept = boxes[~cut]
    near = iou(kept[:1], kept)[0] >= _AGREE  # a part that ends before its seam is no view of the whole
    return weighed_mean(kept[near], scores[~cut][near])
