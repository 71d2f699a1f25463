"""Which mask belongs to which image, by names and folders.

A mask lies in a folder of masks (masks/, ground_truth/, Label/, ...), or has a word for it at the end of its name
(a_mask.png, a_label.bmp, a_GT.png) or at its start (mask_7.png beside 7.png or img_7.png), or is a lossless file of the
same name beside a .jpg. Both sides are compared without these words, without the folders that carry images (images/,
Imgs/, Data/) and in small letters; a folder whose name is made of such words, as train_images/ and train_masks/ are,
stands for several. Where that does not tell images apart, folders of a split count too, and where they lead nowhere,
those of defects in general (Defect_images/ beside Mask_images/) do not. Of masks/scratch/a.png and masks/pit/a.png
beside images/a.png, the folder right below masks/ is the type. An image may have several masks, numbered or in a folder
of its name; where SegmentationClass/ and SegmentationObject/ have one each, they are its types and its single defects.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from unicodedata import normalize

from data_tools.core.records import GOOD, UNBOXED
from data_tools.core.split_words import ALL_WORDS, part_of
from data_tools.formats.words.folders import CARRIERS, is_numbered_carrier, plain_rest, status_of
from data_tools.formats.words.vocabulary import word_set

MASK_FOLDERS = word_set(
    "mask masks ground_truth groundtruth ground-truth gt gts label labels seg segmentation segmentations "
    "segmentationclass segmentationobject annotation annotations bin binary defect_mask defect_masks anomaly_mask "
    "mask_images label_images anno annos annot annots target targets bw semantic_maps semanticmaps "
    "maske masken masque masques máscara máscaras mascara mascaras maschera maschere "
    "掩码 掩膜 蒙版 标签 标注 マスク 마스크"
) | {"ground truth", "semantic maps"}
_PARTS = MASK_FOLDERS | CARRIERS | {*ALL_WORDS, "lab", "ann", "dir"}
_MASK_WORDS = {"lab": "label", "ann": "annotation"}  # no folders of masks by themselves
_GLUED = re.compile(rf"^({'|'.join(ALL_WORDS)})({'|'.join(sorted(MASK_FOLDERS | CARRIERS))})$")
_TYPES, _OBJECTS = "segmentationclass", "segmentationobject"
_COUNTED = re.compile(r"^(masks?|gt|ground[ _-]?truth)[ _-]?\d{1,2}$")  # "label_1" and "bin_1" may be classes
_OF_VOC = re.compile(rf"^({_TYPES}|{_OBJECTS})(?:png|aug|raw)$")
_WORDS = r"(?:masks?|labels?|labell?ed|gt|ground[ _-]?truth|seg(?:m|mentation)?|bin(?:ary)?|anno(?:tation)?|matte)"
_SUFFIXED = re.compile(rf"^(?P<name>.+?)[ ._-]+{_WORDS}(?:[ ._-]*\d{{1,3}})?$", re.I)
_PREFIXED = re.compile(r"^(?:masks?|labels?|gt|ground[ _-]?truth|seg(?:mentation)?)[ ._-]+(?P<name>.+)$", re.I)
_IMAGE_PREFIXES = ("", "img_", "image_", "im_", "img", "image")  # img_7.png has the mask mask_7.png
_LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".pbm", ".ppm")
_LOSSY = (".jpg", ".jpeg", ".jfif", ".jp2", ".webp")
Key = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class Pairing:
    """Images with their masks.

    Attributes:
        masks: of each image, in order; empty where it has none.
        unused: masks that no image took.
        types: folders of types, by the masks in them, where the folders of the images are none.
    """

    masks: dict[Path, tuple[Path, ...]]
    unused: tuple[Path, ...]
    types: dict[Path, str] = field(default_factory=dict)


def pair_masks(files: Sequence[Path], root: Path) -> Pairing:
    """Tell images from masks and find each image's masks.

    Args:
        files: all image files under `root`, masks among them.
        root: of the set; its own name says nothing.
    """
    marked = {path: _mark(path, root) for path in files}
    plain = [path for path in files if not marked[path]]
    by_stem: dict[tuple[Path, str], list[Path]] = {}
    for path in plain:
        by_stem.setdefault((path.parent, path.stem.lower()), []).append(path)
    masks = {path for path in files if marked[path]}
    for twins in by_stem.values():
        lossy = [path for path in twins if path.suffix.lower() in _LOSSY]
        if lossy and len(twins) > len(lossy):
            masks |= {path for path in twins if path.suffix.lower() in _LOSSLESS}
    # a name with a word for masks is an image's own where no other image has the rest of it
    stems = {_key(path, root, False, keep_splits=True) for path in plain if path not in masks}
    loose = {_key(path, root, False, keep_splits=False) for path in plain if path not in masks}
    for path in files:
        if (
            marked[path] == "name"
            and not _mask_keys(path, root, True) & stems
            and not _mask_keys(path, root, False) & loose
        ):
            masks.discard(path)
    images = [path for path in files if path not in masks]
    masks_of: dict[Path, list[Path]] = {path: [] for path in images}
    exact, without_splits = (_by_key(images, root, keep) for keep in (True, False))
    in_general = _by_key(images, root, False, leave_out=_is_of_defects)
    unused = []
    types: dict[Path, str] = {}
    for path in files:
        if path not in masks:
            continue
        loosely = _mask_keys(path, root, False)
        owner = _owner(_mask_keys(path, root, True), exact) or _owner(loosely, without_splits)
        owner = owner or _owner(loosely, in_general)
        if owner is None and (folder := _type_folder(path, root)):
            owner = _owner(_mask_keys(path, root, True, folder), exact)
            owner = owner or _owner(_mask_keys(path, root, False, folder), without_splits)
            types |= {} if owner is None else {path: folder}
        if owner is None:
            unused.append(path)
        else:
            masks_of[owner].append(path)
    for path, owner in _owners_elsewhere([path for path in unused if marked[path] == "folder"], images, root).items():
        masks_of[owner].append(path)
        unused.remove(path)
    return Pairing({path: tuple(of) for path, of in masks_of.items()}, tuple(unused), types)


def _mark(path: Path, root: Path) -> str:
    """Why a file is a mask: its "folder", its "name", or "" where neither says so."""
    folders = _folders(path, root)
    if any(folder in MASK_FOLDERS for folder in folders):
        return "folder"
    return "name" if _is_word_beside(path.stem) else ""


def _is_word_beside(stem: str) -> bool:
    """Whether a word for masks stands before or behind the rest of a name."""
    return bool(_SUFFIXED.match(stem) or _PREFIXED.match(stem))


def _type_folder(path: Path, root: Path) -> str:
    """The one folder between a mask and its folder of masks, but for those of a split; "" where there is not one."""
    folders = _folders(path, root)
    last = max((i for i, folder in enumerate(folders) if folder in MASK_FOLDERS), default=len(folders))
    below = [folder for folder in folders[last + 1 :] if folder not in CARRIERS and not part_of(folder)]
    return below[0] if len(below) == 1 else ""


def _mask_keys(path: Path, root: Path, keep_splits: bool, type_folder: str = "") -> set[Key]:
    """The images that a mask may belong to: of its own name, of its name without the word, of its folder's name."""
    folders, stem = _key(path, root, True, keep_splits)
    if type_folder:
        last = len(folders) - 1 - folders[::-1].index(type_folder)
        folders = (*folders[:last], *folders[last + 1 :])
    keys = {(folders, stem)}
    if suffixed := _SUFFIXED.match(stem):
        keys.add((folders, suffixed["name"]))
    elif prefixed := _PREFIXED.match(stem):
        keys |= {(folders, f"{prefix}{prefixed['name']}") for prefix in _IMAGE_PREFIXES}
    if folders and not type_folder:
        keys.add((folders[:-1], folders[-1]))
    return keys


def _key(path: Path, root: Path, is_mask: bool, keep_splits: bool) -> Key:
    folders = _folders(path, root)
    kept = tuple(
        part
        for part in folders
        if part not in CARRIERS
        and not (is_mask and part in MASK_FOLDERS)
        and (keep_splits or not (part_of(part) or is_numbered_carrier(part)))
    )
    return kept, path.stem.lower()


def _by_key(
    images: Sequence[Path], root: Path, keep_splits: bool, leave_out: Callable[[str], bool] = lambda folder: False
) -> dict[Key, list[Path]]:
    by_key: dict[Key, list[Path]] = {}
    for path in images:
        folders, stem = _key(path, root, False, keep_splits)
        by_key.setdefault((tuple(one for one in folders if not leave_out(one)), stem), []).append(path)
    return by_key


def _owners_elsewhere(masks: Sequence[Path], images: Sequence[Path], root: Path) -> dict[Path, Path]:
    """The images of masks in one folder whose images lie in several beside it, as in types: oil/, scratch/.

    They count where each mask of the folder has one image of its name, and none of these is in a folder of good ones.
    """
    above: dict[Key, list[Path]] = {}
    for path in images:
        folders, stem = _key(path, root, False, False)
        for depth in range(len(folders) + 1):
            above.setdefault((folders[:depth], stem), []).append(path)
    owners: dict[Path, dict[Path, Path | None]] = {}
    for path in masks:
        owners.setdefault(path.parent, {})[path] = _owner(_mask_keys(path, root, False), above)
    met: dict[Path, Path] = {}
    for of in owners.values():
        found = {path: owner for path, owner in of.items() if owner is not None}
        good = any(status_of(folder) == GOOD for owner in found.values() for folder in _folders(owner, root))
        met |= found if len(found) == len(of) and not good else {}
    return met


def _is_of_defects(folder: str) -> bool:
    """Whether a folder is one of defects and names no type, so that their masks may lie elsewhere."""
    return status_of(folder) == UNBOXED and not plain_rest(folder)


def _owner(keys: set[Key], images: dict[Key, list[Path]]) -> Path | None:
    """The one image that one of the keys names; None where there is none, or several."""
    named = {path for key in keys for path in images.get(key, ())}
    return next(iter(named)) if len(named) == 1 else None


def split_objects(masks: Sequence[Path], root: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The masks of an image, and those that tell its defects apart, where VOC's two folders have one each."""
    objects = tuple(path for path in masks if _OBJECTS in _folders(path, root))
    types = tuple(path for path in masks if path not in objects)
    both = objects and any(_TYPES in _folders(path, root) for path in types)
    return (types, objects) if both else (tuple(masks), ())


def _folders(path: Path, root: Path) -> list[str]:
    return [part for folder in path.relative_to(root).parts[:-1] for part in _parts(normalize("NFC", folder).lower())]


@lru_cache(maxsize=1 << 14)
def _parts(folder: str) -> tuple[str, ...]:
    """The folders that a name stands for, one for most: train_masks is masks/ of train/, trainannot is annot/ of it.

    What stands behind a word for masks says no more: ground_truth_1, SegmentationClassPNG.
    """
    if more := _COUNTED.match(folder) or _OF_VOC.match(folder):
        return (more[1],)
    parts = tuple(re.split(r"[ _-]+", folder))
    if folder in _PARTS or (len(parts) > 1 and not _PARTS.issuperset(parts)):
        return (folder,)
    glued = _GLUED.match(folder)
    parts = glued.groups() if glued else parts
    return tuple(_MASK_WORDS.get(part, part) for part in parts if part != "dir") if len(parts) > 1 else (folder,)


def is_named_as_mask(name: str) -> bool:
    """Whether a file's name, relative to its set and with slashes, or one of its folders has a word for masks."""
    return bool(_mark(Path(name), Path()))
