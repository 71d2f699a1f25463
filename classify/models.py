"""Label-only classifiers: a feature extractor, global average pooling, dropout and one linear layer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from classify.config import ClassifierConfig
from data_tools.loading.sample_random import SampleDropout
from data_tools.networks.backbones import Backbone, freeze_statistics
from data_tools.networks.pooling import mean_pool, own_cells


class Classifier(nn.Module):
    """Images -> a defect logit each.

    Args:
        backbone: its last map feeds the head.
        config: see `ClassifierConfig`.

    Raises:
        InputError: the backbone has no map of `config.cam_stride`.
    """

    def __init__(self, backbone: Backbone, config: ClassifierConfig) -> None:
        super().__init__()
        self.config, self.backbone = config, backbone
        backbone.body.requires_grad_(config.trainable == "all")  # what a reference shows is always learned
        self.dropout = SampleDropout(config.dropout)
        self.linear = nn.Linear(backbone.channels[-1], 1)
        self.backbone.layer_of(config.cam_stride)  # a stride that the backbone lacks shall fail before the training

    def train(self, mode: bool = True) -> "Classifier":
        """Training mode; a frozen batch norm stays in evaluation mode."""
        super().train(mode)
        if self.config.trainable == "none" or self.config.batch_norm == "frozen":
            freeze_statistics(self.backbone)
        return self

    def forward(
        self,
        images: Tensor,
        generators: Sequence[torch.Generator] | None = None,
        sizes_hw: Sequence[tuple[int, int]] = (),
    ) -> Tensor:
        """(n, 3, h, w) in 0..1 -> (n, 1) logits.

        Training takes a generator an image, for the dropout, and where images are padded their own heights and widths.
        """
        last = self.backbone(images.contiguous(memory_format=torch.channels_last))[-1]
        padded_hw, grid_hw = (images.shape[2], images.shape[3]), (last.shape[2], last.shape[3])
        own = [own_cells(size_hw, padded_hw, grid_hw, self.backbone.strides[-1]) for size_hw in sizes_hw]
        pooled = mean_pool(last, own, grid_hw)
        logits: Tensor = self.linear(self.dropout(pooled, generators))
        return logits

    def pooled_weights(self, layer: nn.Module) -> Tensor | None:
        """(c,) weights of the linear layer if `layer` gives the map that is pooled for it; None for other layers."""
        return self.linear.weight[0] if layer is self.backbone.layers[-1] else None

    def parts(self) -> dict[str, nn.Module]:
        """Parts by name, for the table at the start."""
        return {"backbone": self.backbone, "top layer": self.linear}
