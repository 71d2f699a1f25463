"""Label Studio: JSON and JSON-MIN."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.labelstudio_tasks import annotated_task
from data_tools.formats.claims import Claim
from data_tools.formats.images.image_addresses import image_of, path_of
from data_tools.formats.labelstudio.labelstudio import claims_of, looks_like_labelstudio
from data_tools.formats.labelstudio.labelstudio_brush import brush_box
from data_tools.formats.registry import Findings

SIZE = {"original_width": 200, "original_height": 100}
RECTANGLE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}


def result(value: dict[str, Any], kind: str = "rectanglelabels", **more: Any) -> dict[str, Any]:
    """One result; the image has 200 x 100 pixels."""
    return {"id": "r1", "type": kind, "from_name": "label", "to_name": "image", "value": value, **SIZE, **more}


def task(*annotations: list[Any] | dict[str, Any], image: str = "/data/upload/1/1a2b3c4d-a.jpg") -> dict[str, Any]:
    """A task with annotations, given whole or by their results."""
    whole = [one if isinstance(one, dict) else {"id": 1, "result": one, "was_cancelled": False} for one in annotations]
    return {"id": 7, "data": {"image": image}, "annotations": whole, "predictions": []}


def claims(folder: Path, *tasks: Any) -> tuple[list[Claim], Findings]:
    """The claims of a file with these tasks."""
    path, findings = folder / "project.json", Findings()
    path.write_text(json.dumps(list(tasks)))
    return list(claims_of(path, findings)), findings


def packed(pixels: np.ndarray) -> list[int]:
    """The bytes of a brush mask, written as one run of values that are not repeated for each 16 bytes at most."""
    rgba = np.repeat(pixels.astype(int).ravel() * 255, 4)
    bits = f"{len(rgba):032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (4, 4, 4, 4))
    for start in range(0, len(rgba), 16):
        part = rgba[start : start + 16]
        if (part == part[0]).all():
            bits += f"101{len(part) - 1:04b}{part[0]:08b}"
        else:
            bits += f"001{len(part) - 1:04b}" + "".join(f"{value:08b}" for value in part)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


@pytest.mark.parametrize(
    ("value", "box", "note"),
    [
        ({**RECTANGLE, "rectanglelabels": ["s"]}, (20, 20, 80, 60), ""),
        # a quarter turn clockwise about (20, 20): 60 wide becomes 60 high, to the left of x = 20
        ({**RECTANGLE, "height": 10, "rotation": 90, "rectanglelabels": ["s"]}, (10, 20, 20, 80), "turned by 90"),
        ({"points": [[10, 20], [40, 20], [25, 60]], "polygonlabels": ["s"]}, (20, 20, 80, 60), ""),
        ({"points": [[10, 20], [40, 60]], "closed": False, "polygonlabels": ["s"]}, (20, 20, 80, 60), "a line"),
        ({"x": 50, "y": 50, "radiusX": 10, "radiusY": 5, "rotation": 0, "ellipselabels": ["s"]}, (80, 45, 120, 55), ""),
        ({**RECTANGLE, "rectanglelabels": ["s", "t"]}, (20, 20, 80, 60), "several labels s, t"),
    ],
)
def test_regions(tmp_path: Path, value: dict[str, Any], box: tuple[float, ...], note: str) -> None:
    (claim,), findings = claims(tmp_path, task([result(value)]))
    (shape,) = claim.shapes
    assert (claim.image, claim.declared_hw, claim.good, shape.type) == ("1a2b3c4d-a.jpg", (100, 200), "", "s")
    assert shape.box_xyxy == pytest.approx(box)
    assert note in shape.note
    assert bool(note) == bool(shape.note)
    assert not findings.rejects


def test_labels_in_a_result_of_their_own_belong_to_the_region_with_their_id(tmp_path: Path) -> None:
    (claim,), _ = claims(
        tmp_path, task([result(RECTANGLE, "rectangle"), result({**RECTANGLE, "labels": ["s"]}, "labels")])
    )
    assert [(shape.type, shape.box_xyxy) for shape in claim.shapes] == [("s", (20, 20, 80, 60))]


def test_brush_masks(tmp_path: Path) -> None:
    pixels = np.zeros((100, 200), dtype=bool)
    pixels[20:60, 30:75] = True
    value = {"format": "rle", "rle": packed(pixels), "brushlabels": ["s"]}
    (claim,), _ = claims(tmp_path, task([result(value, "brushlabels")]))
    assert claim.shapes[0].box_xyxy == (30, 20, 75, 60)


@given(st_numpy.arrays(np.bool_, st.tuples(st.integers(1, 5), st.integers(1, 7))))
def test_a_brush_mask_has_the_box_of_its_pixels(pixels: np.ndarray) -> None:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    want = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else "an empty mask"
    assert brush_box(packed(pixels), pixels.shape) == want


@pytest.mark.parametrize("rle", [[], [1], [300] * 30, ["a"] * 30, [255] * 40, packed(np.ones((3, 3)))[:-1]])
def test_brush_masks_that_are_broken_or_larger_than_their_image(rle: list[Any]) -> None:
    assert isinstance(brush_box(rle, (3, 3)), str)


def test_an_empty_annotation_is_good_a_skipped_or_missing_one_says_nothing(tmp_path: Path) -> None:
    skipped = {"id": 1, "result": [], "was_cancelled": True}
    predicted = {**task(), "predictions": [{"result": [result({**RECTANGLE, "rectanglelabels": ["s"]})]}]}
    (empty, cancelled, nothing), findings = claims(tmp_path, task([]), task(skipped), predicted)
    assert not findings.rejects
    assert empty.good == "empty annotation in Label Studio"
    assert (cancelled.good, cancelled.shapes, nothing.good, nothing.shapes) == ("", (), "", ())
    ((text, count),) = findings.warnings.items()
    assert ("predictions are no annotations" in text, count) == (True, 2)


def test_several_annotators_are_joined_and_their_contradiction_stands(tmp_path: Path) -> None:
    (first, second), findings = claims(tmp_path, task([result({**RECTANGLE, "rectanglelabels": ["s"]})], []))
    assert len(first.shapes) == 1
    assert second.good
    assert "several annotations" in findings.mended[0].reason


def test_key_points_and_choices_say_that_there_is_a_defect_or_that_there_is_none(tmp_path: Path) -> None:
    results = [
        result({"x": 1, "y": 2, "width": 0.5, "keypointlabels": ["dent"]}, "keypointlabels"),
        result({"choices": ["good"]}, "choices", id="r2", from_name="q"),
        result({"taxonomy": [["defect", "scratch"]]}, "taxonomy", id="r3", from_name="defect_type"),
    ]
    (whole, dent, good, scratch), findings = claims(tmp_path, task(results))
    assert (whole.shapes, whole.good) == ((), "")
    assert (dent.defect_type, good.good, scratch.defect_type) == ("dent", "choice 'good'", "scratch")
    assert ["key point" in one.reason for one in findings.mended] == [True, False]
    high = result({"choices": ["high"]}, "choices", id="r4", from_name="confidence")
    (_, unclear), _ = claims(tmp_path, task([high]))
    assert "not understood: 'high' of 'confidence'" in unclear.problem
    (boxed,), findings = claims(tmp_path, task([high, result({**RECTANGLE, "rectanglelabels": ["s"]})]))
    assert len(boxed.shapes) == 1
    assert "remarks beside regions" in findings.mended[0].reason


@pytest.mark.parametrize("choice", ["OK but scratched", "good contact missing", "OK?", "unknown"])
def test_a_choice_that_says_more_than_good_is_not_good(tmp_path: Path, choice: str) -> None:
    (_, unclear), _ = claims(tmp_path, task([result({"choices": [choice]}, "choices", from_name="quality")]))
    assert (unclear.good, unclear.defect_type) == ("", "")
    assert f"not understood: {choice!r}" in unclear.problem


@pytest.mark.parametrize("kind", ["ok_missing", "unknown", "0", "none"])
def test_a_defect_without_a_box_comes_back_with_its_type(tmp_path: Path, kind: str) -> None:
    sample = Sample(1, "a.jpg", (100, 200), np.zeros((0, 4)), np.zeros(0, dtype=np.int64), "unboxed", "", kind, ())
    (_, back), _ = claims(tmp_path, annotated_task(sample))
    assert (back.good, back.defect_type) == ("", kind)


@pytest.mark.parametrize(
    ("value", "kind", "problem"),
    [
        ({"x": 1, "y": 2, "width": "w", "height": 3, "rectanglelabels": ["s"]}, "rectanglelabels", "not a number"),
        ({"points": [[1, 2], [3, 4]], "polygonlabels": ["s"]}, "polygonlabels", "2 points"),
        ({"points": [[1], [3, 4], [5, 6]], "polygonlabels": ["s"]}, "polygonlabels", "pairs"),
        ({"vertices": [], "vectorlabels": ["s"]}, "vectorlabels", "'vectorlabels' is not read"),
        ({"rle": "x", "brushlabels": ["s"]}, "brushlabels", "no list of bytes"),
    ],
)
def test_regions_that_cannot_be_read_keep_their_image_from_being_good(
    tmp_path: Path, value: dict[str, Any], kind: str, problem: str
) -> None:
    (claim,), _ = claims(tmp_path, task([result(value, kind)]))
    assert problem in claim.shapes[0].problem
    assert not claim.good


def test_results_that_say_nothing_of_defects_do_not_make_an_image_good(tmp_path: Path) -> None:
    (claim, unread), _ = claims(tmp_path, task([result({"text": ["hm"]}, "textarea")]))
    assert (claim.good, claim.shapes) == ("", ())
    assert "textarea" in unread.problem


def test_without_a_size_areas_are_shares_of_the_image_if_they_are_not_turned(tmp_path: Path) -> None:
    bare = {"id": "r", "type": "rectanglelabels", "value": {**RECTANGLE, "rectanglelabels": ["s"]}}
    turned = {**bare, "id": "q", "value": {**bare["value"], "rotation": 45}}
    (claim,), _ = claims(tmp_path, task([bare, turned]))
    assert claim.shapes[0].shares
    assert claim.shapes[0].box_xyxy == pytest.approx((0.1, 0.2, 0.4, 0.6))
    assert "original_width" in claim.shapes[1].problem
    sized = {**task([bare]), "data": {"image": "a.jpg", "original_width": 200, "original_height": 100}}
    (claim,), _ = claims(tmp_path, sized)
    assert claim.shapes[0].box_xyxy == (20, 20, 80, 60)


def test_json_min(tmp_path: Path) -> None:
    own = {"annotator": 1, "lead_time": 2.5, "created_at": "t", "updated_at": "t"}
    image = {"image": "/data/local-files/?d=lot%201/a.jpg"}
    boxed = {**own, **image, "id": 1, "annotation_id": 5, "label": [{**RECTANGLE, **SIZE, "rectanglelabels": ["s"]}]}
    empty = {**own, **image, "id": 2, "annotation_id": 6}
    waiting = {**own, **image, "id": 3, "annotation_id": None}
    chosen = {**own, **image, "id": 4, "annotation_id": 7, "choice": "scratch"}
    doubtful = {**own, **image, "id": 5, "annotation_id": 8, "quality": "bad"}
    texts = {**own, **image, "id": 6, "annotation_id": 9, "remarks": ["hm"]}
    found, findings = claims(tmp_path, boxed, empty, waiting, chosen, doubtful, texts)
    assert {claim.image for claim in found} == {"lot 1/a.jpg"}
    assert found[0].shapes[0].box_xyxy == (20, 20, 80, 60)
    assert [bool(claim.good) for claim in found] == [False, True, False, False, False, False, False, False]
    assert [claim.defect_type for claim in found if claim.defect_type] == ["scratch"]
    assert [claim.problem.split(":")[0] for claim in found if claim.problem] == ["task 5", "task 6"]
    assert list(findings.warnings.values()) == [1, 1]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/data/upload/1/1a2b3c4d-a.jpg", "1a2b3c4d-a.jpg"),
        ("/data/upload/1a2b3c4d-a%20b.jpg", "1a2b3c4d-a b.jpg"),
        ("/data/local-files/?d=lot%201/a.jpg", "lot 1/a.jpg"),
        ("http://host:8080/data/local-files/?d=lot/a.jpg", "lot/a.jpg"),
        ("s3://bucket/lot/a.jpg", "lot/a.jpg"),
        ("https://host/lot/a.jpg?token=x/y", "lot/a.jpg"),
        ("https://host/data/upload/3/a.jpg", "a.jpg"),
        ("lot/a#1.jpg", "lot/a#1.jpg"),
        ("C:\\pictures\\a.jpg", "a.jpg"),
        ("http://[", "http://["),
    ],
)
def test_addresses_of_images(address: str, path: str) -> None:
    assert path_of(address) == path


def test_which_of_a_tasks_data_is_the_image() -> None:
    assert image_of({"lot": "3", "picture_7": "a.png"}) == "a.png"
    assert image_of({"image": "https://host/123", "lot": "3"}) == "123"
    assert image_of({"before": "a.png", "after": "b.png"}) is None
    assert image_of({"image": "data:image/png;base64,AAAA"}) is None


def test_only_label_studio_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for value, known in (
        ([task([])], True),
        (task([]), True),
        ({"images": [], "annotations": [], "categories": [], "data": 1}, False),
        ([{"data": {"image": "a.jpg"}, "annotations": 1}], False),
    ):
        path.write_text(json.dumps(value))
        assert bool(looks_like_labelstudio(path)) == known
    with pytest.raises(InputError, match="no tasks"):
        list(claims_of(path, Findings()))
