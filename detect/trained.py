"""A trained detector, ready to predict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import ClassVar, Self

from data_tools.commands.prediction import read_finished_manifest
from data_tools.commands.settings import read_settings
from data_tools.core.anchors import AnchorConfig
from data_tools.core.fields import Fields
from data_tools.core.records import Prediction, Sample
from data_tools.files.templates import Templates
from data_tools.loading.image_inputs import Images, PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.learned_sizes import ScaleNotice, sizes_in
from data_tools.loading.pairs import chunks_with_templates, paired
from data_tools.metrics.operating_threshold import Threshold
from data_tools.networks.backbones import build_backbone
from data_tools.runtime.origin import threshold_of
from data_tools.training.checkpoint import load_best
from data_tools.training.references import expect_reference
from detect.explain import explain, require_cam
from detect.inference import predict, propose
from detect.model import Detector
from detect.settings import Settings
from detect.to_prediction import SCORE_RULES, ScoreRule

_MOST_CLASSES = 10_000  # beyond that the number is damaged, and a network of its size takes all memory


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """The best checkpoint of a run.

    Attributes:
        model, input: the model, and how it wants its input.
        score_rule: how the run scores an image.
        threshold: from which score on an image is a defect, as validation has chosen it.
        templates: that images are compared with, where it was trained with some.
        notice: warns of images that are seen at quite another scale than the training's.
    """

    model: Detector
    input: InputConfig
    score_rule: ScoreRule
    threshold: Threshold
    templates: Templates | None = None
    notice: ScaleNotice = field(default_factory=ScaleNotice)
    runtime: ClassVar[str] = "torch"

    def compared_with(self, templates: Templates) -> Self:
        """The same with templates."""
        return replace(self, templates=templates)

    def predict(
        self, images: Images, *, split: str = "test", cam: str | None = None, cam_stride: int = 16
    ) -> list[Prediction]:
        """A prediction in original pixels for each image, in order; `stream` gives them one by one.

        Args:
            images: a path, a PIL image, a (h, w) or (h, w, 3) uint8 array, an iterable of these, or a dataset.
            split: of a dataset: "train", "val", "test" or "all".
            cam: method of a heat map of what the best box's score owes to the backbone; None for no map.
            cam_stride: 4, 8, 16 or 32: of the backbone's map that the heat map is taken from.

        Raises:
            InputError: an image that cannot be read or has no template, no such split, method or stride.
        """
        return list(self.stream(images, split=split, cam=cam, cam_stride=cam_stride))

    def stream(
        self, images: Images, *, split: str = "test", cam: str | None = None, cam_stride: int = 16
    ) -> Iterator[Prediction]:
        """As `predict`, lazily, decoding ahead: any number of images takes the memory of some."""
        require_cam(cam, cam_stride)
        for chunk in chunks_with_templates(images, split, self.templates):
            yield from self.predict_samples(chunk.samples, chunk.read, cam, cam_stride)

    def predict_samples(
        self, samples: Sequence[Sample], pixels: Path | PixelReader, cam: str | None = None, cam_stride: int = 16
    ) -> list[Prediction]:
        """Predictions of samples whose pixels lie under a folder or are read by a function, without a progress bar."""
        require_cam(cam, cam_stride)
        self.notice.look(samples, self.input)
        pixels = paired(pixels, self.input, self.templates)
        predictions = predict(self.model, samples, pixels, self.input, self.score_rule, "")
        if cam is None:
            return predictions
        maps = explain(self.model, samples, pixels, self.input, cam, cam_stride)
        return [replace(prediction, heatmap=one) for prediction, one in zip(predictions, maps, strict=True)]

    def propose(self, samples: Sequence[Sample], pixels: Path | PixelReader, count: int) -> list[Prediction]:
        """The best region proposals of each sample as the boxes of a prediction."""
        return propose(self.model, samples, paired(pixels, self.input, self.templates), self.input, count)


def load(run: Path | str) -> TrainedDetector:
    """The best checkpoint of a finished run.

    Raises:
        InputError: no finished detector run there, or damaged files.
    """
    folder = Path(run)
    manifest = read_finished_manifest(folder, "detect")
    settings = read_settings(Settings, folder)
    backbone = build_backbone(settings.model.backbone, "none")
    seen = expect_reference(backbone, manifest, settings.input)
    config = replace(settings.model, anchors=_anchors(manifest.group("anchors")))
    classes, types = manifest.integer("num_classes", 1, _MOST_CLASSES), manifest.texts("types")
    rule: ScoreRule = manifest.choice("score_rule", SCORE_RULES)
    model = Detector(backbone, config, classes, types)
    load_best(model, folder)
    notice = ScaleNotice(sizes_in(manifest))
    return TrainedDetector(model, seen, rule, threshold_of(folder, manifest.values), notice=notice)


def _anchors(given: Fields) -> AnchorConfig:
    """The anchors as the run had decided them."""
    given.only([field.name for field in fields(AnchorConfig)])
    scales, ratios = given.numbers("scales", above=0), given.numbers("ratios", above=0)
    return AnchorConfig(scales, ratios, given.integer("number", 1))
