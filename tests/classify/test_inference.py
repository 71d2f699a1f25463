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
