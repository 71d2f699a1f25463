"""How a detector is built and trained."""

from dataclasses import dataclass, field

from data_tools.core.errors import InputError
from data_tools.loading.copy_paste import PasteConfig
from data_tools.loading.input_config import InputConfig
from data_tools.training.fit_config import FitConfig
from detect.config import DetectorConfig


@dataclass(frozen=True)
class Settings:
    """All settings of a training.

    Attributes:
        model: the network, its anchors and losses.
        input: what the network sees.
        paste: defects laid on good training images.
        fit: the training loop.
    """

    model: DetectorConfig = field(default_factory=DetectorConfig)
    input: InputConfig = field(default_factory=InputConfig)
    paste: PasteConfig = field(default_factory=PasteConfig)
    fit: FitConfig = field(default_factory=FitConfig)

    def __post_init__(self) -> None:
        if self.model.weights == "none" and self.model.frozen_to_stride:
            raise InputError(
                "random weights must not be frozen; add --model.frozen_to_stride 0 to --model.weights none"
            )
        if self.input.augment.zoom and self.input.augment.zoom_share == 1.0:
            raise InputError(
                "input.augment.zoom_share 1 leaves no whole image for the image head to learn from; lower it"
            )
