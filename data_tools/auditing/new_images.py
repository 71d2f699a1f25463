"""New images beside a reference dataset: their properties, and their scores where a model has given some.

The new images are a dataset or a plain folder of images without labels. Their lots are the dataset's groups; of a plain
folder the lots at the start of the file names where every name has one, else the folders that the images lie in.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from data_tools.auditing.drift import CHECK, LEVEL, Measured, describe_drift, find_drift
from data_tools.auditing.findings import NOTE, WARNING, Finding
from data_tools.core.agreement import require_of_dataset
from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Dataset, PredictionSet
from data_tools.files.image_facts import read_each
from data_tools.files.image_quality import ImageQuality, read_quality
from data_tools.files.image_walk import walk_images
from data_tools.metrics.operating_point import DEFAULT_RULE
from data_tools.splitting.names import lots_of

_PROPERTIES = {
    "height, px": "height",
    "width, px": "width",
    "mean gray value": "mean",
    "spread of gray values": "spread",
    "sharpness": "sharpness",
    "noise": "noise",
    "share of saturated pixels": "saturated",
}


@dataclass(frozen=True)
class Images:
    """The images of one side.

    Attributes:
        name: of the dataset or folder.
        root: that the paths are relative to; None where the images are not at hand.
        paths, lots: of each.
        image_ids: of each; empty for a plain folder.
    """

    name: str
    root: Path | None
    paths: tuple[str, ...]
    lots: tuple[str, ...]
    image_ids: tuple[int, ...] = ()


def images_of(name: str, dataset: Dataset) -> Images:
    """The images of a dataset."""
    samples = dataset.samples
    return Images(
        name,
        dataset.images_root,
        tuple(s.path for s in samples),
        tuple(s.group for s in samples),
        tuple(s.image_id for s in samples),
    )


def images_in(folder: Path) -> tuple[Images, list[Finding]]:
    """The images in a plain folder, and a note on what else lies there.

    Raises:
        InputError: no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    walk = walk_images(folder)
    paths = tuple(name for name, _ in walk.names)
    if not paths:
        raise InputError(f"{folder}: neither a dataset folder (annotations.json is missing) nor any images")
    folders = [PurePosixPath(path).parent.as_posix() for path in paths]
    lots = tuple(lots_of(paths) or (str(folder) if one == "." else one for one in folders))
    notes = []
    if walk.left_out:
        (name, reason), more = walk.left_out[0], len(walk.left_out) - 1
        notes = [Finding(NOTE, CHECK, f"left out: {name}, {reason}" + (f", and {more} more" if more else ""))]
    return Images(str(folder), folder, paths, lots), notes


@dataclass(frozen=True)
class Scores:
    """Predictions to compare: of new images, and of the validation images of the reference."""

    predictions: PredictionSet
    validation: PredictionSet


def compare(name: str, reference: Dataset, new: Images, scores: Scores | None) -> list[Finding]:
    """All that is different in new images; of all claims together at most 5 % are false where nothing has changed.

    Args:
        name: of the reference, for people.
        reference: a dataset.
        new: the images.
        scores: of both, where a model has given some.

    Raises:
        InputError: see `compare_images` and `compare_scores`.
    """
    if scores is None:
        return compare_images(images_of(name, reference), new)
    of_scores = compare_scores(scores.validation, reference, scores.predictions, new, LEVEL / 2)
    return compare_images(images_of(name, reference), new, LEVEL / 2) + of_scores


def compare_images(reference: Images, new: Images, level: float = LEVEL) -> list[Finding]:
    """What is different in the new images, told by their pixels.

    Raises:
        InputError: a folder of images that does not exist, or one side without any readable image.
    """
    sides, findings, kinds, sizes = [], [], [], []
    for side in (reference, new):
        if side.root is None:
            return [Finding(NOTE, CHECK, f"{side.name}: no images at hand, so their properties were not compared")]
        if not side.root.is_dir():
            raise InputError(f"{side.name}: the images root {side.root} does not exist")
        read = list(read_each(read_quality, side.paths, side.root))
        broken = [one for one in read if isinstance(one, InputError)]
        if broken:
            text = f"{side.name}: {len(broken)} images are not readable and not compared; the first: {broken[0]}"
            findings.append(Finding(WARNING, CHECK, text, "restore these files"))
        rows = [i for i, one in enumerate(read) if isinstance(one, ImageQuality)]
        qualities = [one for one in read if isinstance(one, ImageQuality)]
        if not qualities:
            raise InputError(
                f"{side.name}: no image is readable; the first: {broken[0] if broken else 'there is none'}"
            )
        values = np.array([[float(getattr(one, key)) for key in _PROPERTIES.values()] for one in qualities])
        ids = tuple(side.image_ids[i] for i in rows) if side.image_ids else ()
        sides.append(Measured(side.name, tuple(_PROPERTIES), values, tuple(side.lots[i] for i in rows), ids))
        kinds.append([one.kind for one in qualities])
        sizes.append([(one.height, one.width) for one in qualities])
    findings += _of_kinds(kinds[0], kinds[1], sides[0].name, sides[1].name)
    findings += _of_sizes(sizes[0], sizes[1], sides[0].name, sides[1].name)
    findings += _in_both(sides[0], sides[1])
    measured, of_new = sides
    return findings + describe_drift(find_drift(measured, of_new, level), measured, of_new)


def _of_kinds(known: Sequence[str], new: Sequence[str], reference: str, name: str) -> list[Finding]:
    """Pixel formats that the reference does not have: a fact, which needs no test."""
    foreign = [kind for kind in new if kind not in set(known)]
    if not foreign:
        return []
    return [
        Finding(
            WARNING,
            CHECK,
            f"{len(foreign)} of {len(new)} images of {name} are of a format that no image of {reference} has: "
            f"{', '.join(sorted(set(foreign)))} instead of {', '.join(sorted(set(known)))}",
            "write new images as those that the model learned from",
        )
    ]


def _of_sizes(
    known: Sequence[tuple[int, int]], new: Sequence[tuple[int, int]], reference: str, name: str
) -> list[Finding]:
    """Other sizes than the only one of the reference: a fact, too; where it has several, the tests judge them."""
    if len(set(known)) > 1 or set(new) <= set(known):
        return []
    other = Counter(size for size in new if size not in known[:1])
    (height, width), (most_height, most_width) = known[0], other.most_common(1)[0][0]
    return [
        Finding(
            WARNING,
            CHECK,
            f"{other.total()} of {len(new)} images of {name} are not {height} x {width} (height x width), as all "
            f"images of {reference} are; most of them {most_height} x {most_width}",
            "cut and scale new images as those that the model learned from",
        )
    ]


def _in_both(reference: Measured, new: Measured) -> list[Finding]:
    shared = sorted(set(reference.lots) & set(new.lots))
    if not shared:
        return []
    text = (
        f"{len(shared)} lots have names that are in {reference.name} as well ({shared[0]}): are their images the same?"
    )
    return [Finding(NOTE, CHECK, text)]


def compare_scores(
    validation: PredictionSet, truth: Dataset, predictions: PredictionSet, new: Images, level: float = LEVEL
) -> list[Finding]:
    """What is different in the scores of new images beside those of good images of validation.

    The share that is flagged at the threshold that catches 98 % of the validation defects, and the scores of what is
    not flagged, so that another share of defects alone is not taken for drift of the scores.

    Args:
        validation: predictions for the val split of the reference; for all of it where it has no splits.
        truth: the reference.
        predictions: of new images, some or all.
        new: these images.

    Raises:
        InputError: predictions of other images, or no good image in validation.
    """
    samples = truth.samples if truth.splits is None else truth.split("val")
    require_of_dataset(validation, truth.samples, len(truth.categories), "--validation")
    scored = {one.image_id: one.score for one in validation.predictions}
    if scored.keys() != {s.image_id for s in samples}:
        raise InputError(
            f"--validation: {len(scored)} predictions, which are not of the {len(samples)} validation images"
        )
    good = [s for s in samples if s.status == GOOD]
    if not good:
        raise InputError("--validation: no good images, whose scores new ones could be compared with")
    defects = [scored[s.image_id] for s in samples if s.is_defect]
    threshold = DEFAULT_RULE.threshold(defects, [True] * len(defects)) if defects else None
    rows, notes = _rows(predictions, new)
    scores = np.array([one.score for one in predictions.predictions])
    known = _scored("validation", np.array([scored[s.image_id] for s in good]), [s.group for s in good], threshold)
    of_new = _scored("the new images", scores, [new.lots[i] for i in rows], threshold)
    if threshold is None:
        notes.append(
            Finding(NOTE, CHECK, "no defects in validation, so no threshold: the share flagged is not compared")
        )
    return notes + describe_drift(find_drift(known, of_new, level), known, of_new)


def _rows(predictions: PredictionSet, new: Images) -> tuple[list[int], list[Finding]]:
    """The place of each prediction's image, and a note on images without one."""
    if not predictions.predictions:
        raise InputError("--predictions: holds no predictions")
    places = {path: i for i, path in enumerate(new.paths)}
    rows = []
    for one in predictions.predictions:
        if one.file_name not in places:
            raise InputError(
                f"--predictions: {one.file_name} is no image of {new.name}, or stands twice; predict these "
                f"images, a plain folder with --images {new.name}"
            )
        rows.append(places.pop(one.file_name))  # so that an image predicted twice is refused
    missing = len(places)
    text = f"{missing} of {len(new.paths)} images of {new.name} have no prediction and are left out of the scores"
    return rows, [Finding(NOTE, CHECK, text)] if missing else []


def _scored(name: str, scores: np.ndarray, lots: Sequence[str], threshold: float | None) -> Measured:
    if threshold is None:
        return Measured(name, ("score",), scores[:, None], tuple(lots))
    flagged = scores >= threshold
    values = np.column_stack([flagged.astype(np.float64), np.where(flagged, np.nan, scores)])
    return Measured(name, ("share of flagged images", "score of images not flagged"), values, tuple(lots))
