"""Which mask belongs to which image where folders are named by several words at once."""

from pathlib import Path

import numpy as np
import pytest

from data_tools.formats.mask_places import pair_masks

MASK = np.zeros((60, 80), dtype=np.uint8)
MASK[10:30, 20:50] = 255


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("train_images/a.png", "train_masks/a.png"),
        ("images_train/a.png", "masks_train/a_mask.png"),
        ("train/a.jpg", "train_masks/a_mask.gif"),  # Carvana
        ("train_img/a.jpg", "train_lab/a.png"),  # DeepCrack
        ("train/a.png", "trainannot/a.png"),  # CamVid
        ("img_dir/train/a.jpg", "ann_dir/train/a.png"),  # MMSegmentation
        ("images/a.png", "targets/a.png"),
    ],
)
def test_folders_named_by_several_words(image: str, mask: str) -> None:
    root = Path("set")
    other = image.replace("train", "test")  # of the same name, in another part of the split
    files = [root / name for name in dict.fromkeys((image, mask, other))]
    pairing = pair_masks(files, root)
    assert pairing.masks[root / image] == (root / mask,)
    assert pairing.unused == ()


@pytest.mark.parametrize("folder", ["mask_missing", "label_on_part", "ann", "lab", "train_scratch"])
def test_folders_that_say_more_or_less_are_none_of_masks(folder: str) -> None:
    root = Path("set")
    assert len(pair_masks([root / folder / "a.png", root / "images/a.png"], root).masks) == 2


def test_such_folders_name_no_type(tmp_path: Path, save, read) -> None:
    save(tmp_path / "train_images/a.png")
    save(tmp_path / "train_masks/a.png", MASK)
    (sample,) = read("mask", tmp_path)[0].values()
    assert (sample.box_types, sample.boxes_xyxy.tolist()) == (("defect",), [[20, 10, 50, 30]])
