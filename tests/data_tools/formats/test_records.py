"""Records in JSON that name an image, a label and a mask."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format

BOX = [[20, 10, 50, 30]]
MASK = np.zeros((60, 80), dtype=np.uint8)
MASK[10:30, 20:50] = 255
GOOD, NG = "images/a/1.png", "images/b/1.png"
Record = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path, save) -> Path:
    """Two images, a mask of the second, and an empty one of the first."""
    for name in (GOOD, NG):
        save(tmp_path / name)
    save(tmp_path / "masks/b/1_mask.png", MASK)
    save(tmp_path / "masks/a/1_mask.png", MASK * 0)
    return tmp_path


@pytest.fixture
def told(folder: Path, read) -> Callable[..., tuple[dict[str, tuple[str, str, int]], dict[str, list[int | None]]]]:
    """What a file of records says of its images, and the records that are listed."""

    def build(value: object, name: str = "t.json", **options: object):
        text = value if isinstance(value, str) else json.dumps(value)
        (folder / name).write_text(text, encoding="utf-8")
        assert choose_format([folder / name], "auto")[0].name == "records"
        samples, findings = read("records", folder / name, **options)
        listed: dict[str, list[int | None]] = {}
        for one in findings.rejects:
            if one.line is not None:
                listed.setdefault(one.image, []).append(one.line)
        return {path: (s.status, s.type, len(s.boxes_xyxy)) for path, s in samples.items()}, listed

    return build


def record(image: str, mask: object = None, **more: object) -> Record:
    return {"img_path": image, "mask_path": mask, **more}


def test_real_iad(folder: Path, told) -> None:
    value = {
        "meta": {"normal_class": "OK", "prefix": "jack/"},
        "test": [
            {
                "category": "jack",
                "anomaly_class": "HS",
                "image_path": "b/1.png",
                "mask_path": "b/1_mask.png",
            },
        ],
        "train": [{"category": "jack", "anomaly_class": "OK", "image_path": "a/1.png", "mask_path": None}],
    }
    assert told(value) == ({GOOD: ("good", "good", 0), NG: ("boxed", "HS", 1)}, {})


def test_meta_json_by_product_and_lists_of_lines(folder: Path, read, told) -> None:
    both = [
        record(GOOD, "", cls_name="bottle", specie_name="good", anomaly=0),
        record(NG, "masks/b/1_mask.png", cls_name="bottle", specie_name="broken_large", anomaly=1),
    ]
    expected = {GOOD: ("good", "good", 0), NG: ("boxed", "broken_large", 1)}
    assert told({"train": {"bottle": both[:1]}, "test": {"bottle": both[1:]}}) == (expected, {})
    samples, _ = read("records", folder / "t.json")
    assert samples[NG].boxes_xyxy.tolist() == BOX
    lines = [
        {"filename": GOOD, "label": 0, "label_name": "good", "clsname": "bottle"},
        {"filename": NG, "label": 1, "label_name": "defective", "maskname": "masks/b/1_mask.png", "clsname": "bottle"},
    ]
    text = "\n".join(map(json.dumps, lines))
    for name in ("t.jsonl", "t.json"):
        assert told(text, name) == ({GOOD: ("good", "good", 0), NG: ("boxed", "defect", 1)}, {})


def test_a_table_with_a_column_of_masks(folder: Path, told, read) -> None:
    text = f"object,split,label,image,mask\ncandle,train,normal,{GOOD},\ncandle,test,anomaly,{NG},masks/b/1_mask.png\n"
    expected = {GOOD: ("good", "good", 0), NG: ("boxed", "defect", 1)}
    assert told(text, "1cls.csv") == (expected, {})
    assert told(text.replace(",", ";"), "1cls.csv") == (expected, {})
    (folder / "1cls.csv").write_text(f"{text}{GOOD},x\n")
    with pytest.raises(InputError, match="line 4: 2 fields instead of 5"):
        read("records", folder / "1cls.csv")


@pytest.mark.parametrize(
    ("first", "second", "expected", "listed"),
    [
        # labels alone, in another language, with a mark at the file's start
        ({"Bild": GOOD, "Befund": "i.O."}, {"Bild": NG, "Befund": "n.i.O."}, {GOOD: "good", NG: "unboxed"}, {}),
        (record(GOOD, is_anomaly=False), record(NG, is_anomaly=True), {GOOD: "good", NG: "unboxed"}, {}),
        # InfraredSolarModules
        (
            {"image_filepath": GOOD, "anomaly_class": "No-Anomaly"},
            {"image_filepath": NG, "anomaly_class": "Cell"},
            {GOOD: "good", NG: "unboxed"},
            {},
        ),
        # masks alone: an empty one is of a good image, none says nothing
        (record(GOOD, "masks/a/1_mask.png"), record(NG, "masks/b/1_mask.png"), {GOOD: "good", NG: "boxed"}, {}),
        (record(GOOD), record(NG, ["masks/b/1_mask.png"]), {NG: "boxed"}, {}),
        # what is contradictory, or cannot be found
        (record(GOOD, label="ok", anomaly=1), record(NG, label="ng"), {NG: "unboxed"}, {GOOD: [1]}),
        (record(GOOD, label="ok"), record(GOOD, "masks/a/1_mask.png", label="ng"), {}, {GOOD: [1]}),
        (record(NG, "masks/a/1.png", label="ng"), record(GOOD, label="ok"), {NG: "unboxed", GOOD: "good"}, {NG: [1]}),
        (record(NG, "b/x/1_mask.png", label="ng"), record(GOOD, label="ok"), {NG: "unboxed", GOOD: "good"}, {NG: [1]}),
        (record(GOOD, GOOD, label="ok"), record(NG, label="ng"), {NG: "unboxed"}, {GOOD: [1, 1]}),
        (record(GOOD, label="ok"), {"label": "ng", "anomaly": None}, {GOOD: "good"}, {"": [2]}),
        (record(GOOD, label="ok"), record("c/2.png", label="ng"), {GOOD: "good"}, {"c/2.png": [2]}),
        (record(GOOD, label=None), record(NG, label="ng"), {NG: "unboxed"}, {GOOD: [1]}),
    ],
)
def test_records(
    told, first: Record, second: Record, expected: dict[str, str], listed: dict[str, list[int | None]]
) -> None:
    samples, rejects = told("\ufeff" + json.dumps([first, second]))
    assert {path: one[0] for path, one in samples.items()} == expected
    assert rejects == listed


@pytest.mark.parametrize("labels", [("ok", "ng"), ({"label": "ok"}, {"label": "ng"})])
def test_labels_under_the_names_of_images(told, labels: tuple[object, object]) -> None:
    value = {"classes": ["ok", "ng"], "labels": dict(zip((GOOD, NG), labels, strict=True))}
    expected = {GOOD: ("good", "good", 0), NG: ("unboxed", "defect", 0)}
    assert told(value) == told(value["labels"]) == (expected, {})


def test_what_numbers_mean_is_said(told) -> None:
    value = [record(GOOD, "", label=0), record(NG, "masks/b/1_mask.png", label=1)]
    with pytest.raises(InputError, match=r"t\.json: record 1: label '0': which number or answer is the defect"):
        told(value)
    expected = {GOOD: ("good", "good", 0), NG: ("boxed", "defect", 1)}
    assert told(value, type_map={"0": "good", "1": "defect"}) == (expected, {})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([record(GOOD, label="ok", objects=[{"x": 1}])], "record 1: 'objects' holds more than a value"),
        ([record(GOOD, label="ok", x1=1, y1=2, x2=3, y2=4)], "records with boxes"),
        ([record(GOOD, label="ok", bbox="1 2 3 4")], "records with boxes"),
        ([{"image": GOOD, "split": "train"}], "say nothing of defects"),
        ([{"image": GOOD, "prediction": "good"}, {"image": NG, "prediction": "pit"}], "say nothing of defects"),
        ('[{"image": "a.png", "label": "ok", "label": "ng"}]', "the key 'label' stands twice"),
        ('{"image": "a.png", "label": "ok"}\n{"image": "b.png"\n', "line 2: not readable as JSON"),
        ({GOOD: [[1, 2, 3, 4]], NG: []}, "record 1: 'label' holds more than a value"),
        (["a.png"], "no records that name an image"),
        ([record(GOOD, label="ng", score=0.7)], "record 1: score 0.7: boxes with scores"),
        (
            {"metadata": {"name": GOOD, "status": "Completed"}, "instances": [{"points": {"x1": 1, "x2": 9}}]},
            "record 2: 'points' holds more than a value",
        ),
    ],
)
def test_what_is_not_read_is_refused(folder: Path, read, value: object, reason: str) -> None:
    (folder / "t.json").write_text(value if isinstance(value, str) else json.dumps(value))
    with pytest.raises(InputError, match=reason):
        read("records", folder / "t.json")


def test_masks_need_images_and_no_guess_of_the_others(folder: Path, read) -> None:
    (folder / "t.json").write_text(json.dumps([record(NG, "masks/b/1_mask.png", label="ng")]))
    with pytest.raises(InputError, match="may be masks too"):
        read("records", folder / "t.json", unlabelled="good")
    with pytest.raises(InputError, match="give --images DIR"):
        read("records", folder / "t.json", size_hw=(60, 80))
