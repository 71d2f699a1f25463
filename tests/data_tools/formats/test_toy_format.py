"""A format is one file and one line of registration: recognised, read, and judged by the one rule for all."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.convert import main
from data_tools.files.dataset_folder import read_dataset
from data_tools.formats import registry


def test_a_toy_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(registry, "_MODULES", (*registry._MODULES, "tests.data_tools.formats.toy_format"))
    for name in ("a", "b", "c"):
        Image.fromarray(np.zeros((40, 50), np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "areas.toy").write_text("a.png 1 2 10 20 crack\nb.png none\nc.png 45 35 10 10 chip\n")
    out = tmp_path / "out" / "set"
    assert main([str(tmp_path / "areas.toy"), "--out", str(out), "--split", "none"]) == 0
    assert "format toy (ends in .toy)" in capsys.readouterr().out
    samples = {sample.path: sample for sample in read_dataset(out).samples}
    assert samples["a.png"].boxes_xyxy.tolist() == [[1, 2, 11, 22]]
    assert (samples["b.png"].status, samples["b.png"].evidence) == ("good", "the word none")
    assert samples["c.png"].status == "unboxed"  # a quarter of its box lies inside
