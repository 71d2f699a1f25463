"""Ours with windows and slices, and the same squeezed: what is asked of either in the comparison."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_dataset
from detect.compare_detectors import cells

SLICES = {"side_px": 128, "seen_px": 64, "share": 0.5}
FIT = {"steps": 100, "epoch_steps": 50, "batch_size": 4}


def settings_of(side_px: int | None) -> Any:
    """Stands for the command that prints a training's settings: 100 steps of 4 times 64 x 64 px, 1.6384 megapixels."""

    def told(command: Sequence[str]) -> dict[str, Any]:
        sliced = side_px if "--input.slices.side_px" not in command else None
        return {"input": {"size_hw": [64, 64], "slices": {**SLICES, "side_px": sliced}}, "fit": FIT}

    return told


def planned(data: Path, out: Path, approaches: Sequence[str]) -> list[cells.Cell]:
    settings = {"ours": ("--recipe", "quick"), "baseline": ("--recipe", "quick")}
    return cells.plan(approaches, [0], {data: read_dataset(data)}, None, out, settings)


def test_both_see_the_same_pixels(squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "settings_of", settings_of(128))
    ours, squeezed = planned(squares, tmp_path, ["ours", "squeezed"])
    assert "--input.slices.side_px" not in ours.command
    place = squeezed.command.index("--input.slices.side_px")
    assert squeezed.command[place + 1] == "null"
    assert squeezed.command[:3] == ("detect.train", "--recipe", "quick")
    assert ours.identity["megapixels"] == squeezed.identity["megapixels"] == 1.638
    assert ours.identity["settings"] != squeezed.identity["settings"]


def test_squeezed_alone_takes_the_budget_of_ours(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "settings_of", settings_of(128))
    (squeezed,) = planned(squares, tmp_path, ["squeezed"])
    assert squeezed.identity["megapixels"] == 1.638


def test_what_is_seen_whole_anyway_is_refused(squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "settings_of", settings_of(None))
    with pytest.raises(InputError, match=r"squeezed: ours sees the images of .* whole anyway"):
        planned(squares, tmp_path, ["ours", "squeezed"])
