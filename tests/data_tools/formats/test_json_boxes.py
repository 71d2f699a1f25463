"""Boxes in JSON of tools and published sets that have no reader of their own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.json_files.boxed_objects import box_in, type_in

BOX = (20.0, 10.0, 50.0, 30.0)
XYXY, XYWH = [20, 10, 50, 30], [20, 10, 30, 20]
SHARES = {"x": 0.25, "y": 1 / 6, "w": 0.375, "h": 1 / 3}  # of an image 80 pixels wide and 60 high
LTWH = {"left": 20, "top": 10, "width": 30, "height": 20}
SIZE = {"width": 80, "height": 60}
OUTLINE = [[20, 10], [50, 10], [50, 30], [20, 30]]

Told = Callable[..., dict[str, tuple[str, list[tuple[float, ...]], list[str]]]]


@pytest.fixture
def told(tmp_path: Path, save, read) -> Told:
    """Status, boxes and types of each image, of a value of JSON, or of JSON lines, beside images a, b and c."""
    for name in "abc":
        save(tmp_path / f"images/{name}.png")

    def build(value: object, name: str = "t.json", **options: object):
        (tmp_path / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        assert choose_format([tmp_path], "auto")[0].name == "json"
        samples, _ = read("json", tmp_path, **options)
        boxes = {path: [tuple(map(round, box)) for box in s.boxes_xyxy.tolist()] for path, s in samples.items()}
        return {path: (s.status, boxes[path], [*s.box_types] or [s.type]) for path, s in samples.items()}

    return build


def in_list(key: str, *boxes: object, **more: object) -> list[dict[str, Any]]:
    """Records of an image with boxes, and of one without."""
    return [{"image": "a.png", key: list(boxes), **more}, {"image": "b.png", key: [], **more}]


TOOLS: dict[str, object] = {
    "Azure Custom Vision": [
        {"name": f"{name}.png", **SIZE, "resizedImageUri": "https://x/r.png?sv=1", "regions": regions}
        for name, regions in (("a", [{"tagName": "pit", **{k: v / 80 for k, v in LTWH.items()}}]), ("b", []))
    ],
    "Dataloop": [
        {"filename": f"/{name}.png", "annotated": True, "annotations": boxes}
        for name, boxes in (
            ("a", [{"type": "box", "label": "pit", "coordinates": [{"x": 20, "y": 10}, {"x": 50, "y": 30}]}]),
            ("b", []),
        )
    ],
    "Encord": [
        {"data_title": f"{name}.png", "data_units": {"u": {"data_title": f"{name}.png", "labels": {"objects": boxes}}}}
        for name, boxes in (("a", [{"name": "pit", "shape": "bounding_box", "boundingBox": SHARES}]), ("b", []))
    ],
    "FiftyOne": {
        "samples": [
            {"filepath": f"data/{name}.png", "tags": ["train"], "ground_truth": {"detections": boxes}}
            for name, boxes in (("a", [{"label": "pit", "bounding_box": [*SHARES.values()]}]), ("b", []))
        ]
    },
    "Hugging Face, in rows": in_list("objects", {"bbox_xywh": XYWH, "category": "pit"}),
    "Hugging Face, in columns": [
        {"file_name": f"{name}.png", "objects": objects}
        for name, objects in (
            ("a", {"bbox": [XYWH], "categories": ["pit"]}),
            ("b", {"bbox": [], "categories": []}),
        )
    ],
    "Kili": [
        {"externalId": f"{name}.png", "labels": [{"jsonResponse": {"JOB_0": {"annotations": boxes}}}]}
        for name, boxes in (
            (
                "a",
                [
                    {
                        "categories": [{"name": "pit", "confidence": 100}],
                        "boundingPoly": [{"normalizedVertices": [{"x": x / 80, "y": y / 60} for x, y in OUTLINE]}],
                    }
                ],
            ),
            ("b", []),
        )
    ],
    "Labelbox, before NDJSON": [
        {"External ID": f"{name}.png", "Label": {"objects": boxes, "classifications": []}, "View Label": "https://x"}
        for name, boxes in (("a", [{"title": "pit", "value": "pit", "bbox": LTWH}]), ("b", []))
    ],
    "MMDetection 2": [
        {"filename": "a.png", **SIZE, "ann": {"bboxes": [XYXY], "labels": ["pit"]}},
        {"filename": "b.png", **SIZE, "ann": {"bboxes": [], "labels": []}},
    ],
    "MMDetection 3": {
        "metainfo": {"classes": ["scratch", "pit"]},
        "data_list": [
            {"img_path": "images/a.png", **SIZE, "instances": [{"bbox": XYXY, "bbox_label": 1}]},
            {"img_path": "images/b.png", **SIZE, "instances": []},
        ],
    },
    "RectLabel": [
        {"filename": f"{name}.png", "size": SIZE, "objects": objects}
        for name, objects in (
            ("a", [{"name": "pit", "bndbox": {"xmin": 20, "ymin": 10, "xmax": 50, "ymax": 30}}]),
            ("b", []),
        )
    ],
    "SageMaker": [
        {"file": "a.png", "image_size": [SIZE], "annotations": [{"class_id": "pit", **LTWH}]},
        {"file": "b.png", "image_size": [SIZE], "annotations": []},
    ],
    "Scale": [
        {"status": "completed", "params": {"attachment": f"https://x/{name}.png"}, "response": {"annotations": boxes}}
        for name, boxes in (("a", [{"label": "pit", "type": "box", **LTWH}]), ("b", []))
    ],
    "SuperAnnotate": [
        {"metadata": {"name": f"{name}.png", **SIZE, "status": "Completed"}, "instances": boxes}
        for name, boxes in (
            ("a", [{"type": "bbox", "className": "pit", "points": {"x1": 20, "y1": 10, "x2": 50, "y2": 30}}]),
            ("b", []),
        )
    ],
    "VoTT": {
        "assets": {
            name: {"asset": {"name": f"{name}.png", "path": f"file:C:/x/{name}.png", "state": 2}, "regions": boxes}
            for name, boxes in (("a", [{"tags": ["pit"], "boundingBox": LTWH}]), ("b", []))
        }
    },
    "outlines": in_list("defects", {"class": "pit", "polygon": OUTLINE}),
    "under names of images": {"a.png": [{"class": "pit", "xmin": 20, "ymin": 10, "xmax": 50, "ymax": 30}], "b.png": []},
}


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool != "Azure Custom Vision"])
def test_a_box_of_a_tool_and_an_image_without_any(told: Told, tool: str) -> None:
    samples = told(TOOLS[tool])
    assert samples == {"images/a.png": ("boxed", [BOX], ["pit"]), "images/b.png": ("good", [], ["good"])}


def test_sides_in_shares_of_the_image(told: Told) -> None:
    boxes = told(TOOLS["Azure Custom Vision"])["images/a.png"][1]
    assert boxes == [(20, 8, 50, 22)]  # 10/80, 20/80 of 60 pixels: 7.5 and 7.5 + 15


def test_lines_of_vertex_ai(told: Told) -> None:
    place = {"displayName": "pit", "xMin": 0.25, "yMin": 0.5, "xMax": 0.5, "yMax": 1.0}
    lines = [
        {"imageGcsUri": f"gs://bucket/images/{name}.png", "boundingBoxAnnotations": boxes}
        for name, boxes in (("a", [place]), ("b", []))
    ]
    samples = told("\n".join(map(json.dumps, lines)), "t.jsonl")
    assert samples["images/a.png"] == ("boxed", [(20, 30, 40, 60)], ["pit"])
    assert samples["images/b.png"][0] == "good"


def test_a_record_a_box_as_tianchi_has_them(told: Told) -> None:
    boxes = [XYXY, [60, 5, 70, 55]]
    samples = told([{"name": "a.png", "defect_name": "\u7834\u6d1e", "bbox": box} for box in boxes])
    assert samples == {"images/a.png": ("boxed", [BOX, (60, 5, 70, 55)], ["\u7834\u6d1e"] * 2)}


def test_four_numbers_that_may_be_either_are_refused_with_what_to_do(told: Told) -> None:
    with pytest.raises(InputError, match="Call that key bbox_xyxy or bbox_xywh"):
        told(in_list("boxes", [10, 10, 30, 40]))


def test_four_numbers_that_can_be_no_sizes_are_corners(told: Told) -> None:
    assert told(in_list("boxes", [40, 30, 70, 40]))["images/a.png"][1] == [(40, 30, 70, 40)]


@pytest.mark.parametrize("bbox", [XYXY, XYWH])
def test_four_numbers_mean_what_the_outline_beside_them_says(told: Told, bbox: list[int]) -> None:
    """As ISAT has them, a file an image."""
    inside = {"category": "pit", "segmentation": OUTLINE, "bbox": bbox}
    value = {"info": {"description": "ISAT", "name": "a.png", **SIZE}, "objects": [inside]}
    assert told(value, "a.json") == {"images/a.png": ("boxed", [BOX], ["pit"])}


def test_coordinates_of_vision_language_models_are_no_pixels(told: Told) -> None:
    with pytest.raises(InputError, match=r"0\.\.1000"):
        told(in_list("objects", {"box_2d": [100, 200, 300, 400], "label": "pit"}))


@pytest.mark.parametrize(
    "said",
    [
        {"answer": "reject"},
        {"status": "NotStarted"},
        {"image_status": "IN PROGRESS"},
        {"annotated": False},
        {"asset": {"name": "b.png", "state": 0}},
        {"label": "Spongebob"},
        {"verdict": "REVIEW"},
        {"category": "bottle"},  # a product
    ],
)
def test_an_empty_list_is_no_proof_beside_what_leaves_it_open(told: Told, said: dict[str, Any]) -> None:
    first, second = in_list("boxes", {"bbox_xyxy": XYXY, "label": "pit"})
    assert told([first, {**second, **said}]).keys() == {"images/a.png"}


@pytest.mark.parametrize(
    ("said", "kind"), [({"label": "pit"}, "pit"), ({"verdict": "NG"}, "defect"), ({"anomaly_class": "HS"}, "defect")]
)
def test_a_defect_named_beside_an_empty_list_is_unboxed(told: Told, said: dict[str, str], kind: str) -> None:
    first, second = in_list("boxes", {"bbox_xyxy": XYXY, "label": "pit"})
    assert told([first, {**second, **said}])["images/b.png"] == ("unboxed", [], [kind])


def test_a_type_map_says_what_a_label_beside_an_empty_list_means(told: Told) -> None:
    first, second = in_list("boxes", {"bbox_xyxy": XYXY, "label": "pit"})
    samples = told([first, {**second, "label": "Spongebob"}], type_map={"Spongebob": "good"})
    assert samples["images/b.png"][0] == "good"


def test_boxes_that_nobody_has_reviewed_count(told: Told) -> None:
    first, second = in_list("boxes", {"bbox_xyxy": XYXY, "label": "pit"}, reviewed=False)
    assert told([first, second]) == {"images/a.png": ("boxed", [BOX], ["pit"])}


def test_objects_with_a_corner_are_no_points_of_an_outline(told: Told) -> None:
    boxes = [{"label": "pit", "x": x, "y": 10, "width": 5, "height": 20} for x in (20, 30, 40)]
    assert told(in_list("boxes", *boxes))["images/a.png"][1] == [(x, 10, x + 5, 30) for x in (20, 30, 40)]


def test_the_place_and_size_of_an_image_are_no_box_of_it(told: Told) -> None:
    samples = told(in_list("boxes", {"bbox_xyxy": XYXY, "label": "pit"}, x=7, y=9, **SIZE)[:1])
    assert samples == {"images/a.png": ("boxed", [BOX], ["pit"])}


def test_a_file_without_the_name_of_an_image_is_of_the_one_that_it_is_named_after(told: Told) -> None:
    value = {**SIZE, "defects": [{"type": "pit", "bbox_xyxy": XYXY}]}
    with pytest.raises(InputError, match="no format recognises"):
        told(value, "settings.json")
    assert told(value, "images/a.json") == {"images/a.png": ("boxed", [BOX], ["pit"])}


def test_an_image_without_a_list_is_good_only_by_its_label(told: Told) -> None:
    boxed = {"image": "a.png", "label": "pit", "bbox": [40, 30, 70, 40]}
    samples = told([boxed, {"image": "b.png", "label": "OK", "bbox": None}, {"image": "c.png", "bbox": None}])
    assert {path: one[0] for path, one in samples.items()} == {"images/a.png": "boxed", "images/b.png": "good"}


def test_zeros_beside_a_word_for_good_are_no_box(told: Told) -> None:
    boxed = {"image": "a.png", "label": "pit", "bbox": [40, 30, 70, 40]}
    zeros = [{"image": f"{name}.png", "label": kind, "bbox": [0] * 4} for name, kind in (("b", "normal"), ("c", "pit"))]
    samples = told([boxed, *zeros])
    assert [samples[f"images/{name}.png"][0] for name in "abc"] == ["boxed", "good", "unboxed"]


def test_an_object_without_a_box_is_a_defect_without_an_area(told: Told) -> None:
    first, second = in_list("boxes", {"bbox_xyxy": XYXY, "label": "pit"})
    samples = told([first, {**second, "boxes": [{"label": "pit", "mask": "x"}]}])
    assert samples["images/b.png"] == ("unboxed", [], ["pit"])


def test_what_a_model_says_beside_the_truth_is_left_out(told: Told) -> None:
    first, second = in_list("boxes", {"bbox_xyxy": XYXY, "label": "pit"})
    guess = [{"bbox_xyxy": [0, 0, 9, 9], "label": "pit", "score": 0.4}]
    samples = told([{**first, "predictions": guess}, {**second, "predictions": []}])
    assert samples == {"images/a.png": ("boxed", [BOX], ["pit"]), "images/b.png": ("good", [], ["good"])}


def test_the_truth_beside_predictions_in_columns(told: Told) -> None:
    samples = told([{"image_id": "a", "gt_bboxes": [[40, 30, 70, 40]], "pred_bboxes": [[1, 2, 3, 4]]}])
    assert samples == {"images/a.png": ("boxed", [(40, 30, 70, 40)], ["defect"])}


def test_boxes_with_scores_alone_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(in_list("boxes", {"bbox_xyxy": XYXY, "score": 0.4})))
    with pytest.raises(InputError, match="no format recognises"):
        choose_format([tmp_path], "auto")


@pytest.mark.parametrize("beside", [{"angle": 30}, {"unit": "mm"}, {"shape": "circle"}])
def test_what_is_no_upright_rectangle_in_pixels_is_no_box(told: Told, beside: dict[str, Any]) -> None:
    first, second = in_list("boxes", {"xmin": "20", "ymin": "10", "xmax": "50", "ymax": "30", "label": "pit"})
    samples = told([first, {**second, "boxes": [{**first["boxes"][0], **beside}]}])
    assert samples == {"images/a.png": ("boxed", [BOX], ["pit"]), "images/b.png": ("unboxed", [], ["pit"])}


@pytest.mark.parametrize(
    "rows",
    [
        ["image,label,bbox", 'a.png,pit,"{""x"": 20, ""y"": 10, ""width"": 30, ""height"": 20}"'],
        ["image,label,bbox", "a.png,pit,\"{'x1': 20, 'y1': 10, 'x2': 50, 'y2': 30}\""],  # as Python writes it
        ["image;label;polygon", "a.png;pit;[[20, 10], [50, 10], [50, 30], [20, 30]]"],
        ["file_name,objects", 'a.png,"{""bbox_xywh"": [[20, 10, 30, 20]], ""categories"": [""pit""]}"'],
        ["image;annotations", 'a.png;[{"label": "pit", "x": 20, "y": 10, "w": 30, "h": 20}]', "b.png;[]"],
    ],
)
def test_objects_in_the_fields_of_a_table(told: Told, rows: list[str]) -> None:
    samples = told("\n".join(rows), "t.csv")
    assert samples.pop("images/a.png") == ("boxed", [BOX], ["pit"])
    assert [one[0] for one in samples.values()] == ["good"] * (len(rows) - 2)


def test_a_table_of_columns_below_a_folder_stays_one_of_csv(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/t.csv").write_text("image,x1,y1,x2,y2\na.png,1,2,9,8\n")
    assert choose_format([tmp_path], "auto")[0].name == "csv"


def test_box_and_type_of_an_object() -> None:
    value = {"type": "rect", "label": "pit", "points": OUTLINE}
    found = box_in(value)
    assert found is not None
    assert (found.corners(found.shape), type_in(value, {})) == (BOX, "pit")
    assert type_in({"name": "a.png", "category_id": 2}, {"2": "pit"}) == "pit"
    assert box_in({"label": "pit", "width": 80, "height": 60}) is None
