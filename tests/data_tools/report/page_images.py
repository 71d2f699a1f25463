"""What the page's scripts unpack from its columns, in Python: one dictionary an image, as the scripts see it."""

import base64
from typing import Any

import numpy as np

_KINDS = {"u1": "<u1", "u2": "<u2", "u4": "<u4", "f4": "<f4", "f8": "<f8"}


def numbers(packed: list[str]) -> np.ndarray:
    kind, text = packed
    return np.frombuffer(base64.b64decode(text), dtype=_KINDS[kind])


def repeated(column: dict[str, Any]) -> list[Any]:
    return [column["of"][i] for i in numbers(column["at"])]


def boxes(column: dict[str, Any]) -> list[list[list[float]]]:
    ends = np.cumsum(numbers(column["counts"]).astype(int))
    return [(part / 10).reshape(-1, 4).tolist() for part in np.split(numbers(column["values"]), ends)[:-1]]


def beside(column: list[str] | None, of: list[list[Any]]) -> list[list[float]]:
    if column is None:
        return [[] for _ in of]
    return [part.tolist() for part in np.split(numbers(column), np.cumsum([len(one) for one in of]))[:-1]]


def images_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    packed = data["images"]
    texts = {key: repeated(packed[key]) for key in ("folder", "size", "status", "type", "group")}
    ids, names, true = numbers(packed["id"]).tolist(), packed["names"].split("/"), boxes(packed["boxes"])
    classes, runs = beside(packed["classes"], true), [_run(run, len(ids)) for run in data["runs"]]
    return [
        {
            "id": ids[i],
            "file": "/".join(filter(None, (texts["folder"][i], names[i]))),
            "w": texts["size"][i][0],
            "h": texts["size"][i][1],
            **{key: texts[key][i] for key in ("status", "type", "group")},
            "boxes": true[i],
            "classes": classes[i],
            "jpeg": packed["jpegs"] and packed["jpegs"][i],
            "runs": [run[i] for run in runs],
        }
        for i in range(len(ids))
    ]


def _run(packed: dict[str, Any], count: int) -> list[dict[str, Any]]:
    found, grids = boxes(packed["boxes"]), repeated(packed["grid"])
    scores, classes = beside(packed["scores"], found), beside(packed["classes"], found)
    cells = np.frombuffer(base64.b64decode(packed["cells"]), dtype=np.uint8)
    ends = np.cumsum([0 if grid is None else grid[0] * grid[1] for grid in grids])
    maps = [None if g is None else part.reshape(g) for g, part in zip(grids, np.split(cells, ends), strict=False)]
    px, peaks = numbers(packed["px"]), numbers(packed["peak"]).reshape(-1, 2)
    return [
        {
            "score": numbers(packed["score"])[i],
            "peak": None if np.isnan(peaks[i, 0]) else np.round(peaks[i].astype(float), 2).tolist(),
            "px": None if np.isnan(px[i]) else float(px[i]),
            "boxes": found[i],
            "scores": scores[i],
            "classes": classes[i],
            "map": maps[i],
        }
        for i in range(count)
    ]
