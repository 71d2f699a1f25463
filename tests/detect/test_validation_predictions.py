"""What a run writes about its validation images is what the epoch that it keeps predicts, whichever that is."""

from pathlib import Path

import numpy as np
import pytest

import detect
import detect.training
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.training.fit_config import FitConfig

MODEL = detect.DetectorConfig(backbone="simple_cnn", weights="none", frozen_to_stride=0, fpn_channels=16)
FIT = FitConfig(steps=4, epoch_steps=2, batch_size=4, warmup_steps=1, mixed_precision="no")


@pytest.mark.parametrize("slices", [SliceConfig(), SliceConfig(side_px=48)])
@pytest.mark.parametrize(("aucs", "looks"), [((0.5, 0.9), 0), ((0.9, 0.5), 1)])
def test_they_are_detected_anew_only_if_the_last_epoch_is_not_the_kept_one(
    squares: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    aucs: tuple[float, float],
    looks: int,
    slices: SliceConfig,
) -> None:
    given, labels, real = iter(aucs), [], detect.training.detect_everywhere

    def counted(*words: object, **more: object) -> object:
        labels.append(words[4])
        return real(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(detect.training, "localization_scores", lambda *_: {"auc": next(given), "ap50": None})
    monkeypatch.setattr(detect.training, "standard_error", lambda *_: 0.0)
    monkeypatch.setattr(detect.training, "detect_everywhere", counted)
    settings = detect.Settings(MODEL, InputConfig(size_hw=(64, 64), slices=slices), fit=FIT)
    run = detect.train(squares, settings, tmp_path / "run")
    assert labels.count("choosing the score") == looks
    first = read_predictions(run.predictions("val")).predictions
    again = detect.load(run.folder).predict(read_dataset(squares), split="val")
    for p, q in zip(first, again, strict=True):
        np.testing.assert_allclose(p.score, q.score, atol=1e-5)
        np.testing.assert_allclose(p.box_scores, q.box_scores, atol=1e-5)
        np.testing.assert_allclose(p.boxes_xyxy, q.boxes_xyxy, atol=1e-3)
