from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.formats.masks.mask import read
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.shapes.regions import regions


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def blank() -> np.ndarray:
    return np.zeros((40, 60), dtype=np.uint8)


def test_regions_are_eight_connected_and_half_open() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[1, 1] = mask[2, 2] = True  # touch at a corner
    mask[5:8, 4:9] = True
    boxes, small = regions(mask, min_area=1, merge_distance=0)
    assert sorted(boxes.tolist()) == [[1, 1, 3, 3], [4, 5, 9, 8]]
    assert small == 0


def test_small_regions_are_counted_but_never_the_last() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[0, 0] = True
    mask[5:8, 5:8] = True
    boxes, small = regions(mask, min_area=5, merge_distance=0)
    assert boxes.tolist() == [[5, 5, 8, 8]]
    assert small == 1
    boxes, small = regions(mask, min_area=50, merge_distance=0)
    assert boxes.tolist() == [[5, 5, 8, 8]]


def test_near_regions_merge_on_request() -> None:
    mask = np.zeros((10, 12), dtype=bool)
    mask[2, 1:4] = mask[2, 6:9] = True  # two columns between
    assert len(regions(mask, 1, 1)[0]) == 2
    assert regions(mask, 1, 2)[0].tolist() == [[1, 2, 9, 3]]


def test_folders_beside_and_apart(tmp_path: Path) -> None:
    mask = blank()
    mask[5:15, 10:30] = 255
    soft = blank()
    soft[5:15, 10:30] = 127  # a value of its own, and no edge of white: a defect too
    save(tmp_path / "MT_Crack/Imgs/a.jpg", blank())
    save(tmp_path / "MT_Crack/Imgs/a.png", mask)
    save(tmp_path / "MT_Crack/Imgs/b.jpg", blank())
    save(tmp_path / "MT_Crack/Imgs/b.png", soft)
    save(tmp_path / "MT_Crack/Imgs/c.jpg", blank())  # no mask at all
    save(tmp_path / "MT_Free/Imgs/d.jpg", blank())
    save(tmp_path / "bent/images/e.bmp", blank())
    save(tmp_path / "bent/masks/e.png", mask)
    save(tmp_path / "worn/f.png", blank())
    save(tmp_path / "worn/ground_truth/f_mask.png", mask[:20])  # another size
    findings = Findings()
    found = {Path(s.path).stem: s for s in read([tmp_path], ReadOptions(type_map={"bent": "bend"}), findings)}
    assert found["a"].boxes_xyxy.tolist() == [[10, 5, 30, 15]]
    assert {name: (s.status, s.type) for name, s in found.items()} == {
        "a": ("boxed", "crack"),
        "b": ("boxed", "crack"),
        "d": ("good", "good"),
        "e": ("boxed", "bend"),
    }
    assert {Path(r.source).stem: r.reason.split(" ")[0] for r in findings.rejects} == {"c": "no", "f_mask": "mask"}


def test_it_wants_one_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one folder"):
        list(read([tmp_path, tmp_path], ReadOptions(), Findings()))


def test_the_real_folder(shared_data: Path) -> None:
    findings = Findings()
    samples = list(read([shared_data / "magnetic_tile"], ReadOptions(), findings))
    assert len(samples) == 925
    assert Counter(s.type for s in samples) == {
        "good": 670,
        "blowhole": 78,
        "uneven": 68,
        "break": 58,
        "crack": 30,
        "fray": 21,
    }
    assert {s.evidence for s in samples if not s.is_defect} == {"empty mask"}
    assert findings.notes == ["masks of light on dark with soft edges, cut at half of 255"]


def test_a_folder_is_good_where_it_says_nothing_else_or_the_type_map_says_so(tmp_path: Path) -> None:
    mask = blank()
    mask[5:15, 10:30] = 255
    save(tmp_path / "crack/a.jpg", blank())
    save(tmp_path / "crack/a_mask.png", mask)
    (tmp_path / "Labels.txt").mkdir()  # no list of DAGM
    for folder in ("good_contact", "good_lot_7", "series_a"):
        save(tmp_path / folder / "b.jpg", blank())
    findings = Findings()
    found = {s.path: s.status for s in read([tmp_path], ReadOptions(type_map={"series_a": "good"}), findings)}
    assert found == {"crack/a.jpg": "boxed", "good_lot_7/b.jpg": "good", "series_a/b.jpg": "good"}
    assert [r.image for r in findings.rejects] == ["good_contact/b.jpg"]
