"""Several detectors' predictions become one answer, and what does not belong together is refused."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_tools import join_predictions
from data_tools.core.records import Dataset, Prediction, PredictionHeader, PredictionSet, Splits
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.predictions import read_predictions, write_predictions


def write(path: Path, *predictions: Prediction, split: str = "test") -> str:
    write_predictions(path, PredictionSet(PredictionHeader(path.stem, {"a": 1}, "best", split), predictions))
    return str(path)


def run(tmp_path: Path, files: Sequence[str], *more: str) -> int:
    return join_predictions.main([*files, "--out", str(tmp_path / "joined.jsonl"), *more])


def test_boxes_peak_and_score_are_joint(tmp_path: Path, make_prediction) -> None:
    """Odds of 9 and 1 have a geometric mean of 3, a probability of 0.75; the box that both see is the best one."""
    first = make_prediction(7, 0.9, [(60, 60, 80, 80), (0, 0, 20, 10)], [0.7, 0.6], (70, 70))
    second = make_prediction(7, 0.5, [(0, 0, 20, 10)], [0.2], (10, 5))
    files = [write(tmp_path / "a.jsonl", first), write(tmp_path / "b.jsonl", second)]
    assert run(tmp_path, files) == 0
    joined = read_predictions(tmp_path / "joined.jsonl")
    one = joined.predictions[0]
    assert one.score == pytest.approx(0.75)
    assert one.boxes_xyxy == pytest.approx(np.array([[0, 0, 20, 10], [60, 60, 80, 80]]))
    assert one.box_scores == pytest.approx([0.4, 0.35])
    assert one.peak_xy == pytest.approx((10, 5))
    assert (one.image_id, one.file_name, one.size_hw) == (7, "7.png", (100, 100))
    assert joined.header.producer == "joined: a, b"
    assert joined.header.split == "test"
    assert [row["producer"] for row in joined.header.config["joined"]] == ["a", "b"]


def test_order_of_images_is_the_first_files_and_no_box_is_an_abstention(tmp_path: Path, make_prediction) -> None:
    files = [
        write(tmp_path / "a.jsonl", make_prediction(2, 0.0), make_prediction(1, 1.0)),
        write(tmp_path / "b.jsonl", make_prediction(1, 1.0), make_prediction(2, 0.0)),
    ]
    assert run(tmp_path, files, "--producer", "both") == 0
    joined = read_predictions(tmp_path / "joined.jsonl")
    assert [(p.image_id, p.peak_xy) for p in joined.predictions] == [(2, None), (1, None)]
    assert [p.score for p in joined.predictions] == pytest.approx([0, 1], abs=1e-5)
    assert joined.header.producer == "both"


def test_overlap_is_a_choice(tmp_path: Path, make_prediction) -> None:
    """The boxes overlap by half."""
    files = [
        write(tmp_path / "a.jsonl", make_prediction(1, 0.5, [(0, 0, 10, 10)], [0.5], (5, 5))),
        write(tmp_path / "b.jsonl", make_prediction(1, 0.5, [(0, 0, 10, 20)], [0.5], (5, 10))),
    ]
    assert run(tmp_path, files, "--overlap", "0.4") == 0
    assert read_predictions(tmp_path / "joined.jsonl").predictions[0].boxes_xyxy.tolist() == [[0, 0, 10, 15]]
    assert run(tmp_path, files, "--overlap", "0.6") == 0
    assert len(read_predictions(tmp_path / "joined.jsonl").predictions[0].box_scores) == 2


def test_heat_maps_are_counted_as_left_out(tmp_path: Path, make_prediction, caplog: pytest.LogCaptureFixture) -> None:
    mapped = make_prediction(1, 0.5, [(0, 0, 10, 10)], [0.5], (5, 5), heatmap=np.ones((2, 2)))
    files = [write(tmp_path / name, mapped) for name in ("a.jsonl", "b.jsonl")]
    with caplog.at_level("INFO"):
        assert run(tmp_path, files) == 0
    assert read_predictions(tmp_path / "joined.jsonl").predictions[0].heatmap is None
    assert "2 boxes of 2 detectors joined to 1, on 1 images" in caplog.text
    assert "2 heat maps left out" in caplog.text


def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, make_prediction, capfd: pytest.CaptureFixture[str]
) -> None:
    box = [(0, 0, 10, 10)]
    good = write(tmp_path / "good.jsonl", make_prediction(1, 0.5, box, [0.5], (5, 5)))
    cases = [
        ("image 1: a score is not in 0..1, so it cannot be joined", make_prediction(1, 3.0, box, [0.5], (5, 5))),
        ("image 1: a score is not in 0..1, so it cannot be joined", make_prediction(1, 0.5, box, [1.5], (5, 5))),
        ("has a peak but no box", make_prediction(1, 0.5, peak=(5, 5))),
        ("2 are in one alone, such as 1, 2", make_prediction(2, 0.5, box, [0.5], (5, 5))),
        ("image 1 has another size", make_prediction(1, 0.5, box, [0.5], (5, 5), (90, 100))),
    ]
    for message, prediction in cases:
        assert run(tmp_path, [good, write(tmp_path / "other.jsonl", prediction)]) == 2
        error = capfd.readouterr().err
        assert message in error
        assert "other.jsonl" in error
    of_val = write(tmp_path / "val.jsonl", make_prediction(1, 0.5, box, [0.5], (5, 5)), split="val")
    assert run(tmp_path, [good, of_val]) == 2
    assert "of the split 'val'" in capfd.readouterr().err
    assert run(tmp_path, [good]) == 2
    assert "two or more" in capfd.readouterr().err
    assert run(tmp_path, [good, good], "--overlap", "1.5") == 2
    assert "--overlap must be between 0 and 1" in capfd.readouterr().err
    assert not (tmp_path / "joined.jsonl").exists()


def test_sets_whose_names_disagree_and_outputs_that_are_inputs_are_refused(
    tmp_path: Path, make_prediction, capfd: pytest.CaptureFixture[str]
) -> None:
    one = make_prediction(1, 0.5, [(0, 0, 10, 10)], [0.5], (5, 5))
    renamed = replace(one, file_name="2.png")
    files = [write(tmp_path / "a.jsonl", one), write(tmp_path / "b.jsonl", renamed)]
    assert run(tmp_path, files) == 2
    assert "b.jsonl: image 1 is 2.png in the predictions, but 1.png in" in capfd.readouterr().err
    files[1] = write(tmp_path / "joined.jsonl", one)
    before = Path(files[1]).read_text()
    assert run(tmp_path, files) == 2
    assert "joined.jsonl: is what the command reads" in capfd.readouterr().err
    assert Path(files[1]).read_text() == before
    (tmp_path / "joined.jsonl").unlink()
    (tmp_path / "joined.jsonl").mkdir()
    assert run(tmp_path, [files[0], files[0]]) == 2
    assert "is a folder" in capfd.readouterr().err


def test_with_a_dataset_all_are_of_its_images(
    tmp_path: Path, make_prediction, make_sample, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both sets agree with each other; the second dataset has image 1 in another size."""
    one = make_prediction(1, 0.5, [(0, 0, 10, 10)], [0.5], (5, 5))
    files = [write(tmp_path / name, one) for name in ("a.jsonl", "b.jsonl")]
    for name, size in (("right", (100, 100)), ("wrong", (100, 120))):
        sample = make_sample(1, [], size)
        object.__setattr__(sample, "path", "1.png")
        write_dataset(tmp_path / name, Dataset((sample,), ("defect",), None, Splits(0, "", (), (), (1,))))
    assert run(tmp_path, files, "--data", str(tmp_path / "right")) == 0
    (tmp_path / "joined.jsonl").unlink()
    assert run(tmp_path, files, "--data", str(tmp_path / "wrong")) == 2
    assert "has another size than in the dataset: 100 x 100 instead of 120 x 100 pixels" in capsys.readouterr().err
    assert not (tmp_path / "joined.jsonl").exists()


def test_boxes_cut_out_of_maps_join_no_boxes_of_types(
    tmp_path: Path, make_prediction, capsys: pytest.CaptureFixture[str]
) -> None:
    found = make_prediction(1, 0.9, [(0, 0, 20, 10)], [0.7])
    cut = replace(found, heatmap=np.ones((4, 4), dtype=np.float32))
    typed = replace(found, box_labels=np.array([2]))
    maps = write(tmp_path / "maps.jsonl", cut)
    assert run(tmp_path, [maps, write(tmp_path / "single.jsonl", found)]) == 0
    assert run(tmp_path, [maps, write(tmp_path / "typed.jsonl", typed)]) == 2
    assert "name no type" in capsys.readouterr().err
