import csv
import json
import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from data_tools.convert import main
from data_tools.converting import convert as converting
from data_tools.converting.convert import Conversion
from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_dataset
from data_tools.formats.registry import ReadOptions, formats

AREAS = [
    "WEE939001B0A_1,scratch,rectangle,10,20,30,40",
    "WEE939001B0A_2,scratch,rectangle,10,20,10,40",
    "WEE939002B0A_3,chipping,rectangle,0,0,274,266",
    "WEE939001B0A_1 - Copy,scratch,rectangle,1,2,3,4",
]


@pytest.fixture
def areas(tmp_path: Path) -> Path:
    path = tmp_path / "scratch.csv"
    path.write_text("\n".join(AREAS))
    return path


def test_the_result_loads_in_pycocotools(areas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main([str(areas), "--size", "267,275", "--out", str(out), "--categories", "types", "--seed", "4"]) == 0
    coco = COCO(str(out / "annotations.json"))
    assert (sorted(coco.imgs), sorted(coco.anns)) == ([1, 2, 3, 4], [1, 2, 3])
    assert coco.loadAnns(1)[0]["bbox"] == [10, 20, 21, 21]
    assert coco.loadAnns(1)[0]["area"] == 441
    assert coco.loadAnns(2)[0]["bbox"] == [0, 0, 275, 267]
    assert {c["id"]: c["name"] for c in coco.cats.values()} == {1: "chipping", 2: "scratch"}
    assert [image["group"] for image in coco.imgs.values()] == ["WEE939001B0A"] * 2 + ["WEE939002B0A", "WEE939001B0A"]
    assert [image["status"] for image in coco.imgs.values()] == ["boxed", "unboxed", "boxed", "boxed"]
    splits = json.loads((out / "splits.json").read_text())
    assert splits["seed"] == 4
    assert sorted(splits["train"] + splits["val"] + splits["test"]) == [1, 2, 3, 4]
    with (out / "rejects.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["source"], row["line"], row["image"]) == (str(areas), "2", "WEE939001B0A_2")
    assert "zero-area" in row["reason"]
    shown = capsys.readouterr().out
    assert "4 images, 3 boxes" in shown
    assert "1 zero-area rectangle" in shown
    assert "' - Copy'" in shown


def test_strict_writes_nothing(areas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(areas), "--size", "267,275", "--out", str(tmp_path / "out"), "--strict"]) == 2
    assert not (tmp_path / "out").exists()
    first, *lines = capsys.readouterr().err.splitlines()
    assert first.endswith("--strict: 1 reject and 4 warnings, nothing written")
    assert "scratch.csv, line 2: zero-area" in lines[0]
    assert lines[1].startswith("    WARNING: ")


@pytest.mark.parametrize("change", ["gone", "truncated", "replaced", "of another size"])
def test_an_image_that_changes_meanwhile_is_not_copied(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image, assemble = tmp_path / "src" / "good" / "a.png", converting._assemble_readable
    image.parent.mkdir(parents=True)
    Image.fromarray(np.full((20, 30), 70, np.uint8)).save(image)

    def assembled(*words):  # type: ignore[no-untyped-def]
        dataset = assemble(*words)
        content = image.read_bytes()
        image.write_bytes({"truncated": content[:-20], "replaced": b"no image"}.get(change, content))
        if change == "of another size":
            Image.fromarray(np.full((30, 20), 70, np.uint8)).save(image)
        elif change == "gone":
            image.unlink()
        return dataset

    monkeypatch.setattr(converting, "_assemble_readable", assembled)
    words = [str(tmp_path / "src"), "--format", "mvtec", "--copy", "--out", str(tmp_path / "out"), "--split", "none"]
    assert main(words) == 2
    assert f"{image}: " in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_a_second_conversion_replaces_the_first_when_told(
    areas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [str(areas), "--size", "267,275", "--out", str(out)]
    assert main(words) == 0
    assert main([*words, "--split", "none"]) == 2
    assert "add --replace" in capsys.readouterr().err
    assert read_dataset(out).splits is not None
    assert main([*words, "--split", "none", "--replace"]) == 0
    assert not (out / "splits.json").exists()
    assert read_dataset(out).splits is None


def test_what_is_not_the_dataset_s_own_is_never_replaced(
    areas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of somebody's in images/, which a conversion without --copy did not make."""
    out = tmp_path / "out"
    words = [str(areas), "--size", "267,275", "--out", str(out)]
    assert main(words) == 0
    (out / "images").mkdir()
    (out / "images" / "thesis.txt").write_text("precious")
    assert main([*words, "--replace"]) == 2
    assert "thesis.txt: does not belong to the dataset" in capsys.readouterr().err
    assert (out / "images" / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--size HEIGHT,WIDTH"),
        (["--size", "267"], "--size 267"),
        (["--size", "267,275", "--split", "1,1"], "--split 1,1"),
        (["--size", "267,275", "--split", "1,1,1"], "add up to 1"),
        (["--size", "267,275", "--format", "excel"], "excel"),
        (["--size", "267,275", "--copy"], "--images"),
        (["--images", "nowhere"], "nowhere"),
        (["--size", "267,275", "--group-by", "("], "regular expression"),
        (["--sise", "267,275"], "size"),
    ],
)
def test_bad_usage_is_one_clear_message(
    areas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert main([str(areas), "--out", str(tmp_path / "out"), *flags]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_it_never_replaces_what_is_no_dataset(areas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(areas), "--size", "267,275", "--out", str(tmp_path)]) == 2
    assert areas.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert main([str(areas), "--size", "267,275", "--out", str(tmp_path / "mine")]) == 2
    assert "is no dataset folder" in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    assert main([str(tmp_path / "none.csv"), "--size", "267,275", "--out", str(tmp_path / "out")]) == 2


def test_copied_images_make_the_folder_movable(areas: Path, tmp_path: Path) -> None:
    for name in ("WEE939001B0A_1", "WEE939001B0A_2", "WEE939002B0A_3", "WEE939001B0A_1 - Copy"):
        path = tmp_path / "photos" / "defect" / f"{name}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((267, 275), 9, dtype=np.uint8)).save(path)
    flags = ["--images", str(tmp_path / "photos"), "--out", str(tmp_path / "out"), "--copy"]
    assert main([str(areas), *flags]) == 0
    (tmp_path / "out").rename(tmp_path / "moved")
    dataset = read_dataset(tmp_path / "moved")
    assert dataset.images_root is not None
    assert all((dataset.images_root / sample.path).is_file() for sample in dataset.samples)


def test_real_areas(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(map(str, (shared_data / "nexperia_defect_areas").glob("*.csv")))
    assert main([*files, "--size", "267,275", "--out", str(tmp_path / "out")]) == 0
    assert "3506 images, 3506 boxes" in capsys.readouterr().out
    dataset = read_dataset(tmp_path / "out")
    lots = [{s.group for s in dataset.split(name)} for name in ("train", "val", "test")]
    assert sum(map(len, lots)) == len(set().union(*lots))


@pytest.mark.parametrize("form", ["auto", "coco", "csv", "voc", "yolo", "labelme", "nexperia", "via"])
def test_a_pipe_as_source_is_not_waited_for(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "a.json")
    words = [str(tmp_path / "a.json"), "--format", form, "--size", "60,80", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "a.json: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def write_types(folder: Path, *types: str) -> Path:
    rows = [f"{i}.png,{name},1,1,9,9" for i, name in enumerate(types)]
    (folder / "a.csv").write_text("\n".join(["image,type,x1,y1,x2,y2", *rows]))
    return folder / "a.csv"


@pytest.mark.parametrize(
    ("types", "type_map", "expected"),
    [
        (("1", "2"), "{1: scratch, 2: dent}", ["scratch", "dent"]),
        (("No", "scratch"), "{no: flaw, scratch: yes}", ["flaw", "yes"]),
        (("1.0", "0x10"), "{1.0: a, 0x10: 7}", ["a", "7"]),
        (("Scratch", "dent"), '{"SCRATCH": "Löß"}', ["Löß", "dent"]),
    ],
)
def test_a_type_map_is_text(tmp_path: Path, types: tuple[str, ...], type_map: str, expected: list[str]) -> None:
    flags = ["--size", "20,20", "--split", "none", "--out", str(tmp_path / "out")]
    assert main([str(write_types(tmp_path, *types)), *flags, "--type_map", type_map]) == 0
    assert [sample.type for sample in read_dataset(tmp_path / "out").samples] == expected
    assert main([str(tmp_path / "a.csv"), *flags, "--replace", f"--type_map={type_map}"]) == 0
    assert [sample.type for sample in read_dataset(tmp_path / "out").samples] == expected


def test_good_by_a_type_map(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image,type,x1,y1,x2,y2\n0.png,no,,,,\n1.png,yes,1,1,9,9")
    flags = ["--size", "20,20", "--split", "none", "--out", str(tmp_path / "out"), "--type_map", "{no: good}"]
    assert main([str(tmp_path / "a.csv"), *flags]) == 0
    assert [sample.status for sample in read_dataset(tmp_path / "out").samples] == ["good", "boxed"]


@pytest.mark.parametrize(
    ("type_map", "words"),
    [
        ("{a: x, a: y}", "a type stands twice"),
        ("{A: x, a: y}", "two new names for 'a'"),
        ("{a: }", "type_map must give names new names"),
        ("{a: [x]}", "--type_map: expected text"),
        ("a", "--type_map: expected"),
    ],
)
def test_a_type_map_that_means_nothing_is_refused(
    tmp_path: Path, type_map: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--size", "20,20", "--out", str(tmp_path / "out"), "--type_map", type_map]
    assert main([str(write_types(tmp_path, "a")), *flags]) == 2
    assert words in capsys.readouterr().err


def test_a_type_that_is_met_nowhere_is_warned_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_types(tmp_path, "Scratch", "dent")
    flags = ["--size", "20,20", "--split", "none", "--out", str(tmp_path / "out")]
    assert main([str(source), *flags, "--type_map", "{scrach: x, bubble: y, DENT: z}"]) == 0
    shown = capsys.readouterr().out
    assert (
        "WARNING: --type_map: 'scrach' is no type of the source and renames nothing; did you mean 'Scratch'?" in shown
    )
    assert "'bubble' is no type of the source and renames nothing; it has 'Scratch', 'dent'" in shown
    assert "'dent' is no type" not in shown
    assert main([str(source), *flags, "--replace", "--strict", "--type_map", "{scrach: x}"]) == 2
    assert "'scrach' is no type" in capsys.readouterr().err


def test_folders_of_masks_are_types_that_can_be_renamed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("bent/1.png", 90), ("bent/1_mask.png", 0)):
        pixels = np.full((20, 20), value, dtype=np.uint8)
        pixels[2:8, 2:8] = 255
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "set" / name)
    flags = [
        "--split",
        "none",
        "--format",
        "mask",
        "--out",
        str(tmp_path / "out"),
        "--type_map",
        "{Bent: bend, bet: x}",
    ]
    assert main([str(tmp_path / "set"), *flags]) == 0
    shown = capsys.readouterr().out
    assert [sample.type for sample in read_dataset(tmp_path / "out").samples] == ["bend"]
    assert "'bet' is no type of the source and renames nothing; did you mean 'bent'?" in shown
    assert "'bent' is no type" not in shown


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"categories": "type"}, "categories must be single or types, not type"),
        ({"shares": "0.7,0.2,0.1"}, "shares must be three"),
        ({"shares": (0.5, 0.5)}, "shares must be three"),
        ({"shares": (0.5, 0.6, -0.1)}, "shares must lie in 0..1"),
        ({"shares": ("a", 0.5, 0.5)}, "shares must lie in 0..1"),
        ({"shares": (0.5, 0.5, 0.5)}, "shares must add up to 1"),
        ({"group_by": "lot("}, "--group-by 'lot\\(': not a regular expression"),
        (
            {"read": ReadOptions(columns=("image", "x1", "y1", "x2", "y2")), "format": "voc"},
            "--columns .* no meaning in voc",
        ),
        ({"read": None}, "read must be ReadOptions"),
        ({"seed": -1}, "--seed -1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        converting.Conversion(**settings)


CHANGES = {
    "images": Path("."),
    "size_hw": (9, 9),
    "corners": "inclusive",
    "min_area": 3,
    "merge_distance": 1,
    "type_map": {"a": "b"},
    "unlabelled": "good",
    "templates": "good",
    "columns": ("image", "x1", "y1", "x2", "y2"),
}


@pytest.mark.parametrize("name", sorted(formats()))
def test_an_option_that_a_format_does_not_read_is_refused_and_those_that_do_are_named(name: str) -> None:
    assert CHANGES.keys() == {one.name for one in fields(ReadOptions)}
    reads = formats()[name].reads
    for option in CHANGES.keys() - reads:
        able = ", ".join(other for other, one in formats().items() if option in one.reads)
        with pytest.raises(InputError, match=f"^--{option.removesuffix('_hw')} .* in {name}; it is read by {able};"):
            Conversion(format=name, read=ReadOptions(**{option: CHANGES[option]}))
    read = ReadOptions(**{option: CHANGES[option] for option in reads})
    assert Conversion(format=name, read=read).format == name


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--min_area", "9"], "--min_area has no meaning in nexperia; it is read by mask, mvtec, highlight"),
        (["--templates", "good"], "--templates has no meaning in nexperia; it is read by deeppcb; leave"),
        (["--format", "coco", "--corners", "inclusive"], "--corners has no meaning in coco; it is read by"),
    ],
)
def test_a_flag_without_a_meaning_is_refused(tmp_path: Path, capsys, flags: list[str], message: str) -> None:
    areas = tmp_path / "areas.csv"
    areas.write_text("lot 1,crack,rectangle,1,2,11,22\n")
    assert main([str(areas), "--size", "267,275", "--out", str(tmp_path / "out"), *flags]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["areas.csv"]


def test_a_flag_that_says_what_is_so_anyway_is_taken() -> None:
    assert Conversion(format="csv", read=ReadOptions(min_area=10, unlabelled="reject")).format == "csv"
    assert Conversion(format="coco", read=ReadOptions(corners="exclusive")).format == "coco"


def test_a_note_on_several_files_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outline = [[1, 2], [11, 2], [11, 22]]
    for name in "abc":
        inside = [{"category": "pit", "bbox": [1, 2, 11, 22], "segmentation": outline}] if name != "c" else []
        (tmp_path / f"{name}.json").write_text(json.dumps({"image": f"{name}.png", "objects": inside}))
    assert main([str(tmp_path), "--size", "40,40", "--out", str(tmp_path / "out"), "--split", "none"]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert notes == ["note: a.json and 1 more: bbox read as two corners, as the outlines beside it say"]


def test_splits_and_lots_that_annotations_name_are_used(tmp_path: Path) -> None:
    rows = [f"a{i}.png,1,2,11,22,pit,L{i // 2},{('train', 'train', 'val', 'test')[i // 2]}" for i in range(8)]
    (tmp_path / "boxes.csv").write_text("\n".join(["image,x1,y1,x2,y2,class,lot,split", *rows]))
    out = tmp_path / "out"
    flags = ["--size", "40,40", "--split", "given", "--out"]
    assert main([str(tmp_path / "boxes.csv"), *flags, str(out)]) == 0
    dataset = read_dataset(out)
    assert [sample.group for sample in dataset.samples] == ["g1", "g1", "g2", "g2", "g3", "g3", "g4", "g4"]
    assert dataset.splits is not None
    assert (dataset.splits.train, dataset.splits.val, dataset.splits.test) == ((1, 2, 3, 4), (5, 6), (7, 8))


def test_the_names_of_coco_files_are_a_split(tmp_path: Path) -> None:
    (tmp_path / "coco").mkdir()
    for i, part in enumerate(("train2017", "val2017", "test")):
        image = {"id": 1, "file_name": f"a{i}.png", "width": 40, "height": 40}
        box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 20], "area": 200}
        value = {"images": [image], "annotations": [box], "categories": [{"id": 1, "name": "pit"}]}
        (tmp_path / "coco" / f"instances_{part}.json").write_text(json.dumps(value))
    assert main([str(tmp_path / "coco"), "--split", "given", "--out", str(tmp_path / "out")]) == 0
    dataset = read_dataset(tmp_path / "out")
    names = {sample.image_id: sample.path for sample in dataset.samples}
    assert dataset.splits is not None
    assert [[names[i] for i in dataset.splits.ids(part)] for part in ("train", "val", "test")] == [
        ["a0.png"],
        ["a1.png"],
        ["a2.png"],
    ]
