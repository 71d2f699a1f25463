"""Image files that show no part of their own, but are made from another image: maps, thumbnails, masks, copies.

A file is one only where the image that it is made from lies there too: its name without the word for what it is, or the
same name in a folder beside it, or with another suffix.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.files.images import read_gray
from data_tools.formats.images.mask_places import is_named_as_mask, pair_masks
from data_tools.formats.words.folders import CARRIERS

_MAPS = ("depth", "disparity", "normals", "xyz", "heatmap", "thumb", "thumbnail", "preview", "checkpoint")
_NAMED_MAP = re.compile(rf"^(?P<name>.+?)[ ._-]+(?:{'|'.join(_MAPS)})(?:[ _-]?(?:map|image|img))?$", re.I)
_NAMED_PHOTO = re.compile(r"^(?P<name>.+?)[ ._-]+(?:rgb|colou?r|image|img)(?:[ _-]?\d{1,2})?$", re.I)  # 000_image_0
_MAP_FOLDERS = {f"{word}{ending}" for word in _MAPS for ending in ("", "s", "_map", "_maps", "_images")}
_OF_TRAINING = re.compile(
    r"^(?:confusion_matrix(?:_normalized)?|results|labels(?:_correlogram)?|(?:box|mask|pose)?(?:pr|p|r|f1)_curve"
    r"|(?:train|val|test)_batch\d+(?:_(?:labels|pred))?)\.(?:png|jpe?g)$",
    re.I,
)
_LARGEST_DIFFERENCE = 6.0  # mean of gray values 0..255, between an image and its copy as JPEG of low quality
_SMALLEST_LIKENESS = 0.9  # correlation of their gray values

_A_FIGURE = "a figure of a training by its name"

_Key = tuple[tuple[str, ...], str]


def maps_among(names: Sequence[str]) -> dict[str, str]:
    """The depth maps, thumbnails and the like among images, each with the image that it is made from.

    Args:
        names: relative to one folder, with slashes.
    """
    marked = {name for name in names if _is_map(name)}
    if not marked:
        return {}
    photos = {_key(name, _NAMED_PHOTO): name for name in reversed(names) if name not in marked}
    photos |= {_key(name): name for name in reversed(names) if name not in marked}
    return {name: photos[_key(name)] for name in names if name in marked and _key(name) in photos}


def made_from_others(names: Sequence[str], root: Path) -> dict[str, str]:
    """The masks, a training's figures and copies in another suffix among images, and why each is none of its own."""
    reasons = _masks_among(names, root) if any(map(is_named_as_mask, names)) else {}
    reasons |= {name: _A_FIGURE for name in names if _OF_TRAINING.match(name.rpartition("/")[2])}
    by_stem: dict[str, str] = {}
    for name in names:
        if name not in reasons:
            first = by_stem.setdefault(os.path.splitext(name)[0].lower(), name)
            if PurePosixPath(first).suffix.lower() != PurePosixPath(name).suffix.lower():
                reasons[name] = f"has the name of {first} with another suffix: a copy or a mask of it"
    return reasons


def masked_among(names: Sequence[str], root: Path) -> frozenset[str]:
    """The images of which a mask lies there that is named as one."""
    if not any(map(is_named_as_mask, names)):
        return frozenset()
    masks = pair_masks([root / name for name in names], root).masks
    named = {
        image: [mask for mask in own if is_named_as_mask(mask.relative_to(root).as_posix())]
        for image, own in masks.items()
    }
    return frozenset(image.relative_to(root).as_posix() for image, own in named.items() if own)


def _masks_among(names: Sequence[str], root: Path) -> dict[str, str]:
    pairing = pair_masks([root / name for name in names], root)
    owners: dict[Path, Path | None] = dict.fromkeys(pairing.unused)
    owners |= {mask: image for image, masks in pairing.masks.items() for mask in masks}
    return {
        mask.relative_to(root).as_posix(): "has the name or the folder of a mask"
        if image is None
        else f"a mask or a copy of {image.relative_to(root).as_posix()}"
        for mask, image in owners.items()
    }


def one_picture(names: Sequence[str], root: Path) -> bool:
    """Whether images that differ in their suffix alone show the same; False where one cannot be read."""
    if len({os.path.splitext(name)[0] for name in names}) > 1:
        return False
    try:
        first, *others = (read_gray(root / name) for name in names)
    except InputError:
        return False
    return all(_alike(first, other) for other in others)


def _alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    if one.shape != other.shape:
        return False
    if np.array_equal(one, other):
        return True
    a, b = one.astype(np.float32), other.astype(np.float32)
    spread = float(a.std() * b.std())
    likeness = float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 1.0
    return float(np.abs(a - b).mean()) <= _LARGEST_DIFFERENCE and likeness >= _SMALLEST_LIKENESS


def _is_map(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(_NAMED_MAP.match(path.stem)) or any(part.lower() in _MAP_FOLDERS for part in path.parts[:-1])


def _key(name: str, words: re.Pattern[str] = _NAMED_MAP) -> _Key:
    """What an image and the maps made from it have in common: folders and name without words for what they are."""
    path = PurePosixPath(name)
    folders = (part.lower() for part in path.parts[:-1])
    kept = tuple(part for part in folders if part not in CARRIERS and part not in _MAP_FOLDERS)
    named = words.match(path.stem)
    return kept, (named["name"] if named else path.stem).lower()
