"""A trained classifier, ready to predict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

from classify.inference import predict
from classify.models import Classifier
from classify.reading import STRIDES, CamChoice, Reading
from classify.settings import Settings
from data_tools.commands.prediction import read_finished_manifest
from data_tools.commands.settings import read_settings
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, Sample
from data_tools.files.templates import Templates
from data_tools.judging.map_boxes import with_boxes
from data_tools.loading.image_inputs import Images, PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.learned_sizes import ScaleNotice, sizes_in
from data_tools.loading.pairs import chunks_with_templates, paired
from data_tools.networks.backbones import build_backbone
from data_tools.networks.cam_names import CLASSIFIER_METHODS
from data_tools.training.checkpoint import load_best
from data_tools.training.references import expect_reference


@dataclass(frozen=True, eq=False)
class TrainedClassifier:
    """The best checkpoint of a run.

    Attributes:
        model, input: the model, and how it wants its input.
        reading: how the run reads it: its class-activation map and temperature.
        box_fraction: where its maps are cut for boxes; None for no boxes.
        boxes_used_for: what the run used boxes for, beside judging.
        templates: that images are compared with, where it was trained with some.
        notice: warns of images that are seen at quite another scale than the training's.
    """

    model: Classifier
    input: InputConfig
    reading: Reading
    box_fraction: float | None
    boxes_used_for: tuple[str, ...]
    templates: Templates | None = None
    notice: ScaleNotice = field(default_factory=ScaleNotice)
    runtime: ClassVar[str] = "torch"

    def compared_with(self, templates: Templates) -> Self:
        """The same with templates."""
        return replace(self, templates=templates)

    def predict(self, images: Images, *, split: str = "test", cam: str | None = None) -> list[Prediction]:
        """A prediction with heat map and peak for each image, in order; `stream` gives them one by one.

        Args:
            images: a path, a PIL image, a (h, w) or (h, w, 3) uint8 array, an iterable of these, or a dataset.
            split: of a dataset: "train", "val", "test" or "all".
            cam: method of the heat map; None takes the run's own, for which alone the run has chosen where to cut boxes
                out of the maps.

        Raises:
            InputError: an image that cannot be read or has no template, no such split or no such method.
        """
        return list(self.stream(images, split=split, cam=cam))

    def stream(self, images: Images, *, split: str = "test", cam: str | None = None) -> Iterator[Prediction]:
        """As `predict`, lazily, decoding ahead: any number of images takes the memory of some."""
        for chunk in chunks_with_templates(images, split, self.templates):
            yield from self.predict_samples(chunk.samples, chunk.read, cam)

    def predict_samples(
        self, samples: Sequence[Sample], pixels: Path | PixelReader, cam: str | None = None
    ) -> list[Prediction]:
        """Predictions of samples whose pixels lie under a folder or are read by a function, without a progress bar."""
        reading, fraction = self.read_by(cam)
        self.notice.look(samples, self.input)
        pixels = paired(pixels, self.input, self.templates)
        predictions = predict(self.model, samples, pixels, self.input, reading, "")
        return [with_boxes(prediction, fraction) for prediction in predictions]

    def read_by(self, cam: str | None) -> tuple[Reading, float | None]:
        """How the model is read with a method of class-activation map, and where its maps are cut for boxes.

        Raises:
            InputError: no such method.
        """
        if cam is not None and cam not in CLASSIFIER_METHODS:
            raise InputError(f"cam {cam!r}: not of {', '.join(CLASSIFIER_METHODS)}")
        reading = self.reading if cam is None else self.reading.with_method(cam)
        return reading, self.box_fraction if reading == self.reading else None


def load(run: Path | str) -> TrainedClassifier:
    """The best checkpoint of a finished run.

    Raises:
        InputError: no finished classifier run there, or damaged files.
    """
    folder = Path(run)
    manifest = read_finished_manifest(folder, "classify")
    settings = read_settings(Settings, folder)
    cam = CamChoice(manifest.choice("cam", CLASSIFIER_METHODS), manifest.choice("cam_stride", STRIDES))
    temperature, fraction = manifest.number("temperature", above=0), manifest.optional_number("box_fraction", 0, 1)
    used_for = manifest.texts("boxes_used_for")
    model = Classifier(build_backbone(settings.model.backbone, "none"), settings.model)
    seen = expect_reference(model.backbone, manifest, settings.input)
    model.backbone.layer_of(cam.stride)  # a stride that the backbone lacks is refused here
    load_best(model, folder)
    notice = ScaleNotice(sizes_in(manifest))
    return TrainedClassifier(model, seen, Reading(cam, temperature), fraction, used_for, notice=notice)
