import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet, empty_boxes, empty_labels
from data_tools.files.predictions import read_predictions, write_predictions


def make_set() -> PredictionSet:
    found = Prediction(
        1,
        "one.png",
        (40, 50),
        0.75,
        np.array([[1, 2, 3, 4.5]]),
        np.array([0.75]),
        np.array([1]),
        (2.0, 3.25),
        np.arange(6, dtype=np.float32).reshape(2, 3),
    )
    none = Prediction(2, "two.png", (40, 50), 0.0, empty_boxes(), np.zeros(0), empty_labels())
    return PredictionSet(PredictionHeader("producer", {"a": 1}, "abc", "test"), (found, none))


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    read = read_predictions(path)
    assert read.header == make_set().header
    first, second = read.predictions
    assert first.peak_xy == (2.0, 3.25)
    assert first.boxes_xyxy.tolist() == [[1, 2, 3, 4.5]]
    assert first.heatmap is not None
    assert first.heatmap.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert second.peak_xy is None
    assert second.heatmap is None
    assert second.boxes_xyxy.shape == (0, 4)


def test_the_lines_are_what_the_contract_says(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    header, first, second = (json.loads(line) for line in path.read_text().splitlines())
    digest = hashlib.sha256((tmp_path / "test.npz").read_bytes()).hexdigest()
    assert header == {
        "schema": 1,
        "producer": "producer",
        "config": {"a": 1},
        "checkpoint": "abc",
        "split": "test",
        "heatmaps_sha256": digest,
    }
    assert list(first) == [
        "image_id",
        "file_name",
        "size_hw",
        "score",
        "boxes_xyxy",
        "box_scores",
        "box_labels",
        "peak_xy",
        "heatmap",
    ]
    assert second["peak_xy"] is None
    assert second["heatmap"] is None
    assert np.load(tmp_path / "test.npz")[first["heatmap"]].shape == (2, 3)


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (0, "{}", "line 1"),
        (0, json.dumps({"schema": 2, "producer": "p"}), "schema 2"),
        (1, "not json", "line 2"),
        (1, "{}", "'image_id' is missing"),
        (2, "[1]", "line 3"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: int, text: str, message: str) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    lines = path.read_text().splitlines()
    lines[line] = text
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=message):
        read_predictions(path)


def test_an_image_predicted_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]))
    with pytest.raises(InputError, match="stand twice"):
        read_predictions(path)


def test_a_missing_map_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    (tmp_path / "test.npz").unlink()
    with pytest.raises(InputError, match="heat map '1'"):
        read_predictions(path)


def test_a_heat_map_too_large_for_float16_stays_finite(tmp_path: Path) -> None:
    huge = Prediction(
        1, "a", (4, 4), 0.0, empty_boxes(), np.zeros(0), empty_labels(), None, np.array([[1e9, 5e8]], dtype=np.float32)
    )
    write_predictions(tmp_path / "p.jsonl", PredictionSet(PredictionHeader("p"), (huge,)))
    heatmap = read_predictions(tmp_path / "p.jsonl").predictions[0].heatmap
    assert heatmap is not None
    assert heatmap.tolist() == [[1.0, 0.5]]
