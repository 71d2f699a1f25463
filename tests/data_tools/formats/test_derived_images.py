from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import BOXED, GOOD
from data_tools.formats.choice import choose_format
from data_tools.formats.images.derived_images import made_from_others, maps_among, one_picture
from data_tools.formats.registry import Findings, ReadOptions

PICTURE = (np.add.outer(np.arange(40), np.arange(50)) * 2).astype(np.uint8)


@pytest.mark.parametrize(
    ("names", "maps"),
    [
        (["a.png", "a_depth.png"], {"a_depth.png": "a.png"}),
        (["good/rgb/000.png", "good/xyz/000.tiff"], {"good/xyz/000.tiff": "good/rgb/000.png"}),
        (["a.jpg", "depth_maps/a.png"], {"depth_maps/a.png": "a.jpg"}),
        (["0_image_0.png", "0_normals.png"], {"0_normals.png": "0_image_0.png"}),
        (["a_thumb.jpg"], {}),
        (["in_depth/a.png", "b/a.png"], {}),
        (["depth/1.png", "depth/2.png"], {}),
        (["x/a.png", "y/a_preview.png"], {}),
    ],
)
def test_a_map_is_one_only_beside_its_photo(names: list[str], maps: dict[str, str]) -> None:
    assert maps_among(names) == maps


def test_masks_and_copies_are_made_from_others() -> None:
    names = ["a.bmp", "a.png", "b.jpg", "b_mask.png", "c.jpg"]
    assert set(made_from_others(names, Path("x"))) == {"a.png", "b_mask.png"}


def test_one_picture_in_two_suffixes(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.png"):
        Image.fromarray(PICTURE).save(tmp_path / name)
    Image.fromarray(PICTURE // 128 * 255).save(tmp_path / "b.jpg")
    assert one_picture(["a.png", "a.jpg"], tmp_path)
    assert not one_picture(["b.png", "b.jpg"], tmp_path)
    assert not one_picture(["a.png", "b.png"], tmp_path)
    assert not one_picture(["a.png", "a.bmp"], tmp_path)


def test_what_is_made_from_a_defect_is_never_good(tmp_path: Path) -> None:
    for name in ("a.png", "a.bmp", "a_mask.png", "a_depth.png", "b.png"):
        Image.fromarray(PICTURE).save(tmp_path / name)
    (tmp_path / "b.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    chosen, _ = choose_format([tmp_path], "yolo")
    findings = Findings()
    options = ReadOptions(unlabelled="good")
    assert {(s.path, s.status) for s in chosen.read([tmp_path], options, findings)} == {
        ("a.bmp", BOXED),
        ("b.png", BOXED),
    }
    assert {reject.image for reject in findings.rejects} == {"a.png", "a_mask.png", "a_depth.png"}


def test_predictions_that_a_training_left_are_no_labels(tmp_path: Path) -> None:
    """runs/detect/exp/labels/a.txt is what a detector thought of a.png, and a.png is said to be good."""
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("")
    guesses = tmp_path / "runs" / "detect" / "exp" / "labels"
    guesses.mkdir(parents=True)
    (guesses / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    findings = Findings()
    chosen, _ = choose_format([tmp_path], "yolo")
    assert [(s.path, s.status) for s in chosen.read([tmp_path], ReadOptions(), findings)] == [("a.png", GOOD)]
    assert [reject.image for reject in findings.rejects] == ["runs"]
