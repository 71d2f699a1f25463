"""MVTec's folders and their like: `train/good`, `test/<type>`, and masks in `ground_truth/<type>`.

One product's folder, or the folder that holds several: MVTec AD, AD 2 and LOCO (several masks an image), BTAD, MPDD. A
type is good only where its folder's name says nothing else: `test/good_contact` is a defect. Each 8-connected
region of a mask becomes a box. A defect image without a mask, or with an empty one, is unboxed: its folder says that it
is a defect. An image right in a part of the split, as in AD 2's `test_private`, is of no type: it is listed where it
has no mask.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.formats.images.image_index import usable_images
from data_tools.formats.images.mask_places import pair_masks
from data_tools.formats.masks.mask_jobs import make_jobs
from data_tools.formats.masks.masked_images import one_folder, samples_from_masks
from data_tools.formats.registry import AREAS, Findings, Format, ReadOptions
from data_tools.formats.seen import reject_unread_records
from data_tools.formats.words.asides import is_good_type
from data_tools.formats.words.folders import name_of, status_of
from data_tools.formats.words.type_words import leaves_open

_TRUTH = ("ground_truth", "groundtruth", "ground-truth")
_TEST = ("test", "test_public", "test_private", "test_private_mixed")
_PARTS = ("train", "validation", "val", *_TEST)


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of their paths.

    Raises:
        InputError: not a folder, or masks that cannot be understood.
    """
    root = one_folder(sources, FORMAT.name)
    roots, inside = mvtec_roots(root), []
    for path in usable_images(root, findings):
        place = next((p for p in roots if path.is_relative_to(p)), None)
        parts = () if place is None else tuple(part.lower() for part in path.relative_to(place).parts)
        if place is not None and len(parts) > 1 and (parts[0] in _PARTS or parts[0] in _TRUTH):
            if parts[0] in _PARTS and leaves_open(parts[1]) and name_of(parts[1]) not in options.type_map:
                reason = f"folder {parts[1]!r} leaves open whether it is good; --type_map says it"
                findings.reject(path, None, path.name, reason)
            else:
                inside.append(path)
        else:
            findings.reject(path, None, path.name, "not in train/<type>, test/<type> or ground_truth/<type>")
    pairing = pair_masks(inside, root)
    jobs = make_jobs(pairing, root, options, UNBOXED, UNBOXED, is_good_type)
    yield from samples_from_masks(jobs, options, findings, of_types=True)
    for path in pairing.unused:
        findings.reject(path, None, path.relative_to(root).as_posix(), "a mask of no image")
    reject_unread_records(root, findings)


def mvtec_roots(folder: Path) -> list[Path]:
    """The folder, or the folders in it, that have a test part beside ground_truth/ or a good training part.

    A folder that holds no more than another one stands for that.
    """
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    found = [place for place in (folder, *inside) if _is_root(place)]
    return mvtec_roots(inside[0]) if not found and len(inside) == 1 else found


def _is_root(place: Path) -> bool:
    folders = {path.name.lower(): path for path in place.iterdir() if path.is_dir()}
    tests = [folders[name] for name in _TEST if name in folders]
    if not tests:
        return False
    truth = any(name in folders for name in _TRUTH) or any((test / "ground_truth").is_dir() for test in tests)
    train = folders.get("train")
    kinds = [] if train is None else [path.name for path in train.iterdir() if path.is_dir()]
    return truth or (bool(kinds) and all(status_of(kind) == GOOD for kind in kinds))


def _recognise(source: Path) -> str | None:
    if not source.is_dir():
        return None
    roots = mvtec_roots(source)
    return f"{roots[0].name} holds test/ beside ground_truth/ or train/good" if roots else None


FORMAT = Format(
    "mvtec",
    "train/good, test/<type>, ground_truth/<type> masks",
    "none",
    _recognise,
    lambda sources, _options: one_folder(sources, "mvtec"),
    read,
    reads=AREAS | {"type_map"},
)
