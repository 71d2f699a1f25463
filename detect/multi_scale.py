"""Training batches at sizes of their own, so that a defect is known near and far (He et al., ECCV 2014)."""

from dataclasses import replace

import torch
from torch.nn import functional

from data_tools.loading.batch import Batch
from data_tools.loading.input_config import in_strides


def at_random_size(batch: Batch, between: tuple[float, float]) -> Batch:
    """The batch with its boxes at a size drawn from `batch.seed`, alike in all processes that share the whole batch.

    Args:
        batch: images of any size.
        between: smallest and largest multiple of the batch's size; (1.0, 1.0) returns the batch as it is. Both sides
            become multiples of the coarsest stride, so their shape is kept up to that.
    """
    least, most = between
    if least == most == 1.0:
        return batch
    # drawn apart from the images' own random numbers, which start from the same seed
    drawn = torch.rand(1, generator=torch.Generator().manual_seed(batch.seed)).item()
    factor = least + (most - least) * drawn
    height, width = batch.images.shape[2:]
    new_hw = in_strides(height * factor), in_strides(width * factor)
    fy, fx = new_hw[0] / height, new_hw[1] / width
    gray = functional.interpolate(batch.images[:, :1], new_hw, mode="bilinear", antialias=True)
    scale = batch.images.new_tensor([fx, fy, fx, fy])
    sizes_hw = tuple((round(h * fy), round(w * fx)) for h, w in batch.sizes_hw)
    targets = tuple(target | {"boxes": target["boxes"] * scale} for target in batch.targets)
    return replace(batch, images=gray.expand(-1, 3, -1, -1), sizes_hw=sizes_hw, targets=targets)
