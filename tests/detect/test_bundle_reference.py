"""A bundle of a run with a reference predicts what the run predicts."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.loading.input_config import InputConfig
from data_tools.networks.backbones import build_backbone
from data_tools.networks.reference import ReferenceBranch
from data_tools.runtime.bundle import Bundle
from detect.bundle_record import record_of
from detect.bundled import load_bundle
from detect.config import DetectorConfig, HeadConfig, PredictionConfig
from detect.exporting import export
from detect.model import Detector
from detect.settings import Settings
from detect.trained import load


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a random network that answers with many boxes, and looks at the difference from two products."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    (folder / "best").mkdir(parents=True)
    torch.manual_seed(3)
    config = DetectorConfig("simple_cnn", "none", frozen_to_stride=0, heads=HeadConfig(1, 32), fpn_channels=16)
    config = replace(config, prediction=PredictionConfig(views=(1.5, 1.0)))
    config = replace(config, anchors=replace(config.anchors, ratios=(0.5, 1.0, 2.0)))
    backbone = build_backbone("simple_cnn", "none")
    backbone.reference = ReferenceBranch(torch.randn(2, 64, 64), torch.rand(2, 64, 64) + 0.1)
    model = Detector(backbone, config, 1).eval()
    with torch.no_grad():
        backbone.reference.shown.weight.fill_(0.3)
        for head in model.box_heads.row():
            head.box_predictor.cls_score.weight *= 30
        model.rpn.head.cls_logits.weight *= 50
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, folder / "best" / "model.safetensors")
    settings = asdict(Settings(model=config, input=InputConfig(reference="auto")))
    (folder / "config.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(settings))))
    manifest = {"approach": "detect", "finished": "2026-01-01", "anchors": asdict(config.anchors), "num_classes": 1}
    manifest |= {"types": [], "score_rule": "mean_logit", "data": "gone", "data_hash": "0", "reference": [2, 64, 64]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(run, tmp_path_factory.mktemp("bundles") / "one")


def test_a_bundle_predicts_what_its_run_predicts(run: Path, bundle: Path) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((64, 64), (70, 45), (96, 160))]
    ours, theirs = load_bundle(bundle), load(run)
    assert (ours.input.reference, theirs.input.reference) == ("on", "on")
    for one, other in zip(ours.predict(images), theirs.predict(images), strict=True):
        assert one.score == pytest.approx(other.score, abs=0.01)
        assert len(other.box_scores) > 3
        np.testing.assert_allclose(one.box_scores, other.box_scores, atol=0.01)
    with torch.no_grad():
        assert theirs.model.backbone.reference is not None
        theirs.model.backbone.reference.shown.weight.zero_()
    blind = theirs.predict(images)
    assert any(abs(one.score - other.score) > 0.01 for one, other in zip(ours.predict(images), blind, strict=True))


def test_a_damaged_reference_is_refused(bundle: Path) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    record["reference"]["shape"] = [1, 64, 64]
    with pytest.raises(InputError, match=r"bundle\.json: reference\.median holds 32768 bytes, not 16384"):
        record_of(Bundle(bundle, Fields(record, "bundle.json"), {}))
