"""A publisher's split: by folders, by lists, and what it leaves open."""

from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.splitting.given import given_splits


def samples_of(paths: list[str], groups: list[str] | None = None) -> list[Sample]:
    import numpy as np

    names = groups or [f"g{i}" for i in range(len(paths))]
    return [
        Sample(i, path, (9, 9), np.zeros((0, 4)), np.zeros(0, int), "good", group)
        for i, (path, group) in enumerate(zip(paths, names, strict=True), start=1)
    ]


def test_folders_in_any_case(tmp_path: Path) -> None:
    samples = samples_of(["Train/a.png", "x/train/good/b.png", "VALID/c.png", "Test/bad/d.png", "e.png"])
    splits, remarks = given_splits(samples, [tmp_path])
    assert (splits.train, splits.val, splits.test) == ((1, 2), (3,), (4,))
    assert remarks == ["1 images are in no part of the given split and stay out of all: e.png"]


def test_folders_named_by_a_part_and_a_word_for_images(tmp_path: Path) -> None:
    samples = samples_of(
        ["train_images/a.png", "img_val/b.png", "test-data/c.png", "test_bench/d.png", "dataset_train/e.png"]
    )
    splits, _ = given_splits(samples, [tmp_path])
    assert (splits.train, splits.val, splits.test) == ((1, 5), (2,), (3,))


def test_folders_in_other_languages_and_with_a_number_behind(tmp_path: Path) -> None:
    names = [
        "Trainingsdaten/a.png",
        "train2017/b.png",
        "Validierung/c.png",
        "test-A/d.png",
        "测试集/e.png",
        "testa/f.png",
    ]
    splits, remarks = given_splits(samples_of([*names, "contest/g.png", "latest_1/h.png"]), [tmp_path])
    assert (splits.train, splits.val, splits.test) == ((1, 2), (3,), (4, 5, 6))
    assert "contest/g.png, latest_1/h.png" in remarks[0]


def test_lists_count_before_folders(tmp_path: Path) -> None:
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("c\n")
    (lists / "test.txt").write_text("./images/test/d.jpg\n")
    samples = samples_of(["test/a.png", "b.png", "c.png", "images/test/d.jpg"])
    splits, remarks = given_splits(samples, [tmp_path])
    assert (splits.train, splits.val, splits.test, remarks) == ((1, 2), (3,), (4,), [])
    (lists / "test.txt").write_text("c\n")
    with pytest.raises(InputError, match=r"line 1: 'c' is in (val|test) too"):
        given_splits(samples, [tmp_path])


def test_lists_below_the_folder(tmp_path: Path) -> None:
    lists = tmp_path / "archive/VOC2007/ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\n")
    (lists / "test.txt").write_text("c\n")
    samples = samples_of([f"archive/VOC2007/JPEGImages/{name}.jpg" for name in "abc"])
    splits, remarks = given_splits(samples, [tmp_path])
    assert (splits.train, splits.val, splits.test, remarks) == ((1,), (2,), (3,), [])
    (tmp_path / "train.txt").write_text("archive/VOC2007/JPEGImages/c.jpg\n")  # the folder's own count before
    assert given_splits(samples, [tmp_path])[0].train + given_splits(samples, [tmp_path])[0].val == (3,)


def test_lists_as_deeppcb_has_them(tmp_path: Path) -> None:
    (tmp_path / "trainval.txt").write_text("g1/1/10.jpg g1/1_not/10.txt\ng1/1/11.jpg g1/1_not/11.txt\n")
    (tmp_path / "test.txt").write_text("g2/2/20.jpg g2/2_not/20.txt\n")
    samples = samples_of(["g1/1/10_test.jpg", "g1/1/11_test.jpg", "g2/2/20_test.jpg"])
    splits, remarks = given_splits(samples, [tmp_path])
    assert (sorted(splits.train + splits.val), splits.test) == ([1, 2], (3,))
    assert not any("no image" in remark for remark in remarks)


def test_validation_is_dealt_out_of_train_by_whole_groups(tmp_path: Path) -> None:
    paths = [f"train/{i}.png" for i in range(40)] + ["test/x.png"]
    samples = samples_of(paths, [f"g{i // 2}" for i in range(40)] + ["t"])
    splits, remarks = given_splits(samples, [tmp_path])
    assert splits.test == (41,)
    assert len(splits.val) == 6
    group_of = {s.image_id: s.group for s in samples}
    assert not {group_of[i] for i in splits.val} & {group_of[i] for i in splits.train}
    assert "no validation part: 6 of the training images" in remarks[0]


def test_a_divided_group_is_kept_and_said(tmp_path: Path) -> None:
    samples = samples_of(["train/a.png", "valid/b.png", "test/c.png"], ["p", "q", "p"])
    splits, remarks = given_splits(samples, [tmp_path])
    assert (splits.train, splits.val, splits.test) == ((1,), (2,), (3,))
    assert "divides 1 of 2 groups, such as 'p'" in remarks[0]


def test_without_any_word_on_it_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither folders"):
        given_splits(samples_of(["a.png", "b.png"]), [tmp_path])


@pytest.mark.parametrize(
    ("names", "line", "named"),
    [
        (["part.png", "part (2).png"], "part (2).png", "part (2).png"),
        (["part.png", "part (2).png"], "part (2)", "part (2).png"),
        (["part.png", "part (2).png"], "part (2).png 1", "part (2).png"),
        (["part.png", "part (2).png"], "part.png 1", "part.png"),
        (["part.png"], "part (2).png", None),
        (["part.png"], "part (2)", None),
        (["part.png"], "part two.png", None),
        (["part.png"], "part -1", "part.png"),
        (["part.png"], "part 2 scratch", "part.png"),
        (["a b/part 1.png", "part.png"], "C:\\x y\\a b\\part 1.png", "a b/part 1.png"),
        (["images/a.png", "images/b.png"], "images/a.png masks/b.png", "images/a.png"),
        (["a.png", "a.png copy.png"], "a.png copy.png", "a.png copy.png"),
        (["x/a.png", "y/a.png"], "a.png", None),
    ],
)
def test_a_line_is_a_name_or_a_name_and_a_label(tmp_path: Path, names: list[str], line: str, named: str | None) -> None:
    (tmp_path / "test.txt").write_text(f"other\n\n{line}\n")
    splits, remarks = given_splits(samples_of([*names, "other.png"]), [tmp_path])
    assert [names[i - 1] for i in splits.test if i <= len(names)] == ([] if named is None else [named])
    told = (
        f"1 lines of the lists name no image that was converted, or several: {tmp_path / 'test.txt'}, line 3: {line!r}"
    )
    assert (told in remarks) == (named is None)


def test_a_list_of_names_with_blanks_has_no_labels(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("part 1\npart 2\npart 3\n")
    splits, remarks = given_splits(samples_of(["part.png", "part 1.png", "part 3.png"]), [tmp_path])
    assert splits.test == (2, 3)
    assert "line 2: 'part 2'" in remarks[0]


def test_lists_that_name_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("x.png\n")
    with pytest.raises(InputError, match=r"neither folders.*1 lines of the lists name no image.*line 1: 'x.png'"):
        given_splits(samples_of(["a.png", "b.png"]), [tmp_path])
    splits, remarks = given_splits(samples_of(["train/a.png", "test/b.png"]), [tmp_path])
    assert splits.test == (2,)
    assert "line 1: 'x.png'" in remarks[0]


def test_what_annotations_say_counts_behind_folders(tmp_path: Path) -> None:
    told = {1: "test", 2: "train", 3: "val"}
    splits, remarks = given_splits(samples_of(["a.png", "b.png", "c.png", "d.png"]), [tmp_path], told=told)
    assert (splits.train, splits.val, splits.test) == ((2,), (3,), (1,))
    assert "in no part of the given split and stay out of all: d.png" in remarks[0]
    splits, _ = given_splits(samples_of(["train/a.png", "val/b.png", "test/c.png"]), [tmp_path], told=told)
    assert (splits.train, splits.val, splits.test) == ((1,), (2,), (3,))
