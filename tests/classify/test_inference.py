from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from classify.config import ClassifierConfig
from classify.inference import logits_of, predict
from classify.models import Classifier
from classify.reading import CamChoice, Reading
from data_tools.core.records import Sample
from data_tools.loading.input_config import InputConfig
from data_tools.networks.backbones import build_backbone

SIZE_HW = (64, 96)


@pytest.fixture
def model() -> Classifier:
    torch.manual_seed(0)
    model = Classifier(build_backbone("simple_cnn", "none"), ClassifierConfig("simple_cnn", "none"))
    nn.init.normal_(model.linear.weight)
    return model.eval()


@pytest.fixture
def samples(tmp_path: Path, make_sample) -> list[Sample]:
    pixels = np.random.default_rng(0).integers(0, 255, SIZE_HW, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "1.png")
    Image.fromarray(np.ascontiguousarray(pixels[:, ::-1])).save(tmp_path / "2.png")
    return [make_sample(1, size_hw=SIZE_HW), make_sample(2, size_hw=SIZE_HW)]


def test_predictions_and_logits_agree(model: Classifier, samples: list[Sample], tmp_path: Path) -> None:
    logits = np.array(logits_of(model, samples, tmp_path, InputConfig()))
    predictions = predict(model, samples, tmp_path, InputConfig(), Reading(CamChoice("layercam", 32), 4.0))
    assert [p.score for p in predictions] == pytest.approx(1 / (1 + np.exp(-logits / 4.0)), abs=1e-5)


def test_what_is_said_of_an_image_does_not_depend_on_its_company(
    model: Classifier, tmp_path: Path, make_sample
) -> None:
    rng = np.random.default_rng(0)
    samples = [make_sample(i, size_hw=size) for i, size in enumerate([(64, 96), (40, 200), (64, 96), (33, 50)], 1)]
    for sample in samples:
        Image.fromarray(rng.integers(0, 255, sample.size_hw, dtype=np.uint8)).save(tmp_path / sample.path)
    reading = Reading(CamChoice("layercam", 32), 1.0)
    together = predict(model, samples, tmp_path, InputConfig(), reading)
    for sample, one in zip(samples, together, strict=True):
        (alone,) = predict(model, [sample], tmp_path, InputConfig(), reading)
        assert one.image_id == sample.image_id
        assert one.score == pytest.approx(alone.score, abs=1e-6)
        np.testing.assert_allclose(one.heatmap, alone.heatmap, atol=1e-5)


@pytest.mark.parametrize(("side", "cells"), [(60, 2), (64, 2), (65, 3), (97, 4), (1, 1), (100, 4)])
def test_a_padded_images_logit_is_of_the_cells_that_it_has_alone(model: Classifier, side: int, cells: int) -> None:
    """Beside one of 100 px, which is no multiple of the stride and has a map of 4 x 4."""
    images = torch.rand(2, 3, 100, 100, generator=torch.Generator().manual_seed(0))
    images[1, :, side:], images[1, :, :, side:] = 0.0, 0.0
    with torch.inference_mode():
        last = model.backbone(images)[-1][1]
        expected = model.linear(last[:, :cells, :cells].mean(dim=(1, 2)))
        torch.testing.assert_close(model(images, None, [(100, 100), (side, side)])[1], expected)
