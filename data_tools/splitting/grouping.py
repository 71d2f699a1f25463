"""Groups of images that must not be divided between training and test: lots, shots of one part, near-duplicates."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from data_tools.core.errors import InputError
from data_tools.splitting.near_duplicates import Pairs, near_duplicates, signatures, without_long_chains

LOT = re.compile(r"^[A-Z0-9]{12}(?=_)")
_NUMBERED = re.compile(r"^(?P<name>.*?)(?P<number>\d{2,})$")
SEQUENCE_GAP, SHOT_GAP = 100, 500


def group_samples(paths: Sequence[str], images_root: Path | None, group_by: str) -> tuple[list[str], str]:
    """A group for each image, and a description of the rule that made it.

    Args:
        paths: file names relative to `images_root`.
        images_root: None where no image is at hand; then near-duplicates cannot be found.
        group_by: "auto", "none", or a regular expression whose first group (or whole match) is the group.

            "auto" takes the lot where every name starts with one (twelve capital letters and digits, then an
            underscore). Otherwise images belong together when they are near-duplicates, or when their names end in
            capture numbers that follow each other (`capture_runs`).

    Raises:
        InputError: a regular expression that is none, or that a name does not match; an image that is not readable.
    """
    if group_by == "none":
        return [str(i) for i in range(1, len(paths) + 1)], "none"
    if group_by != "auto":
        return groups_by_expression(paths, group_by), group_by
    lots = lots_of(paths)
    if lots is not None:
        return lots, "auto: lot"
    runs = capture_runs(paths)
    if images_root is None:
        return components(runs, len(paths)), "auto: capture number"
    from data_tools.files.image_facts import read_thumbnails

    found = signatures(read_thumbnails(paths, images_root))
    pairs = without_long_chains(*near_duplicates(found, found.similar), len(paths))
    joined = components(np.concatenate([runs, pairs]), len(paths))
    return joined, "auto: capture number and near-duplicates"


def lots_of(paths: Sequence[str]) -> list[str] | None:
    """The lot at the start of each file name, or None where some name has none."""
    found = [LOT.match(PurePosixPath(path).stem) for path in paths]
    return [lot.group() for lot in found if lot] if paths and all(found) else None


def capture_runs(paths: Sequence[str]) -> Pairs:
    """(m, 2) pairs of names such as exp3_num_4711 whose last numbers say that they were taken one after the other.

    In the order of that number, neighbours belong together when it grows by at most 100; or by at most 500 while the
    number before it (the shot) grows too, as in exp5_num_348696, exp6_num_348888. The text between the numbers must be
    the same. Numbers without any gap are a plain count of files, which says nothing about what belongs together.
    """
    rows: dict[str, list[tuple[int, int, int]]] = {}
    for i, path in enumerate(paths):
        found = _NUMBERED.match(PurePosixPath(path).stem)
        if found and len(found["number"]) < 18 and re.search(r"[A-Za-z]", found["name"]):
            shots = re.findall(r"\d{1,17}", found["name"])
            shot = int(shots[-1]) if shots else -1
            rows.setdefault(re.sub(r"\d+", "#", found["name"]), []).append((int(found["number"]), shot, i))
    pairs: list[tuple[int, int]] = []
    for numbered in rows.values():
        numbered.sort()
        numbers = np.array([number for number, _, _ in numbered])
        steps = np.diff(numbers)
        if not len(steps) or np.percentile(steps, 99) <= 1:
            continue
        for (_, shot, before), (_, next_shot, after), step in zip(numbered[:-1], numbered[1:], steps, strict=True):
            if step <= (SHOT_GAP if next_shot > shot else SEQUENCE_GAP):
                pairs.append((before, after))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def components(pairs: Pairs, total: int) -> list[str]:
    """The name of each image's connected component: g1, g2, ... in order of first appearance."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(total, total))
    _, labels = connected_components(links, directed=False)
    numbers: dict[int, str] = {}
    return [numbers.setdefault(label, f"g{len(numbers) + 1}") for label in labels.tolist()]


def groups_by_expression(paths: Sequence[str], expression: str, flag: str = "--group-by") -> list[str]:
    """What the pattern's first group (or the whole of it) matches in each file name.

    Raises:
        InputError: not a regular expression, or a name that it does not match; the message names `flag`.
    """
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"{flag} {expression!r}: not a regular expression: {error}") from error
    groups = []
    for path in paths:
        found = pattern.search(path)
        if found is None:
            raise InputError(f"{flag} {expression!r} does not match the file name {path!r}")
        groups.append(found.group(1) if pattern.groups and found.group(1) is not None else found.group())
    return groups
