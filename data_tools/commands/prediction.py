"""What `detect.predict` and `classify.predict` share: their flags, which images to take, and writing the result."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from data_tools.commands.parser import Parser
from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.records import GOOD, Prediction, PredictionHeader, PredictionSet, Sample, empty_boxes, empty_labels
from data_tools.files.dataset_folder import images_root_of, read_dataset, split_of
from data_tools.files.gray_levels import FULL_BITS, gray_levels, range_text, used_bits
from data_tools.files.image_walk import walk_images
from data_tools.files.images import read_size
from data_tools.files.predictions import require_predictions_place, write_predictions
from data_tools.files.runs import finished_at, read_manifest

_SHOWN, _LOOKED_AT = 3, 24
SPLITS = ("train", "val", "test", "all")


@dataclass(frozen=True)
class Selection:
    """Images to predict: samples with the folder that their paths are relative to, and the split's name."""

    samples: tuple[Sample, ...]
    root: Path
    split: str | None


def add_prediction_arguments(parser: Parser) -> None:
    """The flags of the contract."""
    parser.add_argument("--run", type=str, required=True, help="folder of a finished run")
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder")
    parser.add_argument("--split", choices=SPLITS, default="test", help="which part of the dataset")
    parser.add_argument(
        "--images",
        nargs="+",
        type=str,
        default=None,
        help="image files or folders, instead of --data; with --data the folder that its images have moved to",
    )
    parser.add_argument("--out", type=str, required=True, help="PredictionSet to write (.jsonl)")


def select(arguments: Namespace) -> Selection:
    """The images that the flags name.

    Raises:
        InputError: neither --data nor --images, or unusable ones.
    """
    if arguments.data is not None:
        moved = [Path(name) for name in arguments.images or ()]
        if len(moved) > 1 or not all(path.is_dir() for path in moved):
            raise InputError("--data with --images: give the one folder that the dataset's images have moved to")
        return select_split(Path(arguments.data), arguments.split, *moved)
    if arguments.images is None:
        raise InputError("give --data DATASET with --split, or --images PATH...")
    return _from_images([Path(name) for name in arguments.images])


def select_split(data: Path, split: str, images: Path | None = None) -> Selection:
    """The images of a part of a dataset folder, which `images` holds where they have moved.

    Raises:
        InputError: an unusable dataset, or one without that split or without images.
    """
    dataset = read_dataset(data, images)
    return Selection(split_of(dataset, data, split), images_root_of(dataset, data), split)


def read_finished_manifest(folder: Path, approach: str) -> Fields:
    """The manifest of a finished run of `approach`.

    Raises:
        InputError: no run, an unfinished one, or one of another approach.
    """
    manifest = read_manifest(folder)
    if manifest.text("approach") != approach:
        raise InputError(f"{folder}: a run of {manifest.text('approach')!r}, not of {approach!r}")
    finished_at(manifest, folder)
    return manifest


def predict_and_write(
    arguments: Namespace,
    approach: str,
    config: dict[str, Any],
    predict: Callable[[Sequence[Sample], Path], list[Prediction]],
) -> int:
    """Predict the selected images, write the PredictionSet, and print its path."""
    out = Path(arguments.out)
    require_predictions_place(out)
    selection = select(arguments)
    predictions = tuple(predict(selection.samples, selection.root))
    header = PredictionHeader(f"{approach}: {Path(arguments.run).name}", config, "best", selection.split)
    write_predictions(out, PredictionSet(header, predictions))
    print(out)
    return 0


def _from_images(paths: Sequence[Path]) -> Selection:
    files: list[Path] = []
    for path in paths:
        files += _images_under(path) if path.is_dir() else [path]
    # a link keeps its own name, as DVC and git-annex leave it: the name of what it leads to says nothing
    files = [Path(os.path.abspath(path)) for path in files]
    root = Path(os.path.commonpath([path.parent for path in files]))
    samples = tuple(
        Sample(number, path.relative_to(root).as_posix(), read_size(path), empty_boxes(), empty_labels(), GOOD, "none")
        for number, path in enumerate(dict.fromkeys(files), start=1)
    )
    _warn_about_levels([root / sample.path for sample in samples])
    return Selection(samples, root, None)


def _images_under(folder: Path) -> list[Path]:
    """The images of a folder; what is left out there is said."""
    walk = walk_images(folder)
    left_out = "; ".join(f"{folder / name}: {reason}" for name, reason in walk.left_out[:_SHOWN])
    if not walk.names:
        raise InputError(f"{folder}: no images under this folder{f'; {left_out}' if left_out else ''}")
    if left_out:
        print(f"WARNING: {len(walk.left_out)} left out: {left_out}", file=sys.stderr)
    return [folder / name for name, _ in walk.names]


def _warn_about_levels(paths: Sequence[Path]) -> None:
    """Say that images of 16 bits use few of them, which a run that learned from stretched images takes for darkness."""
    levels = [one for path in paths[:: max(len(paths) // _LOOKED_AT, 1)] if (one := gray_levels(path)) is not None]
    if used_bits(levels) < FULL_BITS:
        print(
            f"WARNING: images of 16 bits use {used_bits(levels)} of 16 bits (gray values {range_text(levels)}); if the "
            "run learned from a set that was converted with --gray_range, stretch these by the same range",
            file=sys.stderr,
        )
