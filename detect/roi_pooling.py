"""Pooling of boxes from a feature pyramid (RoIAlign: He et al., Mask R-CNN, 2017), fast on processors.

torchvision's kernel walks over channels one by one, and its gradient uses a single thread. Here the pyramid is one
table with a row of channels for each place, and a cell of a box is a weighted sum of 16 rows: an embedding bag, which
adds whole rows at once. The values are torchvision's up to rounding. Other devices keep torchvision's kernel, but not
its guess of the levels' scales from the first images it sees: of a narrow one, which is padded to half as much again or
more, the guess is twice the scale, and it is kept for all images to come.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import initLevelMapper

from data_tools.core.anchors import CANONICAL_LEVEL, CANONICAL_SIDE

_SAMPLES = 2  # a cell and axis
_CORNERS = 4  # places a cell and axis: each sample lies between two


class PyramidPool(MultiScaleRoIAlign):  # type: ignore[misc]
    """Pools each box from the level that fits its size.

    Args:
        strides: of the levels in input pixels, ascending powers of two.
        names: of the levels.
        cells: a side of a pooled box.
    """

    def __init__(self, strides: Sequence[int], names: Sequence[str], cells: int) -> None:
        super().__init__(list(names), output_size=cells, sampling_ratio=_SAMPLES)
        self.strides, self.cells = tuple(strides), cells
        self.scales = [1 / stride for stride in strides]
        first, last = (int(math.log2(stride)) for stride in (strides[0], strides[-1]))
        self.map_levels = initLevelMapper(first, last, CANONICAL_SIDE, CANONICAL_LEVEL)

    def forward(
        self, x: "OrderedDict[str, Tensor]", boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """Maps (images, c, h, w) by name, (n, 4) boxes an image in input pixels -> (sum of n, c, cells, cells)."""
        maps = [x[name] for name in self.featmap_names]
        if maps[0].device.type != "cpu":
            pooled: Tensor = super().forward(x, boxes, image_shapes)
            return pooled
        return _pool(maps, boxes, self.strides, self.cells)


def _pool(maps: Sequence[Tensor], boxes: Sequence[Tensor], strides: Sequence[int], cells: int) -> Tensor:
    channels = maps[0].shape[1]
    table = torch.cat([one.permute(0, 2, 3, 1).reshape(-1, channels) for one in maps]).float()
    heights, widths = (torch.tensor([one.shape[axis] for one in maps]) for axis in (2, 3))
    first_rows = functional.pad((len(maps[0]) * heights * widths).cumsum(0), (1, -1))
    xyxy = torch.cat(list(boxes)).detach()
    image = torch.cat([torch.full((len(one),), i) for i, one in enumerate(boxes)])
    level = _levels(xyxy, strides)
    height, width = heights[level], widths[level]
    scaled = xyxy / torch.tensor(strides, dtype=torch.float32)[level][:, None]
    columns, column_weights = _places(scaled[:, 0], scaled[:, 2], width, cells)
    rows, row_weights = _places(scaled[:, 1], scaled[:, 3], height, cells)
    # (boxes, cells down, cells across, places down, places across)
    starts = (first_rows[level] + image * height * width)[:, None, None, None, None]
    indices = starts + rows[:, :, None, :, None] * width[:, None, None, None, None] + columns[:, None, :, None, :]
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    flat = (len(xyxy) * cells**2, _CORNERS**2)
    pooled = functional.embedding_bag(
        indices.reshape(flat), table, per_sample_weights=weights.reshape(flat), mode="sum"
    )
    return pooled.reshape(len(xyxy), cells, cells, channels).permute(0, 3, 1, 2)


def _levels(boxes_xyxy: Tensor, strides: Sequence[int]) -> Tensor:
    """(n,) places in `strides` of the levels that fit the boxes' sizes (Lin et al. 2017, eq. 1)."""
    sides = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(dim=1).sqrt()
    levels = torch.floor(CANONICAL_LEVEL + torch.log2(sides / CANONICAL_SIDE) + 1e-6) - math.log2(strides[0])
    return levels.clamp(0, len(strides) - 1).long()


def _places(low: Tensor, high: Tensor, size: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Places (n, cells, 4) of the map under each cell's samples along one axis, and their weights, together 1 at most.

    Args:
        low, high: (n,) where the boxes begin and end, in places of the map.
        size: (n,) of the map.
        cells: of a box.
    """
    step = (high - low).clamp(min=1) / cells
    middles = (torch.arange(cells * _SAMPLES) + 0.5) / _SAMPLES
    samples = low[:, None] + step[:, None] * middles
    last = (size - 1)[:, None]
    inside = (samples >= -1) & (samples <= size[:, None])
    samples = torch.minimum(samples.clamp(min=0), last)
    before = samples.floor().long()
    after = torch.minimum(before + 1, last)
    share = samples - before
    places = torch.stack([before, after], dim=2)
    weights = torch.stack([1 - share, share], dim=2) * inside[:, :, None] / _SAMPLES
    shape = (len(low), cells, _CORNERS)
    return places.reshape(shape), weights.reshape(shape)
