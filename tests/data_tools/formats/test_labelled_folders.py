"""Images without masks or boxes, of which the folders alone say what they are."""

from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.masks.labelled_folders import labels_of


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("OK NG", {"OK": ("good", "good"), "NG": ("unboxed", "defect")}),
        ("i.O. n.i.O.", {"i.O.": ("good", "good"), "n.i.O.": ("unboxed", "defect")}),
        ("pass fail/cam_2", {"pass": ("good", "good"), "fail/cam_2": ("unboxed", "defect")}),
        ("good/lot_1 NG/scratch/lot_1", {"good/lot_1": ("good", "good"), "NG/scratch/lot_1": ("unboxed", "scratch")}),
        ("good scratch", {"good": ("good", "good"), "scratch": ("unboxed", "scratch")}),
        ("train/good test/pit", {"train/good": ("good", "good"), "test/pit": ("unboxed", "pit")}),
        ("a/ok_front a/def_front", {"a/ok_front": ("good", "good"), "a/def_front": ("unboxed", "def_front")}),
        ("good_kos NG_kos", {"good_kos": ("good", "good"), "NG_kos": ("unboxed", "ng_kos")}),
        ("ok_kos scratch", {"ok_kos": (None, "good"), "scratch": (None, "good")}),
        ("OK NG pit", {"OK": ("good", "good"), "NG": ("unboxed", "defect"), "pit": (None, "good")}),
        ("scratch pit", {"scratch": (None, "good"), "pit": (None, "good")}),
        ("scratch NG", {"scratch": (None, "good"), "NG": ("unboxed", "defect")}),
        ("good good_contact", {"good": ("good", "good"), "good_contact": (None, "good")}),
        ("good good/scratch", {"good": ("good", "good"), "good/scratch": (None, "good")}),
        ("good unknown", {"good": ("good", "good"), "unknown": (None, "good")}),
        ("good false_alarm", {"good": ("good", "good"), "false_alarm": (None, "good")}),
        ("good background", {"good": ("good", "good"), "background": (None, "good")}),
        ("good reference", {"good": ("good", "good"), "reference": (None, "good")}),
        ("good kos01 kos02", {"good": ("good", "good"), "kos01": (None, "good"), "kos02": (None, "good")}),
        ("kos01/good kos01/NG", {"kos01/good": ("good", "good"), "kos01/NG": ("unboxed", "defect")}),
        ("good undamaged 无异常", dict.fromkeys(("good", "undamaged", "无异常"), ("good", "good"))),
        ("NG/duplicates NG/pit", {"NG/duplicates": ("unboxed", "defect"), "NG/pit": ("unboxed", "pit")}),
        ("NG/no_scratch NG/FP good/review", dict.fromkeys(("NG/no_scratch", "NG/FP", "good/review"), (None, "good"))),
        ("0_defect 1_good", {"0_defect": ("unboxed", "defect"), "1_good": ("good", "good")}),
        ("0_defects 1_good", {"0_defects": (None, "good"), "1_good": ("good", "good")}),
        ("0 1", {"0": (None, "good"), "1": (None, "good")}),
        (
            "defect_dataset good_dataset",
            {"defect_dataset": ("unboxed", "defect_dataset"), "good_dataset": ("good", "good")},
        ),
        (
            "NG_dataset_v2 OK_dataset_v2",
            {"NG_dataset_v2": ("unboxed", "ng_dataset_v2"), "OK_dataset_v2": ("good", "good")},
        ),
        ("OK images", {"OK": ("good", "good"), "images": (None, "good")}),
    ],
)
def test_what_folders_say(folders: str, expected: dict[str, tuple[str | None, str]]) -> None:
    labels = labels_of([f"{folder}/a.png" for folder in folders.split()], {})
    assert {name.removesuffix("/a.png"): (one.status, one.type) for name, one in labels.items()} == expected
    assert all((one.status is None) == bool(one.problem) for one in labels.values())


@pytest.mark.parametrize(
    "folders",
    [
        "no_scratch scratch_free uncracked clean negative borderline FP none nan",
        "golden_samples reference_images review recheck images_raw duplicates export screenshots rework validation_set",
    ],
)
def test_folders_beside_a_good_one_that_are_no_types(folders: str) -> None:
    for folder in folders.split():
        of = labels_of(["good/a.png", f"{folder}/a.png", "scratch/a.png"], {})
        assert [one.status for one in of.values()] == ["good", None, "unboxed"], folder


def test_unlabelled_images_are_those_of_folders_that_say_nothing(tmp_path: Path, read, save) -> None:
    for folder in ("OK", "NG", "scratch", "unknown", "false_alarm", "OK/crack", "raw"):
        save(tmp_path / folder / "a.png")
    samples, _ = read("mask", tmp_path, unlabelled="good")
    assert {name: s.status for name, s in samples.items()} == {
        "NG/a.png": "unboxed",
        "OK/a.png": "good",
        "raw/a.png": "good",
    }


def test_the_folder_of_a_whole_set_does_not_decide() -> None:
    (label,) = labels_of(["NEU surface defect database/Cr_1.bmp"], {}).values()
    assert (label.status, label.is_silent) == (None, True)


@pytest.mark.parametrize("folder", ["Metal Surface Defects", "Surface Defect Dataset", "PCB defects/archive (3)"])
def test_a_folder_of_all_images_says_no_more_than_the_sets_own(folder: str) -> None:
    labels = labels_of([f"{folder}/train/{kind}/a.png" for kind in ("cracked", "uncracked")], {})
    assert {one.status for one in labels.values()} == {None}
    told = labels_of([f"{folder}/train/{kind}/a.png" for kind in ("good", "crack")], {})
    assert [(one.status, one.type) for one in told.values()] == [("good", "good"), ("unboxed", "crack")]
    assert [one.status for one in labels_of(["NG/lot_7/a.png", "NG/lot_8/a.png"], {}).values()] == ["unboxed"] * 2


def test_a_count_of_none_is_none_of_a_class() -> None:
    of = labels_of(["0 defects/a.png", "1 good/a.png"], {})
    assert [one.status for one in of.values()] == [None, "good"]


def test_a_type_map_says_what_folders_without_a_good_one_are() -> None:
    labels = labels_of(["scratch/a.png", "kos/a.png"], {"scratch": "scratch", "kos": "good"})
    assert [(one.status, one.type) for one in labels.values()] == [("unboxed", "scratch"), ("good", "good")]


def test_they_are_read_where_no_format_is_recognised(tmp_path: Path, read, save) -> None:
    for part in ("train", "test"):
        for kind in ("good", "scratch"):
            save(tmp_path / part / kind / "1.png")  # of one name everywhere
    save(tmp_path / "figure.png")
    (tmp_path / "labels.txt").write_text("0 good\n")
    (tmp_path / "train.txt").write_text("1.png\n")
    chosen, why = choose_format([tmp_path], "auto")
    assert (chosen.name, why) == ("mask", "folders good, scratch say what their images are")
    samples, findings = read("mask", tmp_path)
    assert {name: (s.status, s.type) for name, s in samples.items()} == {
        "test/good/1.png": ("good", "good"),
        "test/scratch/1.png": ("unboxed", "scratch"),
        "train/good/1.png": ("good", "good"),
        "train/scratch/1.png": ("unboxed", "scratch"),
    }
    assert findings.notes == ["folders taken for types of defects, beside one of good images: scratch"]
    assert sorted(Path(r.source).name for r in findings.rejects) == ["figure.png", "labels.txt"]


def test_types_without_a_good_folder_are_refused(tmp_path: Path, read, save) -> None:
    save(tmp_path / "scratch" / "a.png")
    save(tmp_path / "pit" / "a.png")
    with pytest.raises(InputError, match="in folders pit, scratch, none of which says good or defect"):
        choose_format([tmp_path], "auto")
    samples, _ = read("mask", tmp_path, type_map={"scratch": "scratch", "pit": "hole"})
    assert sorted(s.type for s in samples.values()) == ["hole", "scratch"]


def test_a_training_part_with_defects_is_none_of_mvtec(tmp_path: Path, save) -> None:
    for part in ("train", "test"):
        save(tmp_path / part / "ok_front" / "1.png")
        save(tmp_path / part / "def_front" / "1.png")
    assert choose_format([tmp_path], "auto")[0].name == "mask"


def test_what_is_said_of_folders_is_true_of_them(tmp_path: Path, save) -> None:
    for place in ("OK/a.png", "NG/masks/b.png"):  # a mask of no image
        save(tmp_path / place)
    with pytest.raises(InputError, match="in folders NG, OK, masks; name one"):
        choose_format([tmp_path], "auto")
