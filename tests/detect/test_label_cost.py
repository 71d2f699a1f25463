"""The command on a tiny set: what it trains, keeps, skips, refuses and writes."""

import csv
import json
from pathlib import Path

import pytest

from data_tools.core.records import BOXED, UNBOXED, PredictionHeader, PredictionSet
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import write_predictions
from detect import label_cost

TINY = (
    "--model.backbone",
    "simple_cnn",
    "--model.weights",
    "none",
    "--model.frozen_to_stride",
    "0",
    "--model.fpn_channels",
    "16",
    "--model.heads.channels",
    "16",
    "--model.sampling.proposals",
    "20",
    "--input.size_hw",
    "[64,64]",
    "--fit.epochs",
    "1",
    "--fit.batch_size",
    "4",
    "--fit.mixed_precision",
    "no",
    "--resamples",
    "100",
)


@pytest.fixture
def baseline(tmp_path: Path, squares: Path, make_prediction) -> Path:
    """A finished run whose peak is always the middle of the square."""
    folder = tmp_path / "classify"
    for split in ("val", "test"):
        predictions = [
            make_prediction(s.image_id, float(s.is_defect), peak=(32.0, 32.0), size_hw=(64, 64))
            for s in read_dataset(squares).split(split)
        ]
        path = folder / "predictions" / f"{split}.jsonl"
        write_predictions(path, PredictionSet(PredictionHeader("classify"), tuple(predictions)))
    manifest = {
        "approach": "classify",
        "data": str(squares),
        "data_hash": data_hash(read_dataset(squares)),
        "finished": "2020-01-01",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_two_budgets(squares: Path, baseline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["--label_cost", "2,all,50", "--data", str(squares), "--run", str(out), "--baseline", str(baseline), *TINY]
    assert label_cost.main(words) == 0
    shown = capsys.readouterr()
    summary = json.loads((out / "label_cost.json").read_text())
    assert [(one["boxed_images"], one["boxes"], one["state"]) for one in summary["points"]] == [
        (2, 2, "done"),
        (6, 6, "done"),
    ]
    assert summary["left_out"] == [50]
    assert (summary["validation_boxed_images"], summary["validation_boxes"]) == (3, 3)
    assert summary["points"][0]["against"]["classify"].keys() == {"auc", "ap50", "hit_rate"}
    assert summary["points"][0]["hit_rate"]["value"] <= summary["baselines"]["classify"]["hit_rate"]["value"] == 1.0
    assert any(said.startswith("hit rate: not within the range") for said in summary["sentences"])
    said = " ".join(shown.out.split())
    assert "whose 3 images with 3 boxes stay boxed at every budget" in said
    assert all(sentence in said for sentence in summary["sentences"])
    assert len(list(csv.DictReader((out / "label_cost.csv").open()))) == 2
    assert (out / "label_cost.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (out / "label_cost.svg").read_bytes()

    statuses = [sample.status for sample in read_dataset(out / "data-2").split("train")]
    assert (statuses.count(BOXED), statuses.count(UNBOXED)) == (2, 4)
    assert not (out / "data-6").exists()
    # a second call trains nothing, and says the same
    written = [(out / name / "manifest.json").stat().st_mtime_ns for name in ("boxes-2", "boxes-6")]
    assert label_cost.main(words) == 0
    assert [(out / name / "manifest.json").stat().st_mtime_ns for name in ("boxes-2", "boxes-6")] == written
    assert capsys.readouterr().out == shown.out
    # other settings are not passed off as these
    assert label_cost.main([*words, "--fit.lr", "0.5"]) == 2
    assert "was trained with other settings" in capsys.readouterr().err


def test_what_is_refused_before_anything_is_trained(
    squares: Path, baseline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(squares), *TINY]
    for words, message in (
        (["--label_cost", "many", "--run", str(tmp_path / "out")], "neither a positive number"),
        (["--run", str(baseline)], "is a run itself"),
        (["--run", str(tmp_path / "out"), "--baseline", str(tmp_path / "nothing")], "no run there"),
        (["--run", str(tmp_path / "out"), "--resume"], "resume"),
    ):
        assert label_cost.main([*words, *common]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
