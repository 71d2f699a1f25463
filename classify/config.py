"""The classifier's settings, apart from the network, so that they are read without torch."""

from dataclasses import dataclass
from typing import Literal

from data_tools.core.checks import require_number


@dataclass(frozen=True)
class ClassifierConfig:
    """The classifier.

    Attributes:
        backbone: "simple_cnn", "resnet50", "vgg16", "tf_efficientnet_lite0", or any timm model that gives feature maps.
        weights: "defects" (the backbone of a detector trained on drawn defects), "package", "auto" (the first of these
            two that the backbone has), "timm", "torchvision:NAME", "none", the path of a .safetensors or .pth file, or
            the folder of a run; see `data_tools.networks.weights.Weights`.
        trainable: "all" fine-tunes the backbone, "none" trains the top layer only.
        batch_norm: whether the backbone's batch norm takes its statistics from the batch ("train") or keeps the
            pretrained ones ("frozen"), as a backbone that is not trained always does.
        dropout: before the linear layer.
        cam_stride: stride of the map that the class-activation map is taken from: 32 is the last one. `--cam auto`
            chooses it.
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "auto"
    trainable: Literal["all", "none"] = "all"
    batch_norm: Literal["train", "frozen"] = "train"
    dropout: float = 0.2
    cam_stride: Literal[8, 16, 32] = 32

    def __post_init__(self) -> None:
        require_number("model.dropout", self.dropout, 0, below=1)


@dataclass(frozen=True)
class LossConfig:
    """What is added to the cross-entropy; off by default.

    Attributes:
        cam_weight: weight of the loss that pulls the class-activation map into the boxes of the training images and
            flattens it on good ones, see `classify.cam_supervision`; 0 is off. The run has then used training boxes.
    """

    cam_weight: float = 0.0

    def __post_init__(self) -> None:
        require_number("loss.cam_weight", self.cam_weight, 0, 1e6)
