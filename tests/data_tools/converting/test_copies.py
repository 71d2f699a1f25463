from pathlib import Path

import numpy as np
from PIL import Image

from data_tools.converting.copies import without_copies
from data_tools.core.records import BOXED, GOOD, Sample, empty_boxes, empty_labels
from data_tools.formats.registry import Findings

PICTURE = (np.add.outer(np.arange(40), np.arange(50)) * 2).astype(np.uint8)


def sample(path: str, *boxes: tuple[float, float, float, float]) -> Sample:
    if not boxes:
        return Sample(1, path, PICTURE.shape, empty_boxes(), empty_labels(), GOOD, "", GOOD, evidence="x")
    labels = np.ones(len(boxes), dtype=np.int64)
    return Sample(1, path, PICTURE.shape, np.array(boxes), labels, BOXED, "", "scratch", ("scratch",) * len(boxes))


def kept(root: Path, *samples: Sample) -> tuple[list[str], list[str]]:
    findings = Findings()
    left = [one.path for one in without_copies(samples, root, findings)]
    return left, [reject.image for reject in findings.rejects]


def test_of_a_photo_and_its_copy_one_is_kept_and_it_is_the_defect(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png"):
        Image.fromarray(PICTURE).save(tmp_path / name)
    box = (1.0, 2.0, 9.0, 8.0)
    assert kept(tmp_path, sample("a.jpg"), sample("a.png")) == (["a.jpg"], ["a.png"])
    assert kept(tmp_path, sample("a.jpg"), sample("a.png", box)) == (["a.png"], ["a.jpg"])
    assert kept(tmp_path, sample("a.jpg", box), sample("a.png", box)) == (["a.jpg"], ["a.png"])
    assert kept(tmp_path, sample("a.jpg", box), sample("a.png", (1, 2, 9, 20))) == (["a.jpg", "a.png"], [])


def test_two_pictures_of_one_name_are_two_images(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg")
    Image.fromarray(PICTURE[::-1]).save(tmp_path / "a.png")
    assert kept(tmp_path, sample("a.jpg"), sample("a.png")) == (["a.jpg", "a.png"], [])
