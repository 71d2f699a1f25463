"""Heat maps on their native grid: normalising, the peak, and the way between maps and boxes.

Cell (r, c) of an R x C map over an image of height H and width W covers an equal share of it, so its centre lies at
x = (c + 0.5) W / C, y = (r + 0.5) H / R: half-pixel alignment, align_corners=False in torch's terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Prediction, empty_boxes

Map = NDArray[np.float32]
AnyMap = NDArray[np.floating[Any]]
_TELLING_CELLS = 5
_MOST_READ = 4_000_000  # places of a map
_MOST_KEPT = 1_000_000  # weights of one matrix; 64 are kept
_ON_PIXELS = 1e-6
_ROUNDING = float(np.finfo(np.float32).eps)
_NEIGHBOURS = np.ones((3, 3))


@dataclass(frozen=True)
class Peak:
    """Where a map is highest: x and y in image pixels, and the area in square pixels of the plateau around it."""

    xy: tuple[float, float]
    area_px: float


def normalise(heatmap: AnyMap) -> Map | None:
    """The positive part scaled to a maximum of 1; None where a map is flat or not finite.

    A map that is nowhere positive, such as one of log likelihoods, has a maximum like any other: its lowest value
    counts as 0. Only the order of a map's values and their ratios carry meaning, so a map times 1e-50 is the same map.
    """
    values = _positive(heatmap)
    return None if values is None else values.astype(np.float32)


def _positive(heatmap: AnyMap) -> NDArray[np.float64] | None:
    """What `normalise` gives, with the differences that are lost in float32."""
    values = np.asarray(heatmap, dtype=np.float64)
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all() or values.max() == values.min():
        return None
    values = values / np.abs(values).max()
    if values.max() <= 0:
        values = values - values.min()
    return np.asarray(np.maximum(values, 0.0) / values.max())


def peak(heatmap: AnyMap, size_hw: tuple[float, float], tolerance: float = 1e-6) -> Peak | None:
    """Centroid of the connected plateau that holds the first maximum; None (an abstention) for a map without one.

    Args:
        heatmap: (rows, columns) on its native grid.
        size_hw: height and width of the image in pixels.
        tolerance: cells within this share of the map's range, or one rounding of float32, belong to the plateau,
            however far above 0 all of it lies; neighbours touch at sides or corners.
    """
    values = _positive(heatmap)
    if values is None:
        return None
    from scipy import ndimage

    slack = max(tolerance * (1.0 - float(values.min())), _ROUNDING)
    plateaus, _ = ndimage.label(values >= 1.0 - slack, structure=_NEIGHBOURS)
    first = plateaus.ravel()[int(values.argmax())]
    rows, columns = np.nonzero(plateaus == first)
    cell_h, cell_w = size_hw[0] / values.shape[0], size_hw[1] / values.shape[1]
    centre = (float((columns.mean() + 0.5) * cell_w), float((rows.mean() + 0.5) * cell_h))
    return Peak(centre, float(len(rows) * cell_h * cell_w))


def local_maxima(heatmap: Map, size_hw: tuple[int, int]) -> NDArray[np.float64]:
    """(n, 2) centres in pixels, as x and y, of the positive cells that no neighbour exceeds, highest first.

    Empty for a map without a peak. A plateau gives one point for each of its cells.
    """
    values = normalise(heatmap)
    if values is None:
        return np.zeros((0, 2))
    from scipy import ndimage

    rows, columns = np.nonzero((values == ndimage.maximum_filter(values, size=3, mode="nearest")) & (values > 0))
    order = np.argsort(-values[rows, columns], kind="stable")
    cell_h, cell_w = size_hw[0] / values.shape[0], size_hw[1] / values.shape[1]
    return np.stack([(columns[order] + 0.5) * cell_w, (rows[order] + 0.5) * cell_h], axis=1)


def is_transposed(grid_hw: tuple[int, ...], size_hw: tuple[int, int]) -> bool:
    """Whether a map's grid has the shape of the image on its side: as high as the image is wide, in proportion.

    Where the image is nearly square nothing can be told, and a grid of few cells fits by chance.
    """
    (rows, columns), (height, width) = grid_hw, size_hw
    if height == width or min(rows, columns) < _TELLING_CELLS:
        return False
    if (rows, columns) == (width, height):
        return True
    if max(height, width) < 1.05 * min(height, width):
        return False
    return abs(rows / columns * height / width - 1) < 0.02


def upsample(heatmap: Map, size_hw: tuple[int, int]) -> Map:
    """Bilinear, half-pixel aligned: (rows, columns) -> (height, width) float32."""
    values = np.asarray(heatmap, dtype=np.float64)
    down, across = (interpolation_weights(t, s) for t, s in zip(size_hw, values.shape, strict=True))
    return (down @ values @ across.T).astype(np.float32)


def full_size(heatmap: Map, size_hw: tuple[int, int]) -> Map | None:
    """The map upsampled to the image, its positive part scaled to a maximum of 1; None for a flat map."""
    values = normalise(heatmap)
    return None if values is None else normalise(upsample(values, size_hw))


@dataclass(frozen=True)
class Regions:
    """8-connected regions of a map: (n, 4) boxes and (n,) areas in its cells, and what `highest` needs."""

    boxes_xyxy: NDArray[np.float64]
    areas: NDArray[np.int64]
    _numbers: NDArray[np.int32]
    _values: Map

    @property
    def highest(self) -> NDArray[np.float64]:
        """(n,) maximum of the map in each region."""
        maxima = np.zeros(len(self.areas) + 1, dtype=np.float32)
        inside = self._numbers > 0
        np.maximum.at(maxima, self._numbers[inside], self._values[inside])
        return maxima[1:].astype(np.float64)


def regions_above(full: Map, fraction: float) -> Regions:
    """The regions where a map with a maximum of 1 reaches `fraction`, in the order of their first cell."""
    return regions_within(full, fraction, rectangles_above(full.max(axis=0), full.max(axis=1), (fraction,))[0].tolist())


def rectangles_above(column_maxima: Map, row_maxima: Map, fractions: Sequence[float]) -> NDArray[np.int64]:
    """(..., fractions, 4) x1, y1, x2, y2 in cells around all that reaches each fraction of a map with a maximum of 1.

    Args:
        column_maxima, row_maxima: (..., columns) and (..., rows) the highest value of each, of one map or of several.
        fractions: above 0, at most 1.
    """
    bars = np.array(fractions, dtype=np.float32)[:, None]
    reached = [maxima[..., None, :] >= bars for maxima in (column_maxima, row_maxima)]
    first = [one.argmax(axis=-1) for one in reached]
    last = [one.shape[-1] - one[..., ::-1].argmax(axis=-1) for one in reached]
    return np.stack([*first, *last], axis=-1)


def regions_within(full: Map, fraction: float, rectangle_xyxy: Sequence[int]) -> Regions:
    """`regions_above` where the rectangle around all regions is known: they are small and images large."""
    from scipy import ndimage

    left, top, right, bottom = rectangle_xyxy
    part = full[top:bottom, left:right]
    numbers, count = ndimage.label(part >= fraction, structure=_NEIGHBOURS)
    boxes = [(x.start + left, y.start + top, x.stop + left, y.stop + top) for y, x in ndimage.find_objects(numbers)]
    areas = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    return Regions(np.array(boxes, dtype=np.float64).reshape(-1, 4), areas, numbers, part)


Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


def cells_seen(heatmap: Map, seen_hw: tuple[int, int], padded_hw: tuple[int, int], window_xyxy: Box) -> tuple[Map, Box]:
    """The cells of a map over a padded input that show the image, and which part of it they cover.

    The last ones may show padding too, so that the part reaches beyond the window that was seen.

    Args:
        heatmap: (rows, columns) over the padded input.
        seen_hw: height and width of the image in the input; it is padded at the right and bottom.
        padded_hw: height and width of the whole input.
        window_xyxy: of the image that was seen, in its pixels.

    Returns:
        (rows, columns), at least one each, and x1, y1, x2, y2 in the image's pixels.
    """
    (rows, columns), (left, top, right, bottom) = heatmap.shape, window_xyxy
    down, across = (-(-g * s // p) for g, s, p in zip((rows, columns), seen_hw, padded_hw, strict=True))
    x2 = left + (right - left) * (across * padded_hw[1]) / (columns * seen_hw[1])
    y2 = top + (bottom - top) * (down * padded_hw[0]) / (rows * seen_hw[0])
    return heatmap[:down, :across], (left, top, x2, y2)


def place_in_image(
    heatmap: Map, window_xyxy: tuple[int, int, int, int], size_hw: tuple[int, int], covered_xyxy: Box | None = None
) -> Map:
    """A map of a window of an image as a map of the whole image, with cells of about the same size.

    Bilinear inside the window, 0 outside it. A map that covers the whole image stays as it is.

    Args:
        heatmap: (rows, columns).
        window_xyxy: x1, y1, x2, y2 in image pixels.
        size_hw: height and width of the image in pixels.
        covered_xyxy: what the map covers, such as more than the window; None is the window.
    """
    covered = window_xyxy if covered_xyxy is None else covered_xyxy
    if covered == (0, 0, size_hw[1], size_hw[0]):
        return heatmap
    values = np.asarray(heatmap, dtype=np.float64)
    sides = []
    for axis, pixels, cells in zip((1, 0), size_hw, values.shape, strict=True):
        low, high = covered[axis], covered[axis + 2]
        count = max(round(pixels * cells / (high - low)), 1)
        centres = (np.arange(count) + 0.5) * pixels / count
        inside = (centres >= window_xyxy[axis]) & (centres < window_xyxy[axis + 2])
        sides.append(inside[:, None] * _interpolation((centres - low) * cells / (high - low) - 0.5, cells))
    placed: Map = (sides[0] @ values @ sides[1].T).astype(np.float32)
    return placed


def map_to_boxes(
    heatmap: Map, size_hw: tuple[int, int], fraction: float, min_area: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes around the 8-connected regions where the upsampled map reaches `fraction` of its maximum.

    The map is read at every pixel; of an image above 4 million pixels at so many, and edges lie between those.

    Args:
        heatmap: (rows, columns) on its native grid.
        size_hw: height and width of the image in pixels.
        fraction: 0..1 of the maximum; to be chosen on validation.
        min_area: regions with fewer pixels are left out.

    Returns:
        (n, 4) boxes and (n,) maxima of their regions in 0..1, highest first. Empty for a flat map.
    """
    read_hw = _read_size(size_hw)
    full = full_size(heatmap, read_hw)
    if full is None:
        return empty_boxes(), np.zeros(0)
    regions = regions_above(full, fraction)
    down, across = size_hw[0] / read_hw[0], size_hw[1] / read_hw[1]
    highest = regions.highest
    order = np.argsort(-highest, kind="stable")
    order = order[regions.areas[order] * down * across >= min_area]
    return regions.boxes_xyxy[order] * np.array([across, down, across, down]), highest[order]


def _read_size(size_hw: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) at which a map of an image of this size is read: edges of boxes lie between them."""
    shrunk = min((_MOST_READ / (size_hw[0] * size_hw[1])) ** 0.5, 1.0)
    return max(round(size_hw[0] * shrunk), 1), max(round(size_hw[1] * shrunk), 1)


def are_cut_from_maps(predictions: Sequence[Prediction]) -> bool:
    """Whether all boxes, and there are some, look cut out of maps: of class 1, beside one, on whole pixels.

    Such boxes name no type. Boxes that a network places lie anywhere between the pixels.
    """
    with_some = [one for one in predictions if len(one.boxes_xyxy)]
    return bool(with_some) and all(map(_is_cut, with_some))


def _is_cut(prediction: Prediction) -> bool:
    if prediction.heatmap is None or (prediction.box_labels != 1).any():
        return False
    (rows, columns), (height, width) = _read_size(prediction.size_hw), prediction.size_hw
    at = prediction.boxes_xyxy * (np.array([columns, rows] * 2) / np.array([width, height] * 2))
    return bool((np.abs(at - at.round()) < _ON_PIXELS).all())


def boxes_to_map(
    boxes_xyxy: NDArray[np.float64], scores: NDArray[np.float64], size_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> Map:
    """Noisy-or of one Gaussian a box, sigma a quarter of its side, height its score in 0..1: (rows, columns)."""
    cell = np.array([size_hw[1] / grid_hw[1], size_hw[0] / grid_hw[0]])
    missed = np.ones(grid_hw)
    for box, score in zip(boxes_xyxy, scores, strict=True):
        middle, sigma = (box[:2] + box[2:]) / 2, np.maximum((box[2:] - box[:2]) / 4, 1e-9)
        # beyond five sigma a Gaussian is below 4e-6, less than maps are stored with
        low = np.maximum(np.floor((middle - 5 * sigma) / cell), 0).astype(np.int64)
        high = np.ceil((middle + 5 * sigma) / cell).astype(np.int64)
        across, down = (
            np.exp(
                -0.5 * (((np.arange(low[i], min(high[i], grid_hw[1 - i])) + 0.5) * cell[i] - middle[i]) / sigma[i]) ** 2
            )
            for i in (0, 1)
        )
        # in place: fresh memory for each step costs more time than the arithmetic
        left = down[:, None] * across
        left *= score
        np.subtract(1.0, left, out=left)
        missed[low[1] : low[1] + len(down), low[0] : low[0] + len(across)] *= left
    return np.subtract(1.0, missed, out=missed).astype(np.float32)


def interpolation_weights(target: int, source: int) -> NDArray[np.float64]:
    """(target, source) read-only matrix of half-pixel aligned linear interpolation along one axis, clamped."""
    return (_kept_weights if target * source <= _MOST_KEPT else _weights)(target, source)


def _weights(target: int, source: int) -> NDArray[np.float64]:
    matrix = _interpolation((np.arange(target) + 0.5) * source / target - 0.5, source)
    matrix.flags.writeable = False
    return matrix


_kept_weights = lru_cache(maxsize=64)(_weights)


def _interpolation(places: NDArray[np.float64], source: int) -> NDArray[np.float64]:
    """(places, source) matrix of linear interpolation along one axis, clamped at both ends."""
    place = np.clip(places, 0, source - 1)
    low = np.minimum(np.floor(place).astype(np.int64), max(source - 2, 0))
    share = place - low
    matrix = np.zeros((len(place), source))
    rows = np.arange(len(place))
    matrix[rows, low] += 1.0 - share
    matrix[rows, np.minimum(low + 1, source - 1)] += share
    return matrix
