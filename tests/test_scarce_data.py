"""What little data is enough: each kind of scarce dataset trains, or is refused with the reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import classify
import data_tools
import detect
from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Dataset, Sample, Splits, empty_boxes, empty_labels
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import read_predictions
from data_tools.judging.evaluate import evaluate as judge
from data_tools.judging.judged import Entry
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.report.table import side_by_side
from data_tools.training.fit_config import FitConfig
from detect.config import WeightConfig

FIT = FitConfig(steps=2, epoch_steps=2, batch_size=4, warmup_steps=1, mixed_precision="no")
DETECT = detect.Settings(
    model=detect.DetectorConfig(backbone="simple_cnn", weights="none", frozen_to_stride=0, fpn_channels=16),
    input=InputConfig(size_hw=(64, 64)),
    fit=FIT,
)
CLASSIFY = classify.Settings(
    model=classify.ClassifierConfig(backbone="simple_cnn", weights="none"), input=InputConfig(size_hw=(64, 64)), fit=FIT
)

Change = Callable[[Sample, str], Sample | None]


def changed(folder: Path, change: Change, out: Path) -> Dataset:
    """The dataset with each sample as `change` leaves it, given the sample and its split; None drops it."""
    dataset = read_dataset(folder)
    assert dataset.splits is not None
    kept = []
    for split in ("train", "val", "test"):
        kept += [(one, split) for sample in dataset.split(split) if (one := change(sample, split)) is not None]
    parts = [tuple(sample.image_id for sample, split in kept if split == wanted) for wanted in ("train", "val", "test")]
    samples = tuple(sample for sample, _ in kept)
    write_dataset(out, Dataset(samples, dataset.categories, folder / "images", Splits(0, "none", *parts)))
    return read_dataset(out)


def unboxed(sample: Sample) -> Sample:
    return replace(sample, boxes_xyxy=empty_boxes(), labels=empty_labels(), status=UNBOXED, box_types=())


def only_defects(sample: Sample, _split: str) -> Sample | None:
    return sample if sample.is_defect else None


def defects_in_val_alone(sample: Sample, split: str) -> Sample | None:
    return sample if split != "val" or sample.is_defect else None


def one_box(sample: Sample, split: str) -> Sample | None:
    return unboxed(sample) if split == "train" and sample.is_defect and sample.image_id > 1 else sample


def one_of_a_type(sample: Sample, _split: str) -> Sample | None:
    return replace(sample, type="rare", box_types=()) if sample.image_id == 3 else sample


@pytest.mark.parametrize("change", [only_defects, defects_in_val_alone, one_box, one_of_a_type])
def test_a_detector_trains(squares: Path, tmp_path: Path, change: Change) -> None:
    data = changed(squares, change, tmp_path / "scarce")
    settings = replace(DETECT, model=replace(DETECT.model, losses=WeightConfig(type=0.5)))
    run = detect.train(data, settings, tmp_path / "run")
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 2
    assert lines[-1]["validation"]["selection"] is not None


def test_without_good_images_boxes_score_the_image_and_what_needs_good_ones_is_null(
    squares: Path, tmp_path: Path
) -> None:
    data = changed(squares, only_defects, tmp_path / "scarce")
    run = detect.train(data, DETECT, tmp_path / "run")
    for prediction in read_predictions(run.predictions("test")).predictions:
        assert prediction.score == (max(prediction.box_scores) if len(prediction.box_scores) else 0)
    report = data_tools.evaluate(data, {"ours": read_predictions(run.predictions("test")).predictions})
    metrics = report.to_json()["runs"]["ours"]["metrics"]
    assert metrics["average_precision"]["value"] is None
    assert "no good images were judged" in side_by_side(report.to_json())
    assert metrics["auc"] is None
    one, other = (Entry(name, read_predictions(run.predictions("test"))) for name in "ab")
    compared = {row.metric for row in judge(data, "test", [one, other], resamples=50).comparisons}
    assert "hit_rate" in compared
    assert not compared & {"auc", "average_precision"}  # 1 whatever the scores: no difference, but one more for Holm
    assert metrics["box_map"]["ap50"] is not None


def test_a_classifier_needs_both_labels(squares: Path, tmp_path: Path) -> None:
    data = changed(squares, only_defects, tmp_path / "scarce")
    with pytest.raises(InputError, match=r"no good images.*Boxes alone are enough for detect\.train"):
        classify.train(data, CLASSIFY, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda sample, split: unboxed(sample) if split == "train" and sample.is_defect else sample, "no image with a"),
        (lambda sample, split: None if split == "val" and sample.is_defect else sample, "to choose a"),
        (lambda sample, split: None if split == "train" and sample.status == BOXED else sample, "no image with a"),
    ],
)
def test_a_detector_is_refused_what_it_cannot_learn_from(
    squares: Path, tmp_path: Path, change: Change, reason: str
) -> None:
    data = changed(squares, change, tmp_path / "scarce")
    with pytest.raises(InputError, match=reason):
        detect.train(data, DETECT, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_baseline_refuses_windows(squares: Path) -> None:
    """Only boxes would say which windows show the defect."""
    with pytest.raises(InputError, match="labels alone do not say"):
        replace(CLASSIFY, input=InputConfig(slices=SliceConfig(side_px=64)))


def test_good_images_have_no_box(squares: Path) -> None:
    """What the changes above rely on."""
    samples = read_dataset(squares).samples
    assert {sample.status for sample in samples} == {GOOD, BOXED}
    assert all(np.size(sample.boxes_xyxy) == 0 for sample in samples if sample.status == GOOD)
