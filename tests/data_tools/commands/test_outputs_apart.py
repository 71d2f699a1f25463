"""No output of a prediction is an input, however the images are named."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from data_tools.commands.prediction import predict_and_write
from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_dataset
from data_tools.report.prediction_overlays import with_overlays
from tests.data_tools.commands.test_prediction import Model, arguments, never, save_many


@pytest.mark.parametrize("word", ["i/*.png", "i/001.png", "@list", "-", "i"])
def test_overlays_do_not_lie_beside_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.chdir(tmp_path)
    save_many(Path("i"), 2)
    Path("list").write_text("i/001.png\ni/002.png\n")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"i/001.png\n")))
    with pytest.raises(InputError, match=r"--overlays i: .*give another folder"):
        predict_and_write(arguments(word, overlays="i"), "detect", {}, never)
    assert sorted(path.name for path in Path("i").iterdir()) == ["001.png", "002.png"]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"i/001.png\n")))
    assert predict_and_write(arguments(word, overlays="o"), "detect", {}, Model()) == 0


@pytest.mark.parametrize("place", ["images", "", "images/o", "o"])
def test_overlays_do_not_lie_in_a_dataset(squares: Path, tmp_path: Path, place: str) -> None:
    given = arguments(data=str(squares), out=tmp_path / "p.jsonl", overlays=str(squares / place))
    with pytest.raises(InputError, match="whose images are predicted"):
        predict_and_write(given, "detect", {}, never)


def test_overlays_do_not_lie_where_the_images_of_a_dataset_have_moved_to(squares: Path, tmp_path: Path) -> None:
    root = read_dataset(squares).images_root
    assert root is not None
    moved = tmp_path / "moved"
    root.rename(moved)
    given = arguments(str(moved), data=str(squares), out=tmp_path / "p.jsonl", overlays=str(moved))
    with pytest.raises(InputError, match="whose images are predicted"):
        predict_and_write(given, "detect", {}, never)


@pytest.mark.parametrize("flags", [{"images": ["i"]}, {"watch": "i", "images": None}])
def test_a_file_that_is_no_overlay_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_many(Path("i"), 1)
    Path("o").mkdir()
    Path("o/000001_001.png").write_text("mine")
    with pytest.raises(InputError, match=r"000001_001\.png lies where a picture may go"):
        predict_and_write(arguments(**flags, overlays="o"), "detect", {}, never)
    assert Path("o/000001_001.png").read_text() == "mine"


def test_one_that_comes_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    save_many(tmp_path / "i", 1)
    out, folder = tmp_path / "p.jsonl", tmp_path / "o"
    given = arguments(tmp_path / "i", out=out, overlays=str(folder))

    def meanwhile(*of: object) -> object:
        folder.mkdir()
        (folder / "000001_001.png").write_text("mine")
        return Model()(*of)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="lies where a picture may go"):
        predict_and_write(given, "detect", {}, with_overlays(meanwhile, folder, "detect"))  # type: ignore[arg-type]
    assert (folder / "000001_001.png").read_text() == "mine"
    (folder / "000001_001.png").unlink()
    for _ in range(2):  # earlier overlays are drawn anew
        assert predict_and_write(given, "detect", {}, with_overlays(Model(), folder, "detect")) == 0


@pytest.mark.parametrize("name", ["p.jsonl", "p.npz", "p.errors.jsonl", "p.jsonl.partial", "p.jsonl.partial.maps"])
@pytest.mark.parametrize("word", ["{}", "@list", "-", "@{}"])
def test_no_file_of_the_output_is_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = io.BytesIO()
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(pixels, format="PNG")
    content = json.dumps({"errors_of": "p.jsonl"}).encode() if name == "p.errors.jsonl" else pixels.getvalue()
    Path(name).write_bytes(content)
    Path("list").write_text(f"{name}\n")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(f"{name}\n".encode())))
    with pytest.raises(InputError):
        predict_and_write(arguments(word.format(name)), "detect", {}, never)
    assert Path(name).read_bytes() == content
