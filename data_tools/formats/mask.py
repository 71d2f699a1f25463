"""Images with masks, in folders of any shape: in masks/, beside the images, with a word for it in the name.

Each 8-connected region of a mask becomes a box; an empty mask is a good image; the type is the folder's name, or the
mask's value where values are types, by the names of a labelmap.txt where there is one. Which mask belongs to which
image: `mask_places`; what its values mean: `mask_reading`. So are read, among others, magnetic tiles, KolektorSDD and
KSDD2, DAGM, VisA as published, and the segmentations of VOC and CVAT.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.records import GOOD, Sample
from data_tools.formats.image_index import usable_images
from data_tools.formats.label_maps import read_label_map
from data_tools.formats.mask_jobs import make_jobs
from data_tools.formats.mask_places import pair_masks
from data_tools.formats.masked_images import looks_like_a_mask, one_folder, samples_from_masks
from data_tools.formats.mvtec import mvtec_roots
from data_tools.formats.registry import AREAS, Findings, Format, ReadOptions

_LOOKED_AT = 24  # masks that are opened to see whether they are some


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of their paths.

    Regions below `options.min_area` are listed; where a mask has no larger one, its largest is kept, so that a small
    defect does not turn into a good image.

    Raises:
        InputError: not a folder, or masks that cannot be understood.
    """
    root = one_folder(sources, FORMAT.name)
    pairing = pair_masks(list(usable_images(root, findings)), root)
    jobs = make_jobs(pairing, root, options, GOOD, None)
    yield from samples_from_masks(jobs, options, findings, read_label_map(root))
    for path in pairing.unused:
        findings.reject(path, None, path.relative_to(root).as_posix(), "a mask of no image")


def _images_root(sources: Sequence[Path], _options: ReadOptions) -> Path:
    return one_folder(sources, FORMAT.name)


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


FORMAT = Format(
    "mask",
    "images with masks beside them or in folders of masks",
    "none",
    _recognise,
    _images_root,
    read,
    reads=AREAS | {"type_map", "unlabelled"},
)
