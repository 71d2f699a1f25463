"""Segmentations as VOC and CVAT lay them out: a folder of types, a folder of single defects, and labelmap.txt."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError

SIZE = (60, 80)
RED, GREEN, BLUE = (250, 50, 83), (0, 128, 0), (0, 0, 128)
LABELS = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nscratch:250,50,83::\nok:0,0,128::\nchip:7,7,7::\n"


def drawn(*areas: tuple[tuple[int, int, int, int], int | tuple[int, int, int]]) -> np.ndarray:
    """A mask in gray or colours with areas x1, y1, x2, y2 of a value, drawn one after the other."""
    colour = any(isinstance(value, tuple) for _, value in areas)
    pixels = np.zeros((*SIZE, 3) if colour else SIZE, dtype=np.uint8)
    for (x1, y1, x2, y2), value in areas:
        pixels[y1:y2, x1:x2] = value
    return pixels


def put(save, folder: Path, name: str, types: np.ndarray, objects: np.ndarray | None = None) -> None:
    save(folder / "JPEGImages" / f"{name}.png", SIZE)
    save(folder / "SegmentationClass" / f"{name}.png", types)
    if objects is not None:
        save(folder / "SegmentationObject" / f"{name}.png", objects)


def test_two_folders_are_one_defect_each_with_its_name(tmp_path: Path, read, save) -> None:
    left, right = (10, 10, 30, 30), (30, 20, 50, 40)  # they touch: the types alone make one region of them
    put(save, tmp_path, "a", drawn((left, RED), (right, RED)), drawn((left, GREEN), (right, BLUE)))
    put(save, tmp_path, "b", drawn((left, (7, 7, 7))), drawn((left, GREEN)))
    put(save, tmp_path, "c", drawn(), drawn())
    put(save, tmp_path, "d", drawn((left, BLUE)), drawn((left, GREEN)))
    put(save, tmp_path, "e", drawn((left, GREEN)), drawn((left, GREEN)))
    (tmp_path / "labelmap.txt").write_text(LABELS)
    samples, findings = read("mask", tmp_path)
    assert sorted(samples["JPEGImages/a.png"].boxes_xyxy.tolist()) == [list(left), list(right)]
    assert {name.split("/")[1]: (s.status, s.box_types) for name, s in samples.items()} == {
        "a.png": ("boxed", ("scratch", "scratch")),
        "b.png": ("boxed", ("chip",)),
        "c.png": ("good", ()),
        "d.png": ("good", ()),
    }
    assert ["#008000" in r.reason for r in findings.rejects] == [True]


@pytest.mark.parametrize(
    ("name", "text", "other", "expected"),
    [
        ("_classes.csv", "Pixel Value, Class\n0, background\n1, pit\n2, burn\n", "", ("burn", "pit")),
        ("class_names.txt", "_background_\npit\nburn\n", "", ("burn", "pit")),
        ("class_names.txt", "pit\nburn\n", "", ("defect", "defect")),  # may begin with 0 or with 1
        ("class_names.txt", "_background_\npit\nburn\n", "_background_\nburn\npit\n", ("defect", "defect")),
    ],
)
def test_names_of_numbers(
    tmp_path: Path, read, save, name: str, text: str, other: str, expected: tuple[str, ...]
) -> None:
    put(save, tmp_path, "a", drawn(((10, 10, 30, 30), 1), ((40, 20, 60, 40), 2)))
    (tmp_path / name).write_text(text)
    if other:
        (tmp_path / "valid").mkdir()
        (tmp_path / "valid" / name).write_text(other)
    samples, findings = read("mask", tmp_path)
    assert tuple(sorted(samples["JPEGImages/a.png"].box_types)) == expected
    assert not findings.rejects


def test_palettes_are_read_by_their_colours(tmp_path: Path, read, save) -> None:
    save(tmp_path / "JPEGImages" / "a.png", SIZE)
    mask = Image.fromarray(drawn(((10, 10, 30, 30), 1)), mode="P")
    mask.putpalette([0, 0, 0, *RED])
    (tmp_path / "SegmentationClass").mkdir()
    mask.save(tmp_path / "SegmentationClass" / "a.png")
    (tmp_path / "labelmap.txt").write_text(LABELS)
    assert read("mask", tmp_path)[0]["JPEGImages/a.png"].box_types == ("scratch",)


@pytest.mark.parametrize("text", ["scratch\n", "scratch:1,2\n", "scratch:1,2,300::\n", "a:1,2,3::\nb:1,2,3::\n"])
def test_a_label_map_that_is_none(tmp_path: Path, read, save, text: str) -> None:
    put(save, tmp_path, "a", drawn(((10, 10, 30, 30), RED)))
    (tmp_path / "labelmap.txt").write_text(text)
    with pytest.raises(InputError, match=r"labelmap\.txt, line \d"):
        read("mask", tmp_path)


def test_void_is_no_defect_and_void_alone_says_nothing(tmp_path: Path, read, save) -> None:
    inner, outer = (20, 20, 40, 40), (17, 17, 43, 43)
    for name, number in (("a", 1), ("b", 2), ("c", 1)):
        put(save, tmp_path, name, drawn((outer, 255), (inner, number)), drawn((outer, 255), (inner, 1)))
    put(save, tmp_path, "d", drawn(), drawn())
    put(save, tmp_path, "e", drawn((inner, 255)), drawn((inner, 255)))
    samples, findings = read("mask", tmp_path)
    assert {name.split("/")[1]: (s.status, s.boxes_xyxy.tolist(), s.type) for name, s in samples.items()} == {
        "a.png": ("boxed", [list(inner)], "1"),
        "b.png": ("boxed", [list(inner)], "2"),
        "c.png": ("boxed", [list(inner)], "1"),
        "d.png": ("good", [], "good"),
    }
    assert "nothing but void (255)" in findings.rejects[0].reason
    assert "255 taken for void" in findings.notes[0]


def test_255_beside_numbers_of_types_is_what_is_said_of_it(tmp_path: Path, read, save) -> None:
    put(save, tmp_path, "a", drawn(((10, 10, 30, 30), 255)))
    put(save, tmp_path, "b", drawn(((10, 10, 30, 30), 1), ((40, 10, 60, 30), 255)))
    with pytest.raises(InputError, match="hold 255 beside 1: a type, or what is not judged"):
        read("mask", tmp_path)
    samples, _ = read("mask", tmp_path, type_map={"255": "dent"})
    assert sorted(kind for s in samples.values() for kind in s.box_types) == ["1", "dent", "dent"]
    samples, findings = read("mask", tmp_path, type_map={"255": "ignore"})
    assert {name[-5:]: s.box_types for name, s in samples.items()} == {"b.png": ("1",)}
    assert "nothing but void (255)" in findings.rejects[0].reason
