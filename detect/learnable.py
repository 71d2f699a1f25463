"""Whether a detector can learn from a dataset."""

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, Dataset


def require_boxes(dataset: Dataset) -> None:
    """Refuse a dataset that a detector cannot learn from, or whose validation cannot pick a checkpoint.

    Boxes alone are enough; good images are not needed.

    Raises:
        InputError: what is missing.
    """
    if not any(sample.status == BOXED for sample in dataset.split("train")):
        raise InputError(
            f"{dataset.folder}: the train split has no image with a box, which a detector learns from; classify.train "
            "learns from labels alone"
        )
    val = dataset.split("val")
    if not any(sample.status == BOXED for sample in val) and len({sample.is_defect for sample in val}) < 2:
        raise InputError(
            f"{dataset.folder}: the val split needs images with boxes, or good and defect images, to choose a "
            "checkpoint and thresholds by"
        )
