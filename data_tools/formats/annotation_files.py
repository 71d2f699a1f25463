"""What the formats with one annotation file an image share: finding the files, and naming them."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.images import resolve_under
from data_tools.formats.image_index import images_folder
from data_tools.formats.image_places import ImagePlaces
from data_tools.formats.registry import Findings, ReadOptions


def annotation_files(sources: Sequence[Path], suffix: str, findings: Findings) -> Iterator[Path]:
    """The sources, with a folder standing for all files with this suffix in and below it, in order.

    Links that leave the folder are listed and not followed.

    Args:
        sources: files and folders.
        suffix: in small letters, with the dot.
        findings: of the reader.

    Raises:
        InputError: no such file, or a folder without any.
    """
    for source in sources:
        found = _files_in(source, suffix, findings) if source.is_dir() else iter([source])
        first = next(found, None)
        if first is None or not first.is_file():
            raise InputError(f"{source}: no {suffix} files here")
        yield first
        yield from found


def samples_from_files(
    sources: Sequence[Path],
    suffix: str,
    options: ReadOptions,
    findings: Findings,
    to_sample: Callable[[Path, ImagePlaces, ReadOptions, Findings], Sample | None],
) -> Iterator[Sample]:
    """Samples in order of the annotation files' paths, then images without one as their folders say.

    Args:
        sources, suffix, options, findings: as for a reader.
        to_sample: reads one file; an InputError that it raises lists this file.

    Raises:
        InputError: no such files.
    """
    places = ImagePlaces(images_folder(sources, options), options, findings)
    for path in annotation_files(sources, suffix, findings):
        try:
            sample = to_sample(path, places, options, findings)
        except InputError as error:
            findings.reject(path, None, path.stem, str(error).removeprefix(f"{path}: "))
            continue
        if sample is not None:
            yield sample
    yield from places.unannotated(findings)


def first_file(source: Path, suffix: str) -> Path | None:
    """The source itself, or the first file below it, if it has this suffix; else None."""
    if source.is_dir():
        return next(_files_in(source, suffix, Findings()), None)
    return source if source.suffix.lower() == suffix and source.is_file() else None


def head_of(path: Path, length: int = 1 << 16) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(length)
    except OSError:
        return b""


def read_lines(path: Path) -> list[str]:
    """The lines of a small text file, without their ends; bytes that are not UTF-8 become U+FFFD.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    return [line.removesuffix("\r") for line in text.split("\n")]


def folder_of(path: Path, places: ImagePlaces) -> str:
    """The folder of an annotation file relative to the images; empty where it lies elsewhere."""
    if places.index is None or not path.resolve().parent.is_relative_to(places.index.root):
        return ""
    return path.resolve().parent.relative_to(places.index.root).as_posix()


def label_path(folder: Path, image: str, suffix: str, written: dict[Path, str]) -> Path:
    """The annotation file to write for an image, in a folder that exists then; noted in `written`.

    Raises:
        InputError: another image has the same.
    """
    path = folder / PurePosixPath(image).with_suffix(suffix)
    if path in written:
        raise InputError(
            f"{image} and {written[path]}: differ in their suffix alone, so their annotations would be "
            "the same file; rename one"
        )
    written[path] = image
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(value)) if value == int(value) else repr(float(value))


def _files_in(folder: Path, suffix: str, findings: Findings) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            if not name.lower().endswith(suffix) or name.startswith("._") or not path.is_file():
                continue
            try:
                resolve_under(folder, path.relative_to(folder).as_posix()) if path.is_symlink() else None
            except (InputError, OSError) as error:
                findings.reject(path, None, name, str(error))
                continue
            yield path
