"""The lines of a PredictionSet as columns: checked all together, which takes a fraction of the time of one by one."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.prediction_columns import PredictionColumns
from data_tools.core.records import Prediction
from data_tools.files.arrays import Numbers

_NUMBER = {int, float}  # exact types: true and false are none


def all_at_once(values: Sequence[Mapping[str, Any]], maps: Mapping[str, Numbers]) -> tuple[Prediction, ...] | None:
    """The predictions of lines; None where one is not as we write it, which reading it alone explains.

    Args:
        values: the lines.
        maps: heat maps by key.
    """
    try:
        columns = _columns(values, maps)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return None if columns is None else columns.to_predictions()


def _columns(values: Sequence[Mapping[str, Any]], maps: Mapping[str, Numbers]) -> PredictionColumns | None:
    ids, names, scores = ([value[key] for value in values] for key in ("image_id", "file_name", "score"))
    sizes, peaks = ([value[key] for value in values] for key in ("size_hw", "peak_xy"))
    boxes, box_scores, labels = ([value[key] for value in values] for key in ("boxes_xyxy", "box_scores", "box_labels"))
    rows = list(chain.from_iterable(boxes))
    counts = [len(one) for one in boxes]
    is_ours = (
        _are(ids, {int})
        and max(ids, default=1) < 1 << 63
        and _are(names, {str})
        and all(names)
        and _are(scores, _NUMBER)
        and _are(chain(sizes, boxes, rows, box_scores, labels), {list})
        and _are(chain.from_iterable(sizes), {int})
        and all(len(size) == 2 for size in sizes)
        and all(len(row) == 4 for row in rows)
        and counts == [len(one) for one in box_scores] == [len(one) for one in labels]
        and _are(peaks, {list, type(None)})
        and all(peak is None or (len(peak) == 2 and _are(peak, _NUMBER)) for peak in peaks)
        and _are(chain.from_iterable(labels), {int})
    )
    if not is_ours:
        return None
    keys = [value.get("heatmap") for value in values]
    return PredictionColumns(
        ids,
        names,
        np.array(sizes, dtype=np.int64).reshape(-1, 2),
        np.array(scores, dtype=np.float64),
        [None if peak is None else (float(peak[0]), float(peak[1])) for peak in peaks],
        [None if key is None else maps[key] for key in keys],
        np.array(counts, dtype=np.int64),
        _numbers(list(chain.from_iterable(rows))).reshape(-1, 4),
        _numbers(list(chain.from_iterable(box_scores))),
        np.array(list(chain.from_iterable(labels)), dtype=np.int64),
    )


def _are(values: Any, types: set[type]) -> bool:
    return set(map(type, values)) <= types


def _numbers(values: list[Any]) -> NDArray[np.float64]:
    """Raises TypeError of what is neither a whole number nor a float."""
    if not _are(values, _NUMBER):
        raise TypeError
    return np.array(values, dtype=np.float64)
