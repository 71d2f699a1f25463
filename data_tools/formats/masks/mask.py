"""Images with masks, in folders of any shape: in masks/, beside the images, with a word for it in the name.

Each 8-connected region of a mask becomes a box; an empty mask is a good image; the type is the folder's name, or the
mask's value where values are types, by the names of a labelmap.txt where there is one. Which mask belongs to which
image: `mask_places`; what its values mean: `mask_reading`. So are read, among others, magnetic tiles, KolektorSDD and
KSDD2, DAGM, VisA as published, and the segmentations of VOC and CVAT. Where there is no mask at all, folders such as
OK/ and NG/ say what their images are: `labelled_folders`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.formats.evidence import UNLABELLED
from data_tools.formats.images.image_index import size_of, usable_images, without_boxes
from data_tools.formats.images.mask_places import pair_masks
from data_tools.formats.masks.label_maps import NAME, names_of_numbers, read_label_map
from data_tools.formats.masks.labelled_folders import labels_of
from data_tools.formats.masks.mask_jobs import make_jobs
from data_tools.formats.masks.masked_images import looks_like_a_mask, one_folder, samples_from_masks
from data_tools.formats.masks.mvtec import mvtec_roots
from data_tools.formats.registry import AREAS, Findings, Format, ReadOptions
from data_tools.formats.seen import reject_unread_records, unread_tables
from data_tools.formats.words.folders import status_of

_LOOKED_AT = 24  # masks that are opened to see whether they are some
_SHOWN = 5


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of their paths.

    Regions below `options.min_area` are listed; where a mask has no larger one, its largest is kept, so that a small
    defect does not turn into a good image.

    Raises:
        InputError: not a folder, or masks that cannot be understood.
    """
    root = one_folder(sources, FORMAT.name)
    pairing = pair_masks(list(usable_images(root, findings)), root)
    if not any(pairing.masks.values()) and not pairing.unused and not (root / NAME).exists():
        yield from _labelled(list(pairing.masks), root, options, findings)
        return
    jobs = make_jobs(pairing, root, options, GOOD, None)
    kinds = sorted({kind for job in jobs for kind in job.mask_types if kind not in ("", GOOD)})
    if kinds:
        findings.notes.append(f"folders of masks taken for types of defects: {', '.join(kinds)}")
    names, files = names_of_numbers(root)
    if names:
        renamed = {number: options.type_map.get(name.lower(), name) for number, name in names.items()}
        options = replace(options, type_map={**renamed, **options.type_map})
        findings.notes.append(f"types of the masks' numbers by {', '.join(path.name for path in files[:_SHOWN])}")
    yield from samples_from_masks(jobs, options, findings, read_label_map(root))
    for path in pairing.unused:
        findings.reject(path, None, path.relative_to(root).as_posix(), "a mask of no image")
    reject_unread_records(root, findings, files)


def _labelled(images: Sequence[Path], root: Path, options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """The samples of images without any mask, of which the folders say whether they are good."""
    labels = labels_of([path.relative_to(root).as_posix() for path in images], options.type_map)
    for path in unread_tables(root):
        findings.reject(path, None, path.stem, "not read: what the images are is taken from their folders alone")
    beside = sorted({label.by for label in labels.values() if label.status == UNBOXED and status_of(label.by) is None})
    if beside:
        findings.notes.append(f"folders taken for types of defects, beside one of good images: {', '.join(beside)}")
    for name, label in labels.items():
        status, proof = label.status, f"folder {label.by!r}"
        if label.is_silent and options.unlabelled == GOOD:
            status, proof = GOOD, UNLABELLED
        if status is None:
            findings.reject(
                root / name, None, name, f"{label.problem}; --type_map '{{FOLDER: good}}' or a type says it"
            )
            continue
        size_hw = size_of(root / name, name, findings)
        if size_hw is not None:
            yield without_boxes(name, size_hw, status, label.type, proof if status == GOOD else "")


def _recognise(source: Path) -> str | None:
    if not source.is_dir() or mvtec_roots(source):
        return None
    pairing = pair_masks(list(usable_images(source, Findings())), source)
    pairs = [(image, masks[0]) for image, masks in pairing.masks.items() if masks]
    step = max(len(pairs) // _LOOKED_AT, 1)
    for image, mask in pairs[::step]:
        if looks_like_a_mask(mask):
            return f"{image.name} has the mask {mask.name}"
    return None


def _recognise_last(source: Path) -> str | None:
    if not source.is_dir():
        return None
    pairing = pair_masks(list(usable_images(source, Findings())), source)
    if any(pairing.masks.values()) or pairing.unused:
        return None
    labels = labels_of([path.relative_to(source).as_posix() for path in pairing.masks], {})
    by = sorted({label.by for label in labels.values() if label.by})
    return f"folders {', '.join(by[:_SHOWN])} say what their images are" if by else None


FORMAT = Format(
    "mask",
    "images with masks beside them or in folders of masks",
    "none",
    _recognise,
    lambda sources, _options: one_folder(sources, "mask"),
    read,
    reads=AREAS | {"type_map", "unlabelled"},
    recognise_last=_recognise_last,
)
