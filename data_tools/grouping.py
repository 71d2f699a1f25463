"""Groups of images that must not be divided between training and test: lots, shots of one part, near-duplicates."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.errors import InputError
from data_tools.images import read_gray, resolve_under

LOT = re.compile(r"^[A-Z0-9]{12}(?=_)")
_NUMBERED = re.compile(r"^(?P<name>.*?)(?P<number>\d{2,})$")
SEQUENCE_GAP = 100
_HASH_BANDS, _HASH_SIDE = 8, 16
_SAME = 0.98


def group_samples(paths: Sequence[str], images_root: Path | None, group_by: str) -> tuple[list[str], str]:
    """A group for each image, and a description of the rule that made it.

    Args:
        paths: file names relative to `images_root`.
        images_root: None where no image is at hand; then near-duplicates cannot be found.
        group_by: "auto", "none", or a regular expression whose first group (or whole match) is the group.

            "auto" takes the lot where every name starts with one (twelve capital letters and digits, then an
            underscore). Otherwise images belong together when their thumbnails are nearly equal, or when their names
            end in capture numbers that follow each other with gaps of at most 100.

    Raises:
        InputError: a regular expression that is none, or that a name does not match.
    """
    stems = [PurePosixPath(path).stem for path in paths]
    if group_by == "none":
        return [str(i) for i in range(1, len(paths) + 1)], "none"
    if group_by != "auto":
        return _by_expression(paths, group_by), group_by
    lots = [LOT.match(stem) for stem in stems]
    if paths and all(lots):
        return [lot.group() for lot in lots if lot], "auto: lot"
    union = _Union(len(paths))
    _join_sequences(stems, union)
    if images_root is None:
        return union.names(), "auto: capture number"
    _join_near_duplicates(paths, images_root, union)
    return union.names(), "auto: capture number and near-duplicates"


class _Union:
    """Disjoint sets of 0..n-1 (union-find)."""

    def __init__(self, total: int) -> None:
        self.parent = list(range(total))

    def find(self, item: int) -> int:
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, a: int, b: int) -> None:
        self.parent[self.find(a)] = self.find(b)

    def names(self) -> list[str]:
        """g1, g2, ... in order of first appearance."""
        numbers: dict[int, str] = {}
        return [numbers.setdefault(self.find(i), f"g{len(numbers) + 1}") for i in range(len(self.parent))]


def _by_expression(paths: Sequence[str], expression: str) -> list[str]:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"--group-by {expression!r}: not a regular expression: {error}") from error
    groups = []
    for path in paths:
        found = pattern.search(path)
        if found is None:
            raise InputError(f"--group-by {expression!r} does not match the file name {path!r}")
        groups.append(found.group(1) if pattern.groups and found.group(1) is not None else found.group())
    return groups


def _join_sequences(stems: Sequence[str], union: _Union) -> None:
    """Chain names such as exp3_num_4711 whose numbers, of whatever shot, follow each other closely.

    The text between the numbers must be the same; only names with at least two parts are numbers of a capture.
    """
    rows: dict[str, list[tuple[int, int]]] = {}
    for i, stem in enumerate(stems):
        found = _NUMBERED.match(stem)
        if found and len(found["number"]) < 18 and re.search(r"[A-Za-z]", found["name"]):
            rows.setdefault(re.sub(r"\d+", "#", found["name"]), []).append((int(found["number"]), i))
    for numbered in rows.values():
        numbered.sort()
        steps = np.diff([number for number, _ in numbered])
        # numbers without any gap are a plain count of files, which says nothing about what belongs together
        if not len(steps) or np.percentile(steps, 99) <= 1:
            continue
        for (_, before), (_, after), step in zip(numbered[:-1], numbered[1:], steps, strict=True):
            if step <= SEQUENCE_GAP:
                union.join(before, after)


def _join_near_duplicates(paths: Sequence[str], images_root: Path, union: _Union) -> None:
    """Join images whose standardised 16 x 16 thumbnails correlate above 0.98.

    Candidates come from bands of a difference hash, so the work grows with the number of look-alikes, not of pairs.
    """
    thumbnails = np.stack([_thumbnail(resolve_under(images_root, path)) for path in paths])
    for bucket in _buckets(thumbnails):
        for a, b in pairwise(bucket):
            if union.find(a) != union.find(b) and float(thumbnails[a] @ thumbnails[b]) > _SAME:
                union.join(a, b)
        if len(bucket) <= 64:
            rows = np.array(bucket)
            for a, b in np.argwhere(np.triu(thumbnails[rows] @ thumbnails[rows].T, 1) > _SAME):
                union.join(int(rows[a]), int(rows[b]))


def _thumbnail(path: Path) -> NDArray[np.float32]:
    """(256,) with mean 0 and norm 1; zeros for a flat image, which then resembles nothing."""
    small = Image.fromarray(read_gray(path)).resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float32).ravel()
    values = values - values.mean()
    norm = float(np.linalg.norm(values))
    return values / norm if norm > 1e-6 else np.zeros_like(values)


def _buckets(thumbnails: NDArray[np.float32]) -> list[list[int]]:
    """Images that agree in all bits of some band of their hash: signs of differences between coarse cells."""
    side = _HASH_SIDE // 2
    coarse = thumbnails.reshape(-1, side, 2, side, 2).mean(axis=(2, 4))
    bits = np.concatenate(
        [
            (np.diff(coarse, axis=2) > 0).reshape(len(coarse), -1),
            (np.diff(coarse, axis=1) > 0).reshape(len(coarse), -1),
        ],
        axis=1,
    )
    buckets: dict[tuple[int, bytes], list[int]] = {}
    for band, columns in enumerate(np.array_split(np.arange(bits.shape[1]), _HASH_BANDS)):
        for i, packed in enumerate(np.packbits(bits[:, columns], axis=1)):
            buckets.setdefault((band, packed.tobytes()), []).append(i)
    return [bucket for bucket in buckets.values() if len(bucket) > 1]
