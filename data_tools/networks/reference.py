"""A branch that shows a network, beside a gray image, how far it is from good parts at each place."""

import torch
from torch import Tensor, nn

from data_tools.core.errors import InputError

_CHANNELS = 8
_SPREADS = 8.0  # in a difference of 1, see `data_tools.loading.reference`
_GAIN = 16.0  # AdamW moves each weight by at most the learning rate a step: so few weights would stay near zero


class ReferenceBranch(nn.Module):
    """Adds what it makes of the difference to the three equal channels of a gray image.

    Its last layer starts at zero (as in Zhang et al., ControlNet, ICCV 2023), so that training starts as without it.
    Whatever it learns comes as colour, which pretrained filters tell from gray, frozen ones too.

    Args:
        median, spread: (k, h, w) float32 of the reference, kept with the weights so that a checkpoint brings its own;
            None where each image has a template of its own.
    """

    median: Tensor | None
    spread: Tensor | None

    def __init__(self, median: Tensor | None = None, spread: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("median", median)
        self.register_buffer("spread", spread)
        with torch.random.fork_rng(devices=[]):  # the rest of the network starts from the weights it would have alone
            torch.manual_seed(0)
            self.seen = nn.Conv2d(1, _CHANNELS, 3, padding=1)
            self.shown = nn.Conv2d(_CHANNELS, 3, 1, bias=False)
        nn.init.zeros_(self.shown.weight)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 4, h, w), an image of three channels and its difference in -1..1 -> (n, 3, h, w)."""
        if images.shape[1] != 4:
            raise ValueError(f"images with their difference have 4 channels, not {images.shape[1]}")
        added: Tensor = self.shown(self.seen(_SPREADS * images[:, 3:]).relu())
        return images[:, :3] + _GAIN * added


def empty_branch(shape: tuple[int, ...]) -> ReferenceBranch:
    """A branch for a reference of that shape, to be filled from a checkpoint.

    Raises:
        InputError: no shape (k, h, w) of a reference.
    """
    if len(shape) != 3 or not all(0 < side <= 2**15 for side in shape):
        raise InputError(f"a reference of shape {list(shape)}: it must be products, height and width")
    return ReferenceBranch(torch.zeros(shape), torch.ones(shape))
