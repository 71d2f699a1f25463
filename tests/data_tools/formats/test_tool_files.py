"""Files of annotation tools in folders: recognised as one format, read beside foreign files, joined with images."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED
from data_tools.formats.choice import choose_format
from data_tools.formats.tool_files import keys_in

RECTANGLE = {"x": 12.5, "y": 50, "width": 25, "height": 25, "rotation": 0, "rectanglelabels": ["s"]}
CVAT = (
    '<annotations><version>1.1</version><image id="0" name="a.png" width="80" height="60">'
    '<box label="s" xtl="10" ytl="30" xbr="30" ybr="45"/></image>'
    '<image id="1" name="b.png" width="80" height="60"/></annotations>'
)
VIA_REGION = {
    "shape_attributes": {"name": "rect", "x": 10, "y": 30, "width": 20, "height": 15},
    "region_attributes": {"class": "s"},
}
TASK = {"result": [{"id": "r", "value": RECTANGLE, "original_width": 80, "original_height": 60}]}


def darwin(name: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    slots = [{"type": "image", "slot_name": "0", "width": 80, "height": 60}]
    return {"version": "2.0", "item": {"name": name, "path": "/", "slots": slots}, "annotations": list(annotations)}


def labelbox(name: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    label = {"annotations": {"objects": objects, "classifications": []}}
    size = {"height": 60, "width": 80}
    return {"data_row": {"external_id": name}, "media_attributes": size, "projects": {"p": {"labels": [label]}}}


CENTRED = {"x": 20, "y": 37.5, "width": 20, "height": 15}
ITEMS = {
    "categories": {"label": {"labels": [{"name": "s"}]}},
    "items": [
        {"id": "a", "annotations": [{"type": "bbox", "label_id": 0, "bbox": [10, 30, 20, 15]}]},
        {"id": "b", "annotations": []},
    ],
}
# the box of a.png is x 10..30, y 30..45 in all of them, and b.png is good
FILES: dict[str, dict[str, Any]] = {
    "cvat": {"annotations.xml": CVAT},
    "via": {
        "via.json": {
            "a.png9": {"filename": "a.png", "size": 9, "regions": [VIA_REGION], "file_attributes": {}},
            "b.png9": {"filename": "b.png", "size": 9, "regions": [], "file_attributes": {}},
        }
    },
    "labelstudio": {
        "export.json": [
            {"id": 1, "data": {"image": "/data/local-files/?d=a.png"}, "annotations": [TASK]},
            {"id": 2, "data": {"image": "/data/local-files/?d=b.png"}, "annotations": [{"result": []}]},
        ]
    },
    "datumaro": {"default.json": ITEMS},
    "darwin": {
        "a.json": darwin("a.png", {"name": "s", "bounding_box": {"x": 10, "y": 30, "w": 20, "h": 15}}),
        "b.json": darwin("b.png"),
    },
    "createml": {
        "all.json": [
            {
                "image": "a.png",
                "annotations": [{"label": "s", "coordinates": CENTRED}],
            },
            {"image": "b.png", "annotations": []},
        ]
    },
    "labelbox": {
        "export.ndjson": "\n".join(
            json.dumps(labelbox(name, objects))
            for name, objects in (
                ("a.png", [{"name": "s", "bounding_box": {"left": 10, "top": 30, "width": 20, "height": 15}}]),
                ("b.png", []),
            )
        )
    },
    # column 10 begins at pixel 601 of 60 rows; 20 columns, rows 30..44
    "rle": {
        "train.csv": "ImageId,ClassId,EncodedPixels\na.png,s,"
        + " ".join(f"{column * 60 + 31} 15" for column in range(10, 30))
        + "\nb.png,s,\n"
    },
    "supervisely": {
        "meta.json": {"classes": [{"title": "s"}], "tags": []},
        "ann/a.png.json": {
            "size": {"height": 60, "width": 80},
            "tags": [],
            "objects": [{"classTitle": "s", "geometryType": "rectangle", "points": {"exterior": [[10, 30], [29, 44]]}}],
        },
        "ann/b.png.json": {"size": {"height": 60, "width": 80}, "tags": [], "objects": []},
    },
}


def lay_out(folder: Path, name: str, save: Any) -> None:
    """The files of a format with their images."""
    for file, content in FILES[name].items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    for image in ("a.png", "b.png"):
        save(folder / ("img" if name == "supervisely" else ".") / image)


@pytest.mark.parametrize("name", FILES)
def test_folders_and_files_are_recognised_as_one_format(tmp_path: Path, name: str, save: Any) -> None:
    lay_out(tmp_path, name, save)
    assert choose_format([tmp_path], "auto")[0].name == name
    for file in FILES[name]:
        if file != "meta.json":
            assert choose_format([tmp_path / file], "auto")[0].name == name


@pytest.mark.parametrize("name", FILES)
def test_a_box_and_a_good_image_with_its_evidence(tmp_path: Path, name: str, save: Any, read: Any) -> None:
    lay_out(tmp_path, name, save)
    samples, findings = read(name, tmp_path)
    a, b = (next(s for path, s in samples.items() if path.endswith(image)) for image in ("a.png", "b.png"))
    assert (a.status, a.box_types) == (BOXED, ("s",))
    assert a.boxes_xyxy == pytest.approx(np.array([[10, 30, 30, 45]]))
    assert b.status == GOOD
    assert b.evidence
    assert not findings.rejects


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("rle", "cvat", "labelbox")])
def test_a_foreign_file_beside_is_listed(tmp_path: Path, name: str, save: Any, read: Any) -> None:
    lay_out(tmp_path, name, save)
    (tmp_path / "0.json").write_text('{"learning_rate": 1}')
    (tmp_path / "1.json").write_text("{broken")
    assert choose_format([tmp_path], "auto")[0].name == name
    samples, findings = read(name, tmp_path)
    assert len(samples) == 2
    assert {Path(reject.source).name for reject in findings.rejects} == {"0.json", "1.json"}


def test_files_of_several_jobs_are_joined(tmp_path: Path, save: Any, read: Any) -> None:
    lay_out(tmp_path, "cvat", save)
    second = CVAT.replace('xtl="10"', 'xtl="50"').replace('xbr="30"', 'xbr="60"')
    (tmp_path / "job_2.xml").write_text(second)
    samples, _ = read("cvat", tmp_path)
    assert samples["a.png"].boxes_xyxy.tolist() == [[10, 30, 30, 45], [50, 30, 60, 45]]


def test_images_of_one_name_are_those_in_the_folder_of_the_file(tmp_path: Path, save: Any, read: Any) -> None:
    for name in ("cvat", "createml", "via"):
        for task in ("one", "two"):
            lay_out(tmp_path / name / task, name, save)
        samples, findings = read(name, tmp_path / name)
        assert {path: s.status for path, s in samples.items()} == {
            f"{task}/{image}.png": status for task in ("one", "two") for image, status in (("a", BOXED), ("b", GOOD))
        }
        assert not findings.rejects


def test_datasets_of_a_supervisely_project_may_share_names(tmp_path: Path, save: Any, read: Any) -> None:
    lay_out(tmp_path / "ds1", "supervisely", save)
    lay_out(tmp_path / "ds2", "supervisely", save)
    (tmp_path / "ds2" / "ann" / "a.png.json").write_text((tmp_path / "ds2" / "ann" / "b.png.json").read_text())
    samples, findings = read("supervisely", tmp_path)
    assert {path: sample.status for path, sample in samples.items()} == {
        "ds1/img/a.png": BOXED,
        "ds1/img/b.png": GOOD,
        "ds2/img/a.png": GOOD,
        "ds2/img/b.png": GOOD,
    }
    assert not findings.rejects


def test_a_tag_makes_an_image_a_defect_without_a_box(tmp_path: Path, save: Any, read: Any) -> None:
    lay_out(tmp_path, "cvat", save)
    text = CVAT.replace('name="b.png" width="80" height="60"/>', 'name="b.png"><tag label="dirt"/></image>')
    (tmp_path / "annotations.xml").write_text(text)
    samples, _ = read("cvat", tmp_path)
    assert (samples["b.png"].status, samples["b.png"].type) == (UNBOXED, "dirt")


def test_a_damaged_shape_never_leaves_its_image_good(tmp_path: Path, save: Any, read: Any) -> None:
    lay_out(tmp_path, "cvat", save)
    (tmp_path / "annotations.xml").write_text(CVAT.replace('xbr="30"', ""))
    samples, findings = read("cvat", tmp_path)
    assert "a.png" not in samples or samples["a.png"].status == UNBOXED
    assert "without xbr" in findings.rejects[0].reason


def test_a_file_finds_images_that_its_tool_packed_into_folders(tmp_path: Path, save: Any, read: Any) -> None:
    (tmp_path / "annotations.xml").write_text(CVAT.replace("<image ", '<image subset="Train" '))
    for name in ("a.png", "b.png"):
        save(tmp_path / "images" / "Train" / name)
    samples, findings = read("cvat", tmp_path / "annotations.xml")
    assert set(samples) == {"images/Train/a.png", "images/Train/b.png"}
    assert not findings.rejects


def test_corners_of_tools_are_never_inclusive(tmp_path: Path, save: Any, read: Any) -> None:
    lay_out(tmp_path, "cvat", save)
    with pytest.raises(InputError, match="positions between pixels"):
        read("cvat", tmp_path, corners="inclusive")


def test_no_file_that_can_be_read_is_an_error(tmp_path: Path, save: Any, read: Any) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "a.json").write_text("{broken")
    with pytest.raises(InputError, match="not readable as JSON"):
        read("via", tmp_path)


def test_keys_of_no_file(tmp_path: Path) -> None:
    assert keys_in(tmp_path / "none") == frozenset()
    assert keys_in(tmp_path) == frozenset()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, save: Any, read: Any) -> None:
    lay_out(tmp_path, "via", save)
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(1 << 30)  # a hole, which needs no space
    samples, findings = read("via", tmp_path)
    assert len(samples) == 2
    assert "in parts" in findings.rejects[0].reason
