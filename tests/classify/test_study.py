import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import data_tools.networks.backbones
from classify import study
from classify.settings import Settings
from classify.study_grid import make_cells
from classify.study_table import constant_row, measure, to_markdown
from data_tools.commands.settings import settings_from
from data_tools.commands.training import with_default_config
from data_tools.core.errors import WeightsUnavailableError
from data_tools.core.records import Dataset, PredictionHeader, PredictionSet, Sample, Splits
from data_tools.files.predictions import write_predictions

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "classify" / "study.yaml"
SMALL = {
    "settings": {"fit.epochs": 1, "fit.batch_size": 4, "input.augment.photometry": 0.0},
    "axes": {
        "model": {
            "simple_cnn": {"model.backbone": "simple_cnn", "model.weights": "none"},
            "vgg16": {"model.backbone": "vgg16", "model.weights": "timm"},
        },
        "preprocessing": {"none": {}, "crop": {"input.preprocess.crop_px": 8}},
    },
    "cells": [
        {"model": "simple_cnn", "preprocessing": ["none", "crop"]},
        {"model": "vgg16", "preprocessing": ["none", "crop"]},
    ],
    "original": [{"cell": {"model": "vgg16"}, "auc": 0.9}],
}


@pytest.fixture
def asked() -> list[str]:
    """Backbones whose weights were asked for from the network."""
    return []


@pytest.fixture
def arguments(tmp_path: Path, squares: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def no_network(name: str, *_: object) -> None:
        asked.append(name)
        raise WeightsUnavailableError(f"weights 'timm' for {name!r} could not be fetched")

    monkeypatch.setattr(data_tools.networks.backbones, "from_hub", no_network)
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(SMALL, sort_keys=False), encoding="utf-8")
    return ["--config", str(config), "--data", str(squares), "--out", str(tmp_path / "out")]


def test_trains_what_it_can_reports_the_rest_and_skips_what_is_done(
    arguments: list[str], asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study.main(arguments) == 0
    table = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads((tmp_path / "out" / "study.json").read_text())["rows"]}
    assert list(rows) == [
        "simple_cnn",
        "simple_cnn--crop",
        "vgg16",
        "vgg16--crop",
        "always good",
        "image centre",
        "mean training position",
    ]
    assert rows["simple_cnn--crop"]["state"] == "done"
    assert rows["simple_cnn--crop"]["auc"]["ci95"][0] <= rows["simple_cnn--crop"]["auc"]["value"]
    assert rows["vgg16"]["state"] == "weights not at hand"
    assert rows["vgg16"]["original"]["auc"] == 0.9
    assert "| vgg16 | - | weights not at hand | 0.900 |" in table
    assert "Without a result, weights not at hand: vgg16, vgg16--crop." in table
    assert asked == ["vgg16"]  # the second cell does not wait for the network again
    assert "| simple_cnn | random |" in table
    listed = list(csv.DictReader((tmp_path / "out" / "study.csv").open()))
    assert [row["name"] for row in listed] == list(rows)
    assert float(listed[0]["auc"]) == rows["simple_cnn"]["auc"]["value"]
    assert listed[1]["preprocessing"] == "crop"
    assert listed[2]["auc"] == ""
    assert (rows["image centre"]["peak_distance"]["mean_px"], rows["image centre"]["auc"]) == (0.0, None)
    assert (tmp_path / "out" / "study.md").read_text() == table
    finished = (tmp_path / "out" / "simple_cnn" / "manifest.json").stat().st_mtime_ns
    assert study.main(arguments) == 0
    assert (tmp_path / "out" / "simple_cnn" / "manifest.json").stat().st_mtime_ns == finished
    assert capsys.readouterr().out == table
    # a cell trained with other settings is not passed off as this one
    assert study.main([*arguments, "--max_minutes", "7"]) == 2
    assert "other settings" in capsys.readouterr().err


def test_only_some_cells(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert study.main([*arguments, "--only", "vgg.*"]) == 0
    assert "| simple_cnn | - | not run yet |" in capsys.readouterr().out
    assert study.main([*arguments, "--only", "nothing"]) == 2
    assert "simple_cnn--crop" in capsys.readouterr().err


def test_a_foreign_folder_is_left_alone(arguments: list[str], tmp_path: Path) -> None:
    own = tmp_path / "out" / "simple_cnn" / "notes.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    assert study.main([*arguments, "--only", "simple_cnn"]) == 2
    assert own.read_text(encoding="utf-8") == "mine"


def test_an_empty_test_split_is_refused_before_any_training(
    arguments: list[str], squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = json.loads((squares / "splits.json").read_text())
    (squares / "splits.json").write_text(json.dumps(splits | {"val": splits["val"] + splits["test"], "test": []}))
    assert study.main(arguments) == 2
    assert "the test split has no images" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_always_good_by_hand(make_sample: Callable[..., Sample]) -> None:
    samples = (make_sample(1), make_sample(2, [(1, 1, 5, 5)]), make_sample(3, status="unboxed"))
    row = constant_row(Dataset(samples, ("defect",), None, Splits(0, "none", (), (), (1, 2, 3))))
    assert (row["auc"]["value"], row["auc"]["ci95"]) == (0.5, None)
    assert row["precision"] is None
    assert row["recall"] == 0.0
    assert row["fpr_at_tpr"] == {"0.98": 1.0, "0.997": 1.0}
    assert (row["peak_distance"]["mean_px"], row["peak_distance"]["hit_rate"], row["peak_distance"]["n"]) == (
        None,
        0,
        1,
    )
    shown = to_markdown([{"name": "x", "state": "done", "minutes": None} | row])
    assert "| 0.500 | - | n/a | 0.000 | 1.000 | 1.000 | n/a | 0.000 | - |" in shown  # one group has no interval


def test_measures_by_hand(tmp_path: Path, make_sample: Callable[..., Sample], make_prediction: Any) -> None:
    """The threshold is validation's, and intervals are over groups: images of one group come and go together."""
    box = [(40, 40, 60, 60)]
    samples = tuple(
        make_sample(i, box if i in (1, 3, 4, 8) else (), group=group)
        for i, group in enumerate(("v", "v", "a", "a", "a", "b", "b", "b"), start=1)
    )
    dataset = Dataset(samples, ("defect",), None, Splits(0, "none", (), (1, 2), (3, 4, 5, 6, 7, 8)))
    scores = {1: 0.6, 2: 0.1, 3: 0.9, 4: 0.5, 5: 0.2, 6: 0.7, 7: 0.3, 8: 0.8}
    peaks = {3: (50, 50), 4: (70, 50), 8: None}
    for split, ids in (("val", (1, 2)), ("test", (3, 4, 5, 6, 7, 8))):
        predictions = tuple(make_prediction(i, scores[i], peak=peaks.get(i)) for i in ids)
        write_predictions(
            tmp_path / "predictions" / f"{split}.jsonl", PredictionSet(PredictionHeader("p"), predictions)
        )
    row = measure(dataset, tmp_path)
    assert row["threshold"] == 0.6
    assert row["precision"] == pytest.approx(2 / 3)  # flagged: 0.9, 0.7, 0.8
    assert row["recall"] == pytest.approx(2 / 3)
    assert row["auc"]["value"] == pytest.approx(8 / 9)
    assert row["auc"]["ci95"][0] < 8 / 9 < row["auc"]["ci95"][1]
    assert row["fpr_at_tpr"]["0.98"] == pytest.approx(1 / 3)
    peak = row["peak_distance"]
    assert (peak["mean_px"], peak["hit_rate"], peak["n"]) == (5.0, pytest.approx(1 / 3), 3)
    assert peak["hit_rate_ci95"][0] < 0.01  # two groups tell next to nothing
    assert peak["hit_rate_ci95"][1] > 0.99


def test_settings_of_the_command_line_are_nested_and_win() -> None:
    words = ["--config", str(CONFIG), "--settings.input.size_hw", "[64, 96]", "--settings.fit.epochs", "3"]
    options = study.build_parser().parse_args(with_default_config("classify", words))
    cell = make_cells(options.settings, options.axes, options.cells[:1], [])[0]
    settings = settings_from(Settings, cell.settings, "the cell")
    assert (settings.input.size_hw, settings.fit.epochs, settings.fit.batch_size) == ((64, 96), 3, 16)


def test_the_installed_grid_fits_the_training_command() -> None:
    options = study.build_parser().parse_args(with_default_config("classify", ["--config", str(CONFIG)]))
    settings = study.build_parser().instantiate(options)
    cells = make_cells(settings.settings, settings.axes, settings.cells, settings.original)
    assert len({cell.name for cell in cells}) == len(cells) > 20
    assert sum(cell.original is not None for cell in cells) == len(settings.original) == 7
    for cell in cells:
        settings_from(Settings, cell.settings, cell.name)
