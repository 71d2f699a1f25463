"""How a classifier is built, trained and read."""

from dataclasses import dataclass, field
from typing import Literal

from classify.config import ClassifierConfig, LossConfig
from data_tools.core.errors import InputError
from data_tools.loading.input_config import InputConfig
from data_tools.training.fit_config import FitConfig

CamMethod = Literal[
    "auto", "gradcam", "gradcam++", "hirescam", "layercam", "xgradcam", "eigencam", "scorecam", "ablationcam"
]


@dataclass(frozen=True)
class Settings:
    """All settings of a training.

    Attributes:
        model: the network.
        input: what the network sees.
        fit: the training loop.
        loss: what it learns by.
        cam: method of the heat maps written at the end; "auto" chooses method and layer by the peaks' distance to the
            boxes of validation, which counts as using boxes.
    """

    model: ClassifierConfig = field(default_factory=ClassifierConfig)
    input: InputConfig = field(default_factory=InputConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    cam: CamMethod = field(
        default="gradcam",
        metadata={
            "help": "method of the heat maps written at the end; 'auto' chooses method and layer by the peaks' "
            "distance to validation's boxes, which counts as using boxes"
        },
    )

    def __post_init__(self) -> None:
        if self.input.slices.side_px is not None:
            raise InputError(
                "input.slices: windows of a defect image show its defect or not, which labels alone do not say; the "
                "baseline sees whole images, with more pixels by input.max_pixels"
            )
