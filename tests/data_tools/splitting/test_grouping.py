from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.files.image_facts import read_thumbnails
from data_tools.splitting.grouping import capture_runs, components, group_samples
from data_tools.splitting.near_duplicates import near_duplicates, signatures


def test_the_lot_rule() -> None:
    names = ["good/WEE939001B0A_14-APG_1.bmp", "defect/WEE939001B0A_15.bmp", "WEE939002B0A_14 - Copy.bmp"]
    groups, rule = group_samples(names, None, "auto")
    assert groups == ["WEE939001B0A", "WEE939001B0A", "WEE939002B0A"]
    assert rule == "auto: lot"


def test_capture_numbers_of_all_shots_belong_together() -> None:
    names = ["a/exp1_num_4711.jpg", "b/exp4_num_4760.jpg", "a/exp2_num_9000.jpg", "a/exp3_num_4600.jpg"]
    groups, _ = group_samples(names, None, "auto")
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


def test_a_plain_count_of_files_says_nothing() -> None:
    groups, _ = group_samples([f"img_{i:03d}.png" for i in range(20)], None, "auto")
    assert len(set(groups)) == 20


def test_expressions(tmp_path: Path) -> None:
    assert group_samples(["a_1.png", "a_2.png", "b_1.png"], None, r"^(\w)_")[0] == ["a", "a", "b"]
    assert group_samples(["a_1.png", "b_1.png"], None, "none")[0] == ["1", "2"]
    with pytest.raises(InputError, match=r"does not match .*'x\.png'"):
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
    groups, rule = group_samples(names, tmp_path, "auto")
    assert "near-duplicates" in rule
    assert len(set(groups)) == 12
    assert all(len({groups[3 * i + k] for k in range(3)}) == 1 for i in range(12))


def test_a_later_shot_may_come_after_a_pause() -> None:
    names = ["exp5_num_348696.jpg", "exp6_num_348888.jpg", "exp6_num_349050.jpg", "exp1_num_349230.jpg"]
    assert group_samples(names, None, "auto")[0] == ["g1", "g1", "g2", "g3"]


def test_the_real_tiles_are_joined_and_not_lumped_together(shared_data: Path) -> None:
    root = shared_data / "magnetic_tile"
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("*/Imgs/*.jpg"))
    groups, _ = group_samples(names, root, "auto")
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
