"""The files of annotation tools: found in folders, recognised by what all of them hold, and read one by one."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.dataset_folder import read_json
from data_tools.files.regular import require_regular
from data_tools.formats.annotation_files import files_in, head_of, some_files, without_forms
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.images.image_places import folder_under
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions

_WHOLE = 1 << 28
_LARGEST = 1 << 29  # bytes of a file that is read at once
_KEYS = (
    *("_via_img_metadata", "annotation_id", "annotations", "annotator", "categories", "completions", "coordinates"),
    *("data", "fid_list", "filename", "item", "items", "label", "metadata", "objects", "predictions", "regions"),
    *("size", "slots", "view"),
)


def keys_in(path: Path) -> frozenset[str]:
    """Which of the keys that tell one JSON format from another stand anywhere in a file; none if it is no such file."""
    try:
        state = os.stat(path)
    except OSError:
        return frozenset()
    return _keys_in(str(path), state.st_size, state.st_mtime_ns)


def json_with(path: Path, *some_keys: set[str]) -> Any:
    """The value of a JSON file where all keys of one set stand anywhere in it; None of any other file."""
    if not any(keys <= keys_in(path) for keys in some_keys):
        return None
    try:
        return read_json(path)
    except InputError:
        return None


def recogniser(suffixes: Sequence[str], looks_like: Callable[[Path], str | None]) -> Callable[[Path], str | None]:
    """Tells what the first file of a source that looks like a format is recognised by; None where no file does."""

    def recognise(source: Path) -> str | None:
        for suffix in suffixes:
            paths = some_files(source, suffix)
            for path in without_forms(paths, Findings()) if source.is_dir() else paths:
                why = looks_like(path)
                if why is not None:
                    return why
        return None

    return recognise


def claims_of_files(
    sources: Sequence[Path],
    suffixes: Sequence[str],
    claims_of: Callable[[Path], Iterator[Claim]],
    findings: Findings,
    *,
    one_image: bool = False,
    ignored: Sequence[str] = (),
) -> Iterator[Claim]:
    """The claims of all files, all of a file or none: one that is damaged or of another kind is listed.

    Args:
        sources: files, and folders with files in and below them.
        suffixes: of the files in folders.
        claims_of: reads one file; an InputError that it raises is why it is listed.
        findings: of the reader.
        one_image: whether each file is about the image that it is named after, which is not good where it is damaged.
        ignored: names of files that belong to the format but are about no image.

    Raises:
        InputError: no file can be read.
    """
    some, reasons = False, []
    for path in _tool_files(sources, suffixes, findings):
        if path.name in ignored:
            continue
        try:
            _check_size(path)
            claims = list(claims_of(path))
        except InputError as error:
            reasons.append((path, str(error).removeprefix(f"{path}: ").removeprefix(f"{path}, ")))
            if one_image:
                findings.lose(path, reasons[-1][1])
            else:
                findings.reject(path, None, path.stem, reasons[-1][1])
            continue
        some = True
        yield from claims
    if not some:
        listed = "; ".join(f"{path}: {reason}" for path, reason in reasons[:3])
        raise InputError(listed or f"{sources[0]}: no file that can be read here")


def images_root(sources: Sequence[Path], options: ReadOptions) -> Path | None:
    """The folder of the images: as for other formats, and for a file also folders deep below its own.

    Tools pack their images into folders such as images/train/ beside the one file of annotations.
    """
    root = images_folder(sources, options)
    if root is None and options.size_hw is None and sources[0].is_file():
        return images_folder([sources[0].parent], options)
    return root


def tool_format(
    name: str,
    description: str,
    tool: str,
    suffixes: Sequence[str],
    looks_like: Callable[[Path], str | None],
    claims_of: Callable[[Path, Findings], Iterator[Claim]],
    one_image: bool = False,
) -> Format:
    """The format of a tool whose corners lie between pixels: samples of what its files claim.

    Its `read` raises an InputError where no file is one of the tool's, or where --corners inclusive is given.

    Args:
        name, description: see `Format`.
        tool: its name for people.
        suffixes: of its files in folders.
        looks_like: what of the tool a file is, or None.
        claims_of: reads one file; an InputError that it raises is why the file is listed.
        one_image: as for `claims_of_files`.
    """

    def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
        if options.corners == "inclusive":
            raise InputError(f"--corners inclusive: {tool} gives positions between pixels; leave it out")
        root = images_root(sources, options)
        claims = claims_of_files(
            sources, suffixes, lambda path: claims_of(path, findings), findings, one_image=one_image
        )
        placed = (replace(one, folder=one.folder or folder_under(one.source, root)) for one in claims)
        return samples_from_claims(placed, sources, options, findings, root=images_root)

    recognise = recogniser(suffixes, looks_like)
    return Format(name, description, "exclusive", recognise, images_root, read, reads=CLAIMED | {"corners"})


def _tool_files(sources: Sequence[Path], suffixes: Sequence[str], findings: Findings) -> Iterator[Path]:
    """The sources that are files, and all files with one of the suffixes in and below those that are folders.

    There, forms for predictions are left out and listed.

    Raises:
        InputError: a source that is no regular file.
    """
    for source in sources:
        if not source.is_dir():
            require_regular(source)
            yield source
            continue
        for suffix in suffixes:
            yield from without_forms(files_in(source, suffix, findings), findings)


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
