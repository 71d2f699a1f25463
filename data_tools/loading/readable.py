"""Whether a dataset's images can be read, found out before the work: by their headers, in a fraction of a second."""

from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Sample
from data_tools.files.images import read_size, resolve_under

_SHOWN = 3


def require_readable(dataset: Dataset, root: Path) -> None:
    """Refuse a dataset of which an image of a split is missing, has a damaged header, is cut off or of another size.

    Pixels are not decoded; what is damaged among them is met when they are read.

    Args:
        dataset: with splits; images of none of them are not looked at.
        root: folder of its images.

    Raises:
        InputError: how many images that are, and the first of them with the reason.
    """
    samples = [sample for split in SPLIT_NAMES for sample in dataset.split(split)]
    faults = list(_faults(samples, root))
    if faults:
        shown = "; ".join(faults[:_SHOWN])
        more = f"; and {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
        raise InputError(
            f"{dataset.folder}: {len(faults):,} of the {len(samples):,} images of train, val and test cannot be used: "
            f"{shown}{more}. If the images have moved, give their folder with --images"
        )


def annotated_otherwise(sample: Sample, size_hw: tuple[int, ...]) -> str:
    """Says that an image has another height and width than its annotation."""
    actual, noted = (f"{width} x {height}" for height, width in (size_hw, sample.size_hw))
    return f"{sample.path} (image {sample.image_id}): is {actual} pixels, but annotated as {noted}"


def _faults(samples: list[Sample], root: Path) -> Iterable[str]:
    for sample in tqdm(samples, desc="looking for the images", leave=False, mininterval=1.0, delay=1.0):
        try:
            size_hw = read_size(resolve_under(root, sample.path))
        except InputError as error:
            yield str(error)
        else:
            if size_hw != sample.size_hw:
                yield annotated_otherwise(sample, size_hw)
