"""An exported detector, ready to predict without torch."""

from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Self

import numpy as np

from data_tools.core.box_decoding import Floats
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, Sample
from data_tools.files.templates import Templates
from data_tools.loading.image_inputs import Images, PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.learned_sizes import ScaleNotice, sizes_in
from data_tools.loading.one_size import in_order
from data_tools.loading.pairs import chunks_with_templates, paired
from data_tools.metrics.operating_threshold import KEY, Threshold, threshold_from
from data_tools.runtime.batches import GrayBatch, batches_of
from data_tools.runtime.bundle import Bundle, read_bundle
from data_tools.runtime.engines import Array, Engine
from data_tools.runtime.sessions import Graph
from detect.bundle_record import (
    FEATURES,
    FEATURES_IN,
    FEATURES_OUT,
    HEAD_IN,
    HEAD_OUT,
    LEVELS,
    PAD_TO,
    POOLED,
    DetectorRecord,
    ProposalRule,
    head_name,
    record_of,
)
from detect.decoding import detections_of, moved, proposals_of, rows_to_pool
from detect.detections import Detections, SizedDetections
from detect.looking import BATCH_SIZE, look_everywhere, to_predictions
from detect.to_prediction import ScoreRule, to_prediction

_NO_THRESHOLD = Threshold(None, "the bundle holds none; export the run again")
_EMPTY_BOXES = np.zeros((0, 4), dtype=np.float32)


class BundledDetector:
    """The graphs of a bundle and what turns their outputs into predictions.

    Args:
        record: of the bundle.
        features: the graph of backbone, pyramid, proposal head and image head.
        heads: the graphs of the box heads, in their order.
        threshold: from which score on an image is a defect, as validation has chosen it.
        notice: warns of images that are seen at quite another scale than the training's; None of none.
    """

    def __init__(
        self,
        record: DetectorRecord,
        features: Graph,
        heads: Sequence[Graph],
        threshold: Threshold = _NO_THRESHOLD,
        notice: ScaleNotice | None = None,
    ) -> None:
        self.record, self.input, self.threshold = record, record.input, threshold
        self.runtime = features.engine if record.precision == "fp32" else f"{features.engine}, {record.precision}"
        self._features, self._heads = features, tuple(heads)
        self._templates: Templates | None = None
        self.notice = notice or ScaleNotice()

    def compared_with(self, templates: Templates) -> Self:
        """The same with templates, with which images are compared by a model that was trained so."""
        made = copy(self)
        made._templates = templates
        return made

    @property
    def score_rule(self) -> ScoreRule:
        """How an image is scored."""
        return self.record.score_rule

    def predict(
        self, images: Images, *, split: str = "test", cam: str | None = None, cam_stride: int = 16
    ) -> list[Prediction]:
        """A prediction in original pixels for each image, in order; `stream` gives them one by one.

        Args:
            images: a path, a PIL image, a (h, w) or (h, w, 3) uint8 array, an iterable of these, or a dataset.
            split: of a dataset: "train", "val", "test" or "all".
            cam, cam_stride: as of a run; a bundle gives no heat maps.

        Raises:
            InputError: an image that cannot be read or has no template, no such split, or a heat map is asked for.
        """
        return list(self.stream(images, split=split, cam=cam, cam_stride=cam_stride))

    def stream(
        self, images: Images, *, split: str = "test", cam: str | None = None, cam_stride: int = 16
    ) -> Iterator[Prediction]:
        """As `predict`, lazily: any number of images takes the memory of some."""
        _require_no_cam(cam)
        for chunk in chunks_with_templates(images, split, self._templates):
            yield from self.predict_samples(chunk.samples, chunk.read, cam, cam_stride)

    def predict_samples(
        self, samples: Sequence[Sample], pixels: Path | PixelReader, cam: str | None = None, cam_stride: int = 16
    ) -> list[Prediction]:
        """Predictions of samples whose pixels lie under a folder or are read by a function.

        Raises:
            InputError: a heat map is asked for, which takes gradients that the graphs do not have.
        """
        _require_no_cam(cam)
        self.notice.look(samples, self.input)
        views, pixels = self.record.prediction.views, paired(pixels, self.input, self._templates)
        detections = look_everywhere(self.detect, views, samples, pixels, self.input, "")
        return to_predictions(samples, detections, self.input, self.score_rule)

    def detect(
        self, samples: Sequence[Sample], pixels: Path | PixelReader, config: InputConfig, label: str
    ) -> list[SizedDetections]:
        """One look at each sample, in order, see `detect.looking.Look`."""
        batches = batches_of(samples, pixels, config, BATCH_SIZE, label, PAD_TO, self.record.reference)
        return in_order(
            (places, zip(self._detections(batch), batch.sizes_hw, strict=True)) for places, batch in batches
        )

    def propose(self, samples: Sequence[Sample], pixels: Path | PixelReader, count: int) -> list[Prediction]:
        """The best region proposals of each sample as the boxes of a prediction."""
        given, pixels = self.record.proposals, paired(pixels, self.input, self._templates)
        rule = ProposalRule(count, 3 * count, given.nms_iou, given.least_side)

        def read(chosen: Sequence[Sample], batch: GrayBatch) -> Iterator[Prediction]:
            outputs = self._features({"images": batch.images})
            for i, (sample, size) in enumerate(zip(chosen, batch.sizes_hw, strict=True)):
                boxes, scores = self._proposals(outputs, i, batch, rule)
                logit, ones = float(outputs["image_logit"][i, 0]), np.ones(len(boxes), dtype=np.int64)
                raw = Detections(boxes, scores, ones, logit)
                yield to_prediction(sample, raw, size, "best_box", self.input.preprocess)

        batches = batches_of(samples, pixels, self.input, BATCH_SIZE, "proposing", PAD_TO, self.record.reference)
        return in_order((places, read([samples[place] for place in places], batch)) for places, batch in batches)

    def _proposals(
        self, outputs: dict[str, Array], i: int, batch: GrayBatch, rule: ProposalRule
    ) -> tuple[Floats, Floats]:
        height, width = batch.images.shape[2:]
        return proposals_of(
            [outputs[f"objectness_{level}"][i] for level in LEVELS],
            [outputs[f"deltas_{level}"][i] for level in LEVELS],
            self.record.cell_anchors,
            (height, width),
            batch.sizes_hw[i],
            rule,
        )

    def _detections(self, batch: GrayBatch) -> list[Detections]:
        outputs = self._features({"images": batch.images})
        count = len(batch.sizes_hw)
        boxes = [self._proposals(outputs, i, batch, self.record.proposals)[0] for i in range(count)]
        image_logits = outputs["image_logit"][:, 0].tolist()
        if not any(len(one) for one in boxes):
            none = np.zeros(0, dtype=np.float32)
            return [Detections(_EMPTY_BOXES, none, none.astype(np.int64), logit) for logit in image_logits]
        ends = np.cumsum([len(one) for one in boxes])[:-1]
        logits: list[list[Floats]] = []
        for place, (head, units) in enumerate(zip(self._heads, self.record.box_units, strict=True)):
            own_logits, deltas = (np.split(one, ends) for one in self._head(head, outputs, boxes))
            logits.append(own_logits)
            if place + 1 < len(self._heads):
                rows = zip(boxes, own_logits, deltas, batch.sizes_hw, strict=True)
                boxes = [moved(one, scores, moves, units, size) for one, scores, moves, size in rows]
        config = self.record.prediction
        images = zip(boxes, zip(*logits, strict=True), deltas, batch.sizes_hw, image_logits, strict=True)
        return [
            detections_of(one, all_logits, moves, units, size, logit, config)
            for one, all_logits, moves, size, logit in images
        ]

    def _head(self, head: Graph, outputs: dict[str, Array], boxes: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Logits (n, classes) and box deltas (n, classes, 4) of all images' boxes."""
        rows, places = rows_to_pool(boxes)
        maps = {name: outputs[name] for name in POOLED}
        answer = head(maps | {f"boxes_{name}": one for name, one in zip(POOLED, rows, strict=True)})
        logits, deltas = np.empty_like(answer["logits"]), np.empty_like(answer["deltas"])
        logits[places], deltas[places] = answer["logits"], answer["deltas"]
        return logits, deltas.reshape(len(deltas), logits.shape[1], 4)


def _require_no_cam(cam: str | None) -> None:
    if cam is not None:
        raise InputError("--cam needs the run itself: a bundle has no gradients; give the run folder with --run")


def load_bundle(folder: Path | str, engine: Engine = "onnx") -> BundledDetector:
    """The detector in a bundle, its graphs carried out by an engine.

    Raises:
        InputError: no bundle of a detector there, damaged files, which are named, or the engine is not installed.
    """
    bundle = read_bundle(Path(folder), "detect")
    return detector_of(bundle, record_of(bundle), engine)


def detector_of(bundle: Bundle, record: DetectorRecord, engine: Engine) -> BundledDetector:
    """The detector whose graphs a bundle holds, with a record.

    Raises:
        InputError: a graph that is missing or that the engine cannot run.
    """
    heads = [Graph(bundle, head_name(place), HEAD_IN, HEAD_OUT, engine) for place in range(len(record.box_units))]
    features = Graph(bundle, FEATURES, FEATURES_IN, FEATURES_OUT, engine)
    threshold = threshold_from(bundle.record) if KEY in bundle.record else _NO_THRESHOLD
    return BundledDetector(record, features, heads, threshold, ScaleNotice(sizes_in(bundle.record)))
