"""The images under a folder, found by the names that annotation files give them."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TypeVar

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Sample, empty_boxes, empty_labels
from data_tools.files.images import IMAGE_SUFFIXES, find_names, read_size, resolve_under
from data_tools.formats.folders import status_of
from data_tools.formats.names import reason_against
from data_tools.formats.parallel import map_images
from data_tools.formats.registry import Findings, ReadOptions

Read = TypeVar("Read")

_IMAGE_FOLDERS = ("images", "Images", "imgs", "img", "JPEGImages")
_DEEPEST = 4
_NO_ANNOTATION = (
    "no annotation, and no folder good*, defect* or bad* that says what it shows; it can still be scored with "
    "detect.predict --images"
)


def usable_images(root: Path, findings: Findings) -> Iterator[Path]:
    """The images under `root` in order; links that leave it and names that cannot be written down are listed."""
    return (root / name for name in usable_names(root, findings))


def usable_names(root: Path, findings: Findings) -> Iterator[str]:
    """What `usable_images` finds, as names relative to `root` with slashes."""
    for name, is_link in find_names(root):
        reason = reason_against(name, "file name")
        if reason is None and "\\" in name:
            reason = "file name with a backslash, which other systems read as a folder"
        if reason is None and is_link:
            try:
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
        _reject(error, path, image, findings)
        return None


class ImageIndex:
    """Images under a root by relative path, by file name and by stem.

    Attributes:
        root: the resolved folder.
        unclaimed: relative paths of the images that `find` has not been asked for.
    """

    def __init__(self, root: Path, findings: Findings) -> None:
        self.root = root.resolve()
        self._paths = paths = list(usable_names(self.root, findings))
        self._sizes: dict[str, tuple[int, int] | InputError] = {}
        self.unclaimed = dict.fromkeys(paths)
        self._by_path: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            bare = os.path.splitext(path)[0]
            for key in {path, bare}:
                self._by_path.setdefault(key, []).append(path)
            for key in {path.rpartition("/")[2], bare.rpartition("/")[2]}:
                self._by_name.setdefault(key, []).append(path)

    def find(self, name: str, folder: str = "") -> tuple[str | None, str]:
        """The relative path of an image and "", or None and why there is none.

        The name as a path under `folder` comes first, then under the root with more and more of its leading folders
        left out, then the file of this name that shares most of its last folders; each with its suffix before any
        other.

        Args:
            name: as an annotation gives it, with or without folders and suffix.
            folder: where the annotation stands, relative to the root.
        """
        wanted = PurePosixPath(name.replace("\\", "/"))
        if wanted.is_absolute() or ".." in wanted.parts or (len(name) > 1 and name[1] == ":"):
            return None, f"{name[:200]!r}: a file name must be relative and stay under {self.root}"
        candidates = self._candidates(wanted, folder)
        if not candidates and wanted.suffix.lower() in IMAGE_SUFFIXES:
            candidates = self._candidates(wanted.with_suffix(""), folder)
        for path in candidates:
            self.unclaimed.pop(path, None)
        if len(candidates) == 1:
            return candidates[0], ""
        if candidates:
            return None, f"several images of this name: {', '.join(candidates[:3])}"
        return None, f"image not found under {self.root}"

    def size_of(self, path: str) -> tuple[int, int]:
        """(height, width) of one of the images; the first call reads the sizes of all, on all processors.

        Raises:
            InputError: unreadable, truncated or too large.
        """
        if not self._sizes:
            read = map_images(partial(_try_size, self.root), self._paths, "image sizes")
            self._sizes = dict(zip(self._paths, read, strict=True))
        found = self._sizes[path]
        if isinstance(found, InputError):
            raise found
        return found

    def knows(self, name: str) -> bool:
        """Whether an image has this file name, with or without its suffix."""
        return name in self._by_name

    def unannotated(self, findings: Findings, otherwise: str | None = None) -> Iterator[Sample]:
        """Samples of the unclaimed images, good or unboxed as a folder's name says.

        Where no folder tells, they get the status `otherwise`; without that they are listed.
        """
        for name in self.unclaimed:
            path = self.root / name
            status = status_of([*reversed(PurePosixPath(name).parts[:-1]), self.root.name]) or otherwise
            if status is None:
                findings.reject(path, None, name, _NO_ANNOTATION)
                continue
            try:
                size_hw = self.size_of(name)
            except InputError as error:
                _reject(error, path, name, findings)
            else:
                yield without_boxes(name, size_hw, status)

    def _candidates(self, wanted: PurePosixPath, folder: str) -> list[str]:
        tails = [PurePosixPath(*wanted.parts[i:]).as_posix() for i in range(len(wanted.parts))]
        for path in ([f"{folder}/{wanted}"] if folder else []) + tails:
            if path in self._by_path:
                return self._by_path[path]
        found = self._by_name.get(wanted.name, [])
        shared = [_shared_folders(wanted, path) for path in found]
        return [path for path, count in zip(found, shared, strict=True) if count == max(shared)]


def _reject(error: InputError, path: Path, image: str, findings: Findings) -> None:
    findings.reject(path, None, image, str(error).removeprefix(f"{path}: "))


def _try_size(root: Path, name: str) -> tuple[int, int] | InputError:
    try:
        return read_size(root / name)
    except InputError as error:
        return error


def _shared_folders(wanted: PurePosixPath, path: str) -> int:
    """How many of the last folders two paths have in common."""
    pairs = zip(wanted.parts[-2::-1], PurePosixPath(path).parts[-2::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


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
        if any(name.lower().endswith(IMAGE_SUFFIXES) for name in names):
            return True
        if len(Path(where).relative_to(folder).parts) >= depth:
            folders.clear()
    return False
