"""Images with their masks and what their folders say of them."""

import re
from collections.abc import Callable, Collection, Sequence
from itertools import takewhile
from pathlib import Path

from data_tools.core.records import GOOD, UNBOXED
from data_tools.core.split_words import part_of
from data_tools.files.regular import reason_against_reading
from data_tools.formats.images.mask_places import Pairing, split_objects
from data_tools.formats.masks.masked_images import MaskJob
from data_tools.formats.registry import ReadOptions
from data_tools.formats.words.asides import is_good_among
from data_tools.formats.words.folders import (
    is_good,
    name_of,
    names_a_fault,
    numbered_alike,
    plain_rest,
    status_of,
    status_of_nearest,
    type_of,
)
from data_tools.formats.words.type_words import leaves_open

_FEWEST_OF_A_SET = 2  # words beside the fault, as in "steel surface scratches"
_LIST = re.compile(r"^[ \t]*\d+[ \t]+(?:0[ \t]+)?(\S*[^\W\d]\S*)[ \t]+0[ \t]+0\s*$", re.M)  # 7 0 0007.PNG 0 0


def make_jobs(
    pairing: Pairing,
    root: Path,
    options: ReadOptions,
    empty_status: str,
    without_masks: str | None,
    says_good: Callable[[str], bool] | None = None,
) -> list[MaskJob]:
    """A job for each image.

    Args:
        pairing: images with their masks.
        root: of the set.
        options: of the reader.
        empty_status, without_masks: see `MaskJob`; the latter counts where a folder says that an image is a defect.
        says_good: whether a folder of types holds good images, where every folder below a part of the split is a type,
            and an image right in such a part is of none; None where folders may say anything.
    """
    listed = _listed_as_good(root)
    folders = list(dict.fromkeys(part for path in pairing.masks for part in path.relative_to(root).parts[:-1]))
    products = numbered_alike(folders)
    numbered = numbered_alike([*pairing.types.values()])
    kinds = {mask: folder for mask, folder in pairing.types.items() if folder not in numbered}
    products |= _of_the_set([path.relative_to(root).parts[:-1] for path in pairing.masks])
    nearest_of = {path: _nearest(path, root, products) for path in pairing.masks}
    tops = {below[-1] for nearest in nearest_of.values() if (below := _below_part(nearest))}
    first_tells = says_good is not None and any(map(says_good, tops))
    jobs = []
    for path, masks in pairing.masks.items():
        nearest = nearest_of[path]
        if says_good is None:
            defect_type, status = type_of(nearest, options), status_of_nearest(nearest)
            telling = next((part for part in nearest if _is_good(part, folders, options)), "")
            status = status if status != GOOD or telling else None  # "good_contact" may be a type of defect
        else:
            nearest = _below_part(nearest)  # a product is no type
            if first_tells and _tells_alone(nearest, options):
                nearest = nearest[-1:]
            defect_type = type_of(nearest, options, says_good)
            status = None if not nearest else GOOD if defect_type == GOOD else UNBOXED
            telling = next((part for part in nearest if says_good(part)), "")
        proof = f"folder {telling!r}" if status == GOOD or (defect_type == GOOD and telling) else ""
        proof = proof or ("Labels.txt" if path in listed else "")
        of_types, objects = split_objects(masks, root)
        by_type = bool(nearest) or says_good is None
        jobs.append(
            MaskJob(
                root,
                path.relative_to(root).as_posix(),
                of_types,
                defect_type,
                proof,
                empty_status if by_type else GOOD,
                UNBOXED if status == UNBOXED else without_masks if by_type else None,
                objects,
                says_good is not None and status_of_nearest(nearest) == UNBOXED,
                tuple(type_of([kinds[mask]], options) if mask in kinds else "" for mask in of_types),
                _lacking([kinds.get(mask, "") for mask in of_types], kinds.values()),
            )
        )
    return jobs


def _of_the_set(folders: Sequence[tuple[str, ...]]) -> set[str]:
    """The folders that all images lie in, which are the set's, but for one called as a fault: "scratch"."""
    shared = [{*parts} for parts in folders]
    common = set[str].intersection(*shared) if shared else set[str]()
    return {one for one in common if status_of(one) != GOOD and not (names_a_fault(one) and _is_short(one))}


def _is_short(folder: str) -> bool:
    return len(plain_rest(folder)) < _FEWEST_OF_A_SET and not re.search(r"\d\d", folder)


def _nearest(path: Path, root: Path, products: Collection[str]) -> list[str]:
    """The folders of an image, the nearest first, without those of products."""
    return [part for part in reversed(path.relative_to(root).parts[:-1]) if part not in products]


def _below_part(nearest: Sequence[str]) -> list[str]:
    """Those of an image's folders that lie below a part of the split."""
    return [*takewhile(lambda part: not part_of(part), nearest)]


def _tells_alone(nearest: Sequence[str], options: ReadOptions) -> bool:
    """Whether the folder right below a part says what an image is, and those in it, such as views, do not.

    They do in NG/scratch/, and in good/scratch/ and good/review/, which may be either.
    """
    below = nearest[:-1]
    if not below or any(name_of(one) in options.type_map or names_a_fault(one) or leaves_open(one) for one in below):
        return False
    return type_of(nearest[-1:], options) != "defect"


def _lacking(own: Collection[str], kinds: Collection[str]) -> str:
    """A type of which an image has no mask, where folders below that of masks are types; "" without."""
    if not kinds or not any(own) or any(is_good(kind) for kind in own if kind):
        return ""
    return min((kind for kind in {*kinds} - {*own} if not is_good(kind)), default="")


def _is_good(folder: str, folders: Sequence[str], options: ReadOptions) -> bool:
    """Whether a folder says, by its own name or the new one, that its images are good."""
    mapped = options.type_map.get(name_of(folder))
    return is_good_among(folder, folders) if mapped is None else is_good(mapped)


def _listed_as_good(root: Path) -> set[Path]:
    """Images that a Labels.txt beside the masks, as DAGM has it, says are without defect."""
    good = set()
    for path in root.rglob("Labels.txt"):
        if reason_against_reading(path) is not None:
            continue
        names = _LIST.findall(path.read_text(encoding="utf-8", errors="replace"))
        good |= {path.parent.parent / name for name in names}
    return good
