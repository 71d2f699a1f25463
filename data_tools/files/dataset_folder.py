"""The dataset folder: annotations.json (COCO with status, group and type on each image), splits.json, rejects.csv."""

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_tools.core.checks import whole_number
from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Sample, Splits
from data_tools.files.atomic import recover_folder, write_json, write_text
from data_tools.files.coco_samples import from_coco, to_coco
from data_tools.files.csv_tables import csv_text, plain
from data_tools.files.flushing import make_folder
from data_tools.files.json_object import each_key_once
from data_tools.files.regular import read_regular, real_path
from data_tools.files.text import read_text

ANNOTATIONS, SPLITS, REJECTS, MENDED = "annotations.json", "splits.json", "rejects.csv", "mended.csv"
HISTORY = "history.csv"  # who changed which label when: written by data_tools.auditing.review
_REJECT_COLUMNS = ("source", "line", "image", "reason")


@dataclass(frozen=True)
class Reject:
    """One thing that was not converted, or only after a change: where it stood and why."""

    source: str
    line: int | None
    image: str
    reason: str


def write_dataset(
    folder: Path | str, dataset: Dataset, rejects: Iterable[Reject] = (), mended: Iterable[Reject] = ()
) -> None:
    """Write the files of a dataset folder, each atomically; annotations.json last, so that it marks completion.

    mended.csv is there only where something was mended. An images root inside `folder` is written relative to it, so
    that the folder can be moved.
    """
    folder = Path(folder)
    make_folder(folder)
    write_text(folder / REJECTS, _table(rejects, "reason"))
    changes = list(mended)
    if changes:
        write_text(folder / MENDED, _table(changes, "change"))
    else:
        (folder / MENDED).unlink(missing_ok=True)
    if dataset.splits is None:
        (folder / SPLITS).unlink(missing_ok=True)
    else:
        write_splits(folder, dataset.splits)
    write_json(folder / ANNOTATIONS, to_coco(dataset, _portable_root(folder, dataset.images_root)), indent=None)


def write_splits(folder: Path, splits: Splits) -> None:
    """Write splits.json, atomically."""
    parts = {name: list(splits.ids(name)) for name in SPLIT_NAMES}
    write_json(folder / SPLITS, {"seed": splits.seed, "group_by": splits.group_by, **parts}, indent=None)


def read_rejects(folder: Path) -> tuple[Reject, ...]:
    """What a conversion rejected; nothing where the file is absent.

    Raises:
        InputError: the file is not what `write_dataset` writes.
    """
    path = folder / REJECTS
    if not path.exists():
        return ()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            return tuple(
                Reject(
                    plain(row["source"]),
                    int(row["line"]) if row["line"] else None,
                    plain(row["image"]),
                    plain(row["reason"]),
                )
                for row in rows
            )
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: not the rejects of a conversion: {error!r}") from error


def files_of(folder: Path) -> tuple[Path, ...]:
    """The files of a dataset folder that no other command's output may replace."""
    return tuple(folder / name for name in (ANNOTATIONS, SPLITS, REJECTS, MENDED, HISTORY))


def require_apart(dataset: Dataset, out: Path, flag: str) -> None:
    """Refuse an output in the place of a dataset's images or of the files of its folder.

    Raises:
        InputError: see above.
    """
    place = real_path(out)
    kept = [] if dataset.folder is None else [*files_of(dataset.folder)]
    if dataset.images_root is not None and out.exists():
        kept += [dataset.images_root / sample.path for sample in dataset.samples]
    if any(place == real_path(path) for path in kept):
        raise InputError(f"{flag} {out}: is what the command reads; name another file")


def copy_history(source: Path, folder: Path) -> None:
    """Carry the history of label changes, if there is one, to a dataset folder made from `source`."""
    if (source / HISTORY).exists():
        write_text(folder / HISTORY, read_regular(source / HISTORY).decode("utf-8"))


def read_dataset(folder: Path | str, images: Path | str | None = None) -> Dataset:
    """Read a dataset folder; no image is opened.

    Args:
        folder: the dataset folder.
        images: where its images are now; None takes the place that the dataset names.

    Raises:
        InputError: a file is missing or malformed; the message names the file and the key or id.
    """
    folder = Path(folder)
    path = folder / ANNOTATIONS
    value = read_json(path, "make one with: python -m data_tools.convert SOURCE --out DATASET")
    _require_object(path, value)
    try:
        samples, categories = from_coco(value)
        root = _images_root(folder, value) if images is None else Path(images)
        splits = _read_splits(folder / SPLITS)
        return Dataset(samples, categories, root, splits, folder)
    except KeyError as error:
        raise InputError(f"{path}: key {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: {error}") from error


def images_root_of(dataset: Dataset, where: Path) -> Path:
    """The dataset's images root, checked to exist.

    Raises:
        InputError: boxes only, or the images have moved.
    """
    if dataset.images_root is None:
        raise InputError(f"{where}: has no images; convert it with --images DIR")
    if not dataset.images_root.is_dir():
        raise InputError(
            f"{where}: its images are not in {dataset.images_root}; name the folder where they are with --images DIR"
        )
    return dataset.images_root


def data_hash(dataset: Dataset) -> str:
    """SHA-256 over what is learned and judged, hexadecimal: which images, labels, groups and splits a run saw.

    Where the images lie, how a good image was known to be good, and the layout of the files do not count, so a dataset
    may be moved, and its images too.
    """
    digest = _truth_digest(dataset.samples, dataset.categories)
    if dataset.splits is not None:
        digest.update(json.dumps({name: sorted(dataset.splits.ids(name)) for name in SPLIT_NAMES}).encode())
    return digest.hexdigest()


def truth_hash(samples: Iterable[Sample], categories: Sequence[str]) -> str:
    """SHA-256 over some images and their truth, hexadecimal: what of `data_hash` belongs to these images."""
    return _truth_digest(samples, categories).hexdigest()


def _truth_digest(samples: Iterable[Sample], categories: Sequence[str]) -> "hashlib._Hash":
    digest = hashlib.sha256(json.dumps([*categories]).encode())
    for sample in sorted(samples, key=lambda sample: sample.image_id):
        told = [
            sample.image_id,
            sample.path,
            list(sample.size_hw),
            sample.boxes_xyxy.tolist(),
            sample.labels.tolist(),
            sample.status,
            sample.group,
            sample.type,
            list(sample.box_types),
        ]
        digest.update(json.dumps(told).encode())
    return digest


def require_replaceable(out: Path, replace: bool) -> None:
    """Refuse to put a dataset folder where something else is, or where one is that nobody asked to replace.

    Args:
        out: where a dataset folder is to be written.
        replace: whether a dataset folder there may be replaced. Files that do not belong to it may not.

    Raises:
        InputError: see above; the message says what is there.
    """
    recover_folder(out)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir() or not (out / ANNOTATIONS).is_file():
        raise InputError(f"{out}: exists and is no dataset folder; give another --out")
    if not replace:
        raise InputError(
            f"{out}: holds a dataset already (annotations.json, images/); add --replace to put the new one in its place"
        )
    dataset = read_dataset(out)
    own = {out / name for name in (ANNOTATIONS, SPLITS, REJECTS, MENDED)}
    root = dataset.images_root
    if root is not None and root.resolve().is_relative_to(out.resolve()):
        own |= {root / sample.path for sample in dataset.samples}
    known = {path.resolve() for path in own}
    for path in sorted(out.rglob("*")):
        if (path.is_symlink() or not path.is_dir()) and path.resolve() not in known:
            raise InputError(
                f"{path}: does not belong to the dataset in {out}, which is to be replaced; move it first, "
                "or give another --out"
            )


def read_json(path: Path, advice: str = "") -> Any:
    """The value of a JSON file.

    Raises:
        InputError: missing (followed by the `advice`), no regular file, of unknown encoding, not JSON, a key that
            stands twice in an object, or nested too deeply.
    """
    if not path.exists() and not path.is_symlink():
        raise InputError(f"{path}: no such file; {advice}" if advice else f"{path}: no such file")
    text, _ = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=each_key_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from error


def _table(rows: Iterable[Reject], last_column: str) -> str:
    cells = [(r.source, "" if r.line is None else r.line, r.image, r.reason) for r in rows]
    return csv_text([(*_REJECT_COLUMNS[:3], last_column), *cells])


def split_of(dataset: Dataset, folder: Path, split: str) -> tuple[Sample, ...]:
    """The images of a part of a dataset: "train", "val", "test" or "all".

    Raises:
        InputError: no such split in `folder`, or an empty one.
    """
    try:
        samples = dataset.split(split)
    except ValueError as error:
        raise InputError(f"{folder}: {error}") from error
    if not samples:
        raise InputError(f"{folder}: the {split} split has no images")
    return samples


def require_splits(dataset: Dataset, folder: Path | None) -> Splits:
    """The dataset's splits; an `InputError` that names `folder` where it has none."""
    if dataset.splits is None:
        raise InputError(f"{folder}: has no splits.json; convert it with --split 0.7,0.15,0.15")
    return dataset.splits


def _read_splits(path: Path) -> Splits | None:
    if not path.exists():
        return None
    value = read_json(path)
    _require_object(path, value)
    try:
        parts = {name: tuple(whole_number(i, name) for i in value[name]) for name in SPLIT_NAMES}
        return Splits(whole_number(value["seed"], "seed"), str(value["group_by"]), **parts)
    except KeyError as error:
        raise InputError(f"{path}: key {error} is missing") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: {error}") from error


def _require_object(path: Path, value: Any) -> None:
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a JSON object")


def _images_root(folder: Path, value: dict[str, Any]) -> Path | None:
    root = value.get("info", {}).get("images_root")
    if root is None:
        return folder / "images" if (folder / "images").is_dir() else None
    return (folder / str(root)).resolve()


def _portable_root(folder: Path, root: Path | None) -> str | None:
    if root is None:
        return None
    inside = root.resolve().is_relative_to(folder.resolve())
    return root.resolve().relative_to(folder.resolve()).as_posix() if inside else str(root.resolve())
