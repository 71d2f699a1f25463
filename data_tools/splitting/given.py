"""The split that a publisher made: by the folders of the images, or by lists of their names."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Sample, Splits
from data_tools.core.split_words import part_of
from data_tools.splitting.deal import FRACTIONS, deal
from data_tools.splitting.split_lists import parts_of_lists

GIVEN = "as published"
_IMAGES = ("images", "image", "imgs", "img", "data", "pictures", "photos", "frames", "set", "dataset", "dir")
_SHOWN = 5


def given_splits(
    samples: Sequence[Sample], sources: Sequence[Path], seed: int = 0, told: Mapping[int, str] | None = None
) -> tuple[Splits, list[str]]:
    """A publisher's split, with remarks on what it leaves open.

    A list (train.txt, ImageSets/Main/val.txt) counts before folders (train/, valid/, Test/), and these before what
    annotations say. Where there is no part for
    validation, it is dealt out of train by whole groups. Images of no part stay outside of all.

    Args:
        samples: numbered and grouped.
        sources: that were converted.
        seed: of the dealing.
        told: the part of images, by their ids, as annotations say it.

    Raises:
        InputError: nothing says which image is in which part, or an image is in two.
    """
    parts, remarks = parts_of_lists(samples, sources)
    parts = parts or _from_folders(samples) or (dict(told or {}) if len({*(told or {}).values()}) > 1 else {})
    if not parts:
        raise InputError(
            f"{sources[0]}: --split given, but neither folders (train, valid, test), lists (train.txt, "
            "ImageSets/Main/train.txt), a column 'split' nor files such as instances_train.json say which image is in "
            f"which part{''.join(f'; {one}' for one in remarks)}"
        )
    ids = {name: [i for i, part in parts.items() if part == name] for name in SPLIT_NAMES}
    outside = [sample.path for sample in samples if sample.image_id not in parts]
    if outside:
        shown = ", ".join(outside[:_SHOWN])
        remarks.append(f"{len(outside)} images are in no part of the given split and stay out of all: {shown}")
    if not ids["val"] and ids["train"]:
        chosen = set(ids["train"])
        of_train = [sample for sample in samples if sample.image_id in chosen]
        train, val = deal(of_train, (1 - FRACTIONS[1], FRACTIONS[1]), seed)
        ids["train"], ids["val"] = list(train), list(val)
        remarks.append(f"the given split has no validation part: {len(val)} of the training images are dealt to it")
    group_of = {sample.image_id: sample.group for sample in samples}
    where: dict[str, set[str]] = {}
    for name in SPLIT_NAMES:
        for image_id in ids[name]:
            where.setdefault(group_of[image_id], set()).add(name)
    divided = [group for group, names in where.items() if len(names) > 1]
    if divided:
        remarks.append(
            f"the given split divides {len(divided)} of {len(where)} groups, such as {divided[0]!r}: images that show "
            "the same part are on both sides, so its figures may be too good; python -m data_tools.audit names them"
        )
    return Splits(seed, GIVEN, *(tuple(sorted(ids[name])) for name in SPLIT_NAMES)), remarks


def _from_folders(samples: Sequence[Sample]) -> dict[int, str]:
    parts = {}
    for sample in samples:
        named = (_part_of(folder.lower()) for folder in PurePosixPath(sample.path).parts[:-1])
        part = next(filter(None, named), None)
        if part is not None:
            parts[sample.image_id] = part
    return parts if len(set(parts.values())) > 1 else {}


def _part_of(folder: str) -> str | None:
    """The part that a folder's name says, alone or beside a word for images, as in train_images and img_val."""
    words = [word for word in re.split(r"[ _-]+", folder) if word not in _IMAGES]
    return part_of(folder) or (part_of(words[0]) if len(words) == 1 else None)
