"""A detector's graphs with backbone and pyramid in int8, calibrated and judged on the validation images."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.records import Prediction, Sample
from data_tools.files.dataset_folder import images_root_of
from data_tools.files.predictions import read_predictions
from data_tools.files.runs import MANIFEST, TEMPLATES
from data_tools.files.templates import Templates
from data_tools.judging.alignment import align
from data_tools.loading.pairs import paired
from data_tools.metrics.box_map import box_map
from data_tools.metrics.operating_threshold import KEY, choose_threshold
from data_tools.report.cells import number
from data_tools.runtime.batches import batches_of
from data_tools.runtime.bundle import GRAPH, Bundle
from data_tools.runtime.origin import dataset_of
from data_tools.runtime.quantising import quantise
from detect.bundle_record import FEATURES, FEATURES_IN, PAD_TO, POOLED, DetectorRecord
from detect.bundled import BundledDetector, detector_of

log = logging.getLogger(__name__)

_CALIBRATION_IMAGES = 64


@dataclass(frozen=True)
class ValidationImages:
    """What int8 is calibrated and judged on.

    Attributes:
        samples: of validation.
        root: folder of their images.
        predictions: the run's own of them, in their order.
        templates: that the run was trained with; None where there were none.
    """

    samples: Sequence[Sample]
    root: Path
    predictions: Sequence[Prediction]
    templates: Templates | None = None


def validation_images(
    run: Path, manifest: Mapping[str, Any], data: Path | None = None, reference: Path | None = None
) -> ValidationImages:
    """Those of the data that a run's manifest names, or that are in the folder `data` now.

    `reference` is the folder that their templates are in now, where the run has some; None takes the manifest's.

    Raises:
        InputError: the run's data are gone or have changed, have no validation images, or are not predicted; or the
            templates are gone.
    """
    dataset = dataset_of(run, manifest, data)
    samples, root = dataset.split("val"), images_root_of(dataset, dataset.folder or run)
    if not samples:
        raise InputError("int8 is calibrated on the validation images, of which the run's data have none")
    templates = _templates_of(run, manifest, reference)
    if templates is not None:
        templates.require(samples, root, str(dataset.folder))
    path = run / "predictions" / "val.jsonl"
    predictions = align(samples, read_predictions(path), str(path), len(dataset.categories))
    return ValidationImages(samples, root, predictions, templates)


def _templates_of(run: Path, manifest: Mapping[str, Any], moved: Path | None) -> Templates | None:
    """The templates of a run; None where it has none."""
    if TEMPLATES not in manifest:
        if moved is not None:
            raise InputError(f"--reference {moved}: {run} was trained without templates; leave it out")
        return None
    folder = moved or Path(Fields(manifest, str(run / MANIFEST)).text(TEMPLATES))
    if not folder.is_dir():
        raise InputError(f"{folder}: the templates of {run} are not there; name their folder with --reference")
    return Templates(folder)


def make_int8(folder: Path, record: DetectorRecord, validation: ValidationImages) -> dict[str, Any]:
    """Quantise the graphs in a folder; gives what bundle.json says otherwise than of fp32.

    The threshold is that of the quantised detector, whose scores are not the run's.

    Args:
        folder: of graphs, of which that of the features is replaced.
        record: of the detector.
        validation: of its run.
    """
    samples = validation.samples
    chosen = samples[:: max(len(samples) // _CALIBRATION_IMAGES, 1)]
    pixels = paired(validation.root, record.input, validation.templates)
    batches = batches_of(chosen, pixels, record.input, 1, "calibrating", PAD_TO, record.reference)
    examples = (dict(zip(FEATURES_IN, [batch.images], strict=True)) for _, batch in batches)
    quantise(folder / f"{FEATURES}{GRAPH}", POOLED, examples)
    detector = _detector_in(folder, record)
    if validation.templates is not None:
        detector = detector.compared_with(validation.templates)
    predictions = detector.predict_samples(samples, validation.root)
    quality = {"fp32": _ap(samples, validation.predictions), "int8": _ap(samples, predictions)}
    log.info("AP on validation: %s in fp32, %s in int8", *(number(value, 3) for value in quality.values()))
    return {
        "precision": "int8",
        "calibration_images": len(chosen),
        "validation_ap": quality,
        KEY: choose_threshold([one.score for one in predictions], [one.is_defect for one in samples]).to_json(),
    }


def _detector_in(folder: Path, record: DetectorRecord) -> BundledDetector:
    graphs = {path.stem: path.read_bytes() for path in folder.glob(f"*{GRAPH}")}
    return detector_of(Bundle(folder, Fields({}, str(folder)), graphs), record, "onnx")


def _ap(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> float | None:
    """The samples' box AP."""
    classes = max((int(label) for sample in samples for label in sample.labels), default=1)
    return box_map(samples, predictions, classes)["ap"]
