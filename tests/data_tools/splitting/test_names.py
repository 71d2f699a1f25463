"""What names suggest, kind by kind."""

import pytest

from data_tools.splitting.grouping import components
from data_tools.splitting.names import copies, device_folders, namesakes, parts, views


def groups(pairs: object, names: list[str]) -> list[str]:
    return components(pairs, len(names))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "names",
    [
        ["a_png.rf.6e759fe7aa.jpg", "a_png.rf.78125a54bb.jpg"],
        ["train/a_jpg.rf.6e759fe7aa.jpg", "valid/a_jpg.rf.0f6a78c9bb.jpg"],
        ["a_png.rf.Zf3kQ9aLm2TzX0cB1dEf.jpg", "a_png.rf.qF8vWn4sYh6JrP5uKt2G.jpg"],
        ["b/img_7.png", "b/flip_img_7.png", "b/rot90_img_7.png", "b/aug_3_img_7.png"],
        [f"pit_original_a.png_{i}0b1c2d3-0a1b-4c5d-8e9f-0123456789ab.png" for i in range(3)],
        ["part07.png", "part07_flip.png", "part07_rot90.png", "part07-rot180.png", "part07_hflip.png"],
        ["part07_fliplr.png", "part07_flipud.png", "part07_aug3.png", "part07_bright.png", "part07_noise_2.png"],
        ["wafer.bmp", "wafer - Copy.bmp", "wafer - Copy (2).bmp", "Copy of wafer.bmp"],
        ["b12.png", "b12 (1).png", "b12 (2).png"],
        ["x3.png", "x3.jpg"],
        ["part07_flip_rot90.png", "part07.png"],
    ],
)
def test_copies_of_one_picture(names: list[str]) -> None:
    assert len(set(groups(copies(names), names))) == 1


@pytest.mark.parametrize(
    "names",
    [
        ["rolled-in_scale_1.jpg", "rolled-in_scale_2.jpg", "rolled-in_scale_266.jpg"],
        ["img (1).png", "img (2).png", "img (3).png"],
        ["dark_1.png", "dark_2.png"],
        ["a_1.png", "a_2.png"],
        ["good/x3.png", "bad/x3.png"],
        ["a_png.rf.6e759fe7aa.jpg", "b_png.rf.78125a54bb.jpg"],
        ["train/good/007.png", "test/good/007.png"],
    ],
)
def test_no_copies(names: list[str]) -> None:
    assert len(set(groups(copies(names), names))) == len(names)


def test_a_copy_is_of_the_picture_in_its_own_folder() -> None:
    names = ["train/07.png", "train/07_flip.png", "test/07.png", "test/07_rot90.png"]
    assert groups(copies(names), names) == ["g1", "g1", "g2", "g2"]
    names = ["train/07.png", "test/07_flip.png"]  # the picture itself is in the other part alone
    assert groups(copies(names), names) == ["g1", "g1"]


def test_one_name_in_several_parts() -> None:
    names = ["train/07.png", "train/07.jpg", "test/07.png", "val/08.png", "good/07.png"]
    assert namesakes(names).tolist() == [[1, 2]]


def test_parts_of_one_item() -> None:
    names = ["kos07_part3.jpg", "kos07_part5.jpg", "kos08_part3.jpg", "b1_tile_0_1.png", "b1_tile_1_1.png"]
    names += ["c2_x0_y512.png", "c2_x512_y0.png", "d4_row1_col2.png", "d4_row2_col1.png", "scratch_part1.png"]
    names += ["scratch_part2.png", "part1.png", "part2.png"]
    labels = groups(parts(names), names)
    assert labels[:3] == ["g1", "g1", "g2"]
    assert labels[3] == labels[4]
    assert labels[5] == labels[6]
    assert labels[7] == labels[8]
    assert len(set(labels[9:])) == 4  # a type's name, and no name at all, are no item


def test_views_of_one_item() -> None:
    names = ["good/000_regular.png", "good/000_overexposed.png", "good/000_shift_1.png"]  # MVTec AD 2
    names += ["a_0001_OK_C1_20231019135157.jpg", "a_0001_OK_C2_20231019135157.jpg"]  # Real-IAD
    names += ["b7_cam1.bmp", "b7_cam2.bmp", "bad/000_regular.png", "a_0002_OK_C1_20231019135159.jpg", "b8_cam1.bmp"]
    names += ["cam1.bmp", "cam2.bmp", "scratch_regular.png", "scratch_mixed.png"]
    labels = groups(views(names), names)
    assert labels[:7] == ["g1"] * 3 + ["g2"] * 2 + ["g3"] * 2
    assert len(set(labels[7:])) == 7  # another item or folder, and no number, hence perhaps a type


def test_a_folder_a_device() -> None:
    names = [f"kos{device:02d}/Part{shot}.jpg" for device in range(20) for shot in range(8)]
    assert len(set(groups(device_folders(names), names))) == 20
    types = [f"Class{kind}/{i}.png" for kind in range(4) for i in range(8)]
    assert len(set(groups(device_folders(types), types))) == len(types)
    large = [f"lot{lot}/{i}.png" for lot in range(3) for i in range(200)]
    assert len(set(groups(device_folders(large), large))) == len(large)
