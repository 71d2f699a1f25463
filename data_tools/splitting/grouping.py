"""Groups of images that must not be divided between training and test: lots, copies, parts of an item, shots of a part.

Names suggest, images confirm. A suggestion that a plain count of files would make too is believed only where the images
that it joins look more alike than others of their kind, and one that chains many images into one group is dropped; the
remarks say so.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from data_tools.core.errors import InputError
from data_tools.splitting.names import (
    capture_runs,
    copies,
    device_folders,
    lots_of,
    namesakes,
    parts,
    same_keys,
    too_few_lots,
    views,
    worded_lots,
)
from data_tools.splitting.near_duplicates import (
    Floats,
    Pairs,
    Signatures,
    component_numbers,
    near_duplicates,
    signatures,
    without_long_chains,
)
from data_tools.splitting.turned import turned_duplicates

_GIANT, _GIANT_SHARE = 30, 0.1
_DRAWS = 20
_NOT_CONFIRMED = {
    "same name in several parts": "pairs of one name in several parts of a split look no more alike than other images: "
    "the parts are taken to be counted each from the start",
    "capture number": "neighbours by the numbers in their names look no more alike than other images: the numbers "
    "are taken for a plain count of files, not for shots of one part",
}
LOTS_IN_ORDER = "auto: lot"
"""The rule where each name starts with a lot of twelve letters and digits, which follow each other in time."""
LOTS_NAMED = "auto: lot in the names"
"""The rule where each name starts with a word for a lot and its number; their order in time is not known."""
LOTS_TOLD = "lot by annotations"
"""What the rule says where annotations name the lots."""
CONFIRMED = 0.8
"""How often a suggested pair must look more alike than a random one; shots of one part do in 0.95, a count in 0.5."""


@dataclass(frozen=True)
class Grouping:
    """What belongs together.

    Attributes:
        groups: of each image, by name.
        rule: that made them, for the record.
        remarks: what was suggested and not believed, for people.
    """

    groups: tuple[str, ...]
    rule: str
    remarks: tuple[str, ...] = field(default=())


def group_samples(paths: Sequence[str], images_root: Path | None, group_by: str, lots: Sequence[str] = ()) -> Grouping:
    """A group for each image.

    Args:
        paths: file names relative to `images_root`.
        images_root: None where no image is at hand; then nothing is confirmed, and near-duplicates cannot be found.
        group_by: "auto", "none", or a regular expression whose first group (or whole match) is the group.

            "auto" takes the lot where every name starts with one (twelve capital letters and digits, then an
            underscore; or a word for it and a number, as in LOT4711_a.png). Otherwise images belong together when their
            names say that they are copies of one picture, parts of one item or of one device's folder, when annotations
            say that they are of one lot, when numbers in their names follow each other and the images confirm it, or
            when they are near-duplicates, also mirrored or turned.
        lots: what annotations say that each image is of, such as a lot, "" where they say nothing; or empty.

    Raises:
        InputError: a regular expression that is none, or that a name does not match; an image that is not readable.
    """
    if group_by == "none":
        return Grouping(tuple(str(i) for i in range(1, len(paths) + 1)), "none")
    if group_by != "auto":
        return Grouping(tuple(groups_by_expression(paths, group_by)), group_by)
    named = lots_of(paths)
    if named is not None:
        return Grouping(tuple(named), LOTS_IN_ORDER)
    worded = None if any(lots) else worded_lots(paths)
    if worded is not None:
        return Grouping(tuple(worded), LOTS_NAMED)
    return _automatic(paths, images_root, lots)


def _automatic(paths: Sequence[str], images_root: Path | None, lots: Sequence[str]) -> Grouping:
    thumbnails = None
    if images_root is not None:
        from data_tools.files.image_facts import read_thumbnails

        thumbnails = read_thumbnails(paths, images_root)
    links, remarks = named_links(paths, thumbnails)
    links[LOTS_TOLD] = _of_lots(lots, remarks)
    if thumbnails is not None:
        signed = signatures(thumbnails)
        links["near-duplicates"] = without_long_chains(*near_duplicates(signed, signed.similar), len(paths))
        links["near-duplicates mirrored or turned"] = turned_duplicates(thumbnails)
    used = [name for name, pairs in links.items() if len(pairs)]
    groups = components(np.concatenate(list(links.values())), len(paths))
    return Grouping(tuple(groups), "auto: " + (", ".join(used) or "each image alone"), tuple(remarks))


def named_links(paths: Sequence[str], thumbnails: Floats | None) -> tuple[dict[str, Pairs], list[str]]:
    """(m, 2) pairs of images that belong together by what their names say, and remarks on what is not believed.

    Args:
        paths: file names.
        thumbnails: (n, 256) of the images, which confirm names that may be plain counts; without them, None, all are
            believed.
    """
    total, remarks = len(paths), list[str]()
    doubtful = {"same name in several parts": namesakes(paths), "capture number": capture_runs(paths)}
    for name, pairs in doubtful.items():
        if len(pairs) and thumbnails is not None and alikeness(pairs, paths, signatures(thumbnails)) < CONFIRMED:
            remarks.append(f"{len(pairs)} {_NOT_CONFIRMED[name]}; --group-by REGEX says otherwise")
            doubtful[name] = pairs[:0]
    suggested = {
        "copies": copies(paths),
        "parts of an item": parts(paths),
        "views of an item": views(paths),
        "folder of a device": device_folders(paths),
        **doubtful,
    }
    return {name: _without_giants(pairs, total, name, remarks) for name, pairs in suggested.items()}, remarks


def _of_lots(lots: Sequence[str], remarks: list[str]) -> Pairs:
    """(m, 2) pairs of images of one lot as annotations say it; none where there are too few lots for a split."""
    images = Counter(lot or number for number, lot in enumerate(lots))
    told = len(images.keys() & set(lots))
    if told and too_few_lots(images):
        remarks.append(f"annotations say that images are of {told} lots: too few for a split, so not grouped by")
        return same_keys(())
    return same_keys([lot or number for number, lot in enumerate(lots)])


def alikeness(pairs: Pairs, paths: Sequence[str], signed: Signatures) -> float:
    """How often an image looks more like its suggested neighbour than like another image of the neighbour's kind, 0..1.

    Images of a kind lie in one folder and are named alike but for numbers; so a type or a light that a whole folder
    shares is no evidence. 0.5 is chance.
    """
    kinds = [(str(PurePosixPath(p).parent), re.sub(r"\d+", "#", PurePosixPath(p).stem)) for p in paths]
    members: dict[tuple[str, str], list[int]] = {}
    for place, kind in enumerate(kinds):
        members.setdefault(kind, []).append(place)
    rng = np.random.default_rng(0)
    wins: list[float] = []
    for one, other in pairs.tolist():
        drawn = rng.choice(members[kinds[other]], _DRAWS)
        drawn = drawn[(drawn != one) & (drawn != other)]
        if len(drawn):
            alike = signed.vectors[other] @ signed.vectors[one]
            wins.append(float(np.mean(alike > signed.vectors[drawn] @ signed.vectors[one])))
    return float(np.mean(wins)) if wins else 0.0


def components(pairs: Pairs, total: int) -> list[str]:
    """The name of each image's connected component: g1, g2, ... in order of first appearance."""
    numbers: dict[int, str] = {}
    return [numbers.setdefault(label, f"g{len(numbers) + 1}") for label in component_numbers(pairs, total).tolist()]


def groups_by_expression(paths: Sequence[str], expression: str, flag: str = "--group-by") -> list[str]:
    """What the pattern's first group (or the whole of it) matches in each file name.

    Raises:
        InputError: not a regular expression, or a name that it does not match; the message names `flag`.
    """
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"{flag} '{expression}': not a regular expression: {error}") from error
    groups = []
    for path in paths:
        matched = pattern.search(path)
        if matched is None:
            raise InputError(f"{flag} '{expression}' does not match the file name {path!r}")
        groups.append(matched.group(1) if pattern.groups and matched.group(1) is not None else matched.group())
    return groups


def _without_giants(pairs: Pairs, total: int, what: str, remarks: list[str]) -> Pairs:
    """The pairs without those that chain more than 30 images and a tenth of all into one group."""
    if not len(pairs):
        return pairs
    labels = component_numbers(pairs, total)
    sizes = np.bincount(labels)
    giant = sizes[labels[pairs[:, 0]]] > max(_GIANT, _GIANT_SHARE * total)
    if giant.any():
        remarks.append(
            f"{what}: by their names {int(sizes.max())} of {total} images would be one group, which is not believed; "
            "--group-by REGEX says otherwise"
        )
    return pairs[~giant]
