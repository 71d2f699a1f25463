"""Folders of both contests joined with the defect-area files."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.convert import main
from data_tools.files.dataset_folder import read_dataset

LAYOUTS = {
    "second": ("train/train_contest/good_all", "train/train_contest/defect", "test/test_contest/test", ".bmp"),
    "first": ("train/good_0", "train/bad_1", "test/all_tests", ".jpg"),
}


@pytest.mark.parametrize("contest", sorted(LAYOUTS))
def test_statuses_of_a_contest(tmp_path: Path, contest: str, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, test, suffix = LAYOUTS[contest]
    names = {
        good: ["WEE939001B0A_1", "WEE939002B0A_1"],
        bad: ["WEE939001B0A_2-APG.5_1", "WEE939003B0A_9"],
        test: ["WEE939004B0A_7", "WEE939005B0A_8"],
    }
    for folder, ids in names.items():
        (tmp_path / "images" / folder).mkdir(parents=True)
        for one in ids:
            Image.fromarray(np.full((267, 275), 9, dtype=np.uint8)).save(
                tmp_path / "images" / folder / f"{one}{suffix}"
            )
    areas = tmp_path / "areas"
    areas.mkdir()
    (areas / "scratch.csv").write_text("WEE939001B0A_2-APG.5_1,scratch,rectangle,10,20,30,40\n")
    (areas / "chipping.csv").write_text("WEE939004B0A_7,chipping,rectangle,0,0,274,266\n")
    assert main([str(areas), "--images", str(tmp_path / "images"), "--out", str(tmp_path / "out")]) == 0
    found = {Path(s.path).stem: (s.status, s.group) for s in read_dataset(tmp_path / "out").samples}
    assert found == {
        "WEE939001B0A_1": ("good", "WEE939001B0A"),
        "WEE939002B0A_1": ("good", "WEE939002B0A"),
        "WEE939001B0A_2-APG.5_1": ("boxed", "WEE939001B0A"),
        "WEE939003B0A_9": ("unboxed", "WEE939003B0A"),
        "WEE939004B0A_7": ("boxed", "WEE939004B0A"),
    }
    with (tmp_path / "out" / "rejects.csv").open() as file:
        (unknown,) = csv.DictReader(file)
    assert unknown["image"] == f"{test}/WEE939005B0A_8{suffix}"
    assert "detect.predict --images" in unknown["reason"]
    assert "format nexperia" in capsys.readouterr().out
