"""Letters of other scripts in figures."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data_tools.core.records import Prediction, Sample
from data_tools.report.fonts import FAMILIES, families
from data_tools.report.overlays import View, as_svg, draw_overlay, save_figure


def test_fonts_of_other_scripts_stand_behind_the_one_that_is_always_there() -> None:
    assert families(set()) == ["DejaVu Sans"]
    assert families({"Malgun Gothic", "Noto Sans CJK SC", "Comic Sans"}) == [
        *("DejaVu Sans", "Noto Sans CJK SC", "Malgun Gothic")
    ]
    assert FAMILIES[0] == "DejaVu Sans"


def test_nothing_is_said_of_each_letter(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction], tmp_path: Path
) -> None:
    sample = make_sample(boxes=[(2, 2, 9, 9)], size_hw=(20, 30), defect_type="划痕 リード 이물질")
    view = View(np.zeros((20, 30), dtype=np.uint8), sample, {"検出器": make_prediction(size_hw=(20, 30))}, {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_overlay(view)
        save_figure(figure, tmp_path / "a.png", 100)
        svg = as_svg(figure).decode("utf-8")
    assert "検出器" in svg
    assert "划痕 リード 이물질, 1 box" in svg
