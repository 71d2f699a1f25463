"""Images whose labels and masks a file names: which files they are, and their samples."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.formats.claims import Claim
from data_tools.formats.evidence import NO_EVIDENCE
from data_tools.formats.images.claimed_images import ClaimedImage, by_image, reject_claim
from data_tools.formats.images.image_index import ImageIndex
from data_tools.formats.images.image_places import ImagePlaces
from data_tools.formats.images.name_readings import folded
from data_tools.formats.masks.masked_images import MaskJob, samples_from_masks
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.words.folders import is_good

_ANY = "defect"
Masks = Mapping[tuple[Path, int | None], tuple[str, ...]]


def samples_of_masked(
    claims: Sequence[Claim], masks: Masks, places: ImagePlaces, options: ReadOptions, findings: Findings
) -> Iterator[Sample]:
    """Samples in the order in which their images are claimed first; what is not used is listed.

    An image is a defect or good as it is claimed, and as its masks say where nothing is. A defect without a mask that
    can be found, or with an empty one, is unboxed.

    Args:
        claims: without areas: a defect, good, a problem, or nothing.
        masks: the names of the masks of each, by its source and line.
        places: of the images; the masks lie among them.
        options, findings: of the reader.

    Raises:
        InputError: no images at hand, no claim meets one, or masks that cannot be understood.
    """
    if places.index is None:
        raise InputError(f"{claims[0].source}: names masks, and no images are here: give --images DIR")
    if options.unlabelled == GOOD:
        raise InputError("--unlabelled good: images that no record names may be masks too; leave it out")
    images, _ = by_image(claims, places, findings)
    if not any(image.claims for image in images.values()):
        raise InputError(f"{claims[0].source}: no record meets an image under {places.index.root}")
    jobs, used = [], set[str]()
    for path, image in images.items():
        found = _masks_of(image, masks, places.index, images, findings)
        used |= {*found}
        job = _job(path, image, found, places.index.root, options, findings)
        if job is not None:
            jobs.append(job)
    yield from samples_from_masks(jobs, options, findings)
    for path in places.index.paths:
        if path not in images and path not in used:
            findings.reject(places.index.root / path, None, path, NO_EVIDENCE)


def _masks_of(
    image: ClaimedImage, masks: Masks, index: ImageIndex, images: Mapping[str, ClaimedImage], findings: Findings
) -> tuple[str, ...]:
    """The files of an image's masks; one that is not found, or is an image itself, is listed and leaves a doubt."""
    found: dict[str, None] = {}
    for claim in image.claims:
        for name in masks.get((claim.source, claim.line), ()):
            match = index.match(name, claim.folder)
            reason = match.reason.replace("image", "mask")
            if not reason and match.paths[0] in images:
                reason = "an image of its own"
            if not reason and not _same_place(name, match.paths[0]):
                reason = f"not there, and {match.paths[0]} is in another folder"
            if reason:
                image.doubts.append(f"mask {name[:200]!r}: {reason}")
                reject_claim(claim, image.doubts[-1], findings)
            else:
                found[match.paths[0]] = None
    return tuple(found)


def _same_place(name: str, path: str) -> bool:
    """Whether a file lies in the folder that its name says, as far as that goes: masks of one name are many."""
    said = PurePosixPath(folded(name.replace("\\", "/"))).parts[-2:-1]
    return not said or PurePosixPath(folded(path)).parts[-2:-1] == said


def _job(
    path: str, image: ClaimedImage, masks: Sequence[str], root: Path, options: ReadOptions, findings: Findings
) -> MaskJob | None:
    """How an image is read; None where it is listed."""
    for claim in image.claims:
        if claim.problem:
            reject_claim(claim, claim.problem, findings)
    kinds = dict.fromkeys(options.renamed(one.defect_type, findings) for one in image.claims if one.defect_type)
    defects = [kind for kind in kinds if not is_good(kind)]
    proofs = [*(one.good for one in image.claims if one.good), *(f"type {kind!r}" for kind in kinds if is_good(kind))]
    first = image.claims[0] if image.claims else None
    if first is None or any(claim.problem for claim in image.claims):
        return None
    if defects and proofs:
        reject_claim(
            first, f"a defect by {defects[0]!r}, but good by {proofs[0]}: correct the one that is wrong", findings
        )
        return None
    files = tuple(root / mask for mask in masks)
    if defects:
        return MaskJob(root, path, files, defects[0], "", UNBOXED, UNBOXED, is_defect=True)
    if image.doubts:
        reject_claim(first, f"not taken as good, since an annotation cannot be used: {image.doubts[0]}", findings)
        return None
    return MaskJob(root, path, files, GOOD if proofs else _ANY, proofs[0] if proofs else "", GOOD)
