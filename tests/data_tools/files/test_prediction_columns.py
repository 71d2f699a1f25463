"""Reading all lines at once gives what reading them one by one gives, or leaves them to it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction
from data_tools.files.prediction_columns import all_at_once
from data_tools.files.predictions import _from_line, to_line

MAPS = {"m": np.eye(3, dtype=np.float16), "flat": np.zeros(3), "huge": np.full((2, 2), 1e300)}
ODD = st.sampled_from(
    [
        *(
            None,
            True,
            -1,
            0,
            1,
            5,
            1 << 63,
            10**400,
            0.5,
            1e308,
            float("inf"),
            float("nan"),
            "",
            "m",
            "1",
            [],
            [1],
            [1, 2],
        ),
        *([1, 2, 3, 4], [[1, 2, 3, 4]], [[4, 4, 2, 2]], [[0, 0, 1.5, 90]], [[1, 2, 3]], ["1", 2], [True, 1], {}),
    ]
)
KEYS = ("image_id", "file_name", "size_hw", "score", "boxes_xyxy", "box_scores", "box_labels", "peak_xy", "heatmap")
PLAIN = {
    "image_id": 3,
    "file_name": "a/ä.png",
    "size_hw": [60, 80],
    "score": 0.25,
    "boxes_xyxy": [[1, 2, 30.5, 40], [0, 0, 80, 60]],
    "box_scores": [0.5, 1],
    "box_labels": [1, 2],
    "peak_xy": [10, 59.5],
    "heatmap": "m",
}
NONE = PLAIN | {"boxes_xyxy": [], "box_scores": [], "box_labels": [], "peak_xy": None, "heatmap": None}


def one_by_one(lines: list[dict[str, Any]]) -> list[Prediction] | None:
    try:
        return [_from_line(Path("p.jsonl"), "line", line, MAPS) for line in lines]
    except InputError:
        return None


def same(a: Prediction, b: Prediction) -> bool:
    arrays = ("boxes_xyxy", "box_scores", "box_labels", "heatmap")
    for name in arrays:
        one, other = getattr(a, name), getattr(b, name)
        if (one is None) != (other is None):
            return False
        if one is not None:
            assert one.dtype == other.dtype
            assert not one.flags.writeable
            if not np.array_equal(one, other) or one.shape != other.shape:
                return False
    rest = [{key: value for key, value in vars(x).items() if key not in arrays} for x in (a, b)]
    return rest[0] == rest[1] and list(map(type, rest[0].values())) == list(map(type, rest[1].values()))


def test_what_we_write_is_read_at_once() -> None:
    lines = json.loads(json.dumps([PLAIN, NONE, PLAIN]))
    made = all_at_once(lines, MAPS)
    assert made is not None
    assert all(same(a, b) for a, b in zip(made, one_by_one(lines) or (), strict=True))
    assert [to_line(one)["boxes_xyxy"] for one in made] == [line["boxes_xyxy"] for line in lines]
    assert all_at_once([], MAPS) == ()


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), ODD, max_size=2), max_size=3), st.sampled_from(KEYS))
def test_nothing_is_read_that_one_by_one_refuses_or_reads_otherwise(changes: list[dict], missing: str) -> None:
    for base in (PLAIN, NONE):
        lines = [base | change for change in changes]
        made, wanted = all_at_once(lines, MAPS), one_by_one(lines)
        if made is not None:
            assert wanted is not None
            assert all(same(a, b) for a, b in zip(made, wanted, strict=True))
        if lines:
            del lines[0][missing]
            assert missing == "heatmap" or all_at_once(lines, MAPS) is None
