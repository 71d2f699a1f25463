import os
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.formats.choice import choose_format
from data_tools.formats.yolo.yolo import write


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_labels_beside_images_in_folders_of_their_own(tmp_path: Path, read, save) -> None:
    for name in ("train/a", "train/b", "val/a"):
        save(tmp_path / "images" / f"{name}.png", (100, 200))
    put(tmp_path / "labels/train/a.txt", "1 0.5 0.5 0.1 0.2\n0 0.1 0.1 0.2 0.1 0.3 0.4\n")
    put(tmp_path / "labels/val/a.txt", "")
    put(tmp_path / "data.yaml", "names: {0: chip, 1: scratch}\ntrain: images/train\n")
    samples, findings = read("yolo", tmp_path)
    assert samples["images/train/a.png"].boxes_xyxy == pytest.approx(np.array([[90, 40, 110, 60], [20, 10, 60, 40]]))
    assert samples["images/train/a.png"].box_types == ("scratch", "chip")
    assert {s.status for name, s in samples.items() if name != "images/train/a.png"} == {"good"}
    assert len(samples) == 3
    assert not findings.rejects


@pytest.mark.parametrize("layout", ["{part}/images/a.png {part}/labels/a.txt", "{part}/a.png {part}/a.txt"])
def test_other_layouts(tmp_path: Path, read, save, layout: str) -> None:
    for part in ("train", "test"):
        image, label = layout.format(part=part).split()
        save(tmp_path / image, (100, 200))
        put(tmp_path / label, "0 0.5 0.5 1 1\n" if part == "train" else "0 0.25 0.5 0.5 1\n")
    put(tmp_path / "classes.txt", "scratch\n")
    samples, findings = read("yolo", tmp_path)
    assert sorted(s.boxes_xyxy.tolist() for s in samples.values()) == [[[0, 0, 100, 100]], [[0, 0, 200, 100]]]
    assert not findings.rejects


def test_wrong_lines_are_listed_and_make_no_good_image(tmp_path: Path, read) -> None:
    lines = [
        "2 .5 .5 .1 .1",
        "0 .5 .5 .1",
        "x .5 .5 .1 .1",
        "0 .5 .5 nan .1",
        "0 50 50 10 10",
        "0 .5 .5 0 .1",
        "0 .5 .5 .1 .1 .9",
        "0 .9 .5 .3 .1",
    ]
    put(tmp_path / "labels/a.txt", "\n".join(lines))
    put(tmp_path / "classes.txt", "scratch\nchip\n")
    samples, findings = read("yolo", tmp_path, size_hw=(100, 100))
    assert samples["images/a"].boxes_xyxy == pytest.approx(np.array([[75, 45, 100, 55]]))  # of which most lies inside
    assert sorted(r.line or 0 for r in findings.rejects) == [1, 2, 3, 4, 5, 6, 7]
    assert [r.line for r in findings.mended] == [8]
    put(tmp_path / "labels/a.txt", "\n".join(lines[:-1]))
    assert read("yolo", tmp_path, size_hw=(100, 100))[0]["images/a"].status == "unboxed"


def test_a_confidence_behind_a_line_makes_a_prediction_of_it(tmp_path: Path, read) -> None:
    """Behind a box and behind an outline; it is no truth, and its image neither good nor a defect."""
    put(tmp_path / "labels/a.txt", "0 .5 .5 .1 .1 .87\n0 .1 .1 .2 .1 .3 .4 .6\n")
    put(tmp_path / "labels/b.txt", "0 .5 .5 .1 .1\n")
    samples, findings = read("yolo", tmp_path, size_hw=(100, 100))
    assert [*samples] == ["images/b"]
    assert [r.line for r in findings.rejects if "what a model says" in r.reason] == [1, 2, None]


def test_boxes_written_as_two_corners_are_refused(tmp_path: Path, read) -> None:
    """As centre and sides .3 .2 .5 .5 begins at -.05; beside .6 .2 .3 .3, which is no pair of corners, it is cut."""
    put(tmp_path / "labels/a.txt", "0 .5 .6 .9 .9\n")
    put(tmp_path / "labels/b.txt", "0 .3 .2 .5 .5\n")
    with pytest.raises(InputError, match=r"a.txt, line 1: 2 of 2 boxes leave their images, and all would be"):
        read("yolo", tmp_path, size_hw=(100, 100))
    put(tmp_path / "labels/c.txt", "0 .6 .2 .3 .3\n")
    assert len(read("yolo", tmp_path, size_hw=(100, 100))[0]) == 3


def test_class_names_that_are_none(tmp_path: Path, read) -> None:
    put(tmp_path / "a.txt", "0 .5 .5 .1 .1\n")
    assert read("yolo", tmp_path, size_hw=(10, 10))[0]["a"].type == "class_0"
    for text in ("names: 5", "[", "a: &a [*a]\nnames: *a", "names: {0: a, 2: b}"):
        put(tmp_path / "data.yaml", text)
        with pytest.raises(InputError, match=r"data\.yaml"):
            read("yolo", tmp_path, size_hw=(10, 10))


def test_class_names_are_texts_whatever_yaml_makes_of_them(tmp_path: Path, read) -> None:
    put(tmp_path / "a.txt", "0 .5 .5 .1 .1\n1 .5 .5 .2 .2\n2 .5 .5 .4 .4\n")
    put(tmp_path / "data.yaml", "names: [NO, 012, on]\n")
    assert read("yolo", tmp_path, size_hw=(100, 100))[0]["a"].box_types == ("NO", "012", "on")


def test_lists_of_names_that_contradict_each_other_are_refused(tmp_path: Path, read) -> None:
    put(tmp_path / "labels/a.txt", "1 .5 .5 .1 .1\n")
    put(tmp_path / "data.yaml", "names: [chip, scratch]\n")
    put(tmp_path / "labels/classes.txt", "chip\nscratch\ndent\n")
    assert read("yolo", tmp_path, size_hw=(100, 100))[0]["images/a"].type == "scratch"
    put(tmp_path / "labels/classes.txt", "dog\nperson\nchip\nscratch\n")
    with pytest.raises(InputError, match=r"data\.yaml calls class 0 'chip', but .*classes\.txt 'dog'"):
        read("yolo", tmp_path, size_hw=(100, 100))


def test_names_below_the_folder_are_found_and_must_agree(tmp_path: Path, read, save) -> None:
    for part in "ab":
        save(tmp_path / part / "images" / f"{part}.png", (100, 200))
        put(tmp_path / part / "labels" / f"{part}.txt", "0 0.5 0.5 0.1 0.2\n")
        put(tmp_path / part / "data.yaml", "names: [pit]\n")
    assert {s.type for s in read("yolo", tmp_path)[0].values()} == {"pit"}
    put(tmp_path / "b" / "data.yaml", "names: [dent]\n")
    with pytest.raises(InputError, match="calls class 0 'pit', but"):
        read("yolo", tmp_path)


def test_a_description_of_the_set_may_have_any_name(tmp_path: Path, read) -> None:
    put(tmp_path / "steel" / "labels" / "train" / "a.txt", "0 0.5 0.5 0.1 0.2\n")
    put(tmp_path / "steel.yaml", "path: steel\ntrain: images/train\nval: images/val\nnames:\n  0: pit\n")
    put(tmp_path / "steel" / "other.yaml", "names: [dent]\n")
    assert read("yolo", tmp_path, size_hw=(100, 200))[0]["steel/images/train/a"].type == "pit"


def test_an_image_on_no_list_is_no_background(tmp_path: Path, read, save) -> None:
    for name in "abc":
        save(tmp_path / "images" / f"{name}.png")
    put(tmp_path / "labels/a.txt", "0 .5 .5 .1 .1\n")
    assert {n[-5]: s.status for n, s in read("yolo", tmp_path)[0].items()} == {"a": "boxed", "b": "good", "c": "good"}
    put(tmp_path / "train.txt", "./images/a.png\n./images/b.png\n")
    samples, findings = read("yolo", tmp_path)
    assert {n[-5]: s.status for n, s in samples.items()} == {"a": "boxed", "b": "good"}
    assert [count for text, count in findings.warnings.items() if "none of the lists" in text] == [1]


def test_what_is_written_makes_no_unboxed_defect_background(tmp_path: Path, read, save) -> None:
    samples = [
        Sample(1, "a.png", (60, 80), np.array([[8.0, 6, 16, 12]]), np.array([1]), "boxed", "", "chip"),
        Sample(2, "b.png", (60, 80), np.zeros((0, 4)), np.zeros(0, dtype=np.int64), "unboxed", "", "chip"),
    ]
    for sample in samples:
        save(tmp_path / "images" / sample.path)
    write(Dataset(tuple(samples), ("defect",)), tmp_path)
    assert "train: train.txt" in (tmp_path / "data.yaml").read_text()
    assert [(n[-5], s.status) for n, s in read("yolo", tmp_path)[0].items()] == [("a", "boxed")]


def test_labels_that_are_there_but_cannot_be_used(tmp_path: Path, read, save) -> None:
    for name in "abcdefg":
        save(tmp_path / "src" / "images" / f"{name}.png", (60, 80))
    labels = tmp_path / "src" / "labels"
    put(labels / "a.txt", "0 .5 .5 .1 .1\n")
    (labels / "b.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(labels / "c.txt")
    (labels / "d.txt").mkdir()
    put(labels / "e.txt.dvc", "outs: []")
    put(tmp_path / "elsewhere.txt", "")
    (labels / "f.txt").symlink_to(tmp_path / "elsewhere.txt")
    samples, findings = read("yolo", tmp_path / "src")
    assert {name: s.status for name, s in samples.items()} == {"images/a.png": "boxed", "images/g.png": "good"}
    assert samples["images/g.png"].evidence == "no label file, as YOLO has it"
    assert sorted({Path(r.image).stem for r in findings.rejects}) == ["b", "c", "d", "e", "f"]


def test_a_label_file_that_meets_no_image_leaves_none_good_without_a_label(tmp_path: Path, read, save) -> None:
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png", (60, 80))
        save(tmp_path / "other" / f"{name}.png", (60, 80))
    put(tmp_path / "labels/a.txt", "0 .5 .5 .1 .1\n")
    put(tmp_path / "labels/notes on this.txt", "made by us\n")
    assert set(read("yolo", tmp_path)[0]) == {"images/a.png", "images/b.png"}
    put(tmp_path / "labels/x.txt", "0 .5 .5 .1 .1\n")
    assert set(read("yolo", tmp_path)[0]) == {"images/a.png"}


def test_one_label_file_speaks_of_its_own_image_alone(tmp_path: Path, read, save) -> None:
    put(tmp_path / "labels/a.txt", "0 .5 .5 .1 .1\n")
    assert set(read("yolo", tmp_path / "labels" / "a.txt", size_hw=(60, 80))[0]) == {"a"}
    for name in ("a", "b"):
        save(tmp_path / "photos" / f"{name}.png", (60, 80))
    assert set(read("yolo", tmp_path / "labels" / "a.txt", images=tmp_path / "photos")[0]) == {"a.png"}


@pytest.mark.parametrize(
    ("shape", "points"),
    [
        ("[2, 2]", "0.1 0.1 0.9 0.9"),
        ("[2, 3]", "0.1 0.1 2 0.9 0.9 2"),
        ("[1, 3]", "0.1 0.1 1"),
        ("[2, 3]", "0 0 0 0 0 0"),
    ],
)
def test_a_box_with_key_points_is_its_box(tmp_path: Path, read, shape: str, points: str) -> None:
    put(tmp_path / "data.yaml", f"names: [scratch]\nkpt_shape: {shape}\n")
    put(
        tmp_path / "labels/a.txt",
        f"0 0.5 0.5 0.1 0.2 {points}\n0 0.2 0.2 0.1 0.1\n0 0.1 0.1 0.2 0.1 0.3 0.4 0.5 0.6 1 1 0 0\n",
    )
    put(tmp_path / "classes.txt", "scratch\n")
    samples, findings = read("yolo", tmp_path, size_hw=(100, 100))
    assert samples["images/a"].boxes_xyxy == pytest.approx(np.array([[45, 40, 55, 60], [15, 15, 25, 25]]))
    assert [(r.line, r.reason.split(":")[1]) for r in findings.mended] == [(1, " the key points are left out")]
    assert [r.line for r in findings.rejects] == [3]


def test_a_kpt_shape_that_is_none(tmp_path: Path, read) -> None:
    put(tmp_path / "labels/a.txt", "0 0.5 0.5 0.1 0.2 0.1 0.1\n")
    for shape in ("5", "[2, 4]", "[0, 2]", "[true, 2]", "{a: 1}"):
        put(tmp_path / "data.yaml", f"names: [scratch]\nkpt_shape: {shape}\n")
        with pytest.raises(InputError, match=r"data\.yaml: key 'kpt_shape'"):
            read("yolo", tmp_path, size_hw=(10, 10))


def test_a_description_of_another_set_gives_no_names(tmp_path: Path, read, save) -> None:
    save(tmp_path / "images" / "a.png")
    put(tmp_path / "labels/a.txt", "0 0.5 0.5 0.1 0.2\n")
    put(tmp_path / "ultralytics/cfg/coco.yaml", "path: ../datasets/coco\ntrain: images\nval: images\nnames: [person]\n")
    samples, findings = read("yolo", tmp_path)
    assert [s.type for s in samples.values()] == ["class_0"]
    assert any("coco.yaml names classes, but lies neither" in text for text in findings.warnings)
    put(tmp_path / "cfg/mine.yaml", "path: ..\ntrain: images\nval: images\nnames: [pit]\n")
    samples, findings = read("yolo", tmp_path)
    assert [s.type for s in samples.values()] == ["pit"]
    assert findings.notes == [f"names of the classes from {tmp_path / 'cfg/mine.yaml'}"]
    assert not findings.warnings


def test_an_image_with_annotations_of_another_kind_is_no_background(tmp_path: Path, read, save) -> None:
    for name in "abcde":
        save(tmp_path / f"images/{name}.png")
    put(tmp_path / "labels/a.txt", "0 0.5 0.5 0.1 0.2\n")
    put(tmp_path / "labels/b.xml", "<annotation><object><name>pit</name></object></annotation>")
    put(tmp_path / "json/C.json", '{"shapes": [{"label": "pit"}]}')
    put(tmp_path / "json/d.json", '{"camera": "left", "shapes": []}')
    samples, findings = read("yolo", tmp_path)
    assert {name[7]: s.status for name, s in samples.items()} == {"a": "boxed", "d": "good", "e": "good"}
    assert [r.image for r in findings.rejects] == ["images/b.png", "images/c.png"]
    assert "b.xml holds annotations of another kind" in findings.rejects[0].reason


def test_figures_of_a_training_are_no_background(tmp_path: Path, read, save) -> None:
    figures = ("results.png", "confusion_matrix_normalized.png", "BoxPR_curve.png", "val_batch0_pred.jpg", "labels.jpg")
    for name in ("a.png", "results_7.png", *figures):
        save(tmp_path / name)
    put(tmp_path / "a.txt", "0 0.5 0.5 0.1 0.2\n")
    samples, findings = read("yolo", tmp_path)
    assert sorted(samples) == ["a.png", "results_7.png"]
    assert sorted(r.image for r in findings.rejects) == sorted(figures)


@pytest.mark.parametrize("line", ["1.0 0.5 0.5 0.1 0.2", "1.000e+00 5.000e-01 5.000e-01 1.000e-01 2.000e-01"])
def test_classes_in_a_table_of_floats(tmp_path: Path, read, save, line: str) -> None:
    save(tmp_path / "a.png", (100, 200))
    put(tmp_path / "a.txt", f"{line}\n")
    assert choose_format([tmp_path], "auto")[0].name == "yolo"
    samples, _ = read("yolo", tmp_path)
    assert samples["a.png"].boxes_xyxy == pytest.approx(np.array([[90, 40, 110, 60]]))
    assert samples["a.png"].box_types == ("class_1",)


def test_an_image_with_a_mask_is_no_background(tmp_path: Path, read, save) -> None:
    for name in ("images/a.png", "images/b.png", "images/c.png", "masks/a.png", "masks/b.png"):
        save(tmp_path / name)
    put(tmp_path / "labels/a.txt", "0 0.5 0.5 0.1 0.2\n")
    samples, findings = read("yolo", tmp_path)
    assert {name[7]: s.status for name, s in samples.items()} == {"a": "boxed", "c": "good"}
    assert [r.image for r in findings.rejects if "a mask, which is not read" in r.reason] == ["images/b.png"]


def test_files_with_names_of_classes_in_capitals(tmp_path: Path, read) -> None:
    put(tmp_path / "LABELS/A.TXT", "0 0.5 0.5 0.1 0.2\n")
    put(tmp_path / "CLASSES.TXT", "scratch\n")
    assert read("yolo", tmp_path, size_hw=(40, 40))[0]["images/A"].box_types == ("scratch",)


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        ("Bad Weld\nGood Weld\n", ["good", "Bad Weld"]),
        ("scratch\nGood Contact\n", ["Good Contact", "scratch"]),  # may be one that is lacking
    ],
)
def test_a_good_class_beside_the_same_in_bad(tmp_path: Path, read, names: str, kinds: list[str]) -> None:
    put(tmp_path / "a.txt", "1 0.5 0.5 0.1 0.2\n")
    put(tmp_path / "b.txt", "0 0.5 0.5 0.1 0.2\n1 0.2 0.5 0.1 0.2\n")
    put(tmp_path / "classes.txt", names)
    samples, _ = read("yolo", tmp_path, size_hw=(40, 40))
    assert [samples["a"].type, samples["b"].type] == kinds
    kept = read("yolo", tmp_path, size_hw=(40, 40), type_map={"good weld": "Good Weld"})[0]["a"]
    assert kept.status == "boxed"


@pytest.mark.parametrize(("folder", "status"), [("Surface Defect Dataset/a/b/c", None), ("NG", "unboxed")])
def test_a_folder_of_all_images_and_those_far_below(
    tmp_path: Path, read, save, folder: str, status: str | None
) -> None:
    save(tmp_path / folder / "train/images/x.png", (100, 200))
    put(tmp_path / folder / "train/labels/x.txt", "0 0.5 0.5 0.1 0.2\n")
    save(tmp_path / folder / "reports/z.png", (100, 200))
    samples, _ = read("yolo", tmp_path)
    assert samples[f"{folder}/train/images/x.png"].status == "boxed"
    assert getattr(samples.get(f"{folder}/reports/z.png"), "status", None) == status


def test_names_of_classes_as_roboflow_writes_them_for_darknet(tmp_path: Path, read) -> None:
    put(tmp_path / "train/a.txt", "0 0.5 0.5 0.1 0.2\n")
    put(tmp_path / "train/_darknet.labels", "scratch\n")
    assert read("yolo", tmp_path, size_hw=(40, 40))[0]["train/a"].box_types == ("scratch",)


def test_labels_elsewhere_and_those_of_predictions_are_listed(tmp_path: Path, read, save) -> None:
    save(tmp_path / "images/a.png", (100, 200))
    put(tmp_path / "labels/a.txt", "0 0.5 0.5 0.1 0.2\n")
    put(tmp_path / "labels_old/a.txt", "0 0.3 0.5 0.1 0.2\n")
    put(tmp_path / "predict/labels/a.txt", "0 0.7 0.5 0.1 0.2\n")
    samples, findings = read("yolo", tmp_path)
    assert samples["images/a.png"].boxes_xyxy == pytest.approx(np.array([[90, 40, 110, 60]]))
    assert [(Path(r.source).parts[-2], r.reason[:8]) for r in findings.rejects] == [
        ("labels", "in a fol"),
        ("labels_old", "a label "),
    ]
