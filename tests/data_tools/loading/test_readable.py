"""Images that cannot be used are named before the work, by what their headers say."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import classify.train
import detect
import detect.plan
import detect.train
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.loading.readable import require_readable


@pytest.fixture
def data(tmp_path: Path, make_sample: Callable[..., Sample]) -> Dataset:
    """Nine images of 8 x 12 pixels (height x width); the last is in no split."""
    (tmp_path / "images").mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (8, 12)).astype(np.uint8)
    for i in range(1, 10):
        Image.fromarray(noise).save(tmp_path / "images" / f"{i}.png")
    samples = tuple(make_sample(i, [[1, 1, 5, 5]] if i % 2 else [], (8, 12)) for i in range(1, 10))
    dataset = Dataset(samples, ("defect",), splits=Splits(0, "none", (1, 2, 3, 4), (5, 6), (7, 8)))
    write_dataset(tmp_path / "data", replace(dataset, images_root=tmp_path / "images"))
    return read_dataset(tmp_path / "data")


def test_whole_images_of_the_annotated_size_pass_and_others_are_not_looked_at(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "images" / "9.png").unlink()
    require_readable(data, tmp_path / "images")
    require_readable(replace(data, splits=Splits(0, "none", (), (), ())), tmp_path / "nowhere")


def test_each_fault_is_named_and_of_many_the_first_with_their_number(data: Dataset, tmp_path: Path) -> None:
    images = tmp_path / "images"
    (images / "1.png").write_bytes((images / "2.png").read_bytes()[:60])
    Image.fromarray(np.zeros((12, 8), np.uint8)).save(images / "6.png")
    (images / "7.png").unlink()
    with pytest.raises(InputError, match=r"3 of the 8 images") as caught:
        require_readable(data, images)
    said = str(caught.value)
    assert re.search(r"1\.png: (not|cannot)", said)
    assert "6.png (image 6): is 8 x 12 pixels, but annotated as 12 x 8" in said
    assert "7.png: no such image" in said
    assert "more" not in said
    with pytest.raises(InputError, match=r"8 of the 8 .*1\.png: no such image; .*3\.png: .*; and 5 more"):
        require_readable(data, tmp_path / "nowhere")


def test_plans_and_trainings_look_first(data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images" / "8.png").unlink()
    folder, run = str(data.folder), str(tmp_path / "run")
    with pytest.raises(InputError, match=r"8\.png: no such image"):
        detect.plan(data)
    commands: list[tuple[Callable[[list[str]], int], list[str]]] = [
        (detect.plan.main, [folder]),
        (detect.train.main, ["--data", folder, "--run", run]),
        (detect.train.main, ["--config", "quickstart", "--data", folder, "--run", run]),
        (classify.train.main, ["--config", "quickstart", "--data", folder, "--run", run]),
    ]
    for main, words in commands:
        assert main(words) == 2
        assert "1 of the 8 images of train, val and test cannot be used" in capsys.readouterr().err
    assert not Path(run).exists()
