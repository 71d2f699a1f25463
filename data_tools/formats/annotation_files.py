"""What the formats with one annotation file an image share: finding the files, and naming them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.errors import InputError
from data_tools.files.image_walk import is_foreign
from data_tools.files.regular import leaves, reason_against_reading, require_regular
from data_tools.files.text import read_text
from data_tools.formats.claims import Claim
from data_tools.formats.registry import Findings
from data_tools.formats.words.folders import words_of
from data_tools.formats.words.names import climbs

_UNFETCHED = ".dvc"
_PREDICTING = frozenset(("pred", "preds", "predict", "predicted", "prediction", "predictions", "inference"))
_PREDICTED = (
    "in a folder of predictions by its name, beside others that are not: left out; name the file to have it read"
)
_FORM = "a form for predictions, as contests have it, by its name: left out; name the file to have it read"


def annotation_files(sources: Sequence[Path], suffix: str, findings: Findings) -> Iterator[Path]:
    """The sources, with a folder standing for all files with this suffix in and below it, see `files_in`.

    Args:
        sources: files and folders.
        suffix: in small letters, with the dot.
        findings: of the reader.

    Raises:
        InputError: no such file, or a folder without any.
    """
    for source in sources:
        if not source.is_dir():
            require_regular(source)
            yield source
            continue
        known = len(findings.lost)
        paths = [*files_in(source, suffix, findings)]
        if not paths:
            lost = findings.rejects[-1] if len(findings.lost) > known else None
            raise InputError(f"{source}: no {suffix} files here" + (f"; {lost.source}: {lost.reason}" if lost else ""))
        predicted = {path for path in paths if _is_in_folder_of_predictions(path, source)}
        for path in paths:
            if path in predicted and len(predicted) < len(paths):
                findings.reject(path, None, path.stem, _PREDICTED)
            else:
                yield path


def files_in(folder: Path, suffix: str, findings: Findings) -> Iterator[Path]:
    """All files with a suffix in and below a folder, in order; none where there are none.

    What has the suffix but is no file that can be read here, such as a link that leads nowhere or out of the folder, a
    pipe, or a file that DVC has not fetched, is lost: listed and never opened.
    """
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not is_foreign(one))
        for name in sorted([*names, *(one for one in folders if one.lower().endswith(suffix))]):
            path = Path(where, name)
            if name.startswith("._"):
                continue
            if name.lower().endswith(f"{suffix}{_UNFETCHED}") and not path.with_suffix("").exists():
                findings.lose(path.with_suffix(""), "a file that DVC has not fetched; fetch it")
            if not name.lower().endswith(suffix):
                continue
            try:
                reason = f"a link that leaves {folder}" if leaves(path, folder) else reason_against_reading(path)
            except OSError as error:
                reason = str(error)
            if reason is None:
                yield path
            else:
                findings.lose(path, reason)


def claims_from_files(
    sources: Sequence[Path], suffix: str, findings: Findings, to_claim: Callable[[Path], Claim]
) -> Iterator[Claim]:
    """Claims in order of the annotation files' paths; a file that cannot be read is lost.

    Args:
        sources, suffix, findings: as for `annotation_files`.
        to_claim: reads one file; an InputError that it raises is why it is lost.

    Raises:
        InputError: no such files.
    """
    for path in annotation_files(sources, suffix, findings):
        try:
            claim = to_claim(path)
        except InputError as error:
            findings.lose(path, str(error).removeprefix(f"{path}: "))
            continue
        yield claim


def some_files(source: Path, suffix: str) -> Iterator[Path]:
    """The source itself, or all files below it, that have this suffix; for recognising a format."""
    if source.is_dir():
        yield from files_in(source, suffix, Findings())
    elif source.suffix.lower() == suffix and reason_against_reading(source) is None:
        yield source


def without_forms(paths: Iterable[Path], findings: Findings) -> list[Path]:
    """The files but for those that contests have as forms for predictions, such as sample_submission.csv."""
    paths = [*paths]
    forms = [path for path in paths if "submission" in words_of(path.stem)]
    for path in forms:
        findings.reject(path, None, "", _FORM)
    return [path for path in paths if path not in forms]


def head_of(path: Path, length: int = 1 << 16) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    if reason_against_reading(path) is not None:
        return b""
    try:
        with path.open("rb") as file:
            return file.read(length)
    except OSError:
        return b""


def read_lines(path: Path) -> list[str]:
    """The lines of a small text file, without their ends.

    Raises:
        InputError: the file cannot be read, or its encoding cannot be told.
    """
    return [line.removesuffix("\r") for line in read_text(path)[0].split("\n")]


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """Number, from 1, and text of each line of a small text file that is not blank; errors as of `read_lines`."""
    return [(number, text) for number, text in enumerate(read_lines(path), start=1) if text.strip()]


def _is_in_folder_of_predictions(path: Path, source: Path) -> bool:
    return any(_PREDICTING.intersection(words_of(folder)) for folder in path.relative_to(source).parts[:-1])


def label_path(folder: Path, image: str, suffix: str, written: dict[Path, str]) -> Path:
    """The annotation file to write for an image, in a folder that exists then; noted in `written`.

    Raises:
        InputError: another image has the same, or it would lie outside the folder.
    """
    if climbs(image):
        raise InputError(
            f"image {image[:200]!r}: a file name must be relative, or its annotations would lie outside --out; name it "
            "anew in the dataset's annotations.json"
        )
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
