"""Random numbers of a training step that belong to an image, not to the process that happens to hold it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def generators_of(seed: int, place: int, number: int, device: torch.device) -> list[torch.Generator]:
    """A generator for each of `number` images, from the step's seed and the place of the first in the whole batch."""
    return [torch.Generator(device).manual_seed(seed + place + i) for i in range(number)]


class SampleDropout(nn.Dropout):
    """Dropout whose mask for an image comes from that image's generator."""

    def forward(self, values: Tensor, generators: Sequence[torch.Generator] | None = None) -> Tensor:
        """(n, ...) -> the same; without generators the mask comes from torch's global random numbers."""
        if generators is None or not self.training or self.p == 0:
            return super().forward(values)
        kept = [torch.rand(values.shape[1:], generator=one, device=values.device) >= self.p for one in generators]
        return values * torch.stack(kept) / (1 - self.p)
