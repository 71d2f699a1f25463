"""Shapes of the detector's anchors in input pixels, and which boxes they reach: arithmetic, shared with the audit."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_tools.core.checks import require, require_number

STRIDES = (4, 8, 16, 32, 64)  # of the detector's pyramid, in input pixels
CANONICAL_SIDE, CANONICAL_LEVEL = 224, 4  # a box of this side is pooled from level 4, of stride 16
_USUAL_RATIOS = (0.2, 0.5, 1.0, 2.0, 5.0)  # defects are long and thin, so these reach further than the usual 0.5..2
_CANDIDATES = tuple(float(2.0 ** (step / 2)) for step in range(-9, 10))  # 1/22.6 .. 22.6


@dataclass(frozen=True)
class AnchorConfig:
    """Anchor boxes of the region-proposal network.

    Attributes:
        scales: sides of the square anchors of each pyramid level, in strides of that level.
        ratios: height / width; null fits them to the training boxes, see `fit_ratios`.
        number: how many ratios to fit.
    """

    scales: tuple[float, ...] = (2.0, 2.83)
    ratios: tuple[float, ...] | None = None
    number: int = 6

    def __post_init__(self) -> None:
        require(len(self.scales) > 0, "model.anchors.scales", "have at least one scale", list(self.scales))
        require(self.ratios is None or len(self.ratios) > 0, "model.anchors.ratios", "have at least one ratio", "[]")
        for scale in self.scales:
            require_number("model.anchors.scales", scale, most=1000, above=0)
        for ratio in self.ratios or ():
            require_number("model.anchors.ratios", ratio, 0.001, 1000)
        require_number("model.anchors.number", self.number, 1, len(_CANDIDATES))

    @property
    def decided_ratios(self) -> tuple[float, ...]:
        """The ratios as given or fitted, and the usual ones as long as they are neither."""
        return _USUAL_RATIOS if self.ratios is None else tuple(self.ratios)


def resolve_anchors(config: AnchorConfig, strides: tuple[int, ...], boxes_hw: NDArray[np.float64]) -> AnchorConfig:
    """The same anchors with their ratios decided: as given, or fitted to (n, 2) heights and widths of boxes."""
    if config.ratios is not None:
        return config
    return replace(config, ratios=fit_ratios(config, strides, boxes_hw))


def fit_ratios(config: AnchorConfig, strides: tuple[int, ...], boxes_hw: NDArray[np.float64]) -> tuple[float, ...]:
    """`config.number` ratios, ascending, that bring anchors nearest to the boxes; the usual ones without boxes.

    Ratios are added one at a time, each the one of 19 candidates between 1/23 and 23 that raises the mean, over the
    boxes, of the best anchor's IoU most. Square anchors come first, because good images and new defects need them too;
    of those that raise it as much, as where boxes of one shape are reached, the one nearest to square.

    Args:
        config: its scales are taken as they are.
        strides: of the pyramid levels.
        boxes_hw: (n, 2) heights and widths of the training boxes, in input pixels.
    """
    if not len(boxes_hw):
        return _USUAL_RATIOS
    reach = {
        ratio: shape_iou(anchor_shapes(replace(config, ratios=(ratio,)), strides), boxes_hw).max(axis=0)
        for ratio in _CANDIDATES
    }
    chosen = [1.0]
    while len(chosen) < config.number:
        best = np.max([reach[ratio] for ratio in chosen], axis=0)
        gains = {ratio: float(np.maximum(best, reach[ratio]).mean()) for ratio in _CANDIDATES if ratio not in chosen}
        chosen.append(max(gains, key=lambda ratio: (gains[ratio], -abs(math.log(ratio)))))
    return tuple(sorted(chosen))


def level_sizes(config: AnchorConfig, strides: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """Anchor sides in input pixels for each pyramid level."""
    return tuple(tuple(scale * stride for scale in config.scales) for stride in strides)


def anchor_shapes(config: AnchorConfig, strides: tuple[int, ...]) -> NDArray[np.float64]:
    """(n, 2) heights and widths of all anchors, in input pixels."""
    sides = np.array([side for level in level_sizes(config, strides) for side in level])
    roots = np.sqrt(np.array(config.decided_ratios))
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
    """A few lines: the anchors in pixels and the share of the training boxes that they reach at IoU 0.5 and 0.7.

    Args:
        config: with its ratios.
        strides: of the pyramid levels.
        boxes_hw: (k, n, 2) heights and widths of n training boxes in the input pixels of k looks at their images, of
            which the one that suits a box best counts.
    """
    shapes = anchor_shapes(config, strides)
    ratios = config.decided_ratios
    sides = ", ".join(f"{np.sqrt(h * w):.0f}" for h, w in shapes[:: len(ratios)])
    text = f"anchors: sides {sides} input px, height / width {', '.join(f'{r:.3g}' for r in ratios)}"
    if not boxes_hw.shape[1]:
        return text + "; no training boxes to compare with"
    best = np.max([best_iou(config, strides, of_look) for of_look in boxes_hw], axis=0)
    reach = ", ".join(f"{(best >= t).mean():.1%} at IoU {t}" for t in (0.5, 0.7))
    where = ", in the whole image or a window" if len(boxes_hw) > 1 else ""
    return f"{text}; {boxes_hw.shape[1]} training boxes in reach: {reach}{where}"
