"""Which boxes in JSON are of defects: crops, fields of view, parts and what a model says have boxes, too."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.json_files.boxes_of_defects import is_no_truth, is_set_aside
from data_tools.formats.registry import Findings

SIDES = {"x": 20, "y": 10, "width": 30, "height": 20}
PIT = {"label": "pit", **SIDES}
OTHER = {"x": 1, "y": 2, "width": 60, "height": 50}
BOX = (20.0, 10.0, 50.0, 30.0)
BOXED, GOOD = ("boxed", [BOX], ["pit"]), ("good", [], ["good"])

Told = Callable[[object], tuple[dict[str, tuple[str, list[tuple[float, ...]], list[str]]], Findings]]


@pytest.fixture
def told(tmp_path: Path, save, read) -> Told:
    """Status, boxes and types of each image, and what was found, of a value of JSON beside images a and b."""
    for name in "ab":
        save(tmp_path / f"{name}.png")

    def build(value: object):
        (tmp_path / "t.json").write_text(json.dumps(value), encoding="utf-8")
        assert choose_format([tmp_path], "auto")[0].name == "json"
        samples, findings = read("json", tmp_path)
        return {
            path: (one.status, [tuple(map(float, box)) for box in one.boxes_xyxy], [*one.box_types] or [one.type])
            for path, one in samples.items()
        }, findings

    return build


def _leaves_open(reason: str) -> bool:
    return "a box without a type" in reason or "where one has to look" in reason


def images(key: str, **more: Any) -> list[dict[str, Any]]:
    """Records of an image with a pit in a list, and of one with an empty list."""
    return [{"image": "a.png", **more, key: [PIT]}, {"image": "b.png", **more, key: []}]


@pytest.mark.parametrize(
    "said",
    [
        {"roi": OTHER},
        {"roi": OTHER, "label": "scratch"},
        {"crop": OTHER},
        {"field_of_view": OTHER},
        {"die": OTHER, "objects": []},
        {"stage": {"x": 7, "y": 9}, **OTHER},
        {"source": "big.png", "left": 5, "top": 5, "right": 85, "bottom": 65},
        {"tiles": [OTHER]},
        {"prelabels": [PIT]},
        {"history": [{"objects": [PIT]}]},
    ],
)
def test_a_box_that_nothing_calls_one_of_a_defect_is_none(told: Told, said: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no format recognises"):
        told([{"image": "a.png", **said}])


@pytest.mark.parametrize("beside", [{"roi": OTHER}, {"crop": OTHER}, {"bbox": [1, 2, 60, 50]}, {"pads": [OTHER]}])
def test_beside_a_list_for_defects_no_other_box_counts(told: Told, beside: dict[str, Any]) -> None:
    samples, findings = told(images("surface_defects", **beside))
    assert samples == {"a.png": BOXED, "b.png": GOOD}
    assert len(findings.rejects) == 2


@pytest.mark.parametrize("beside", [{"roi": OTHER}, {"crop": OTHER}, {"bbox": [1, 2, 60, 50]}, {"pads": [OTHER]}])
def test_beside_another_list_a_box_without_a_type_leaves_an_image_open(told: Told, beside: dict[str, Any]) -> None:
    samples, findings = told(images("objects", **beside))
    assert samples == {"a.png": BOXED}
    assert sum(_leaves_open(one.reason) for one in findings.rejects) == 3  # and why b is not good


@pytest.mark.parametrize("key", ["prelabels", "model_output", "proposals", "history", "deleted_objects"])
def test_what_is_no_truth_is_left_out_with_a_note(told: Told, key: str) -> None:
    samples, findings = told(images("objects", **{key: [{"label": "pit", **OTHER}]}))
    assert samples == {"a.png": BOXED, "b.png": GOOD}
    assert any(f"boxes under {key} are left out" in note for note in findings.notes)


@pytest.mark.parametrize("key", ["ignored", "ignore_regions", "dont_care", "false_positives"])
def test_areas_that_nobody_judges_leave_an_image_open(told: Told, key: str) -> None:
    samples, _ = told(images("objects", **{key: [{"label": "pit", **OTHER}]}))
    assert samples == {"a.png": BOXED}


@pytest.mark.parametrize(
    "beside",
    [
        {"masks": [{"label": "pit", "rle": "abc"}]},
        {"keypoints": [{"label": "pit", "x": 3, "y": 4}]},
        {"circles": [{"label": "pit", "cx": 3, "cy": 4, "r": 9}]},
        {"segments": [[1, 2, 3, 4, 5, 6]]},
        {"answers": {"classifications": [{"title": "quality", "answer": {"title": "bad"}}]}},
    ],
)
def test_an_empty_list_is_no_proof_beside_one_that_is_not_understood(told: Told, beside: dict[str, Any]) -> None:
    first, second = images("objects")
    samples, findings = told([first, {**second, **beside}])
    assert samples == {"a.png": BOXED}
    assert any("not understood" in one.reason for one in findings.rejects)


@pytest.mark.parametrize("beside", [{"categories": [{"class_id": 0, "name": "pit"}]}, {"masks": []}])
def test_lists_of_names_and_empty_ones_are_no_areas(told: Told, beside: dict[str, Any]) -> None:
    assert told(images("objects", **beside))[0] == {"a.png": BOXED, "b.png": GOOD}


@pytest.mark.parametrize(
    "inside", [{"crops": [{"image": "b.png", "objects": [PIT]}]}, {"boxes": [{**PIT, "path": "b.png"}]}]
)
def test_boxes_that_may_be_of_either_of_two_images_are_listed(told: Told, inside: dict[str, Any]) -> None:
    samples, findings = told([{"image": "a.png", **inside}])
    assert samples == {}
    assert sum("a.png has b.png inside" in one.reason for one in findings.rejects) >= 2


@pytest.mark.parametrize("nested", [{"location": SIDES}, {"polygon": {"exterior": [[20, 10], [50, 10], [50, 30]]}}])
def test_a_type_is_of_the_box_below_it(told: Told, nested: dict[str, Any]) -> None:
    samples, _ = told([{"image": "a.png", "objects": [{"label": "pit", **nested}]}])
    assert samples == {"a.png": BOXED}


@pytest.mark.parametrize(
    "said",
    [
        {"deleted": True},
        {"ignore": 1},
        {"is_valid": False},
        {"was_cancelled": True},
        {"skipped": "yes"},
        {"needs_review": True},
        {"unsure": True},
        {"status": "deleted"},
    ],
)
def test_an_image_that_is_set_aside_is_not_good(told: Told, said: dict[str, Any]) -> None:
    first, second = images("objects")
    assert told([first, {**second, **said}])[0] == {"a.png": BOXED}


@pytest.mark.parametrize(
    "said",
    [
        {"valid": False},
        {"status": "deleted"},
        {"isFalsePositive": True},
        {"is_prediction": True},
        {"source": "model"},
        {"origin": "prediction"},
    ],
)
def test_a_box_that_was_withdrawn_or_is_a_models_is_listed(told: Told, said: dict[str, Any]) -> None:
    samples, findings = told([{"image": "a.png", "objects": [PIT]}, {"image": "b.png", "objects": [{**PIT, **said}]}])
    assert samples == {"a.png": BOXED}
    assert any(next(iter(said)) in one.reason for one in findings.rejects)


@pytest.mark.parametrize(
    ("sides", "said"), [([35, 20, 30, 20], "cxcywh"), ([20, 10, 30, 20], "XYWH"), ([20, 10, 50, 30], 0)]
)
def test_a_key_beside_four_numbers_says_what_they_are(told: Told, sides: list[int], said: object) -> None:
    """Two corners, left, top, width and height, or a centre: each the box 20, 10, 50, 30."""
    samples, _ = told([{"image": "a.png", "objects": [{"label": "pit", "bbox": sides, "bbox_mode": said}]}])
    assert samples == {"a.png": BOXED}


def test_a_word_that_is_not_known_beside_four_numbers_is_refused(told: Told) -> None:
    with pytest.raises(InputError, match="Call that key"):
        told([{"image": "a.png", "objects": [{"label": "pit", "bbox": [70, 10, 5, 5], "bbox_format": "polar"}]}])


def test_percent_of_label_studio_is_no_pixels(told: Told) -> None:
    with pytest.raises(InputError, match="percent"):
        told([{"image": "a.png", "label": [{**SIDES, "rectanglelabels": ["pit"]}]}])


def test_keys_of_what_is_no_truth_and_of_what_nobody_judges() -> None:
    keys = ("predictions", "pre_annotations", "model_boxes", "model", "objects", "ignored_regions", "gt_boxes")
    assert [is_no_truth(key) for key in keys] == [True, True, True, False, False, False, False]
    assert [is_set_aside(key) for key in keys] == [False] * 5 + [True, False]


@pytest.mark.parametrize("classes", [{"1": "dent", "2": "pit"}, {"dent": 1, "pit": 2}, [{"id": 2, "name": "pit"}]])
def test_names_of_types_by_their_numbers(told: Told, classes: object) -> None:
    samples, _ = told({"classes": classes, "images": [{"image": "a.png", "objects": [{"class": 2, **SIDES}]}]})
    assert samples == {"a.png": BOXED}
