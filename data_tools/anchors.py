"""Shapes of the detector's anchors in input pixels, and which boxes they reach: arithmetic, shared with the audit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRIDES = (4, 8, 16, 32, 64)  # of the detector's pyramid, in input pixels


@dataclass(frozen=True)
class AnchorConfig:
    """Anchor boxes of the region-proposal network.

    Attributes:
        scales: sides of the square anchors of each pyramid level, in strides of that level.
        ratios: height / width. Defects are long and thin, so these reach further than the usual 0.5..2.
    """

    scales: tuple[float, ...] = (2.5, 4.0)
    ratios: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0)


def level_sizes(config: AnchorConfig, strides: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """Anchor sides in input pixels for each pyramid level."""
    return tuple(tuple(scale * stride for scale in config.scales) for stride in strides)


def anchor_shapes(config: AnchorConfig, strides: tuple[int, ...]) -> NDArray[np.float64]:
    """(n, 2) heights and widths of all anchors, in input pixels."""
    sides = np.array([side for level in level_sizes(config, strides) for side in level])
    roots = np.sqrt(np.array(config.ratios))
    heights, widths = sides[:, None] * roots[None, :], sides[:, None] / roots[None, :]
    return np.stack([heights.ravel(), widths.ravel()], axis=1)


def shape_iou(shapes_hw: NDArray[np.float64], boxes_hw: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) IoU of boxes with a common centre: the best that an anchor of that shape can reach."""
    overlap = np.minimum(shapes_hw[:, None], boxes_hw[None]).prod(axis=2)
    union = shapes_hw.prod(axis=1)[:, None] + boxes_hw.prod(axis=1)[None] - overlap
    quotient: NDArray[np.float64] = overlap / union
    return quotient


def best_iou(config: AnchorConfig, strides: tuple[int, ...], boxes_hw: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) the best IoU that any anchor can reach with each of (m, 2) box heights and widths in input pixels."""
    best: NDArray[np.float64] = shape_iou(anchor_shapes(config, strides), boxes_hw).max(axis=0)
    return best


def describe_anchors(config: AnchorConfig, strides: tuple[int, ...], boxes_hw: NDArray[np.float64]) -> str:
    """A few lines: the anchors in pixels and the share of (n, 2) training boxes they reach at IoU 0.5 and 0.7."""
    shapes = anchor_shapes(config, strides)
    sides = ", ".join(f"{np.sqrt(h * w):.0f}" for h, w in shapes[:: len(config.ratios)])
    text = f"anchors: sides {sides} px, height / width {', '.join(f'{r:g}' for r in config.ratios)}"
    if not len(boxes_hw):
        return text + "; no training boxes to compare with"
    best = best_iou(config, strides, boxes_hw)
    reach = ", ".join(f"{(best >= t).mean():.1%} at IoU {t}" for t in (0.5, 0.7))
    return f"{text}; {len(boxes_hw)} training boxes in reach: {reach}"
