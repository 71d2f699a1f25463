"""An exported classifier, ready to predict without torch."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from classify.reading import BATCH_SIZE, STRIDES, CamChoice, RawReading, Reading, to_predictions
from data_tools.commands.settings import settings_from
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, Sample
from data_tools.files.templates import Templates
from data_tools.judging.map_boxes import with_boxes
from data_tools.loading import reference_text
from data_tools.loading.image_inputs import Images, PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.learned_sizes import ScaleNotice, sizes_in
from data_tools.loading.one_size import in_order
from data_tools.loading.pairs import chunks_with_templates, paired
from data_tools.loading.reference import Reference
from data_tools.networks.cam_names import EXPORTED_METHODS
from data_tools.runtime.batches import GrayBatch, batches_of
from data_tools.runtime.bundle import Bundle, read_bundle
from data_tools.runtime.engines import Engine
from data_tools.runtime.sessions import Graph

GRAPH_NAME = "classifier"
GRAPH_IN = ("images",)
GRAPH_OUT = ("logits", "maps")
"""(n, 1) not calibrated, and (n, rows, columns) maps over the padded input."""


@dataclass(frozen=True)
class ClassifierRecord:
    """How a classifier's graph is fed and what its outputs mean.

    Attributes:
        input: what the network sees.
        reading: the map that the graph gives, and the temperature.
        box_fraction: where maps are cut for boxes; None for no boxes.
        boxes_used_for: what the run used boxes for, beside judging.
        reference: what each image is compared with; None where the network sees images alone.
    """

    input: InputConfig
    reading: Reading
    box_fraction: float | None
    boxes_used_for: tuple[str, ...]
    reference: Reference | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in bundle.json."""
        return {
            "input": self.input.in_prediction(),
            "cam": self.reading.cam.method,
            "cam_stride": self.reading.cam.stride,
            "temperature": self.reading.temperature,
            "box_fraction": self.box_fraction,
            "boxes_used_for": list(self.boxes_used_for),
            "reference": reference_text.to_json(self.reference),
        }


class BundledClassifier:
    """The graph of a bundle and what turns its outputs into predictions.

    Args:
        record: of the bundle.
        graph: images to logits and maps.
        notice: warns of images that are seen at quite another scale than the training's; None of none.
    """

    def __init__(self, record: ClassifierRecord, graph: Graph, notice: ScaleNotice | None = None) -> None:
        self.record, self.input, self.runtime = record, record.input, graph.engine
        self.boxes_used_for = record.boxes_used_for
        self._graph = graph
        self._templates: Templates | None = None
        self._notice = notice or ScaleNotice()

    def compared_with(self, templates: Templates) -> Self:
        """The same with templates, with which images are compared by a model that was trained so."""
        made = copy(self)
        made._templates = templates
        return made

    def predict(self, images: Images, *, split: str = "test", cam: str | None = None) -> list[Prediction]:
        """A prediction with heat map and peak for each image, in order; `stream` gives them one by one.

        Args:
            images: a path, a PIL image, a (h, w) or (h, w, 3) uint8 array, an iterable of these, or a dataset.
            split: of a dataset: "train", "val", "test" or "all".
            cam: method of the heat map: None, or the one that was exported.

        Raises:
            InputError: an image that cannot be read or has no template, no such split, or a method that was not
                exported.
        """
        return list(self.stream(images, split=split, cam=cam))

    def stream(self, images: Images, *, split: str = "test", cam: str | None = None) -> Iterator[Prediction]:
        """As `predict`, lazily: any number of images takes the memory of some."""
        for chunk in chunks_with_templates(images, split, self._templates):
            yield from self.predict_samples(chunk.samples, chunk.read, cam)

    def predict_samples(
        self, samples: Sequence[Sample], pixels: Path | PixelReader, cam: str | None = None
    ) -> list[Prediction]:
        """Predictions of samples whose pixels lie under a folder or are read by a function."""
        reading, fraction = self.read_by(cam)
        self._notice.look(samples, self.input)
        pixels = paired(pixels, self.input, self._templates)
        batches = batches_of(samples, pixels, self.input, BATCH_SIZE, "", reference=self.record.reference)
        raw = in_order((places, self._read(batch)) for places, batch in batches)
        predictions = to_predictions(samples, raw, self.input, reading.temperature)
        return [with_boxes(prediction, fraction) for prediction in predictions]

    def _read(self, batch: GrayBatch) -> list[RawReading]:
        answer, padded = self._graph({"images": batch.images}), (batch.images.shape[2], batch.images.shape[3])
        rows = zip(answer["logits"][:, 0].tolist(), answer["maps"], batch.sizes_hw, strict=True)
        return [RawReading(logit, one, seen, padded) for logit, one, seen in rows]

    def read_by(self, cam: str | None) -> tuple[Reading, float | None]:
        """How images are read, and where maps are cut for boxes.

        Raises:
            InputError: another method of class-activation map than the exported one.
        """
        has = self.record.reading.cam
        if cam not in (None, has.method):
            raise InputError(
                f"--cam {cam}: the bundle's graph gives maps by {has} alone; give the run with --run, or export it "
                f"with --cam {cam}"
            )
        return self.record.reading, self.record.box_fraction


def load_bundle(folder: Path | str, engine: Engine = "onnx") -> BundledClassifier:
    """The classifier in a bundle, its graph carried out by an engine.

    Raises:
        InputError: no bundle of a classifier there, damaged files, which are named, or the engine or scipy is not
            installed.
    """
    if find_spec("scipy") is None:
        raise InputError("the peaks of heat maps take scipy, which is not installed; pip install scipy")
    bundle = read_bundle(Path(folder), "classify")
    graph = Graph(bundle, GRAPH_NAME, GRAPH_IN, GRAPH_OUT, engine)
    return BundledClassifier(record_of(bundle), graph, ScaleNotice(sizes_in(bundle.record)))


def record_of(bundle: Bundle) -> ClassifierRecord:
    """The record of a bundle.

    Raises:
        InputError: a value is missing or does not fit; the message names the file and the key.
    """
    fields = bundle.record
    cam = CamChoice(fields.choice("cam", EXPORTED_METHODS), fields.choice("cam_stride", STRIDES))
    return ClassifierRecord(
        settings_from(InputConfig, fields.group("input").values, f"{fields.place}, input"),
        Reading(cam, fields.number("temperature", above=0)),
        fields.optional_number("box_fraction", 0, 1),
        fields.texts("boxes_used_for"),
        reference_text.reference_in(fields),
    )
