"""Label-only classifiers: a feature extractor, global average pooling, dropout and one linear layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from data_tools.core.checks import require_number
from data_tools.core.errors import InputError
from data_tools.loading.sample_random import SampleDropout
from data_tools.networks.backbones import Backbone, freeze, freeze_statistics


@dataclass(frozen=True)
class ClassifierConfig:
    """The classifier.

    Attributes:
        backbone: "simple_cnn", "resnet50", "vgg16", "tf_efficientnet_lite0", or any timm model that gives feature maps.
        weights: "package", "timm", "torchvision:NAME", "none", the path of a .safetensors or .pth file, or the folder
            of a run; see `data_tools.networks.weights.Weights`.
        trainable: "all" fine-tunes the backbone, "none" trains the top layer only.
        batch_norm: whether the backbone's batch norm takes its statistics from the batch ("train") or keeps the
            pretrained ones ("frozen"), as a backbone that is not trained always does.
        dropout: before the linear layer.
        cam_stride: stride of the map that the class-activation map is taken from: 32 is the last one. `--cam auto`
            chooses it.
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "package"
    trainable: Literal["all", "none"] = "all"
    batch_norm: Literal["train", "frozen"] = "train"
    dropout: float = 0.2
    cam_stride: Literal[8, 16, 32] = 32

    def __post_init__(self) -> None:
        require_number("model.dropout", self.dropout, 0, below=1)


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
        freeze(backbone, config.trainable)
        self.dropout = SampleDropout(config.dropout)
        self.linear = nn.Linear(backbone.channels[-1], 1)
        self.layer_of(config.cam_stride)  # a stride that the backbone lacks shall fail before the training

    def train(self, mode: bool = True) -> "Classifier":
        """Training mode; a frozen batch norm stays in evaluation mode."""
        super().train(mode)
        if self.config.trainable == "none" or self.config.batch_norm == "frozen":
            freeze_statistics(self.backbone)
        return self

    def forward(self, images: Tensor, generators: Sequence[torch.Generator] | None = None) -> Tensor:
        """(n, 3, h, w) in 0..1 -> (n, 1) logits; training takes a generator an image, for the dropout."""
        last = self.backbone(images.contiguous(memory_format=torch.channels_last))[-1]
        logits: Tensor = self.linear(self.dropout(last.mean(dim=(2, 3)), generators))
        return logits

    def layer_of(self, stride: int) -> nn.Module:
        """The layer with the map of that stride.

        Raises:
            InputError: the backbone has no such map.
        """
        if stride not in self.backbone.strides:
            raise InputError(f"the backbone has maps of strides {self.backbone.strides}, none of stride {stride}")
        return self.backbone.layers[self.backbone.strides.index(stride)]

    def pooled_weights(self, layer: nn.Module) -> Tensor | None:
        """(c,) weights of the linear layer if `layer` gives the map that is pooled for it; None for other layers."""
        return self.linear.weight[0] if layer is self.backbone.layers[-1] else None

    def parts(self) -> dict[str, nn.Module]:
        """Parts by name, for the table at the start."""
        return {"backbone": self.backbone, "top layer": self.linear}
