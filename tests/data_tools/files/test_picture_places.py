from pathlib import Path

import pytest
from matplotlib.figure import Figure

from data_tools.core.errors import InputError
from data_tools.files.picture_places import require_picture_place, require_pictures_folder
from data_tools.report.overlays import save_figure


def look_at(folder: Path, *read: Path, ending: str = ".png") -> None:
    require_pictures_folder(folder, "--out", ending, read, "whose images are read")


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_picture_replaces_a_picture_and_nothing_else(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"contact_sheet.{kind}"
    save_figure(Figure(figsize=(1, 1)), path, 60)
    look_at(tmp_path, ending=f".{kind}")
    for text in ("mine", ""):
        path.write_text(text)
        with pytest.raises(InputError, match=rf"contact_sheet\.{kind} lies where a picture may go"):
            look_at(tmp_path, ending=f".{kind}")
    look_at(tmp_path, ending=".other")


@pytest.mark.parametrize(("name", "is_refused"), [("000012_a.png", True), ("12_a.png", False), ("a.png", False)])
def test_only_names_of_pictures_count(tmp_path: Path, name: str, is_refused: bool) -> None:
    (tmp_path / name).write_bytes(b"mine")
    if not is_refused:
        look_at(tmp_path)
        return
    with pytest.raises(InputError, match=name):
        look_at(tmp_path)


def test_a_folder_or_a_link_to_nowhere_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("nowhere")
    for name in ("a", "b"):
        with pytest.raises(InputError, match=name):
            require_picture_place(tmp_path / name, "--out")


def test_pictures_lie_in_no_folder_whose_images_are_read(tmp_path: Path) -> None:
    (tmp_path / "i" / "deep").mkdir(parents=True)
    (tmp_path / "i" / "deep" / "a.png").write_bytes(b"")
    (tmp_path / "link").symlink_to("i")
    for out in ("i", "i/o", "link/o", "i/deep"):
        with pytest.raises(InputError, match="whose images are read; give another folder"):
            look_at(tmp_path / out, tmp_path / "i")
    with pytest.raises(InputError, match=r"lies in .*deep"):
        look_at(tmp_path / "i" / "deep", tmp_path / "i" / "deep" / "a.png")
    look_at(tmp_path / "i" / "runs" / "o", tmp_path / "i")  # a walk leaves folders of tools out
    look_at(tmp_path / "i" / "o", tmp_path / "i" / "deep" / "a.png")
    look_at(tmp_path / "o", tmp_path / "i")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        look_at(tmp_path / "f")
