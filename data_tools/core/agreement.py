"""Whether predictions are of the images that their ids say: ids, names, sizes and classes agree, or are refused."""

import re
from collections.abc import Iterable, Mapping
from unicodedata import normalize

from data_tools.core.errors import InputError
from data_tools.core.records import PredictionSet, Sample

_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$")


def names_agree(said: str, path: str) -> bool:
    """Whether `said` can be the image `path`: the same, or one is the other with more folders in front.

    Case, Unicode form, the kind of slash and the suffix of the file do not count.
    """
    one, other = ("/" + _SUFFIX.sub("", _comparable(name)).lstrip("/") for name in (said, path))
    return one.endswith(other) or other.endswith(one)


def require_same_names(said: Iterable[tuple[int, str]], paths: Mapping[int, str], who: str, whose: str) -> None:
    """Refuse predictions whose ids and file names speak of different images.

    Args:
        said: image id and file name of each prediction.
        paths: file names by image id, as `whose` has them; ids that are not there are passed over.
        who: holds the predictions, for the message.
        whose: what they are compared with, for the message, such as "the dataset".

    Raises:
        InputError: an image has another name; the first disagreement is named, and which image the name is of.
    """
    owners = {_comparable(path): image_id for image_id, path in paths.items()}
    for image_id, name in said:
        if image_id not in paths or _comparable(name) == _comparable(paths[image_id]):
            continue
        owner = owners.get(_comparable(name))
        if owner is None and names_agree(name, paths[image_id]):
            continue
        where = "" if owner is None else f", where {name} is image {owner}"
        raise InputError(
            f"{who}: image {image_id} is {name} in the predictions, but {paths[image_id]} in {whose}{where}; "
            "ids and file names must agree: were the images numbered anew since? Then predict them again"
        )


def without_prediction(predictions: PredictionSet, samples: Iterable[Sample]) -> list[int]:
    """The ids of the samples that have no prediction, in their order."""
    predicted = {one.image_id for one in predictions.predictions}
    return [sample.image_id for sample in samples if sample.image_id not in predicted]


def require_of_dataset(predictions: PredictionSet, samples: Iterable[Sample], num_classes: int, who: str) -> None:
    """Refuse predictions that are not of a dataset's images and classes.

    Args:
        predictions: of all images or of some.
        samples: images of the dataset, among which all of the predictions must be.
        num_classes: class ids are 1..num_classes.
        who: holds the predictions, for the message.

    Raises:
        InputError: a foreign image, another file name or size, or a class that the data do not have; the first
            disagreement is named.
    """
    by_id = {sample.image_id: sample for sample in samples}
    for one in predictions.predictions:
        if one.image_id not in by_id:
            raise InputError(
                f"{who}: image {one.image_id} ({one.file_name}) is not in the dataset: the predictions are of other "
                "data"
            )
    paths = {image_id: sample.path for image_id, sample in by_id.items()}
    require_same_names(((p.image_id, p.file_name) for p in predictions.predictions), paths, who, "the dataset")
    for one in predictions.predictions:
        sample = by_id[one.image_id]
        if one.size_hw != sample.size_hw:
            said, true = (" x ".join(map(str, reversed(size))) for size in (one.size_hw, sample.size_hw))
            raise InputError(
                f"{who}: image {one.image_id} ({one.file_name}) has another size than in the dataset: {said} "
                f"instead of {true} pixels"
            )
        beyond = one.box_labels[one.box_labels > num_classes]
        if len(beyond):
            raise InputError(
                f"{who}: image {one.image_id} ({one.file_name}) has a box of class {beyond[0]}, but the dataset has "
                f"the classes 1..{num_classes}"
            )


def _comparable(name: str) -> str:
    return normalize("NFC", name.replace("\\", "/")).casefold().removeprefix("./")
