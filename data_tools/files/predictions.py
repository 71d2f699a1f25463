"""PredictionSet files: JSON lines, or the same as Parquet, with the heat maps in an .npz of the same name beside it.

The header holds the SHA-256 of the .npz that belongs to it, so that scores are never read with the maps of other ones,
as after a process that was killed between writing the two. It may say how many milliseconds an image took
(`ms_per_image`). Its own SHA-256 is of all that follows and of its other values; a file that was changed since, by
accident or on purpose, is read and warned about. Files without them, of earlier versions, are read as they are.
"""

import hashlib
import json
import logging
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.checks import real_number, whole_number
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet
from data_tools.files.arrays import Numbers, read_npz
from data_tools.files.atomic import atomic_path
from data_tools.files.checksums import sha256
from data_tools.files.json_object import each_key_once
from data_tools.files.parquet_rows import PARQUET, read_rows, require_pyarrow, write_rows
from data_tools.files.places import require_place
from data_tools.files.prediction_columns import all_at_once
from data_tools.files.regular import read_regular

log = logging.getLogger(__name__)

SCHEMA = 1
SUFFIX = ".jsonl"
_DIGEST, _SEAL, _TIME = "heatmaps_sha256", "sha256", "ms_per_image"
_MARK = b"heat maps of predictions"  # the comment of our .npz files: another's is neither replaced nor deleted
_FAINTEST, _BRIGHTEST = 1 / 16, 6e4  # maxima at which float16 has its full precision down to a thousandth of them
_FLAT = 1 / 8
_BROKEN = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)


def maps_path(path: Path) -> Path:
    """Where the heat maps of a PredictionSet are."""
    return path.with_suffix(".npz")


def require_predictions_place(out: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse a place where a PredictionSet cannot be written, before the work that makes it.

    Raises:
        InputError: see `data_tools.files.places.require_place`; or an .npz lies where the heat maps go, which is not
            of an earlier PredictionSet there; or one of the other suffix, whose heat maps they would replace; or a
            Parquet file without the package pyarrow.
    """
    require_place(out, inputs, (SUFFIX, PARQUET))
    if out.suffix == PARQUET:
        require_pyarrow(out, "--out")
    maps, other = maps_path(out), out.with_suffix(SUFFIX if out.suffix == PARQUET else PARQUET)
    if other.exists():
        raise InputError(f"--out {out}: would share the heat maps and the list of errors of {other}; give another name")
    if (maps.exists() or maps.is_symlink()) and not _is_ours(maps, out):
        raise InputError(
            f"--out {out}: {maps} lies where its heat maps would go and is none of them; give another name, or move it"
        )


def write_predictions(path: Path | str, prediction_set: PredictionSet) -> None:
    """Write header and predictions to `path`, by its suffix; heat maps as float16 or better to its sibling `.npz`.

    The heat maps are written first, so that a complete file never points to maps that are not there.

    Raises:
        InputError: see `require_predictions_place`.
    """
    path = Path(path)
    require_predictions_place(path)
    mapped = [(str(p.image_id), p.heatmap) for p in prediction_set.predictions if p.heatmap is not None]
    digest = write_maps(path, ((key, as_stored(heatmap)) for key, heatmap in mapped)) if mapped else None
    lines = [to_line(prediction) for prediction in prediction_set.predictions]
    write_lines(path, header_line(prediction_set.header, digest), lambda: lines)
    if not mapped:
        maps_path(path).unlink(missing_ok=True)


def write_lines(path: Path, header: dict[str, Any], lines: Callable[[], Iterable[dict[str, Any]]]) -> None:
    """Write a header and lines, by the suffix of `path`, atomically and in flat memory.

    `lines` is called twice, as the header holds the SHA-256 of all that follow.
    """
    sealed = as_text(header | {_SEAL: _seal(header, (as_text(line).encode("utf-8") for line in lines()))})
    with atomic_path(path) as temporary:
        if path.suffix == PARQUET:
            write_rows(temporary, sealed, lines())
        else:
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.write(sealed)
                file.writelines(map(as_text, lines()))


def write_maps(path: Path, maps: Iterable[tuple[str, NDArray[np.floating[Any]]]]) -> str:
    """Write heat maps, as `as_stored` gives them, beside the PredictionSet of this path; returns their SHA-256."""
    with atomic_path(maps_path(path)) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = _MARK
            for key, values in maps:
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, values, allow_pickle=False)
        return sha256(temporary)


def header_line(header: PredictionHeader, maps_digest: str | None = None) -> dict[str, Any]:
    """The first line of a PredictionSet, with the digest of its heat maps where it has some."""
    first = {"schema": SCHEMA, "producer": header.producer, "config": header.config}
    first |= {"checkpoint": header.checkpoint, "split": header.split}
    first |= {} if header.ms_per_image is None else {_TIME: header.ms_per_image}
    return first if maps_digest is None else first | {_DIGEST: maps_digest}


def as_text(line: dict[str, Any]) -> str:
    """One line of strict JSON, with its end."""
    return json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n"


def read_predictions(path: Path | str) -> PredictionSet:
    """Read what `write_predictions` wrote, heat maps included.

    Raises:
        InputError: a file is missing or malformed, or the heat maps are not those that were written with it; the
            message names the file and the line.
    """
    path = Path(path)
    is_table = path.suffix == PARQUET
    first, values, content = _from_parquet(path) if is_table else _from_json_lines(path)
    header, digest = _read_header(f"{path}, header" if is_table else f"{path}, line 1", first)
    values = list(values)
    mapped = any(value.get("heatmap") is not None for _, value in values)
    maps = _read_maps(path, digest) if mapped else {}
    predictions = all_at_once([value for _, value in values], maps)
    if predictions is None:
        predictions = tuple(_from_line(path, where, value, maps) for where, value in values)
    _warn_if_changed(path, first, content)
    try:
        return PredictionSet(header, predictions)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def to_line(prediction: Prediction) -> dict[str, Any]:
    """The line of a prediction."""
    return {
        "image_id": prediction.image_id,
        "file_name": prediction.file_name,
        "size_hw": list(prediction.size_hw),
        "score": prediction.score,
        "boxes_xyxy": prediction.boxes_xyxy.tolist(),
        "box_scores": prediction.box_scores.tolist(),
        "box_labels": prediction.box_labels.tolist(),
        "peak_xy": None if prediction.peak_xy is None else list(prediction.peak_xy),
        "heatmap": None if prediction.heatmap is None else str(prediction.image_id),
    }


_Values = Iterable[tuple[str, dict[str, Any]]]
"""Where each line is, for messages, and what it says."""


def _from_json_lines(path: Path) -> tuple[str, _Values, Iterable[bytes]]:
    """The header, the lines that follow, and these as they are sealed."""
    content = read_regular(path)
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot read the predictions: {error}") from error
    numbered = ((number, line) for number, line in enumerate(lines[1:], start=2) if line.strip())
    values = ((f"{path}, line {number}", _value(path, number, line)) for number, line in numbered)
    return lines[0], values, (content[content.find(b"\n") + 1 :],)


def _from_parquet(path: Path) -> tuple[str, _Values, Iterable[bytes]]:
    header, rows = read_rows(path)
    values = ((f"{path}, row {number}", row) for number, row in enumerate(rows, start=1))
    return header, values, (as_text(row).encode("utf-8") for row in rows)


def _value(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line, object_pairs_hook=each_key_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}, line {number}: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}, line {number}: not a prediction but {type(value).__name__}")
    return value


def _from_line(path: Path, where: str, value: dict[str, Any], maps: dict[str, Numbers]) -> Prediction:
    try:
        image_id = whole_number(value["image_id"], "image_id")
        key, name, peak = value.get("heatmap"), value["file_name"], value["peak_xy"]
        if key is not None and key not in maps:
            raise InputError(f"{where}: heat map {key!r} is not in {maps_path(path)}")
        if not isinstance(name, str) or not name:
            raise ValueError(f"file_name must be the image's name, not {name!r}")
        sides = value["size_hw"]
        if not isinstance(sides, list) or len(sides) != 2:
            raise ValueError(f"size_hw must be [height, width], not {str(sides)[:40]}")
        height, width = (whole_number(side, "size_hw") for side in sides)
        return Prediction(
            image_id=image_id,
            file_name=name,
            size_hw=(height, width),
            score=real_number(value["score"], "score"),
            boxes_xyxy=_numbers(value, "boxes_xyxy"),
            box_scores=_numbers(value, "box_scores"),
            box_labels=_numbers(value, "box_labels"),  # type: ignore[arg-type]  # the record refuses fractions
            peak_xy=None if peak is None else _point(peak),
            heatmap=None if key is None else maps[key],  # type: ignore[arg-type]
        )
    except KeyError as error:
        raise InputError(f"{where}: key {error} is missing") from error
    except _BROKEN as error:
        raise InputError(f"{where}: {error}") from error


def _numbers(value: dict[str, Any], key: str) -> NDArray[np.float64]:
    array = np.array(value[key])
    if array.size and array.dtype.kind not in "iuf":
        raise ValueError(f"{key}: numbers are needed, not {str(value[key])[:40]}")
    return array.astype(np.float64, copy=False)


def _point(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"peak_xy must be [x, y] or null, not {str(value)[:40]}")
    return real_number(value[0], "peak_xy"), real_number(value[1], "peak_xy")


def _read_header(where: str, first: str) -> tuple[PredictionHeader, str | None]:
    """The header, and the digest of the heat maps that belong to it, if it names one."""
    try:
        value = json.loads(first, object_pairs_hook=each_key_once)
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        schema = value["schema"]
        taken = value.get(_TIME)
        header = PredictionHeader(
            str(value["producer"]),
            value.get("config"),
            value.get("checkpoint"),
            value.get("split"),
            None if taken is None else real_number(taken, _TIME),
        )
        digest = value.get(_DIGEST)
    except KeyError as error:
        raise InputError(f"{where}: not the header of a PredictionSet: key {error} is missing") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{where}: not the header of a PredictionSet: {error}") from error
    if schema != SCHEMA:
        raise InputError(f"{where}: schema {schema!r}, but this version reads schema {SCHEMA}")
    return header, None if digest is None else str(digest)


def _warn_if_changed(path: Path, first: str, content: Iterable[bytes]) -> None:
    """Say that a file is not as it was written, where it says how that was."""
    header = json.loads(first)
    seal = header.pop(_SEAL, None)
    try:
        is_whole = seal is None or seal == _seal(header, content)
    except (ValueError, TypeError, RecursionError):  # values that we do not write
        is_whole = False
    if not is_whole:
        log.warning("warning: %s: does not match its own checksum: damaged, or changed since it was written", path)


def _seal(header: dict[str, Any], lines: Iterable[bytes]) -> str:
    digest = hashlib.sha256(as_text(header).encode("utf-8"))
    for line in lines:
        digest.update(line)
    return digest.hexdigest()


def _read_maps(path: Path, digest: str | None) -> dict[str, Numbers]:
    maps = maps_path(path)
    if not maps.exists():
        return {}
    try:
        arrays = read_npz(maps)
    except InputError as error:
        raise InputError(f"{maps}: cannot read the heat maps: {str(error).removeprefix(f'{maps}: ')}") from error
    if digest is not None and sha256(maps) != digest:
        raise InputError(
            f"{maps}: not the heat maps that {path} was written with; they are of other predictions, or one of the two "
            "was written anew: predict again"
        )
    return arrays


def _is_ours(maps: Path, predictions: Path) -> bool:
    """Whether an .npz belongs to a PredictionSet: its comment says so, or an older PredictionSet refers to it."""
    try:
        with zipfile.ZipFile(maps) as archive:
            if archive.comment == _MARK:
                return True
        with predictions.open(encoding="utf-8") as lines:
            header = json.loads(lines.readline())
            return header["schema"] == SCHEMA and any(json.loads(line).get("heatmap") is not None for line in lines)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, zipfile.BadZipFile):
        return False


def as_stored(heatmap: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """Float16 of the map, scaled to a maximum of 1 first where it would not survive: a map's scale carries no meaning.

    Float32 where the values differ by a small part of their size, which float16 would make equal.
    """
    known = heatmap[np.isfinite(heatmap)]
    largest = float(np.abs(known).max(initial=0.0))
    scaled = heatmap / largest if largest > 0 and not _FAINTEST <= largest <= _BRIGHTEST else heatmap
    if known.size and float(np.ptp(known)) < largest * _FLAT:
        return scaled.astype(np.float32)
    return scaled.astype(np.float16)
