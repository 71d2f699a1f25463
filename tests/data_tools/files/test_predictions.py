import hashlib
import json
import os
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
    assert len(header.pop("sha256")) == 64
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
        (2, '{"image_id": 2, "score": 0.1, "score": 0.9}', "line 3: the key 'score' stands twice"),
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


def mapped(heatmap: np.ndarray) -> PredictionSet:
    one = Prediction(1, "a", (4, 4), 0.0, empty_boxes(), np.zeros(0), empty_labels(), None, heatmap)
    return PredictionSet(PredictionHeader("p"), (one,))


def stored(path: Path, heatmap: np.ndarray) -> np.ndarray:
    write_predictions(path, mapped(heatmap))
    read = read_predictions(path).predictions[0].heatmap
    assert read is not None
    return read


@pytest.mark.parametrize("scale", [1e-300, 1e-50, 1e-8, 1e-3, 1.0, 1e5, 1e39, 1e300])
def test_a_maps_scale_does_not_change_what_is_stored(tmp_path: Path, scale: float) -> None:
    heatmap = np.array([[1.0, 0.5, 0.001], [0.25, 0.0, 0.002]])
    read = stored(tmp_path / "p.jsonl", heatmap * scale)
    assert read / read.max() == pytest.approx(heatmap, rel=1e-3)


def test_values_that_float16_would_make_equal_are_kept_apart(tmp_path: Path) -> None:
    heatmap = np.array([[-1000.2, -1000.1], [-1000.15, -1000.3]])
    assert stored(tmp_path / "p.jsonl", heatmap) == pytest.approx(heatmap, abs=1e-3)
    assert np.isinf(stored(tmp_path / "p.jsonl", np.array([[np.inf, 1e-9]]))).sum() == 1


def test_an_npz_of_others_is_neither_deleted_nor_overwritten(tmp_path: Path) -> None:
    path, foreign = tmp_path / "features.jsonl", tmp_path / "features.npz"
    np.savez(foreign, a=1)
    before = foreign.read_bytes()
    for one in (make_set(), PredictionSet(PredictionHeader("p"))):
        with pytest.raises(InputError, match=r"features\.npz lies where its heat maps would go"):
            write_predictions(path, one)
    foreign.write_text("no archive")
    with pytest.raises(InputError, match=r"features\.npz lies where"):
        write_predictions(path, make_set())
    assert not path.exists()
    foreign.write_bytes(before)
    assert np.load(foreign)["a"] == 1


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("[]", "not a JSON object"),
        ('{"producer": "p"}', "key 'schema' is missing"),
        ('{"schema": 1}', "key 'producer' is missing"),
    ],
)
def test_what_is_no_header_is_told_in_words(tmp_path: Path, first: str, message: str) -> None:
    (tmp_path / "p.jsonl").write_text(f"{first}\n")
    with pytest.raises(InputError, match=f"line 1: not the header of a PredictionSet: {message}"):
        read_predictions(tmp_path / "p.jsonl")


def test_the_header_may_say_how_long_an_image_took(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_predictions(path, PredictionSet(PredictionHeader("p", ms_per_image=12.5)))
    assert read_predictions(path).header.ms_per_image == 12.5
    for wrong in ("0", "-1", "true", '"12"', "1e999"):
        path.write_text(f'{{"schema": 1, "producer": "p", "ms_per_image": {wrong}}}\n')
        with pytest.raises(InputError, match="line 1: not the header of a PredictionSet: ms_per_image must be"):
            read_predictions(path)


def test_maps_of_an_earlier_set_give_way(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_predictions(path, make_set())
    write_predictions(path, make_set())
    write_predictions(path, PredictionSet(PredictionHeader("p")))
    assert not (tmp_path / "p.npz").exists()
    write_predictions(path, make_set())
    path.unlink()  # as after a kill before the first .jsonl was written
    write_predictions(path, make_set())


def without_digest(path: Path) -> None:
    """Make a file as earlier versions wrote it: no digest, and an .npz without a comment."""
    header, *lines = path.read_text().splitlines()
    old = json.loads(header)
    del old["heatmaps_sha256"]
    path.write_text("\n".join([json.dumps(old), *lines]))
    with np.load(path.with_suffix(".npz")) as archive:
        arrays = dict(archive)
    np.savez_compressed(path.with_suffix(".npz"), **arrays)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.jsonl")
    with pytest.raises(InputError, match="not a regular file"):
        read_predictions(tmp_path / "p.jsonl")


def test_a_file_of_an_earlier_version_is_read_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_predictions(path, make_set())
    without_digest(path)
    assert read_predictions(path).predictions[0].heatmap is not None
    write_predictions(path, make_set())


def test_old_scores_are_not_read_with_new_maps(tmp_path: Path) -> None:
    """What a kill between the two renames leaves: the new .npz beside the old .jsonl."""
    path, new = tmp_path / "p.jsonl", tmp_path / "new.jsonl"
    write_predictions(path, make_set())
    write_predictions(new, mapped(np.array([[9.0, 1.0]])))
    (tmp_path / "new.npz").replace(tmp_path / "p.npz")
    with pytest.raises(InputError, match=r"p\.npz: not the heat maps that .*p\.jsonl was written with"):
        read_predictions(path)
    write_predictions(path, make_set())
    read_predictions(path)


def test_a_damaged_npz_that_no_line_refers_to_does_not_matter(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.jsonl", PredictionSet(PredictionHeader("p")))
    (tmp_path / "p.npz").write_text("another's")
    assert read_predictions(tmp_path / "p.jsonl").predictions == ()


def test_the_name_ends_in_jsonl(tmp_path: Path) -> None:
    """cam_0.5 and cam_0.7 would share cam_0.npz, and z.npz would be both files."""
    for name in ("cam_0.5", "z.npz", "p", "p.json"):
        with pytest.raises(InputError, match=r"give a file that ends in \.jsonl"):
            write_predictions(tmp_path / name, make_set())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_id", 1.9),
        ("image_id", "1"),
        ("image_id", True),
        ("image_id", float("inf")),
        ("size_hw", [40.5, 50]),
        ("size_hw", [float("inf"), 50]),
        ("size_hw", [40]),
        ("score", "0.5"),
        ("score", 10**400),
        ("score", float("nan")),
        ("boxes_xyxy", [["1", 2, 3, 4]]),
        ("boxes_xyxy", [[1, 2, 3, 10**400]]),
        ("boxes_xyxy", [[1, 2, 3, float("inf")]]),
        ("boxes_xyxy", [[1, 2, 3]]),
        ("boxes_xyxy", [[3, 2, 1, 4]]),
        ("boxes_xyxy", [[1, 2, 3, 400]]),
        ("box_scores", [None]),
        ("box_labels", [1.9]),
        ("box_labels", [0]),
        ("box_labels", [1e300]),
        ("box_labels", [10**30]),
        ("box_labels", ["1"]),
        ("peak_xy", [1]),
        ("peak_xy", ["1", 2]),
        ("peak_xy", [float("-inf"), 2]),
        ("file_name", None),
        ("file_name", ""),
    ],
)
def test_a_value_that_would_be_cut_or_overflow_is_refused_with_its_line(
    tmp_path: Path, key: str, value: object
) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    header, first, second = path.read_text().splitlines()
    path.write_text("\n".join([header, json.dumps(json.loads(first) | {key: value}), second]))
    named = "" if key.startswith("box") else key
    with pytest.raises(InputError, match=rf"test\.jsonl, line 2: .*{named}"):
        read_predictions(path)


def test_whole_numbers_may_be_written_as_floats_and_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    header, first, _ = path.read_text().splitlines()
    line = json.dumps(json.loads(first) | {"image_id": 1.0, "box_labels": [1.0], "size_hw": [40.0, 50.0]})
    path.write_text(f"\ufeff{header}\n{line}\n", encoding="utf-8")
    (read,) = read_predictions(path).predictions
    assert (read.image_id, read.box_labels.tolist(), read.size_hw) == (1, [1], (40, 50))


def test_records_made_in_python_are_not_cut_either() -> None:
    with pytest.raises(ValueError, match="whole numbers are needed"):
        Prediction(1, "a", (4, 4), 0.0, np.array([[0.0, 0, 1, 1]]), np.array([0.5]), np.array([1.9]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="image ids are"):
        Prediction(1.9, "a", (4, 4), 0.0, empty_boxes(), np.zeros(0), empty_labels())  # type: ignore[arg-type]


def test_a_changed_file_is_read_and_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "test.jsonl"
    write_predictions(path, make_set())
    lines = path.read_text().splitlines(keepends=True)
    assert read_predictions(path).predictions
    assert caplog.text == ""
    relabelled = [lines[0].replace('"producer": "producer"', '"producer": "another"'), *lines[1:]]
    for changed in (lines[:-1], relabelled, [*lines, lines[-1].replace('"image_id": 2', '"image_id": 7')]):
        caplog.clear()
        path.write_text("".join(changed))
        read_predictions(path)
        assert f"{path}: does not match its own checksum" in caplog.text
    caplog.clear()
    unsealed = json.loads(lines[0])
    del unsealed["sha256"]
    path.write_text("".join([json.dumps(unsealed) + "\n", *lines[1:-1]]))
    read_predictions(path)
    assert caplog.text == ""
