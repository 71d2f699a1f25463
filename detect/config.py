"""The detector's settings, in groups: the network, its box heads, what teaches them, the losses, and prediction."""

from dataclasses import dataclass, field
from typing import Literal

from data_tools.core.anchors import AnchorConfig
from data_tools.core.checks import require, require_number


@dataclass(frozen=True)
class HeadConfig:
    """The box heads.

    Attributes:
        count: heads in a row, each refining the boxes of the one before; 1 is Faster R-CNN, more are Cascade R-CNN.
        channels: width of a head's two linear layers.
    """

    count: Literal[1, 2, 3] = 2
    channels: int = 256

    def __post_init__(self) -> None:
        require(self.count in (1, 2, 3), "model.heads.count", "be 1, 2 or 3", self.count)
        require_number("model.heads.channels", self.channels, 1, 2**14)


@dataclass(frozen=True)
class SamplingConfig:
    """Which boxes teach the box heads.

    Attributes:
        proposals: kept an image after non-maximum suppression, in prediction too.
        rois: of them, sampled an image to train a box head; at most a quarter holds a defect.
        jittered: shaken copies of each true box among the proposals in training, see `detect.box_heads.shaken`.
    """

    proposals: int = 200
    rois: int = 64
    jittered: int = 16

    def __post_init__(self) -> None:
        require_number("model.sampling.proposals", self.proposals, 1, 10**5)
        require_number("model.sampling.rois", self.rois, 1, 10**5)
        require_number("model.sampling.jittered", self.jittered, 0, 10**5)


@dataclass(frozen=True)
class WeightConfig:
    """Weights of the image head's losses beside the four detection losses.

    Attributes:
        image: of telling good from defect.
        type: of telling the defect's type from the same features, for images whose type is known. It is there to teach
            the features; predictions do not name the type. 0 switches it off.
    """

    image: float = 0.5
    type: float = 0.0

    def __post_init__(self) -> None:
        require_number("model.losses.image", self.image, 0, 1e6)
        require_number("model.losses.type", self.type, 0, 1e6)


@dataclass(frozen=True)
class PredictionConfig:
    """What becomes of the boxes.

    Attributes:
        detections: boxes kept an image.
        score_threshold: boxes below are dropped; near 0, because a cut here makes ties in the AUC.
        nms_iou: overlap above which the weaker of two boxes is dropped.
        views: sizes, in multiples of the input size, at which an image is looked at. The last one says which boxes
            there are, and all together their places and scores, see `detect.views`. Validation in training looks once.
    """

    detections: int = 50
    score_threshold: float = 0.001
    nms_iou: float = 0.4
    views: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        require_number("model.prediction.detections", self.detections, 1, 10**5)
        require_number("model.prediction.score_threshold", self.score_threshold, 0, below=1)
        require_number("model.prediction.nms_iou", self.nms_iou, 0, 1)
        require(len(self.views) > 0, "model.prediction.views", "name at least one size", list(self.views))
        for view in self.views:
            require_number("model.prediction.views", view, 0.1, 10)


@dataclass(frozen=True)
class DetectorConfig:
    """The detector.

    Attributes:
        backbone: "resnet50", "resnet18", "tf_efficientnet_lite0", or any timm model that gives feature maps.
        weights: "defects" (this whole detector, trained on drawn defects), "package", "auto" (the first of these two
            that the backbone has), "timm", "torchvision:NAME", "none", the path of a .safetensors or .pth file, or the
            folder of a run; see `data_tools.networks.weights.Weights`.
        frozen_to_stride: the backbone's first layers, up to its map of this stride, stay as pretrained: edges and
            textures need no relearning, and their gradients cost most; 0 trains all, as random weights need.
        batch_norm: whether the backbone's batch norm takes its statistics from the batch ("train") or keeps the
            pretrained ones ("frozen"). Its scale and shift learn either way: frozen too, a detector learned slower.
        norm: "group" normalises the pyramid, "none" does not.
        fpn_channels: width of the feature pyramid.
        heads, sampling, losses, prediction: see the groups.
        anchors: see `AnchorConfig`.
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "auto"
    frozen_to_stride: Literal[0, 4, 8, 16] = 4
    batch_norm: Literal["train", "frozen"] = "train"
    norm: Literal["none", "group"] = "group"
    fpn_channels: int = 64
    heads: HeadConfig = field(default_factory=HeadConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    losses: WeightConfig = field(default_factory=WeightConfig)
    prediction: PredictionConfig = field(default_factory=PredictionConfig)
    anchors: AnchorConfig = field(default_factory=AnchorConfig)

    def __post_init__(self) -> None:
        require_number("model.fpn_channels", self.fpn_channels, 1, 2**12)
