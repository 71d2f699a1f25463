import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import data_tools.backbones
from classify import study
from classify.study_grid import make_cells
from classify.study_table import constant_row, to_markdown
from classify.train import build_parser as training_parser
from data_tools.errors import WeightsUnavailableError
from data_tools.records import Dataset, Sample, Splits

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
    "cells": [{"model": "simple_cnn", "preprocessing": ["none", "crop"]}, {"model": "vgg16"}],
    "original": [{"cell": {"model": "vgg16"}, "auc": 0.9}],
}


@pytest.fixture
def arguments(tmp_path: Path, squares: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def no_network(name: str, *_: object) -> None:
        raise WeightsUnavailableError(f"weights 'timm' for {name!r} could not be fetched")

    monkeypatch.setattr(data_tools.backbones, "_from_hub", no_network)
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(SMALL, sort_keys=False), encoding="utf-8")
    return ["--config", str(config), "--data", str(squares), "--out", str(tmp_path / "out")]


def test_trains_what_it_can_reports_the_rest_and_skips_what_is_done(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study.main(arguments) == 0
    table = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads((tmp_path / "out" / "study.json").read_text())["rows"]}
    assert list(rows) == ["simple_cnn", "simple_cnn--crop", "vgg16", "always good"]
    assert rows["simple_cnn--crop"]["state"] == "done"
    assert rows["simple_cnn--crop"]["auc"]["ci95"][0] <= rows["simple_cnn--crop"]["auc"]["value"]
    assert rows["vgg16"]["state"] == "weights not at hand"
    assert rows["vgg16"]["original"]["auc"] == 0.9
    assert "| vgg16 | weights not at hand | 0.900 |" in table
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
    assert "| simple_cnn | not run yet |" in capsys.readouterr().out
    assert study.main([*arguments, "--only", "nothing"]) == 2
    assert "simple_cnn--crop" in capsys.readouterr().err


def test_a_foreign_folder_is_left_alone(arguments: list[str], tmp_path: Path) -> None:
    own = tmp_path / "out" / "simple_cnn" / "notes.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    assert study.main([*arguments, "--only", "simple_cnn"]) == 2
    assert own.read_text(encoding="utf-8") == "mine"


def test_always_good_by_hand(make_sample: Callable[..., Sample]) -> None:
    samples = (make_sample(1), make_sample(2, [(1, 1, 5, 5)]), make_sample(3, status="unboxed"))
    row = constant_row(Dataset(samples, ("defect",), None, Splits(0, "none", (), (), (1, 2, 3))))
    assert row["auc"]["value"] == 0.5
    assert row["precision"] is None
    assert row["recall"] == 0.0
    assert row["fpr_at_tpr"] == {"0.98": 1.0, "0.997": 1.0}
    assert (row["peak_distance"]["mean_px"], row["peak_distance"]["hit_rate"], row["peak_distance"]["n"]) == (
        None,
        0,
        1,
    )
    shown = to_markdown([{"name": "x", "state": "done", "minutes": None} | row])
    assert "n/a | 0.000 | 1.000" in shown


def test_the_installed_grid_fits_the_training_command() -> None:
    options = study.build_parser().parse_args(["--config", str(CONFIG)])
    settings = study.build_parser().instantiate(options)
    cells = make_cells(settings.settings, settings.axes, settings.cells, settings.original)
    assert len({cell.name for cell in cells}) == len(cells) > 20
    assert sum(cell.original is not None for cell in cells) == len(settings.original) == 7
    parser = training_parser()
    for cell in cells:
        words = [f"--{key}={'null' if value is None else value}" for key, value in cell.settings.items()]
        parser.parse_args(words)
