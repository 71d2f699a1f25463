"""PredictionSet files: JSON lines, with the heat maps in an .npz of the same name beside it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet
from data_tools.files.atomic import atomic_path, write_text

SCHEMA = 1


def write_predictions(path: Path, prediction_set: PredictionSet) -> None:
    """Write header and predictions as JSON lines to `path`; heat maps as float16 to its sibling `.npz`.

    The heat maps are written first, so that a complete `.jsonl` never points to maps that are not there.
    """
    maps = {str(p.image_id): p.heatmap for p in prediction_set.predictions if p.heatmap is not None}
    maps_path = path.with_suffix(".npz")
    if maps:
        with atomic_path(maps_path) as temporary, temporary.open("wb") as file:
            arrays: dict[str, Any] = {key: _as_float16(value) for key, value in maps.items()}
            np.savez_compressed(file, **arrays)
    header = prediction_set.header
    lines: list[dict[str, Any]] = [
        {"schema": SCHEMA, "producer": header.producer, "config": header.config}
        | {"checkpoint": header.checkpoint, "split": header.split}
    ]
    lines += [_to_line(prediction) for prediction in prediction_set.predictions]
    write_text(path, "".join(json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n" for line in lines))
    if not maps:
        maps_path.unlink(missing_ok=True)


def read_predictions(path: Path) -> PredictionSet:
    """Read what `write_predictions` wrote, heat maps included.

    Raises:
        InputError: a file is missing or malformed; the message names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read the predictions: {error}") from error
    header = _read_header(path, lines)
    maps = _read_maps(path.with_suffix(".npz"))
    predictions = []
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            predictions.append(_from_line(path, number, line, maps))
    try:
        return PredictionSet(header, tuple(predictions))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def _to_line(prediction: Prediction) -> dict[str, Any]:
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


def _from_line(path: Path, number: int, line: str, maps: dict[str, NDArray[np.float32]]) -> Prediction:
    where = f"{path}, line {number}"
    try:
        value = json.loads(line)
        key = value.get("heatmap")
        if key is not None and key not in maps:
            raise InputError(f"{where}: heat map {key!r} is not in {path.with_suffix('.npz')}")
        return Prediction(
            image_id=int(value["image_id"]),
            file_name=str(value["file_name"]),
            size_hw=tuple(value["size_hw"]),
            score=float(value["score"]),
            boxes_xyxy=np.array(value["boxes_xyxy"], dtype=np.float64),
            box_scores=np.array(value["box_scores"], dtype=np.float64),
            box_labels=np.array(value["box_labels"], dtype=np.int64),
            peak_xy=None if value["peak_xy"] is None else tuple(value["peak_xy"]),
            heatmap=None if key is None else maps[key],
        )
    except KeyError as error:
        raise InputError(f"{where}: key {error} is missing") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{where}: {error}") from error


def _read_header(path: Path, lines: list[str]) -> PredictionHeader:
    try:
        value = json.loads(lines[0])
        schema = value["schema"]
        header = PredictionHeader(
            str(value["producer"]), value.get("config"), value.get("checkpoint"), value.get("split")
        )
    except (IndexError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path}, line 1: not the header of a PredictionSet") from error
    if schema != SCHEMA:
        raise InputError(f"{path}, line 1: schema {schema!r}, but this version reads schema {SCHEMA}")
    return header


def _read_maps(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: np.asarray(archive[key], dtype=np.float32) for key in archive.files}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: cannot read the heat maps: {error}") from error


def _as_float16(heatmap: NDArray[np.float32]) -> NDArray[np.float16]:
    """Float16 of the map, scaled down first where its maximum would overflow; a map's scale carries no meaning."""
    peak = float(np.max(np.abs(heatmap), initial=0.0, where=np.isfinite(heatmap)))
    return (heatmap / peak if peak > 6e4 else heatmap).astype(np.float16)
