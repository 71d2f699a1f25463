import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.mask import encode

from data_tools.core.errors import InputError

CATEGORIES = [{"id": 0, "name": "scratch"}, {"id": 90, "name": "chip"}]


def image(key: Any, name: str = "", **more: Any) -> dict[str, Any]:
    return {"id": key, "file_name": name or f"{key}.png", "height": 60, "width": 80} | more


def box(key: Any, image_id: Any, bbox: Any, category: Any = 0, **more: Any) -> dict[str, Any]:
    area = bbox[2] * bbox[3] if isinstance(bbox, list) and len(bbox) == 4 and "w" not in bbox else 1
    return {"id": key, "image_id": image_id, "bbox": bbox, "category_id": category, "area": area, "iscrowd": 0} | more


def put(folder: Path, images: Any, annotations: Any, categories: Any = CATEGORIES) -> Path:
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def test_names_that_lead_elsewhere_are_rejected_also_without_images(tmp_path: Path, read) -> None:
    names = ["../../evil.png", "/elsewhere/evil.png", "C:\\elsewhere\\evil.png", "a/../../evil.png", "a/ok.png"]
    images = [image(key, name) for key, name in enumerate(names, start=1)]
    samples, findings = read("coco", put(tmp_path, images, [box(key, key, [1, 2, 10, 20]) for key in range(1, 6)]))
    assert list(samples) == ["a/ok.png"]
    assert [r.image for r in findings.rejects if "a file name must be relative" in r.reason] == names[:4]


def test_what_is_safe_is_mended_and_listed(tmp_path: Path, read) -> None:
    annotations = [
        box(0, 0, [1, 2, 10, 20]),
        box(5, 0, [30, 2, 10, 20], 90),
        box(5, "x", [1, 2, 10, 20], area=1.0),
        {"id": 6, "image_id": "x", "category_id": 90, "segmentation": [[20, 20, 40, 20, 30, 45]], "area": 250},
        box(7, 2, [70, 50, 20, 14]),
        box(8, 3, [1, 2, 10, 20]),
    ]
    images = [image(0), image("x"), image(2), image(3, "0.png"), image(4)]
    samples, findings = read("coco", put(tmp_path, images, annotations))
    assert samples["0.png"].boxes_xyxy.tolist() == [[1, 2, 11, 22], [30, 2, 40, 22]]
    assert samples["0.png"].box_types == ("scratch", "chip")
    assert samples["x.png"].boxes_xyxy.tolist() == [[1, 2, 11, 22], [20, 20, 40, 45]]
    assert samples["2.png"].status == "unboxed"  # 10 x 10 of 20 x 14 is less than half
    assert (samples["4.png"].status, samples["4.png"].evidence) == ("good", "listed in COCO without annotations")
    changes = sorted((r.image, r.reason.split(":")[0][:30]) for r in findings.mended)
    assert changes == [
        ("0.png", "annotation ids that are absent"),
        ("0.png", "images listed twice"),
        ("x.png", "annotation ids that are absent"),
        ("x.png", "annotations without a bbox"),
        ("x.png", "areas that are missing or not "),
    ]
    assert [(r.image, r.reason) for r in findings.rejects] == [
        ("0.png", "annotations[5]: duplicate of another box"),
        ("2.png", "annotations[4]: more than half of it lies outside the 80 x 60 image"),
    ]


def test_what_is_not_safe_is_refused_and_listed(tmp_path: Path, read) -> None:
    refused = {
        "no image_id": {},
        "unknown": box(1, 77, [1, 2, 3, 4]),
        "iscrowd": box(2, 1, [1, 2, 3, 4], iscrowd=1),
        "category_id": box(3, 1, [1, 2, 3, 4], 5),
        "run-length": {"image_id": 1, "category_id": 0, "segmentation": {}},
        "zero-area": box(5, 1, [5, 5, 0, 4]),
        "not finite": box(6, 1, [1, 2, 1e999, 4]),
        "not a list": box(7, 1, [1, 2, 3]),
        "not a number": box(8, 1, [1, 2, "w", [4]]),
        "outside": box(9, 1, [300, 2, 9, 9]),
        "neither": {"image_id": 1, "category_id": 0},
    }
    images = [
        image(1),
        image(2, "two.png"),
        image(2, "also.png"),
        image(3, "a\nb.png"),
        {"id": 4},
        5,
        image(6, "s.png"),
    ]
    annotations = [*refused.values(), box(20, 2, [1, 2, 3, 4]), box(21, 6, [1, 2, 3, 4])]
    samples, findings = read("coco", put(tmp_path, images, annotations))
    assert {name: sample.status for name, sample in samples.items()} == {"1.png": "unboxed", "s.png": "boxed"}
    reasons = " | ".join(r.reason for r in findings.rejects)
    assert all(word in reasons for word in refused), reasons
    assert sum("id 2 stands for" in r.reason for r in findings.rejects) == 2
    assert any("image_id 2 is unknown or refused" in r.reason for r in findings.rejects)


def test_boxes_mostly_inside_are_clipped(tmp_path: Path, read) -> None:
    samples, findings = read("coco", put(tmp_path, [image(1)], [box(1, 1, [-4, 50, 20, 12])]))
    assert samples["1.png"].boxes_xyxy.tolist() == [[0, 50, 16, 60]]
    assert "at least half" in findings.mended[0].reason


def test_images_at_hand_are_looked_up_from_the_file(tmp_path: Path, read, save) -> None:
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "val" / "a.png", (30, 40))
    put(tmp_path / "train", [image(1, "a.png"), image(2, "gone.png"), image(3, "../x.png")], [box(1, 1, [1, 2, 3, 4])])
    put(tmp_path / "val", [image(1, "a.png", height=None, width=None)], [])
    samples, findings = read("coco", tmp_path)
    assert {name: (s.status, s.size_hw) for name, s in samples.items()} == {
        "train/a.png": ("boxed", (60, 80)),
        "val/a.png": ("good", (30, 40)),
    }
    assert [r.image for r in findings.rejects] == ["gone.png", "../x.png"]


@pytest.mark.parametrize(
    "text", ["[]", '{"annotations": []}', '{"images": 5}', "{", "[" * 99_999, '{"images": [' + "9" * 5000]
)
def test_files_that_are_no_coco(tmp_path: Path, read, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json"):
        read("coco", tmp_path / "a.json")


def masked(*areas: tuple[int, int, int, int], packed: bool) -> dict[str, Any]:
    mask = np.zeros((60, 80), dtype=np.uint8, order="F")
    for x1, y1, x2, y2 in areas:
        mask[y1:y2, x1:x2] = 1
    found = encode(mask)
    if packed:
        return {"size": [60, 80], "counts": found["counts"].decode()}
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    return {"size": [60, 80], "counts": np.diff([0, *edges.tolist(), flat.size]).tolist()}


@pytest.mark.parametrize("packed", [True, False])
def test_masks_as_run_lengths(tmp_path: Path, read, packed: bool) -> None:
    one, two = masked((10, 20, 30, 29), packed=packed), masked((10, 20, 30, 29), (50, 40, 60, 44), packed=packed)
    annotations = [
        {"image_id": 1, "category_id": 0, "segmentation": one, "bbox": [10, 20, 20, 9], "area": 180, "iscrowd": 1},
        {"image_id": 2, "category_id": 0, "segmentation": two, "area": 220},
        {"image_id": 3, "category_id": 0, "segmentation": two, "bbox": [10, 20, 50, 24], "area": 220, "iscrowd": 1},
        {"image_id": 4, "category_id": 0, "segmentation": one | {"size": [80, 60]}, "area": 220},
    ]
    samples, findings = read("coco", put(tmp_path, [image(i) for i in range(1, 5)], annotations))
    assert samples["1.png"].boxes_xyxy.tolist() == [[10, 20, 30, 29]]
    assert samples["2.png"].boxes_xyxy.tolist() == [[10, 20, 60, 44]]
    assert [samples[f"{i}.png"].status for i in (3, 4)] == ["unboxed", "unboxed"]
    assert [r.reason.split(": ")[1] for r in findings.rejects if "iscrowd" in r.reason] == ["iscrowd"]


@pytest.mark.parametrize("counts", ["", "!", "\x7f", "o" * 40, "0" * 9, "ÿ", [1, -1], [10**30], [5], None, {}])
def test_damaged_run_lengths(tmp_path: Path, read, counts: Any) -> None:
    annotation = {"image_id": 1, "category_id": 0, "segmentation": {"size": [60, 80], "counts": counts}}
    samples, findings = read("coco", put(tmp_path, [image(1)], [annotation]))
    assert samples["1.png"].status == "unboxed"
    assert findings.rejects[0].reason.startswith("annotations[0]: ")


OUTLINE = [[10, 10, 30, 10, 30, 20, 10, 20]]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ({"bbox": [10, 10, 30, 20], "segmentation": OUTLINE, "area": 200}, [10, 10, 30, 20]),  # corners
        ({"bbox": [10, 10, 30, 20], "area": 200}, [10, 10, 30, 20]),  # the area says so as well
        ({"bbox": [0, 0, 0, 0], "segmentation": OUTLINE, "area": 200}, [10, 10, 30, 20]),
        ({"bbox": [30, 20, -20, -10], "area": 200}, [10, 10, 30, 20]),
        ({"bbox": [10, 20, 40, 4], "attributes": {"rotation": 90}, "area": 160}, [28, 2, 32, 42]),
        ({"bbox": [50, 40, 5, 5], "segmentation": OUTLINE, "area": 200}, None),
    ],
)
def test_a_bbox_against_what_else_is_known(tmp_path: Path, read, annotation: dict, expected: list | None) -> None:
    samples, findings = read("coco", put(tmp_path, [image(1)], [annotation | {"image_id": 1, "category_id": 0}]))
    if expected is None:
        assert samples["1.png"].status == "unboxed"
        assert "contradicts its outline" in findings.rejects[0].reason
    else:
        assert samples["1.png"].boxes_xyxy == pytest.approx(np.array([expected]))
        assert findings.mended


def test_a_lost_file_or_annotation_leaves_no_image_good_by_absence(tmp_path: Path, read) -> None:
    put(tmp_path, [image(1), image(2)], [box(1, 1, [1, 2, 3, 4])])
    assert {s.status for s in read("coco", tmp_path)[0].values()} == {"boxed", "good"}
    (tmp_path / "lost.json").write_text('{"images": [], "annotations": [')
    assert {s.status for s in read("coco", tmp_path)[0].values()} == {"boxed"}
    (tmp_path / "lost.json").unlink()
    put(tmp_path, [image(1), image(2)], [box(1, 1, [1, 2, 3, 4]), box(2, 77, [1, 2, 3, 4])])
    assert {s.status for s in read("coco", tmp_path)[0].values()} == {"boxed"}


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ({"annotated": False}, None, "nobody annotated it"),
        ({"is_annotated": 0}, None, "nobody annotated it"),
        ({"unlabelled": True}, None, "unlabelled"),
        ({"status": "todo"}, None, "not understood"),
        ({"verdict": "OK but scratched"}, None, "not understood"),
        ({"verdict": "NG"}, "unboxed", ""),
        ({"is_defective": True}, "unboxed", ""),
        ({"quality": "OK"}, "good", ""),
        ({"annotated": True, "is_modified": False, "deleted": False, "num_annotations": 0}, "good", ""),
        ({"coco_url": "https://host/bad/a.png", "path": "/data/defects/2.png", "license": 1, "extra": {}}, "good", ""),
    ],
)
def test_what_an_image_without_annotations_says_of_itself(
    tmp_path: Path, read, said: dict, status: str | None, reason: str
) -> None:
    samples, findings = read("coco", put(tmp_path, [image(1), image(2, **said)], [box(1, 1, [1, 2, 10, 20])]))
    assert samples["1.png"].status == "boxed"
    assert (samples["2.png"].status if "2.png" in samples else None) == status
    assert reason in " ".join(r.reason for r in findings.rejects)


def test_annotations_that_are_to_be_ignored_are_listed(tmp_path: Path, read) -> None:
    annotations = [
        box(1, 1, [1, 2, 10, 20], ignore=1),
        box(2, 1, [30, 2, 10, 20], ignore=0),
        box(4, 1, [50, 2, 10, 20], ignore="False"),
        box(3, 2, [1, 2, 10, 20], ignore=True),
    ]
    samples, findings = read("coco", put(tmp_path, [image(1), image(2), image(3)], annotations))
    assert samples["1.png"].boxes_xyxy.tolist() == [[30, 2, 40, 22], [50, 2, 60, 22]]
    assert {name: s.status for name, s in samples.items()} == {"1.png": "boxed", "3.png": "good"}
    assert sorted(r.reason.split(":")[0] for r in findings.rejects if ": ignore" in r.reason)[0] == "annotations[0]"
    assert {r.image for r in findings.rejects} == {"1.png", "2.png"}


@pytest.mark.parametrize("score", [0.3, "0.3"])
def test_annotations_with_scores_are_predictions(tmp_path: Path, read, score: float | str) -> None:
    with pytest.raises(InputError, match=r"annotations\[1\] has score 0.3: .*import_predictions"):
        read("coco", put(tmp_path, [image(1)], [box(1, 1, [1, 2, 9, 9]), box(2, 1, [9, 9, 9, 9], score=score)]))
    samples, _ = read("coco", put(tmp_path, [image(1)], [box(1, 1, [1, 2, 9, 9], score=1.0)]))
    assert samples["1.png"].status == "boxed"


def test_one_name_of_two_sizes_is_not_merged(tmp_path: Path, read, save) -> None:
    save(tmp_path / "a.png")
    images = [image(1, "a.png"), image(2, "a.png", height=30, width=40)]
    path = put(tmp_path, images, [box(1, 1, [1, 2, 10, 20]), box(2, 2, [20, 10, 9, 9])])
    for flags in ({}, {"images": tmp_path}):
        samples, findings = read("coco", path, **flags)
        assert samples["a.png"].boxes_xyxy.tolist() == [[1, 2, 11, 22]]
        assert "annotated as 40 x 30 pixels" in findings.rejects[0].reason


def test_without_categories_types_are_their_numbers(tmp_path: Path, read) -> None:
    samples, findings = read("coco", put(tmp_path, [image(1)], [box(1, 1, [1, 2, 10, 20], 3)], []))
    assert (samples["1.png"].box_types, findings.rejects) == (("3",), [])


def test_images_of_lvis_are_named_by_their_address_and_good_only_where_all_types_are_absent(
    tmp_path: Path, read, save
) -> None:
    for name in "abc":
        save(tmp_path / f"images/{name}.png")
    images = [
        {"id": i, "coco_url": f"http://images.org/images/{name}.png", "neg_category_ids": absent}
        for i, (name, absent) in enumerate([("a", []), ("b", [0, 90]), ("c", [0])], start=1)
    ]
    samples, findings = read("coco", put(tmp_path, images, [box(1, 1, [1, 2, 10, 20])]))
    assert {path: one.status for path, one in samples.items()} == {"images/a.png": "boxed", "images/b.png": "good"}
    assert "nobody looked for the others" in findings.rejects[0].reason


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"file_name": "a.png", "segments_info": [{"id": 1, "category_id": 1, "bbox": [1, 2, 9, 9]}]}, "panoptic"),
        ({"id": 1, "caption": "a chip with a crack"}, "captions"),
    ],
)
def test_other_kinds_of_coco_are_refused_by_name(tmp_path: Path, read, entry: dict, kind: str) -> None:
    images = [{"id": 1, "file_name": "a.png", "width": 80, "height": 60}]
    text = json.dumps({"images": images, "annotations": [{"image_id": 1, **entry}], "categories": []})
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=rf"annotations\[0\] has .*COCO {kind} file"):
        read("coco", tmp_path / "a.json")


def test_other_files_beside_coco_are_listed(tmp_path: Path, read) -> None:
    put(tmp_path, [image(1)], [box(1, 1, [1, 2, 10, 20])])
    for name in ("a_metrics.json", "broken.json"):
        (tmp_path / name).write_text('{"map": 0.5')
    samples, findings = read("coco", tmp_path)
    assert list(samples) == ["1.png"]
    assert [(Path(r.source).name, "not a COCO file" in r.reason) for r in findings.rejects] == [
        ("a_metrics.json", True),
        ("broken.json", True),
    ]


def test_boxes_of_two_versions_of_a_set_are_listed(tmp_path: Path, read) -> None:
    put(tmp_path, [image(1)], [box(1, 1, [1, 2, 10, 20])]).rename(tmp_path / "v1.json")
    others = [box(1, 1, [2, 2, 10, 20]), box(2, 1, [1, 2, 9, 20], 90), box(3, 1, [40, 2, 10, 20])]
    put(tmp_path, [image(1)], others).rename(tmp_path / "v2.json")
    samples, findings = read("coco", tmp_path)
    assert len(samples["1.png"].boxes_xyxy) == 4
    (change,) = findings.mended
    assert (Path(change.source).name, change.image) == ("v2.json", "1.png")
    assert "overlaps one of 'v1.json' by half" in change.reason
