"""The images under a folder, found by the names that annotation files give them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TypeVar

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Sample, empty_boxes, empty_labels
from data_tools.files.image_walk import IMAGE_SUFFIXES, UNREAD_SUFFIXES, walk_images
from data_tools.files.images import read_size, resolve_under
from data_tools.files.regular import leaves
from data_tools.formats.images.derived_images import made_from_others, maps_among, masked_among, one_picture
from data_tools.formats.images.name_readings import OTHER_SUFFIX, READINGS, bare
from data_tools.formats.images.parallel import map_images
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.words.names import climbs, reason_against

Read = TypeVar("Read")
_Keys = dict[str, list[str]]

_IMAGE_FOLDERS = ("images", "Images", "imgs", "img", "JPEGImages")
_DEEPEST = 8  # folders below the source in which its images may lie
_COPIES = "image that is there with several suffixes: one of the copies is taken"


def usable_images(root: Path, findings: Findings) -> Iterator[Path]:
    """The images under `root` in order; links that leave it and names that cannot be written down are listed."""
    return (root / name for name in usable_names(root, findings))


def usable_names(root: Path, findings: Findings) -> Iterator[str]:
    """What `usable_images` finds, as names relative to `root` with slashes; what is left out is listed."""
    walk = walk_images(root)
    for name, reason_to_skip in walk.left_out:
        findings.reject(root / name, None, name, reason_to_skip)
    maps = maps_among([name for name, _ in walk.names])
    for name, is_link in walk.names:
        reason = reason_against(name, "file name")
        if name in maps:
            reason = f"a map or thumbnail of {maps[name]}: left out"
        if reason is None and "\\" in name:
            reason = "file name with a backslash, which other systems read as a folder"
        if reason is None and is_link:
            try:
                reason = f"a link that leaves {root}" if leaves(root / name, root) else None
                resolve_under(root, name)
            except (InputError, OSError) as error:
                reason = str(error)
        if reason is None:
            yield name
        else:
            findings.reject(root / name, None, name, reason)


def size_of(path: Path, image: str, findings: Findings) -> tuple[int, int] | None:
    """(height, width) from the image's header; None with a reject where it is unreadable or truncated."""
    return read_or_reject(read_size, path, image, findings)


def read_or_reject(reader: Callable[[Path], Read], path: Path, image: str, findings: Findings) -> Read | None:
    """What `reader` makes of the file of an image; None with a reject where it raises an InputError."""
    try:
        return reader(path)
    except InputError as error:
        findings.reject(path, None, image, str(error).removeprefix(f"{path}: "))
        return None


@dataclass(frozen=True)
class Match:
    """The images that a name may mean.

    Attributes:
        paths: one where the image is found; several where it cannot be told; none where there is none.
        looseness: 0 for the very path, 1 for its end or its file name alone, more for other readings of the name.
        same: whether two differing names with this match can mean one image.
        note: what has to be listed of how the image was found; "" without.
        reason: why there is not one image; "" where there is.
        unsafe: whether the name leads out of the images' folder.
    """

    paths: tuple[str, ...]
    looseness: int = 0
    same: bool = True
    note: str = ""
    reason: str = ""
    unsafe: bool = False

    @property
    def path(self) -> str | None:
        """The one image, or None."""
        return self.paths[0] if len(self.paths) == 1 else None


class ImageIndex:
    """Images under a root by relative path, by file name and by stem.

    Attributes:
        root: the resolved folder.
        paths: of the images, relative to the root.
        folders: the names of all folders that they lie in.
        common_folders: how many folders all of them lie in, one in the other.
    """

    def __init__(self, root: Path, findings: Findings) -> None:
        self.root = root.resolve()
        self.paths = list(usable_names(self.root, findings))
        self._sizes: dict[str, tuple[int, int] | InputError] = {}
        folders = [PurePosixPath(path).parts[:-1] for path in self.paths]
        self.folders = sorted({folder for parts in set(folders) for folder in parts})
        self.common_folders = folders_in_common(folders)
        self._by_reading: dict[int, tuple[_Keys, _Keys]] = {}
        self._made_from_others: dict[str, str] | None = None
        self._masked: frozenset[str] | None = None

    def match(self, name: str, folder: str = "") -> Match:
        """The images that a name may mean.

        The name as a path under `folder` comes first, then under the root with more and more of its leading folders
        left out, then the file of this name that shares most of its last folders, or of the annotation's: what is said
        in Annotations/pit/ is of images/pit/ and not of rotated/pit_rotated/; then the same by the other readings
        of names, and last by all of them with the suffix left out.

        Args:
            name: as an annotation gives it, with or without folders and suffix.
            folder: where the annotation stands, relative to the root.
        """
        exact = () if folder else self._keys(0)[0].get(name, ())
        if len(exact) == 1:
            return Match((exact[0],))
        if climbs(name):
            reason = f"{name[:200]!r}: a file name must be relative and stay under {self.root}"
            return Match((), reason=reason, unsafe=True)
        text = PurePosixPath(name.replace("\\", "/")).as_posix()
        names = [text] if bare(text) == text else [text, bare(text)]
        for shortened, path in enumerate(names):
            for i, reading in enumerate(READINGS):
                key = reading.of_name(path)
                paths, at_place = self._candidates(i, key, reading.of_name(folder) or folder) if key else ([], False)
                if not paths:
                    continue
                loose = 2 * (i + shortened * len(READINGS)) + (0 if at_place else 1)
                note = "; ".join(filter(None, (reading.note, OTHER_SUFFIX if shortened else "")))
                if len(paths) > 1 and one_picture(paths, self.root):
                    paths, note = paths[:1], "; ".join(filter(None, (note, _COPIES)))
                reason = f"several images of this name: {', '.join(paths[:3])}" if len(paths) > 1 else ""
                return Match(tuple(paths), loose, reading.same and not shortened, note, reason)
        return Match((), reason=f"image not found under {self.root}")

    def size_of(self, path: str) -> tuple[int, int]:
        """(height, width) of one of the images; the first call reads the sizes of all, on all processors.

        Raises:
            InputError: unreadable, truncated or too large.
        """
        if not self._sizes:
            read = map_images(partial(_try_size, self.root), self.paths, "image sizes")
            self._sizes = dict(zip(self.paths, read, strict=True))
        size_hw = self._sizes[path]
        if isinstance(size_hw, InputError):
            raise size_hw
        return size_hw

    def reason_against_own(self, path: str) -> str:
        """Why an image that nothing is claimed of is made from another, and none of its own; "" where it is one."""
        if self._made_from_others is None:
            self._made_from_others = made_from_others(self.paths, self.root)
        return self._made_from_others.get(path, "")

    def has_mask(self, path: str) -> bool:
        """Whether a mask of one of the images lies there, named as one."""
        if self._masked is None:
            self._masked = masked_among(self.paths, self.root)
        return path in self._masked

    def knows(self, name: str) -> bool:
        """Whether an image has this file name, with or without its suffix."""
        return name in self._keys(0)[1]

    def _candidates(self, reading: int, key: str, folder: str) -> tuple[list[str], bool]:
        """The images that fit by one of the readings, and whether at the very place."""
        by_path, by_name = self._keys(reading)
        wanted = PurePosixPath(key)
        for place in filter(None, (f"{folder}/{key}" if folder else "", key)):
            if place in by_path:
                return by_path[place], True
        for i in range(1, len(wanted.parts)):
            tail = PurePosixPath(*wanted.parts[i:]).as_posix()
            if tail in by_path:
                return by_path[tail], False
        paths = by_name.get(wanted.name, [])
        if len(paths) > 1:
            own = PurePosixPath(folder, wanted.name)
            shared = [
                (_shared_folders(wanted, path), _shared_start(folder, path), _shared_folders(own, path))
                for path in paths
            ]
            paths = [path for path, count in zip(paths, shared, strict=True) if count == max(shared)]
        return paths, False

    def _keys(self, reading: int) -> "tuple[_Keys, _Keys]":
        """The images by path and by file name, each with and without suffix, as a reading sees them."""
        if reading not in self._by_reading:
            by_path: _Keys = {}
            by_name: _Keys = {}
            for path in self.paths:
                key = READINGS[reading].of_image(path)
                for one in {key, os.path.splitext(key)[0]} if key else ():
                    by_path.setdefault(one, []).append(path)
                    by_name.setdefault(one.rpartition("/")[2], []).append(path)
            self._by_reading[reading] = by_path, by_name
        return self._by_reading[reading]


def _try_size(root: Path, name: str) -> tuple[int, int] | InputError:
    try:
        return read_size(root / name)
    except InputError as error:
        return error


def folders_in_common(folders: Iterable[tuple[str, ...]]) -> int:
    """How many of their first parts all folders have in common."""
    return sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False)))


def _shared_folders(wanted: PurePosixPath, path: str) -> int:
    """How many of the last folders two paths have in common."""
    pairs = zip(wanted.parts[-2::-1], PurePosixPath(path).parts[-2::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _shared_start(folder: str, path: str) -> int:
    """How many of the first folders two paths have in common."""
    pairs = zip(PurePosixPath(folder).parts, PurePosixPath(path).parts[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0].lower() == pair[1].lower(), pairs))


def without_boxes(
    path: str, size_hw: tuple[int, int], status: str, defect_type: str = "unboxed", evidence: str = ""
) -> Sample:
    """A good or unboxed sample; `evidence` says why it is good."""
    known = GOOD if status == GOOD else defect_type
    return Sample(1, path, size_hw, empty_boxes(), empty_labels(), status, "", known, evidence=evidence)


def images_folder(sources: Sequence[Path], options: ReadOptions) -> Path | None:
    """--images; else the folder of the source, where it holds images; else None: a source of boxes only.

    Files given with --size are boxes only. Annotations in a folder of their own, such as Annotations/ or labels/, have
    their images in a folder beside it.
    """
    if options.images is not None:
        return options.images
    if not sources[0].is_dir() and options.size_hw is not None:
        return None
    folder = (sources[0] if sources[0].is_dir() else sources[0].parent).resolve()
    if _holds_images(folder, _DEEPEST if sources[0].is_dir() else 1):
        return folder
    return folder.parent if any(_holds_images(folder.parent / name, _DEEPEST) for name in _IMAGE_FOLDERS) else None


def _holds_images(folder: Path, depth: int) -> bool:
    """Whether an image lies in the folder or at most `depth` folders below."""
    for where, folders, names in os.walk(folder):
        if any(name.lower().endswith((*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)) for name in names):
            return True
        if len(Path(where).relative_to(folder).parts) >= depth:
            folders.clear()
    return False
