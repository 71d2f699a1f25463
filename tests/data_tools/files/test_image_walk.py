import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.files.image_walk import IMAGE_SUFFIXES, UNREAD_SUFFIXES, names_an_image, walk_images


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(root / name, format="PNG")


def test_what_is_no_data_is_left_out_with_a_reason(tmp_path: Path) -> None:
    touch(tmp_path, "b/1.png", "b/0.PNG", "a.jfif", "b/.ipynb_checkpoints/1.png", "@eaDir/1.png/SYNO.jpg")
    touch(tmp_path, "runs/train/x.png", "b/.hidden.png", "._a.jfif", "scan.HEIC", "b/readme.txt", "b/stack.nii")
    walk = walk_images(tmp_path)
    assert walk.names == (("a.jfif", False), ("b/0.PNG", False), ("b/1.png", False))
    assert {name: reason.split(":")[0] for name, reason in walk.left_out} == {
        "@eaDir": "a hidden folder or one of a tool",
        "b/.hidden.png": "a hidden file",
        "b/.ipynb_checkpoints": "a hidden folder or one of a tool",
        "b/stack.nii": ".nii images are not read; save them as .png or .tif",
        "runs": "a hidden folder or one of a tool",
        "scan.HEIC": ".heic images are not read; save them as .png or .tif",
    }


def test_the_name_of_the_folder_itself_decides_nothing(tmp_path: Path) -> None:
    touch(tmp_path / ".cache" / "runs", "a.png")
    assert walk_images(tmp_path / ".cache" / "runs").names == (("a.png", False),)


def test_what_is_no_file_is_left_out_with_a_reason(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "lost.png").symlink_to("nowhere.png")
    (tmp_path / "kept.png").symlink_to("a.png")
    os.mkfifo(tmp_path / "pipe.png")
    walk = walk_images(tmp_path)
    assert walk.names == (("a.png", False), ("kept.png", True))
    assert [name for name, _ in walk.left_out] == ["loop.png", "lost.png", "pipe.png"]


def test_a_suffix_is_read_or_not(tmp_path: Path) -> None:
    assert not set(IMAGE_SUFFIXES) & set(UNREAD_SUFFIXES)
    assert names_an_image("a.TIFF")
    assert not names_an_image("._a.tiff")
    assert not names_an_image("a.txt")


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_each_suffix_is_found(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f"a{suffix}")
    assert [name for name, _ in walk_images(tmp_path).names] == [f"a{suffix}"]
