from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.dataset_folder import images_root_of, read_dataset
from data_tools.loading.input_config import InputConfig
from data_tools.networks.backbones import build_backbone
from detect.config import DetectorConfig, PredictionConfig
from detect.inference import detect, detect_everywhere, predict, propose
from detect.model import Detector
from detect.views import agree


def build(views: tuple[float, ...]) -> Detector:
    torch.manual_seed(0)
    config = DetectorConfig(
        "simple_cnn", "none", frozen_to_stride=0, prediction=PredictionConfig(score_threshold=0.0, views=views)
    )
    return Detector(build_backbone("simple_cnn", "none"), config, 1)


def test_each_view_is_a_look_at_its_size(squares: Path) -> None:
    dataset = read_dataset(squares)
    samples, root, config = dataset.split("val"), images_root_of(dataset, squares), InputConfig()
    detections = detect_everywhere(build((1.0, 2.0)), samples, root, config, "testing")
    once = detect(build((1.0,)), samples, root, config)
    twice = detect(build((1.0,)), samples, root, replace(config, scale=2.0))
    assert [size for _, size in once] == [(64, 64)] * len(samples)
    assert [size for _, size in twice] == [(128, 128)] * len(samples)
    for (raw, size), first, last in zip(detections, once, twice, strict=True):
        wanted, wanted_size = agree([first, last])
        assert size == wanted_size
        assert np.array_equal(raw.boxes_xyxy, wanted.boxes_xyxy)
        assert np.array_equal(raw.scores, wanted.scores)
        assert raw.image_logit == wanted.image_logit


def test_a_single_view_is_a_larger_input(squares: Path) -> None:
    dataset = read_dataset(squares)
    samples, root = dataset.split("val"), images_root_of(dataset, squares)
    viewed = predict(build((2.0,)), samples, root, InputConfig(), "best_box")
    larger = predict(build((1.0,)), samples, root, InputConfig(scale=2.0), "best_box")
    for one, other in zip(viewed, larger, strict=True):
        assert len(one.boxes_xyxy)
        assert one.boxes_xyxy.max() <= 64
        assert one.boxes_xyxy.tolist() == other.boxes_xyxy.tolist()


def test_views_that_are_no_sizes_are_refused() -> None:
    for views in ((), (1.0, 0.0), (float("nan"),)):
        with pytest.raises(InputError, match=r"model\.prediction\.views"):
            PredictionConfig(views=views)


def test_what_is_said_of_an_image_does_not_depend_on_its_company(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    rng, model = np.random.default_rng(0), build((1.0,))
    samples = [make_sample(i, size_hw=size) for i, size in enumerate([(64, 96), (40, 200), (64, 96), (33, 50)], 1)]
    for sample in samples:
        Image.fromarray(rng.integers(0, 255, sample.size_hw, dtype=np.uint8)).save(tmp_path / sample.path)
    together = predict(model, samples, tmp_path, InputConfig(), "image_head")
    proposed = propose(model, samples, tmp_path, InputConfig(), 5)
    for place, sample in enumerate(samples):
        (alone,) = predict(model, [sample], tmp_path, InputConfig(), "image_head")
        assert together[place].image_id == proposed[place].image_id == sample.image_id
        assert together[place].score == pytest.approx(alone.score, abs=1e-6)
        np.testing.assert_allclose(together[place].boxes_xyxy, alone.boxes_xyxy, atol=1e-3)
        (alone,) = propose(model, [sample], tmp_path, InputConfig(), 5)
        np.testing.assert_allclose(proposed[place].boxes_xyxy, alone.boxes_xyxy, atol=1e-3)
