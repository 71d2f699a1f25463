"""Images that a set holds twice, under one name with two suffixes: one is kept, the others are listed."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_tools.core.records import GOOD, Sample
from data_tools.formats.images.derived_images import one_picture
from data_tools.formats.registry import Findings


def without_copies(samples: Sequence[Sample], root: Path, findings: Findings) -> list[Sample]:
    """The samples without those that show what another one of the same name shows; these are listed.

    Of a defect and a good image the defect is kept. Two defects with differing boxes are both kept.
    """
    by_stem: dict[str, list[Sample]] = {}
    for sample in samples:
        by_stem.setdefault(os.path.splitext(sample.path)[0].lower(), []).append(sample)
    dropped: set[str] = set()
    for twins in by_stem.values():
        if len(twins) < 2 or not one_picture([sample.path for sample in twins], root):
            continue
        first = max(twins, key=lambda sample: (sample.status != GOOD, len(sample.boxes_xyxy)))
        for sample in twins:
            if sample is not first and (sample.status == GOOD or _same_boxes(sample, first)):
                dropped.add(sample.path)
                findings.reject(root / sample.path, None, sample.path, f"a copy of {first.path} in another suffix")
    return [sample for sample in samples if sample.path not in dropped]


def _same_boxes(one: Sample, other: Sample) -> bool:
    return one.boxes_xyxy.shape == other.boxes_xyxy.shape and np.allclose(one.boxes_xyxy, other.boxes_xyxy)
