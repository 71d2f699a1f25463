"""Which mask belongs to which image where folders are named by several words at once."""

from pathlib import Path

import numpy as np
import pytest

from data_tools.formats.images.mask_places import pair_masks

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
        ("input/a.png", "target/a.png"),
        ("Original Images/a.tif", "Ground Truth/a.tif"),
        ("Bilder/a.jpg", "Masken/a.png"),
        ("ima\u0301genes/a.png", "m\u00e1scaras/a.png"),
        ("图像/a.png", "掩码/a.png"),
        ("images/img_7.png", "masks/mask_7.png"),
        ("a7.png", "mask_a7.png"),
        ("image_7.png", "label_7.png"),
        ("oil/a.jpg", "ground_truth_2/a.png"),  # MSD
        ("JPEGImages/a.jpg", "SegmentationClassPNG/a.png"),  # labelme2voc
        ("Images1/a.bmp", "Semantic Maps/a_segm.bmp"),  # wood surface defects
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


@pytest.mark.parametrize("folder", ["Validierung", "test-A", "train2017", "训练集", "train/labeled", "traincrop"])
def test_a_part_of_a_split_is_no_type(tmp_path: Path, save, read, folder: str) -> None:
    save(tmp_path / folder / "images/a.jpg")
    save(tmp_path / folder / "masks/a.png", MASK)
    (sample,) = read("mask", tmp_path)[0].values()
    assert (sample.box_types, sample.type) == (("defect",), "defect")


@pytest.mark.parametrize(
    "folder", ["Images2", "img_01", "NEU surface defect database", "steel surface defects", "CRACK500"]
)
def test_a_numbered_carrier_and_a_whole_set_are_no_type(tmp_path: Path, save, read, folder: str) -> None:
    save(tmp_path / folder / "a.jpg")
    save(tmp_path / "masks/a.png", MASK)
    (sample,) = read("mask", tmp_path)[0].values()
    assert (sample.box_types, sample.type) == (("defect",), "defect")


@pytest.mark.parametrize("folder", ["label_1", "bin_1", "target2"])
def test_numbered_folders_that_may_be_classes_are_none_of_masks(folder: str) -> None:
    root = Path("set")
    assert len(pair_masks([root / folder / "a.png", root / "images/a.png"], root).masks) == 2


def test_masks_in_one_folder_meet_no_images_of_types_where_one_of_them_is_of_none() -> None:
    root = Path("set")
    files = [root / name for name in ("oil/a.jpg", "stain/b.jpg", "gt/a.png", "gt/b.png")]
    assert [len(masks) for masks in pair_masks(files, root).masks.values()] == [1, 1]
    assert not any(pair_masks([*files, root / "gt/c.png"], root).masks.values())


def test_a_name_with_a_word_for_masks_is_an_images_own_where_no_other_has_the_rest() -> None:
    root = Path("set")
    assert len(pair_masks([root / "label_7.png", root / "mask_a.png", root / "a_8.png"], root).masks) == 3


def test_such_folders_name_no_type(tmp_path: Path, save, read) -> None:
    save(tmp_path / "train_images/a.png")
    save(tmp_path / "train_masks/a.png", MASK)
    (sample,) = read("mask", tmp_path)[0].values()
    assert (sample.box_types, sample.boxes_xyxy.tolist()) == (("defect",), [[20, 10, 50, 30]])
