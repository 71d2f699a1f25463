import numpy as np
import pytest
import torch

from classify.alignment_audit import FLOOR_OF_STRIDE, audit, describe, looking_offset, receptive_field_offset
from classify.config import ClassifierConfig
from classify.models import Classifier
from classify.reading import CamChoice, Reading
from classify.trained import TrainedClassifier
from data_tools.core.heatmaps import peak
from data_tools.loading.input_config import InputConfig
from data_tools.networks.backbones import build_backbone


def one_hot(row: int, column: int) -> np.ndarray:
    heatmap = np.zeros((7, 7), dtype=np.float32)
    heatmap[row, column] = 1.0
    return heatmap


def test_the_audit_by_hand(make_sample, make_prediction) -> None:
    """Peaks 2 px right of and 1 px below the centre of the nearest box, 4 px right, and none."""
    samples = [make_sample(1, [(40, 40, 60, 60), (0, 0, 2, 2)]), make_sample(2, [(10, 10, 20, 20)])]
    samples.append(make_sample(3, [(1, 1, 5, 5)]))
    heatmap = np.zeros((10, 10), dtype=np.float32)
    heatmap[5, 5:7] = 1.0
    predictions = [
        make_prediction(1, peak=(52, 51), heatmap=heatmap),
        make_prediction(2, peak=(19, 15), heatmap=heatmap),
        make_prediction(3),
    ]
    report = audit(samples, predictions)
    assert report["dx"]["mean_px"] == 3.0
    assert report["dy"]["mean_px"] == 0.5
    # of two groups: Student's t of one degree, 12.706, times the standard error of 2 and 4, which is 1
    assert report["dx"]["ci95"] == pytest.approx([3 - 12.706, 3 + 12.706], abs=1e-3)
    assert report["plateau_px2"] == {"median": 200.0, "largest": 200.0}
    assert (report["n"], report["abstained"]) == (3, 1)
    assert report["peak_distance"]["mean_px"] == 0.0
    assert report["peak_distance"]["coverage"] == pytest.approx(2 / 3)


def test_one_group_has_no_interval_and_says_why(make_sample, make_prediction) -> None:
    samples = [make_sample(i, [(10, 10, 20, 20)], group="lot") for i in (1, 2)]
    report = audit(samples, [make_prediction(i, peak=(15 + i, 15)) for i in (1, 2)])
    assert report["dx"] == {"mean_px": 1.5, "ci95": None}
    of_run = {"receptive_field_offset_px": None, "looking_offset_px": (0, 0), "resolution_floor_px": 12.2}
    words = describe(report | {"cam": "gradcam", "stride": 32} | of_run)
    assert "dx of the peak from the nearest box's centre: +1.5 px (95 % CI not enough groups)" in words


def test_only_abstentions_are_undefined_not_zero(make_sample, make_prediction) -> None:
    report = audit([make_sample(1, [(1, 1, 5, 5)])], [make_prediction(1)])
    assert report["dx"] is None
    assert report["dy"] is None
    assert report["plateau_px2"] is None
    assert report["peak_distance"]["mean_px"] is None


def test_a_one_hot_map_is_read_at_its_cell_centre() -> None:
    """Not as with align_corners=True, which would be off by up to 15.5 px, nor by the cell's corner."""
    cell_peak = peak(one_hot(3, 2), (224, 224))
    assert cell_peak is not None
    assert cell_peak.xy == (80.0, 112.0)  # edge coordinates; in index coordinates row 111.5, column 79.5
    assert peak(one_hot(0, 6), (224, 224)).xy == (208.0, 16.0)
    corners = (6 * 223 / 6 + 0.5, 0.5)
    assert np.abs(np.array(corners) - (208.0, 16.0)).max() == 15.5


def test_the_resolution_floor_is_the_mean_distance_to_a_cell_centre() -> None:
    points = np.random.default_rng(0).random((400_000, 2)) - 0.5
    assert np.hypot(*points.T).mean() == pytest.approx(FLOOR_OF_STRIDE, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "least", "most"), [("simple_cnn", -19.0, -12.0), ("tf_efficientnet_lite0", -8.0, 8.0)]
)
def test_where_the_cells_look(name: str, least: float, most: float) -> None:
    """Five 3 x 3 convolutions of stride 2 padded by 1 look at pixel 32 i, 15.5 px up and left of the cell's centre."""
    torch.manual_seed(0)
    model = Classifier(build_backbone(name, "none"), ClassifierConfig(name, "none"))
    model.train()
    dx, dy = looking_offset(model, 32)
    assert least < dx < most
    assert least < dy < most
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_receptive_field_s_offset_is_in_original_pixels(make_sample) -> None:
    """15.5 input pixels up and left by symmetric padding; an input pixel is one original pixel in x and two in y."""
    model = Classifier(build_backbone("simple_cnn", "none"), ClassifierConfig("simple_cnn", "none"))
    reading = Reading(CamChoice("gradcam", 32))
    run = TrainedClassifier(model, InputConfig(size_hw=(224, 448)), reading, None, ())
    sample = make_sample(1, [(1, 1, 5, 5)], size_hw=(448, 448))
    assert receptive_field_offset([sample], run) == pytest.approx([-15.5, -31.0], abs=0.01)
