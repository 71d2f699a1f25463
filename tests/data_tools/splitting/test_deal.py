from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample, Splits
from data_tools.files.dataset_folder import data_hash, read_dataset, write_dataset
from data_tools.splits import main
from data_tools.splitting.deal import (
    far_from_asked,
    leave_later_out,
    left_empty,
    make_folds,
    make_splits,
    take_share,
    without_status,
)


def samples_of(make_sample, groups: list[int], defects: list[bool]) -> list[Sample]:
    return [
        make_sample(i, [(1, 1, 5, 5)] if defect else (), group=str(group))
        for i, (group, defect) in enumerate(zip(groups, defects, strict=True), start=1)
    ]


rows = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=80)


@given(rows, st.integers(0, 5))
def test_no_group_is_divided_and_nothing_is_lost(make_sample, rows: list[tuple[int, bool]], seed: int) -> None:
    samples = samples_of(make_sample, [g for g, _ in rows], [d for _, d in rows])
    try:
        splits = make_splits(samples, seed=seed)
    except InputError as error:  # too few groups for every part
        assert "leave no group for" in str(error)
        assert len({g for g, _ in rows}) < len(rows)
        return
    where = {i: name for name in ("train", "val", "test") for i in splits.ids(name)}
    assert sorted(where) == [sample.image_id for sample in samples]
    for group in {sample.group for sample in samples}:
        assert len({where[s.image_id] for s in samples if s.group == group}) == 1
    assert make_splits(samples[::-1], seed=seed) == splits


def test_each_status_gets_its_share(make_sample) -> None:
    samples = samples_of(make_sample, [i // 3 for i in range(600)], [i % 5 == 0 for i in range(600)])
    splits = make_splits(samples, seed=1)
    for name, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        ids = set(splits.ids(name))
        assert len(ids) == pytest.approx(600 * share, abs=6)
        assert sum(s.is_defect for s in samples if s.image_id in ids) == pytest.approx(120 * share, abs=3)


def test_a_zero_share_stays_empty_and_the_seed_matters(make_sample) -> None:
    samples = samples_of(make_sample, list(range(50)), [i % 2 == 0 for i in range(50)])
    splits = make_splits(samples, (0.8, 0.2, 0.0), seed=0)
    assert splits.test == ()
    assert splits.train != make_splits(samples, (0.8, 0.2, 0.0), seed=1).train


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)])
def test_shares_must_add_up(make_sample, shares: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="add up to 1"):
        make_splits([make_sample()], shares)


def test_a_share_takes_whole_groups_of_every_kind(make_sample) -> None:
    samples = [make_sample(i, [(1, 1, 5, 5)] if i % 2 else [], group=f"g{(i - 1) // 4}") for i in range(1, 81)]
    part = take_share(samples, 0.8, seed=1)
    assert len(part) == 64
    assert sum(sample.is_defect for sample in part) == 32
    left = {sample.group for sample in samples} - {sample.group for sample in part}
    assert len(left) == 4
    assert take_share(samples, 0.8, seed=1) == part
    assert take_share(samples, 1.0) == tuple(samples)


@pytest.mark.parametrize("share", [0.0, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(make_sample, share: float) -> None:
    with pytest.raises(InputError, match="train_share"):
        take_share([make_sample(1)], share)


@given(st.integers(3, 8), st.integers(0, 3))
def test_each_image_is_tested_in_exactly_one_fold(make_sample, folds: int, seed: int) -> None:
    samples = samples_of(make_sample, [i // 4 for i in range(120)], [i % 3 == 0 for i in range(120)])
    made = make_folds(samples, folds, seed)
    assert sorted(i for splits in made for i in splits.test) == list(range(1, 121))
    group = {s.image_id: s.group for s in samples}
    for splits in made:
        assert sorted(splits.train + splits.val + splits.test) == list(range(1, 121))
        parts = [{group[i] for i in part} for part in (splits.train, splits.val, splits.test)]
        assert not (parts[0] & parts[1])
        assert not (parts[0] & parts[2])
        assert not (parts[1] & parts[2])


def test_fewer_than_three_folds_are_refused(make_sample) -> None:
    with pytest.raises(InputError, match="at least 3"):
        make_folds([make_sample(i) for i in range(1, 9)], 2)


def test_later_lots_are_the_test(make_sample) -> None:
    samples = samples_of(make_sample, [i // 10 for i in range(100)], [i % 2 == 0 for i in range(100)])
    moments = [int(sample.group) for sample in samples]
    splits = leave_later_out(samples, moments, 0.25, val_share=0.2)
    late = {s.group for s in samples if s.image_id in set(splits.test)}
    assert late == {"7", "8", "9"}  # the fewest latest lots that reach a quarter
    assert len(splits.val) == 20
    assert len(splits.train) == 50


def test_a_group_is_as_late_as_its_latest_image(make_sample) -> None:
    samples = samples_of(make_sample, [0, 0, 1, 1, 2, 2], [True, False] * 3)
    splits = leave_later_out(samples, [1, 9, 2, 2, 3, 3], 0.3, val_share=0.0)
    assert splits.test == (1, 2)
    with pytest.raises(InputError, match="would be left out"):
        leave_later_out(samples, [1] * 6, 0.3)


@pytest.fixture
def folder(make_sample, tmp_path: Path) -> Path:
    samples = tuple(samples_of(make_sample, [f"L{i // 10}" for i in range(100)], [i % 2 == 0 for i in range(100)]))
    write_dataset(tmp_path / "data", Dataset(samples, ("defect",), None, make_splits(samples, group_by="lot")))
    return tmp_path / "data"


def test_the_command_keeps_what_is_there_and_replaces_only_when_told(folder: Path, capsys) -> None:
    before = data_hash(read_dataset(folder))
    assert main([str(folder)]) == 0
    assert "kept as it is" in capsys.readouterr().out
    assert main([str(folder), "--seed", "5"]) == 2
    assert "--replace" in capsys.readouterr().err
    assert data_hash(read_dataset(folder)) == before
    assert main([str(folder), "--seed", "5", "--replace"]) == 0
    assert data_hash(read_dataset(folder)) != before
    assert read_dataset(folder).splits.group_by == "lot"


def test_the_command_writes_folds_and_later_lots_as_dataset_folders(folder: Path, tmp_path: Path, capsys) -> None:
    assert main([str(folder), "--folds", "4", "--out", str(tmp_path / "folds")]) == 0
    parts = [read_dataset(tmp_path / "folds" / f"fold_{i}").splits.test for i in range(1, 5)]
    assert sorted(i for part in parts for i in part) == list(range(1, 101))
    assert main([str(folder), "--leave_later_lots_out", "0.2", "--out", str(tmp_path / "later")]) == 0
    assert {s.group for s in read_dataset(tmp_path / "later").split("test")} == {"L8", "L9"}
    assert main([str(folder), "--folds", "4", "--out", str(tmp_path / "folds")]) == 2
    assert main([str(folder), "--leave_later_lots_out", "0.2", "--order", "x", "--out", str(tmp_path / "z")]) == 2
    assert "does not match" in capsys.readouterr().err
    assert not (tmp_path / "z").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--order", "x"], "--order says which lots are later; give --leave_later_lots_out"),
        (["--folds", "4", "--split", "0.6,0.2,0.2"], "--folds or --split, not both"),
        (["--folds", "4", "--leave_later_lots_out", "0.2"], "not both"),
        (["--leave_later_lots_out", "0.2", "--split", "0.7,0.2,0.1"], "--split asks for a test of 0.1"),
        (["--replace"], "--replace puts another split into DATASET itself"),
        (["--split", "none"], "--split none: shares of train,val,test such as 0.7,0.15,0.15\n"),
        (["--split", "given"], "--split given: shares of train,val,test such as 0.7,0.15,0.15\n"),
    ],
)
def test_flags_that_exclude_each_other_are_refused(folder: Path, tmp_path: Path, flags, words: str, capsys) -> None:
    assert main([str(folder), *flags, "--out", str(tmp_path / "out")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def dated(make_sample, folder: Path, names: list[str], groups: list[str], rule: str | None) -> Path:
    samples = [make_sample(i, group=group) for i, group in enumerate(groups, start=1)]
    for sample, name in zip(samples, names, strict=True):
        object.__setattr__(sample, "path", name)
    splits = None if rule is None else Splits(0, rule, tuple(range(1, len(names) + 1)), (), ())
    write_dataset(folder, Dataset(tuple(samples), ("defect",), None, splits))
    return folder


@pytest.mark.parametrize("rule", [None, "as published", "none"])
def test_groups_of_unknown_origin_are_no_order_in_time(make_sample, tmp_path: Path, rule: str | None, capsys) -> None:
    names = [f"p{i}.png" for i in range(1, 13)]
    flags = [str(dated(make_sample, tmp_path / "d", names, [str(i) for i in range(1, 13)], rule))]
    flags += ["--leave_later_lots_out", "0.25", "--out", str(tmp_path / "later")]
    assert main(flags) == 2
    assert "follow each other in time" in capsys.readouterr().err
    assert main([*flags, "--order", r"p(\d+)"]) == 0
    assert read_dataset(tmp_path / "later").splits.test == (10, 11, 12)


def test_lots_follow_each_other_also_without_a_split(make_sample, tmp_path: Path) -> None:
    lots = [f"WEE93900{i}B0A" for i in (3, 1, 2, 4)]
    data = dated(make_sample, tmp_path / "d", [f"{lot}_1.png" for lot in lots], lots, None)
    assert main([str(data), "--leave_later_lots_out", "0.25", "--out", str(tmp_path / "later")]) == 0
    assert read_dataset(tmp_path / "later").splits.test == (4,)


def test_groups_that_are_numbers_follow_each_other_as_numbers(make_sample, tmp_path: Path) -> None:
    names = [f"day{i}.png" for i in range(8, 12)]
    data = dated(make_sample, tmp_path / "d", names, ["8", "9", "10", "11"], r"day(\d+)")
    assert main([str(data), "--leave_later_lots_out", "0.25", "--out", str(tmp_path / "later")]) == 0
    assert read_dataset(tmp_path / "later").splits.test == (4,)


def rare_types(make_sample, types: int, each: int) -> list[Sample]:
    """60 good images, and so many images of each of so many types; every image its own group."""
    good = [make_sample(i) for i in range(1, 61)]
    rare = [make_sample(61 + i, [(1, 1, 5, 5)], defect_type=f"type{i % types}") for i in range(types * each)]
    return [*good, *rare]


@pytest.mark.parametrize("each", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rare_types_do_not_starve_a_part_of_defects(make_sample, each: int, seed: int) -> None:
    samples = rare_types(make_sample, 20, each)
    defects = {s.image_id for s in samples if s.is_defect}
    splits = make_splits(samples, seed=seed)
    for name, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        assert len(defects & set(splits.ids(name))) == pytest.approx(share * len(defects), abs=0.08 * len(defects))
    for fold in make_folds(samples, 5, seed):
        assert len(defects & set(fold.test)) == pytest.approx(len(defects) / 5, abs=2)


def test_what_is_far_from_asked_is_said(make_sample) -> None:
    """One group of 60 of 100 images: whatever part it goes to, two parts are far from their shares."""
    samples = samples_of(make_sample, [0] * 60 + list(range(1, 41)), [i % 2 == 0 for i in range(100)])
    splits = make_splits(samples, (0.4, 0.3, 0.3))
    remarks = far_from_asked(splits, samples, (0.4, 0.3, 0.3))
    assert any(remark.startswith("train holds 60 of 100 images (60%)") for remark in remarks)
    assert all("--group-by" in remark for remark in remarks)
    fine = samples_of(make_sample, list(range(100)), [i % 2 == 0 for i in range(100)])
    assert far_from_asked(make_splits(fine), fine, (0.7, 0.15, 0.15)) == []
    few = fine[:3]  # a share of less than one image leaves a part without any
    assert left_empty(make_splits(few), few, (0.7, 0.15, 0.15)) == [
        "test: no image; 3 are too few for the shares that were asked for"
    ]
    assert left_empty(make_splits(few, (1.0, 0.0, 0.0)), few, (1.0, 0.0, 0.0)) == []
    assert left_empty(make_splits(fine), fine, (0.7, 0.15, 0.15)) == []


@pytest.mark.parametrize("lots", [6, 8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_part_has_good_and_defect_lots_where_there_are_three_of_each(make_sample, lots: int, seed: int) -> None:
    """Lots of six images, all good or all defect: by shares alone val or test had none of one kind."""
    groups = [i % lots for i in range(6 * lots)]
    samples = samples_of(make_sample, groups, [group % 2 == 1 for group in groups])
    splits = make_splits(samples, seed=seed)
    parts = {name: splits.ids(name) for name in ("train", "val", "test")}
    assert without_status(parts, samples) == []
    assert sorted(i for ids in parts.values() for i in ids) == list(range(1, 6 * lots + 1))
    for group in range(lots):
        assert sum(any(groups[i - 1] == group for i in ids) for ids in parts.values()) == 1
    assert len(splits.train) == 6 * (lots - 4)


def test_a_group_that_is_all_there_is_of_a_kind_in_its_part_stays(make_sample) -> None:
    """Two lots of defects for three parts, and three of them of which one holds all good images."""
    two = samples_of(make_sample, [*range(8), 8, 9], [False] * 8 + [True] * 2)
    lacking = without_status({name: make_splits(two).ids(name) for name in ("train", "val", "test")}, two)
    assert len(lacking) == 1
    mixed = samples_of(make_sample, [0, 0, 0, 1, 1, 1, 2, 2, 2], [False, True, True] + [True] * 6)
    (said,) = without_status({name: make_splits(mixed).ids(name) for name in ("train", "val", "test")}, mixed)
    assert "no good image; there are 1 in 1 group, too few" in said


def test_a_status_that_cannot_reach_a_part_is_said(make_sample, tmp_path: Path, caplog) -> None:
    samples = [make_sample(i) for i in range(1, 21)] + [make_sample(i, [(1, 1, 5, 5)], group="lot") for i in (21, 22)]
    write_dataset(tmp_path / "d", Dataset(tuple(samples), ("defect",)))
    assert main([str(tmp_path / "d")]) == 0
    assert "no boxed image; there are 2 in 1 group, too few for every part" in caplog.text
    caplog.clear()
    assert main([str(tmp_path / "d"), "--folds", "3", "--out", str(tmp_path / "folds")]) == 0
    assert caplog.text.count("no boxed image") == 1
    assert without_status({"train": (1, 21), "test": ()}, samples) == []


def test_the_command_says_which_part_is_empty(make_sample, tmp_path: Path, caplog) -> None:
    write_dataset(tmp_path / "d", Dataset(tuple(make_sample(i, [(1, 1, 5, 5)]) for i in (1, 2)), ("defect",)))
    assert main([str(tmp_path / "d")]) == 0
    assert "no image; 2 are too few for the shares that were asked for" in caplog.text


def test_a_share_that_no_group_can_fill_is_refused(make_sample) -> None:
    samples = samples_of(make_sample, [1] * 50 + [2] * 50, [False] * 100)
    with pytest.raises(InputError, match=r"100 images in 2 groups, .* leave no group for (val|test)"):
        make_splits(samples)
    assert make_splits(samples, (0.5, 0.5, 0.0)).test == ()
