"""Predicted boxes as pre-annotations, so that a reviewer corrects boxes instead of drawing them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_tools.core.agreement import require_of_dataset
from data_tools.core.errors import InputError
from data_tools.core.heatmaps import are_cut_from_maps
from data_tools.core.records import Dataset, Prediction, PredictionSet, Sample
from data_tools.files.atomic import write_json, write_text
from data_tools.files.cvat_xml import predicted_xml
from data_tools.files.labelstudio_tasks import labelling_setup, predicted_task

MIN_SCORE = 0.5
TOOLS = ("labelstudio", "cvat")


@dataclass(frozen=True)
class _Proposal:
    """The boxes of an image that are shown to the reviewer, and their names."""

    sample: Sample
    prediction: Prediction
    kept: tuple[int, ...]
    labels: tuple[str, ...]


def write(path: Path, predictions: PredictionSet, dataset: Dataset, tool: str, min_score: float = MIN_SCORE) -> str:
    """Write the predicted images with their boxes for a tool, atomically; a summary for people.

    Images without a box above the threshold are written too: their reviewer confirms that they are good.

    Args:
        path: of the file to write, JSON for Label Studio and XML for CVAT.
        predictions: of images of the dataset.
        dataset: gives paths, sizes and the names of classes.
        tool: of `TOOLS`.
        min_score: boxes with a lower score are left out.

    Raises:
        InputError: predictions of another dataset, of no image, or whose boxes name no type where there are several.
    """
    require_of_dataset(predictions, dataset.samples, len(dataset.categories), predictions.header.producer)
    if len(dataset.categories) > 1 and are_cut_from_maps(predictions.predictions):
        raise InputError(
            f"{predictions.header.producer}: its boxes are cut out of maps and name none of the "
            f"{len(dataset.categories)} types of the dataset; give a detector's, or convert the data with "
            "--categories single"
        )
    proposals = list(_proposals(predictions, dataset, min_score))
    if not proposals:
        raise InputError("no predictions, so nothing to review")
    model = predictions.header.producer
    if tool == "labelstudio":
        tasks = [predicted_task(one.sample, one.prediction, one.kept, one.labels, model) for one in proposals]
        write_json(path, tasks, indent=None)
    else:
        images = [
            (one.sample, [one.prediction.boxes_xyxy[i].tolist() for i in one.kept], one.labels) for one in proposals
        ]
        write_text(path, predicted_xml(images, model))
    shown, bare = sum(len(one.kept) for one in proposals), sum(not one.kept for one in proposals)
    lines = [
        f"{path}: {len(proposals)} images, {shown} boxes with a score of at least {min_score:g}, for {tool}",
        f"{bare} images have no such box",
    ]
    if tool == "labelstudio":
        lines.append(f"labelling interface: {labelling_setup(dataset.categories)}")
    else:
        lines.append(f"labels of the task: {', '.join(dataset.categories)}")
    return "\n".join(lines)


def _proposals(predictions: PredictionSet, dataset: Dataset, min_score: float) -> Iterator[_Proposal]:
    """What is shown of each predicted image; boxes without an area are never shown."""
    samples = {sample.image_id: sample for sample in dataset.samples}
    for prediction in predictions.predictions:
        sample = samples[prediction.image_id]
        sides = prediction.boxes_xyxy[:, 2:] - prediction.boxes_xyxy[:, :2]
        fits = (prediction.box_scores >= min_score) & (sides > 0).all(axis=1)
        kept = tuple(fits.nonzero()[0].tolist())
        labels = tuple(dataset.categories[int(prediction.box_labels[i]) - 1] for i in kept)
        yield _Proposal(sample, prediction, kept, labels)
