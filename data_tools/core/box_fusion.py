"""Weighted boxes fusion: one set of boxes from those of several detectors (Solovyev, Wang & Gabruseva 2021)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import iou, weighed_mean

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Boxes = tuple[Floats, Floats, Labels]


def fuse_boxes(box_sets: Sequence[Boxes], overlap: float) -> Boxes:
    """Boxes of one image that overlap, joined to their mean; what few detectors see is less sure.

    From the surest box of all detectors to the least sure, each joins the box of its label that it overlaps most, or
    begins one of its own. A joint box is the mean of its members weighed by their scores, and its score their mean
    score, times the share of the detectors if it has fewer members than there are detectors.

    Args:
        box_sets: of each detector (n, 4) boxes, (n,) scores in 0..1 and (n,) labels.
        overlap: intersection over union above which a box joins.

    Returns:
        The same of the joint boxes, best first; equal scores stay in the order in which they began.
    """
    boxes = np.concatenate([np.zeros((0, 4)), *(one[0] for one in box_sets)])
    scores = np.concatenate([np.zeros(0), *(one[1] for one in box_sets)])
    labels = np.concatenate([np.zeros(0, dtype=np.int64), *(one[2] for one in box_sets)])
    members: list[list[int]] = []
    joint, joint_labels = np.zeros_like(boxes), np.zeros_like(labels)
    for i in np.argsort(-scores, kind="stable").tolist():
        count = len(members)
        overlaps = iou(boxes[i], joint[:count])[0] * (joint_labels[:count] == labels[i])
        place = int(overlaps.argmax()) if count else 0
        if not count or overlaps[place] <= overlap:
            place = count
            members.append([])
        members[place].append(i)
        joint[place], joint_labels[place] = weighed_mean(boxes[members[place]], scores[members[place]]), labels[i]
    count = len(members)
    joint_scores = np.array([scores[one].sum() / max(len(one), len(box_sets)) for one in members], dtype=np.float64)
    order = np.argsort(-joint_scores, kind="stable")
    return joint[:count][order], joint_scores[order], joint_labels[:count][order]
