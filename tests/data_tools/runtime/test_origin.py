from collections.abc import Callable
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import write_predictions
from data_tools.runtime.origin import origin_of, threshold_of


@pytest.fixture
def run(squares: Path, tmp_path: Path, make_prediction: Callable[..., Prediction]) -> Path:
    """Validation has the defects 13, 15 and 17, scored 0.9, 0.6 and 0.3, and good images scored 0.5, 0.2 and 0.1."""
    scores = {13: 0.9, 15: 0.6, 17: 0.3, 14: 0.5, 16: 0.2, 18: 0.1}
    predictions = tuple(make_prediction(i, score, size_hw=(64, 64)) for i, score in scores.items())
    header = PredictionHeader("detect: run", {}, "best", "val")
    write_predictions(tmp_path / "run" / "predictions" / "val.jsonl", PredictionSet(header, predictions))
    return tmp_path / "run"


def test_the_threshold_catches_its_share_of_validation(run: Path, squares: Path) -> None:
    """98 % of three defects are all three, so the lowest of them: it flags the good image scored 0.5."""
    assert [one.image_id for one in read_dataset(squares).split("val") if one.is_defect] == [13, 15, 17]
    origin = origin_of(
        run, {"data": str(squares), "data_hash": data_hash(read_dataset(squares)), "versions": {"torch": "2"}}
    )
    assert origin["categories"] == ["defect"]
    assert origin["source"]["run"] == "run"
    assert origin["versions"] == {"torch": "2"}
    assert origin["threshold"] == {
        "value": 0.3,
        "reason": "",
        "tpr": 0.98,
        "fpr": pytest.approx(1 / 3),
        "n_defects": 3,
        "n_good": 3,
    }


def test_the_manifest_s_own_threshold_is_taken_as_it_is(run: Path) -> None:
    kept = {"value": 0.7, "reason": "", "tpr": 0.98, "fpr": None, "n_defects": 9, "n_good": 0}
    assert threshold_of(run, {"threshold": kept}).to_json() == kept
    with pytest.raises(InputError, match="'value' must be a finite number"):
        threshold_of(run, {"threshold": kept | {"value": "much"}})


def test_data_that_are_gone_or_changed_give_no_threshold(run: Path, squares: Path, caplog) -> None:
    gone = origin_of(run, {"data": str(squares), "data_hash": "another"})
    assert gone["threshold"]["value"] is None
    assert str(squares) not in gone["threshold"]["reason"]  # a bundle goes to other machines
    assert "not the data" in caplog.text
    assert origin_of(run, {"data": str(squares / "nowhere"), "data_hash": "x"})["categories"] is None
    (run / "predictions" / "val.jsonl").unlink()
    assert threshold_of(run, {"data": str(squares), "data_hash": data_hash(read_dataset(squares))}).value is None


def test_data_that_have_moved_are_named_and_must_be_the_run_s(run: Path, squares: Path, caplog) -> None:
    manifest = {"data": str(squares / "nowhere"), "data_hash": data_hash(read_dataset(squares))}
    assert origin_of(run, manifest)["categories"] is None
    assert "the run's data are gone" in caplog.text
    assert "give --data DATASET" in caplog.text
    moved = origin_of(run, manifest, squares)
    assert (moved["categories"], moved["threshold"]["value"]) == (["defect"], 0.3)
    with pytest.raises(InputError, match="not the data"):
        origin_of(run, manifest | {"data_hash": "another"}, squares)
