"""Whether a classifier can learn from a dataset."""

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset

_WITHOUT_GOOD = ". Boxes alone are enough for detect.train"


def require_both_labels(dataset: Dataset) -> None:
    """Refuse a dataset without good or without defect images in train or validation.

    Raises:
        InputError: which are missing, and what can be done.
    """
    for split in SPLIT_NAMES[:2]:
        samples = dataset.split(split)
        if not samples:
            raise InputError(
                f"{dataset.folder}: the {split} split is empty; convert it with --split 0.7,0.15,0.15, or deal it with "
                "data_tools.splits"
            )
        missing = "good" if all(sample.is_defect for sample in samples) else "defect"
        if len({sample.is_defect for sample in samples}) < 2:
            raise InputError(
                f"{dataset.folder}: the {split} split has no {missing} images; a classifier learns to tell good from "
                "defect images and needs both there" + _WITHOUT_GOOD * (missing == "good")
            )
