import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.convert import main as convert
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.templates import Templates, templates_of


def write(folder: Path, *names: str, size_hw: tuple[int, int] = (8, 10), gray: int = 7) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full(size_hw, gray, np.uint8)).save(folder / name)
    return folder


@pytest.mark.parametrize(
    ("image", "template"),
    [
        ("a.png", "a.png"),
        ("a.jpg", "a.png"),  # whatever the extension
        ("lot/a.png", "lot/a.bmp"),
        ("a_test.jpg", "a_temp.jpg"),
        ("00041/00041000_test.jpg", "00041/00041000_temp.jpg"),
        ("a_test.png", "a_test.bmp"),  # named like the image
        ("widget/a.png", "widget.png"),  # the golden picture of all images in the folder
        ("plant/widget/a.png", "plant/widget.png"),
        ("a.b.png", "a.b.png"),
        ("lot\\a.png", "lot/a.png"),
        ("/data/images/lot/a.png", "lot/a.png"),  # an absolute path: the longest end that names one
        ("../images/a.png", "a.png"),
    ],
)
def test_a_template_is_found_by_the_images_name(tmp_path: Path, image: str, template: str) -> None:
    write(tmp_path, template)
    assert Templates(tmp_path).path_of(image) == tmp_path / template


def test_the_nearest_name_wins(tmp_path: Path) -> None:
    templates = Templates(write(tmp_path, "lot/a_temp.png", "lot/a_test.bmp", "lot.png", "a.png"))
    assert templates.path_of("lot/a_test.png") == tmp_path / "lot/a_temp.png"
    assert templates.path_of("lot/b.png") == tmp_path / "lot.png"
    assert templates.path_of("/x/lot/a.png") == tmp_path / "lot.png"  # not a.png, which is of another folder


@pytest.mark.parametrize("image", ["b.png", "lot/a.png", "A.png", "a_test.png", "lot/lot/a.png"])
def test_a_name_that_is_not_there_is_no_other_name(tmp_path: Path, image: str) -> None:
    templates = Templates(write(tmp_path, "a.png", "other/lot/a.png"))
    with pytest.raises(InputError, match="no template below"):
        templates.path_of(image)


def test_two_pictures_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png: which is its template below .*, a\.bmp or a\.png\?"):
        Templates(write(tmp_path, "a.png", "a.bmp")).path_of("a.png")


def test_an_image_is_no_template_of_itself(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "b_test.png", "b_temp.png", "c_test.png")
    templates = Templates(tmp_path)
    assert templates.path_of("b_test.png", tmp_path / "b_test.png") == tmp_path / "b_temp.png"
    for name in ("a.png", "c_test.png"):
        with pytest.raises(InputError, match="is the image itself"):
            templates.path_of(name, tmp_path / name)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "secret", "a.png")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "lot").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="a link that leaves"):
        Templates(tmp_path / "templates").path_of("lot/a.png")


def test_what_the_folder_holds_now_counts_and_not_what_it_held(tmp_path: Path) -> None:
    templates = Templates(write(tmp_path, "a.png"))
    assert templates.path_of("a.png") == tmp_path / "a.png"
    with pytest.raises(InputError, match="no template below"):
        templates.path_of("b.png")
    write(tmp_path, "b.png", "a.bmp")  # within one tick of the file system's clock
    assert templates.path_of("b.png") == tmp_path / "b.png"
    with pytest.raises(InputError, match=r"a\.bmp or a\.png\?"):
        templates.path_of("a.png")
    (tmp_path / "a.png").unlink()
    os.utime(tmp_path, ns=(1, 1))
    assert templates.path_of("a.png") == tmp_path / "a.bmp"


def test_a_folder_that_has_not_changed_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates, listings, listed = Templates(write(tmp_path, "a.png", "b.png")), [], os.listdir
    os.utime(tmp_path, ns=(1, 1))
    monkeypatch.setattr(os, "listdir", lambda path: listings.append(path) or listed(path))
    for name in ("a.png", "b.png", "a.png"):
        templates.path_of(name)
    assert listings == [tmp_path]


def test_pixels_and_why_there_are_none(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    templates = Templates(write(tmp_path, "1.bmp"))
    assert (templates.read(make_sample(1, size_hw=(8, 10))) == np.full((8, 10), 7)).all()
    with pytest.raises(InputError, match=r"1\.png: its template .*1\.bmp is 10 x 8 pixels, and the image 10 x 9"):
        templates.read(make_sample(1, size_hw=(9, 10)))
    content = (tmp_path / "1.bmp").read_bytes()
    (tmp_path / "1.bmp").write_bytes(content[:-20])
    with pytest.raises(InputError, match=r"1\.bmp"):
        templates.read_beside("1.png", tmp_path / "image.png", (8, 10))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png.*(not a regular file|leads to no file)"):
        Templates(tmp_path).read_beside("a.png", None, (8, 10))


@pytest.mark.parametrize("name", ["x" * 300 + "/a.png", "loop/a.png"])
def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"a\.png: its template cannot be looked for in .*: .*(long|levels)"):
        Templates(tmp_path).path_of(name)


def test_all_that_lack_one_are_counted_and_the_first_named(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    samples = tuple(make_sample(number, size_hw=(8, 10)) for number in range(1, 9))
    data = Dataset(samples, ("defect",), None, Splits(0, "none", (1, 2, 3), (4, 5), (6, 7)))
    write(tmp_path, *(f"{number}.png" for number in range(1, 8)))
    assert templates_of(data, tmp_path / "images", tmp_path) == Templates(tmp_path)  # of 8 nothing is asked
    for number in (2, 4, 5, 7):
        (tmp_path / f"{number}.png").unlink()
    write(tmp_path, "6.png", size_hw=(10, 8))
    with pytest.raises(InputError) as refused:
        templates_of(data, tmp_path / "images", tmp_path)
    said = str(refused.value)
    assert "train, val and test: 5 of the 7 images have no template to be compared with: 2.png: no template" in said
    assert "5.png" in said
    assert "6.png" not in said
    assert said.endswith("; and 2 more")


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder of templates"):
        Templates(tmp_path / "nowhere")


def test_the_templates_of_a_converted_deeppcb_set_are_those_beside_its_images(tmp_path: Path) -> None:
    source = write(tmp_path / "PCBData", "group1/1/0001_test.jpg", "group1/1/0001_temp.jpg", size_hw=(20, 30))
    (source / "group1" / "1_not").mkdir()
    (source / "group1" / "1_not" / "0001.txt").write_text("2 3 9 12 1\n")
    (source / "list.txt").write_text("group1/1/0001.jpg group1/1_not/0001.txt\n")
    out = tmp_path / "set"
    assert convert([str(source), "--out", str(out), "--format", "deeppcb", "--split", "none"]) == 0
    data = read_dataset(out)
    (sample,) = data.samples
    assert sample.path == "group1/1/0001_test.jpg"
    templates = Templates(source)
    templates.require(data.samples, source, "set")
    assert templates.path_of(sample.path) == source / "group1/1/0001_temp.jpg"
