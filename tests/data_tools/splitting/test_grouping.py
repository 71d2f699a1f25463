from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.files.image_facts import read_thumbnails
from data_tools.splitting.grouping import components, group_samples
from data_tools.splitting.names import capture_runs
from data_tools.splitting.near_duplicates import near_duplicates, signatures


def test_the_lot_rule() -> None:
    names = ["good/WEE939001B0A_14-APG_1.bmp", "defect/WEE939001B0A_15.bmp", "WEE939002B0A_14 - Copy.bmp"]
    grouping = group_samples(names, None, "auto")
    assert list(grouping.groups) == ["WEE939001B0A", "WEE939001B0A", "WEE939002B0A"]
    assert grouping.rule == "auto: lot"


def test_capture_numbers_of_all_shots_belong_together() -> None:
    names = ["a/exp1_num_4711.jpg", "b/exp4_num_4760.jpg", "a/exp2_num_9000.jpg", "a/exp3_num_4600.jpg"]
    groups = group_samples(names, None, "auto").groups
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


def test_a_plain_count_of_files_says_nothing() -> None:
    groups = group_samples([f"img_{i:03d}.png" for i in range(20)], None, "auto").groups
    assert len(set(groups)) == 20


@pytest.mark.parametrize(
    ("names", "lots"),
    [
        (["LOT1_W1.png", "LOT1_W2.png", "lot2 a.png", "LOT2_b.png", "LOT3-a.png", "LOT3-b.png"], "112233"),
        (
            ["Charge_A7_1.png", "Charge_A7_2.png", "Los B8_1.png", "Los B8_2.png", "wafer9_1.png", "wafer9_2.png"],
            "112233",
        ),
        (["lot1_a.png", "lot1_b.png", "lot2_a.png", "lot2_b.png", "lot3_a.png", "x.png"], "123456"),  # one has none
        (["board_1_a.png", "board_2_a.png", "board_3_a.png", "board_4_a.png"], "1234"),  # may be a count
        (["lot1_a.png", "lot1_b.png", "lot1_c.png", "lot1_d.png", "lot2_a.png", "lot3_a.png"], "123456"),
        (["lots_of_1.png", "lots_of_2.png", "lots_of_3.png", "lots_of_4.png"], "1234"),
    ],
)
def test_lots_by_a_word_in_the_names(names: list[str], lots: str) -> None:
    found = group_samples(names, None, "auto")
    numbers = {group: str(number) for number, group in enumerate(dict.fromkeys(found.groups), start=1)}
    assert "".join(numbers[group] for group in found.groups) == lots
    assert (found.rule == "auto: lot in the names") == (lots == "112233")
    told = group_samples(names, None, "auto", ["a", "a", "b", "c", "d", "e"][: len(names)])
    assert told.rule != "auto: lot in the names"  # annotations know better


def test_expressions(tmp_path: Path) -> None:
    assert group_samples(["a_1.png", "a_2.png", "b_1.png"], None, r"^(\w)_").groups == ("a", "a", "b")
    assert group_samples(["a_1.png", "b_1.png"], None, "none").groups == ("1", "2")
    with pytest.raises(InputError, match=r"--group-by '_\(\\d\)' does not match .*'x\.png'"):
        group_samples(["a_1.png", "x.png"], None, r"_(\d)")
    with pytest.raises(InputError, match="not a regular expression"):
        group_samples(["a"], None, "(")


def test_near_duplicates_by_what_they_show(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = []
    for scene in range(12):
        coarse = Image.fromarray(rng.uniform(40, 200, (9, 11)).astype(np.float32))
        pixels = np.asarray(coarse.resize((110, 90), Image.Resampling.BICUBIC))
        for copy in range(3):  # another exposure with noise of its own
            seen = np.clip(pixels * (1 + 0.1 * copy) + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)
            names.append(f"{chr(97 + scene)}{chr(97 + copy)}.png")
            Image.fromarray(seen).save(tmp_path / names[-1])
    grouping = group_samples(names, tmp_path, "auto")
    groups = grouping.groups
    assert "near-duplicates" in grouping.rule
    assert len(set(groups)) == 12
    assert all(len({groups[3 * i + k] for k in range(3)}) == 1 for i in range(12))


def test_a_later_shot_may_come_after_a_pause() -> None:
    names = ["exp5_num_348696.jpg", "exp6_num_348888.jpg", "exp6_num_349050.jpg", "exp1_num_349230.jpg"]
    assert group_samples(names, None, "auto").groups == ("g1", "g1", "g2", "g3")


def test_the_real_tiles_are_joined_and_not_lumped_together(shared_data: Path) -> None:
    root = shared_data / "magnetic_tile"
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("*/Imgs/*.jpg"))
    groups = group_samples(names, root, "auto").groups
    sizes = np.unique(groups, return_counts=True)[1]
    assert 120 < len(sizes) < 170
    assert sizes.max() <= 20
    assert (sizes == 6).sum() > 100  # six shots a tile


def test_the_real_tiles_are_known_by_their_looks_alone(shared_data: Path) -> None:
    root = shared_data / "magnetic_tile"
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("*/Imgs/*.jpg"))
    found = signatures(read_thumbnails(names, root))
    looks = np.array(components(near_duplicates(found, found.similar)[0], len(names)))
    runs = np.array(components(capture_runs(names), len(names)))
    whole = [len(set(looks[runs == run])) == 1 for run in set(runs) if (runs == run).sum() > 1]
    assert np.mean(whole) > 0.7
    assert np.unique(looks, return_counts=True)[1].max() <= 20


def scenes(folder: Path, names: list[str], of: list[int]) -> None:
    """An image for each name; names with the same number show the same scene, with noise of their own."""
    rng = np.random.default_rng(0)
    drawn: dict[int, np.ndarray] = {}
    for name, scene in zip(names, of, strict=True):
        if scene not in drawn:
            coarse = Image.fromarray(rng.uniform(40, 200, (9, 11)).astype(np.float32))
            drawn[scene] = np.asarray(coarse.resize((110, 90), Image.Resampling.BICUBIC))
        seen = np.clip(drawn[scene] + rng.normal(0, 25, (90, 110)), 0, 255).astype(np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(seen).save(folder / name)


def test_numbers_with_gaps_are_a_count_unless_the_images_confirm_it(tmp_path: Path) -> None:
    """60 files with three missing: of as many scenes, and of one scene for each three in a row."""
    names = [f"crazing_{i}.png" for i in range(10, 70) if i not in (17, 33, 51)]
    scenes(tmp_path / "count", names, list(range(len(names))))
    count = group_samples(names, tmp_path / "count", "auto")
    assert len(set(count.groups)) == len(names)
    assert "plain count" in " ".join(count.remarks)
    assert "--group-by" in " ".join(count.remarks)
    shots = [f"shot_{1000 * (i // 3) + i}.png" for i in range(57)]
    scenes(tmp_path / "shots", shots, [i // 3 for i in range(57)])
    series = group_samples(shots, tmp_path / "shots", "auto")
    assert [series.groups[i] for i in range(57)] == [f"g{i // 3 + 1}" for i in range(57)]
    assert "capture number" in series.rule


def test_parts_that_count_their_images_each_from_the_start_are_no_copies(tmp_path: Path) -> None:
    """MVTec AD has test/good/000.png and train/good/000.png, of two things; a careless split has one picture twice."""
    names = [f"{part}/good/{i:03d}.png" for part in ("train", "test") for i in range(30)]
    scenes(tmp_path / "counted", names, list(range(60)))
    counted = group_samples(names, tmp_path / "counted", "auto")
    assert len(set(counted.groups)) == 60
    assert "counted each from the start" in " ".join(counted.remarks)
    scenes(tmp_path / "twice", names, [i % 30 for i in range(60)])
    twice = group_samples(names, tmp_path / "twice", "auto")
    assert [twice.groups[i] == twice.groups[i + 30] for i in range(30)] == [True] * 30
    assert "same name in several parts" in twice.rule


def test_a_giant_group_is_not_believed() -> None:
    names = [f"n{i // 10}_part{i}.png" for i in range(200)]
    assert len(set(group_samples(names, None, "auto").groups)) == 20
    names = [f"item1_part{i}.png" for i in range(200)]
    grouping = group_samples(names, None, "auto")
    assert len(set(grouping.groups)) == 200
    assert "200 of 200 images would be one group" in grouping.remarks[0]


def test_mirrored_and_turned_copies_under_any_name_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    names, scene = [], []
    for i in range(20):
        coarse = Image.fromarray(rng.uniform(40, 200, (8, 8)).astype(np.float32))
        pixels = np.asarray(coarse.resize((96, 96), Image.Resampling.BICUBIC)).astype(np.uint8)
        changed = [pixels, pixels[:, ::-1], np.rot90(pixels)]
        for k, one in enumerate(changed):
            names.append(f"{chr(97 + k)}{chr(97 + i)}.png")
            scene.append(i)
            Image.fromarray(np.ascontiguousarray(one)).save(tmp_path / names[-1])
    groups = group_samples(names, tmp_path, "auto").groups
    assert len(set(groups)) == 20
    assert all(len({g for g, s in zip(groups, scene, strict=True) if s == one}) == 1 for one in range(20))


def test_the_real_plain_count_keeps_its_images_apart(shared_data: Path) -> None:
    """1,770 images counted with 30 gaps, which a rule on numbers alone made one group of 580."""
    root = shared_data / "neu_det"
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("IMAGES/*.jpg"))
    grouping = group_samples(names, root, "auto")
    assert np.unique(grouping.groups, return_counts=True)[1].max() <= 30
    assert "capture number" not in grouping.rule


def test_folders_of_products_with_a_split_each_are_no_devices() -> None:
    names = [f"0{product}/{part}/ok/{i}.png" for product in (1, 3) for part in ("train", "test") for i in range(2)]
    assert "device" not in group_samples(names, None, "auto").rule
    assert group_samples([f"kos0{i}/{part}.png" for i in (1, 3) for part in "ab"], None, "auto").groups[:2] == (
        "g1",
        "g1",
    )


def test_lots_that_annotations_name_are_groups_where_there_are_some() -> None:
    names = [f"{letter}.png" for letter in "abcdefgh"]
    grouping = group_samples(names, None, "auto", ["L1", "L1", "L2", "", "L2", "L3", "L3", ""])
    assert grouping.groups == ("g1", "g1", "g2", "g3", "g2", "g4", "g4", "g5")
    assert grouping.rule == "auto: lot by annotations"
    for few in (["L1"] * 8, ["L1"] * 5 + ["L2", "L3", "L4"]):
        grouping = group_samples(names, None, "auto", few)
        assert len(set(grouping.groups)) == 8
        assert "too few for a split" in grouping.remarks[0]
    assert group_samples(names, None, "none", ["L1"] * 8).remarks == ()
