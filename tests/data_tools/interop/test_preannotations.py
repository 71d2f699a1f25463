"""Predicted boxes for Label Studio and CVAT, to be corrected there."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Prediction, PredictionHeader, PredictionSet
from data_tools.export_predictions import main
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.predictions import write_predictions
from data_tools.formats import cvat
from data_tools.formats.labelstudio import labelstudio
from data_tools.formats.registry import Findings
from data_tools.formats.xml_tree import read_xml

SIZE = (100, 200)
BOXES = [[20, 20, 80, 60], [1, 2, 3, 4], [5, 5, 5, 9]]


@pytest.fixture
def predicted(tmp_path: Path, make_sample) -> list[str]:
    """Predictions of a defect, with scores 0.9, 0.3 and, without area, 0.8, and of an image without boxes."""
    samples = [make_sample(i, [], SIZE) for i in (1, 2)]
    for sample, path in zip(samples, ("lot 1/ä&b.png", "c.png"), strict=True):
        object.__setattr__(sample, "path", path)
    write_dataset(tmp_path / "data", Dataset(tuple(samples), ("scratch", "dent")))
    boxes = np.array(BOXES, dtype=np.float64)
    first = Prediction(1, samples[0].path, SIZE, 0.9, boxes, np.array([0.9, 0.3, 0.8]), np.array([1, 2, 2]))
    none = np.zeros((0, 4))
    second = Prediction(2, samples[1].path, SIZE, 0.1, none, np.zeros(0), np.zeros(0, dtype=np.int64))
    path = tmp_path / "p.jsonl"
    write_predictions(path, PredictionSet(PredictionHeader("faster r-cnn"), (first, second)))
    return [str(path), "--data", str(tmp_path / "data")]


def test_label_studio_gets_tasks_with_predictions_and_without_annotations(
    tmp_path: Path, predicted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tasks.json"
    assert main([*predicted, "--format", "labelstudio", "--out", str(out)]) == 0
    first, second = json.loads(out.read_text(encoding="utf-8"))
    assert first["data"]["image"] == "/data/local-files/?d=lot%201/%C3%A4%26b.png"
    assert first["annotations"] == []
    (prediction,) = first["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("faster r-cnn", 0.9)
    (region,) = prediction["result"]
    assert (region["score"], region["original_width"], region["original_height"]) == (0.9, 200, 100)
    want = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["scratch"]}
    assert region["value"] == want
    assert second["predictions"][0]["result"] == []
    printed = capsys.readouterr().out
    assert "2 images, 1 boxes" in printed
    assert '<RectangleLabels name="label" toName="image">' in printed
    assert region["from_name"] == "label"


def test_predictions_are_not_taken_for_annotations(tmp_path: Path, predicted: list[str]) -> None:
    tasks, xml = tmp_path / "tasks.json", tmp_path / "p.xml"
    assert main([*predicted, "--format", "labelstudio", "--out", str(tasks)]) == 0
    assert main([*predicted, "--format", "cvat", "--out", str(xml)]) == 0
    assert all(not claim.good and not claim.shapes for claim in labelstudio.claims_of(tasks, Findings()))
    with pytest.raises(InputError, match="predictions"):
        list(cvat.claims_of(xml, Findings()))


def test_cvat_gets_every_image_with_its_boxes_above_the_threshold(tmp_path: Path, predicted: list[str]) -> None:
    out = tmp_path / "p.xml"
    assert main([*predicted, "--min_score", "0.2", "--out", str(out)]) == 0
    images = [element for element in read_xml(out).children if element.tag == "image"]
    assert [image.attributes["name"] for image in images] == ["lot 1/ä&b.png", "c.png"]
    assert [[box.attributes["label"] for box in image.children] for image in images] == [["scratch", "dent"], []]
    corners = [images[0].children[0].attributes[key] for key in ("xtl", "ytl", "xbr", "ybr")]
    assert list(map(float, corners)) == BOXES[0]
    assert {box.attributes["source"] for box in images[0].children} == {"auto"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--format", "labelstudio", "--out", "x.json"], "--data"),
        (["--format", "coco", "--out", "x.json", "--min_score", "0.1"], "--min_score"),
        (["--out", "x.txt"], "--format"),
    ],
)
def test_flags_that_do_not_fit(
    flags: list[str], message: str, predicted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([predicted[0], *flags]) == 2
    assert message in capsys.readouterr().err


def test_predictions_of_other_data_are_refused(
    tmp_path: Path, predicted: list[str], make_sample, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    write_dataset(other, Dataset((make_sample(1, [], SIZE),), ("scratch", "dent")))
    assert main([predicted[0], "--data", str(other), "--format", "cvat", "--out", str(tmp_path / "x.xml")]) == 2
    assert "of other data" in capsys.readouterr().err


def test_boxes_cut_out_of_maps_get_no_type(
    tmp_path: Path, predicted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A reviewer would find them all called by the type whose name comes first."""
    path = tmp_path / "maps.jsonl"
    box, heatmap = np.array([[20.0, 20, 80, 60]]), np.ones((5, 10), dtype=np.float32)
    one = Prediction(1, "lot 1/ä&b.png", SIZE, 0.9, box, np.array([0.9]), np.array([1]), heatmap=heatmap)
    write_predictions(path, PredictionSet(PredictionHeader("classify: c"), (one,)))
    assert main([str(path), *predicted[1:], "--format", "cvat", "--out", str(tmp_path / "p.xml")]) == 2
    assert "name none of the 2 types" in capsys.readouterr().err
    assert not (tmp_path / "p.xml").exists()
