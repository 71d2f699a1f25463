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
