import json
from pathlib import Path
from typing import Any

import pytest

SHAPE = {"label": "scratch", "points": [[10, 20], [30, 50]], "shape_type": "rectangle"}


def put(path: Path, image: str = "a.png", shapes: Any = (SHAPE,), size: tuple[int, int] = (60, 80)) -> None:
    value = {"version": "5", "flags": {}, "shapes": shapes, "imagePath": image, "imageData": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value | {"imageHeight": size[0], "imageWidth": size[1]}))


def test_rectangles_polygons_and_circles_in_any_order_of_points(tmp_path: Path, read) -> None:
    shapes = [
        SHAPE | {"points": [[30, 50], [10, 20]]},
        {"label": "chip", "points": [[1, 5], [9, 2], [4, 8]]},
        {"label": "chip", "points": [[20, 20], [23, 24]], "shape_type": "circle"},
        {"label": "chip", "points": [[1, 1], [5, 5]], "shape_type": "point"},
    ]
    put(tmp_path / "a.json", shapes=shapes)
    samples, findings = read("labelme", tmp_path)
    assert samples["a.png"].boxes_xyxy.tolist() == [[10, 20, 30, 50], [1, 2, 9, 8], [15, 15, 25, 25]]
    assert samples["a.png"].box_types == ("scratch", "chip", "chip")
    assert findings.rejects[0].reason.startswith("shape 4: shape_type 'point'")


def test_images_are_found_from_the_json_file_and_never_outside(tmp_path: Path, read, save) -> None:
    save(tmp_path / "data" / "images" / "a.png")
    save(tmp_path / "data" / "images" / "b.png")
    save(tmp_path / "secret.png")
    put(tmp_path / "data" / "json" / "a.json", "../images/a.png")
    put(tmp_path / "data" / "json" / "b.json", "..\\images\\b.png", shapes=[])
    put(tmp_path / "data" / "json" / "c.json", "../../secret.png")
    put(tmp_path / "data" / "json" / "d.json", str(tmp_path / "secret.png"))
    samples, findings = read("labelme", tmp_path / "data")
    assert {name: s.status for name, s in samples.items()} == {"images/a.png": "boxed", "images/b.png": "good"}
    assert [Path(r.source).stem for r in findings.rejects] == ["c", "d"]
    assert all("must be relative" in r.reason for r in findings.rejects)


def test_malformed_shapes_are_named(tmp_path: Path, read) -> None:
    shapes = [
        5,
        {},
        {"label": 3, "points": []},
        SHAPE | {"points": [[1, 2]]},
        SHAPE | {"points": [[1], [2]]},
        SHAPE | {"points": [["x", 1], [2, 3]]},
        SHAPE | {"points": [[5, 5], [5, 9]]},
        SHAPE | {"label": "good"},
        SHAPE | {"points": [[1, 2], [1e400, 3]]},
        SHAPE | {"shape_type": ["x"]},
        SHAPE | {"label": "\ud800"},
    ]
    put(tmp_path / "a.json", shapes=shapes)
    (tmp_path / "b.json").write_text("[" * 100_000)
    (tmp_path / "c.json").write_text('{"shapes": 5}')
    (tmp_path / "d.json").write_bytes(b"\xff\xfe")
    samples, findings = read("labelme", tmp_path)
    assert {name: sample.status for name, sample in samples.items()} == {"a.png": "unboxed"}
    assert sorted(r.reason.split(":")[0] for r in findings.rejects if r.source.endswith("a.json")) == sorted(
        f"shape {i}" for i in range(1, 12) if i != 8
    )
    assert [Path(r.source).stem for r in findings.rejects][:3] == ["b", "c", "d"]
    assert [r.reason.split(":")[0] for r in findings.mended] == ["boxes around good things"]


def test_masks_lines_rotations_and_flags(tmp_path: Path, read) -> None:
    shapes = [
        SHAPE | {"shape_type": "mask", "mask": "..."},
        SHAPE | {"shape_type": "linestrip", "points": [[5, 6], [20, 9], [40, 33]]},
        SHAPE | {"shape_type": "rotation", "points": [[3, 6], [20, 12], [15, 20], [4, 18]]},
        SHAPE | {"shape_type": "quadrilateral", "points": [[2, 6], [20, 12], [15, 20], [4, 18]]},
    ]
    put(tmp_path / "a.json", shapes=shapes)
    put(tmp_path / "b.json", "C:\\photos\\b.png", shapes=[])
    for name, flags in (("c", {"scratch": True}), ("d", {"ok": True, "scratch": False})):
        put(tmp_path / f"{name}.json", f"{name}.png", shapes=[])
        value = json.loads((tmp_path / f"{name}.json").read_text()) | {"flags": flags}
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    samples, _ = read("labelme", tmp_path)
    assert samples["a.png"].boxes_xyxy.tolist() == [[10, 20, 30, 50], [5, 6, 40, 33], [3, 6, 20, 20], [2, 6, 20, 20]]
    assert (samples["c.png"].status, samples["c.png"].type) == ("unboxed", "scratch")
    assert (samples["d.png"].status, samples["d.png"].evidence) == ("good", "flag 'ok'")


@pytest.mark.parametrize(
    ("flags", "status", "noted"),
    [
        ({"reviewed": True}, "good", ""),
        ({"no defects found": True}, "good", ""),
        ({"OK": True, "done": True}, "good", ""),
        ({"unknown": True}, None, "the flag 'unknown'"),
        ({"no": True}, None, "the flag 'no'"),
        ({"good?": True}, None, "the flag 'good?'"),
        ({"not reviewed": True}, None, "the flag 'not reviewed'"),
        ({"OK": True, "scratch": True}, "unboxed", "a flag without an area"),
    ],
)
def test_a_flag_names_a_defect_only_where_it_can(
    tmp_path: Path, read, flags: dict[str, bool], status: str | None, noted: str
) -> None:
    put(tmp_path / "a.json")
    put(tmp_path / "b.json", "b.png", shapes=[])
    value = json.loads((tmp_path / "b.json").read_text()) | {"flags": flags}
    (tmp_path / "b.json").write_text(json.dumps(value))
    samples, findings = read("labelme", tmp_path)
    assert (samples["b.png"].status if "b.png" in samples else None) == status
    assert noted in " ".join(entry.reason for entry in (*findings.rejects, *findings.mended))


def test_a_flag_that_is_given_a_name_is_that_type(tmp_path: Path, read) -> None:
    for name, flag in (("a", "no"), ("b", "Unknown")):
        put(tmp_path / f"{name}.json", f"{name}.png", shapes=[])
        value = json.loads((tmp_path / f"{name}.json").read_text()) | {"flags": {flag: True}}
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    samples, _ = read("labelme", tmp_path, type_map={"no": "good", "unknown": "stain"})
    assert [(s.status, s.type) for s in samples.values()] == [("good", "good"), ("unboxed", "stain")]
