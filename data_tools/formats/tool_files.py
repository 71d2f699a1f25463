"""The files of annotation tools: found in folders, recognised by what all of them hold, and read one by one."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.formats.annotation_files import annotation_files, head_of
from data_tools.formats.claims import Claim
from data_tools.formats.image_index import ImageIndex, images_folder
from data_tools.formats.registry import Findings, ReadOptions

_WHOLE = 1 << 28
_LARGEST = 1 << 29  # bytes of a file that is read at once
_KEYS = (
    *("_via_img_metadata", "annotation_id", "annotations", "annotator", "categories", "completions", "data"),
    *("fid_list", "filename", "items", "metadata", "objects", "predictions", "regions", "size", "view"),
)


def keys_in(path: Path) -> frozenset[str]:
    """Which of the keys that tell one JSON format from another stand anywhere in a file; none if it is no such file."""
    try:
        state = os.stat(path)
    except OSError:
        return frozenset()
    return _keys_in(str(path), state.st_size, state.st_mtime_ns)


def recognised(source: Path, suffixes: Sequence[str], looks_like: Callable[[Path], str | None]) -> str | None:
    """What the first file of a source that looks like a format is recognised by; None where no file does."""
    for path in tool_files([source], suffixes, Findings()):
        why = looks_like(path) if path.suffix.lower() in suffixes else None
        if why is not None:
            return why
    return None


def tool_files(sources: Sequence[Path], suffixes: Sequence[str], findings: Findings) -> Iterator[Path]:
    """The sources that are files, and all files with one of the suffixes in and below those that are folders."""
    for source in sources:
        if not source.is_dir():
            yield source
            continue
        for suffix in suffixes:
            try:
                yield from annotation_files([source], suffix, findings)
            except InputError:  # none with this suffix
                continue


def claims_of_files(
    sources: Sequence[Path], paths: Iterator[Path], claims_of: Callable[[Path], Iterator[Claim]], findings: Findings
) -> Iterator[Claim]:
    """The claims of files, all of a file or none: one that is damaged or of another kind is listed.

    Raises:
        InputError: no file can be read.
    """
    some, reasons = False, []
    for path in paths:
        try:
            _check_size(path)
            claims = list(claims_of(path))
        except InputError as error:
            reasons.append((path, str(error).removeprefix(f"{path}: ")))
            findings.reject(path, None, path.name, reasons[-1][1])
            continue
        some = True
        yield from claims
    if not some:
        listed = "; ".join(f"{path}: {reason}" for path, reason in reasons[:3])
        raise InputError(listed or f"{sources[0]}: no file that can be read here")


def size_finder(sources: Sequence[Path], options: ReadOptions) -> Callable[[str], tuple[int, int] | None]:
    """A function from the name of an image to its height and width, or None. Only its calls look for images."""

    @lru_cache(maxsize=1)
    def index() -> ImageIndex | None:
        root = images_folder(sources, options)
        return None if root is None else ImageIndex(root, Findings())

    def size_of(name: str) -> tuple[int, int] | None:
        images = index()
        if images is None:
            return options.size_hw
        path, _ = images.find(name)
        try:
            return None if path is None else images.size_of(path)
        except InputError:
            return None

    return size_of


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if size > _LARGEST:
        raise InputError(f"{path}: more than {_LARGEST >> 20} MiB; export it in parts")


@lru_cache(maxsize=1 << 17)
def _keys_in(path: str, _size: int, _changed: int) -> frozenset[str]:
    content = head_of(Path(path), _WHOLE)
    return frozenset(key for key in _KEYS if f'"{key}"'.encode() in content)
