"""The command: what it prints and refuses, and that it starts without torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.records import Dataset, PredictionHeader, PredictionSet, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import read_predictions, write_predictions
from detect import evaluate

HEAVY = ("torch", "torchvision", "scipy", "sklearn", "pandas", "matplotlib", "PIL", "pycocotools", "cv2")


@pytest.fixture
def folder(tmp_path: Path, make_sample, make_prediction) -> Path:
    """A dataset of 40 images and two sets of predictions for validation and test."""
    rng = np.random.default_rng(0)
    samples = [make_sample(i, [(20, 20, 40, 40)] if i % 2 else [], group=f"g{i % 7}") for i in range(1, 41)]
    splits = Splits(0, "", (1, 2, 3, 4, 5), tuple(range(6, 20)), tuple(range(20, 41)))
    write_dataset(tmp_path / "data", Dataset(tuple(samples), ("defect",), None, splits))
    for name, far in (("near", 3), ("far", 20)):
        for split in ("val", "test"):
            predictions = []
            for i in splits.ids(split):
                x, y = rng.uniform(20, 60 - far, 2)
                box = (x, y, x + far, y + far)
                score = rng.random() / 2 + i % 2 / 2
                predictions.append(make_prediction(i, score, [box], [score], (x + far / 2, y + far / 2)))
            write_predictions(
                tmp_path / name / f"{split}.jsonl", PredictionSet(PredictionHeader(name), tuple(predictions))
            )
    return tmp_path


def arguments(folder: Path, *more: str) -> list[str]:
    files = [str(folder / name / "test.jsonl") for name in ("near", "far")]
    return ["--predictions", *files, "--data", str(folder / "data"), "--resamples", "200", *more]


def test_files_with_validation(folder: Path, capsys) -> None:
    validation = [str(folder / "near" / "val.jsonl"), "-"]
    assert evaluate.main(arguments(folder, "--validation", *validation, "--out", str(folder / "r.json"))) == 0
    report = json.loads((folder / "r.json").read_text())
    assert report["runs"]["near/test"]["metrics"]["operating_point"]["threshold"] is not None
    assert report["runs"]["far/test"]["metrics"]["operating_point"]["threshold"] is None
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 110
    assert "verdict:" in text
    assert "FPR at TPR 99.3 %" not in text


def test_an_unreadable_image_costs_the_page_alone(folder: Path, capsys) -> None:
    images, page = folder / "pictures", folder / "r.html"
    images.mkdir()
    for sample in read_dataset(folder / "data").samples:
        (images / sample.path).write_text("no image")
    words = arguments(folder, "--images", str(images), "--out", str(folder / "r.json"), "--html", str(page))
    assert evaluate.main(words) == 2
    told = capsys.readouterr()
    assert "box AP50" in told.out
    assert f"--html {page}: no page is written: {images}" in told.err
    assert json.loads((folder / "r.json").read_text())["runs"].keys() == {"near/test", "far/test"}
    assert not page.exists()


def test_parquet_is_judged_as_json_lines_are(folder: Path) -> None:
    reports = []
    for suffix in ("jsonl", "parquet"):
        if suffix == "parquet":
            for name in ("near", "far"):
                lines = folder / name / "test.jsonl"
                told = read_predictions(lines)
                lines.unlink()
                write_predictions(lines.with_suffix(".parquet"), told)
        words = [word.replace("test.jsonl", f"test.{suffix}") for word in arguments(folder)]
        assert evaluate.main([*words, "--out", str(folder / "r.json")]) == 0
        reports.append(json.loads((folder / "r.json").read_text()))
    for key in ("data", "comparisons", "baselines"):
        assert reports[0][key] == reports[1][key]
    assert reports[0]["runs"]["near/test"]["metrics"] == reports[1]["runs"]["near/test"]["metrics"]


def test_a_file_s_name_that_is_no_utf_8_or_has_a_line_end_is_shown_escaped(folder: Path, capfdbinary) -> None:
    odd = folder / os.fsdecode(b"a\xff\nb.jsonl")
    os.rename(folder / "near" / "test.jsonl", odd)
    out = folder / os.fsdecode(b"r\xff.json")
    words = ["--predictions", str(odd), "--data", str(folder / "data"), "--resamples", "200"]
    assert evaluate.main([*words, "--out", str(out), "--html", str(folder / "r.html")]) == 0
    report = json.loads(out.read_text())
    assert list(report["runs"]) == ["a\\udcff\\nb"]
    assert Path(report["runs"]["a\\udcff\\nb"]["source"]["predictions"]["path"]) == odd  # found again by --against
    assert evaluate.main([*words, "--against", str(out)]) == 0
    assert b"a\\udcff\\nb" in capfdbinary.readouterr().out


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "\u202eb", "\udcff", " "])
def test_a_name_that_would_break_the_table_is_refused(folder: Path, capsys, name: str) -> None:
    assert evaluate.main(arguments(folder, "--approaches", "a", name)) == 2
    assert "the name of an approach" in capsys.readouterr().err


def test_every_row_on_demand(folder: Path, capsys) -> None:
    assert evaluate.main(arguments(folder, "--full")) == 0
    assert "FPR at TPR 99.3 %" in capsys.readouterr().out


def test_files_that_are_seeds_of_one_approach(folder: Path, capsys) -> None:
    assert evaluate.main(arguments(folder, "--approaches", "same", "same", "--metric", "peak_distance")) == 0
    text = capsys.readouterr().out
    assert "same, 2 seeds" in text
    assert "verdict" not in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--validation", "a.jsonl"), "1 given for 2"),
        (("--approaches", "a", "b", "c"), "3 given for 2"),
        (("--resamples", "100"), "--resamples is given twice"),
        (("--proposals", "absent.jsonl", "-"), "absent.jsonl"),
        (("--runs", "x"), "either"),
        (("--escape_cost", "5"), "--overkill_cost"),
        (("--overkill_cost", "5"), "--escape_cost"),
        (("--escape_cost", "5", "--overkill_cost", "0"), "cost of an overkill 0"),
        (("--escape_cost", "5", "--overkill_cost", "nan"), "overkill_cost"),
        (("--escape_cost", "5", "--overkill_cost", "1", "--escape_rate", "0.1"), "either a rate or costs"),
        (("--escape_rate", "1.5"), "escape rate 1.5"),
    ],
)
def test_flags_that_do_not_fit(folder: Path, capsys, more: tuple[str, ...], words: str) -> None:
    assert evaluate.main([*arguments(folder), *more]) == 2
    assert words in capsys.readouterr().err


def test_too_few_resamples(folder: Path, capsys) -> None:
    words = [word if word != "200" else "1" for word in arguments(folder)]
    assert evaluate.main(words) == 2
    assert "at least 100" in capsys.readouterr().err


def test_it_starts_without_anything_heavy() -> None:
    code = f"import sys, detect.evaluate as e; e.build_parser(); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_judging_needs_no_torch_either(folder: Path) -> None:
    code = f"import sys, detect.evaluate as e; e.main({arguments(folder)!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
