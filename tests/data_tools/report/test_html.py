import base64
import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Prediction, PredictionHeader, PredictionSet, Sample, Splits
from data_tools.judging.curves import curves_of
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.judging.judge_predictions import evaluate
from data_tools.report.html import template_environment, write_html
from tests.data_tools.report.page_images import images_of

Page = Any  # as conftest.py makes it
MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


def test_the_page_is_whole_and_loads_nothing(judged: Page) -> None:
    text = judged.path.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)
    assert "@import" not in text
    assert text.count("<script") == 2
    assert "--apply review.csv --out CORRECTED" in text  # without --out the command is refused
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_the_policy_allows_the_one_script_and_no_other(judged: Page) -> None:
    text = judged.path.read_text(encoding="utf-8")
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert f"sha256-{digest}" in policy[1].replace("&#43;", "+")
    assert "unsafe-inline" not in policy[1].split("script-src")[1]


def test_hostile_names_are_escaped_in_tables_and_data(judged: Page) -> None:
    text = judged.path.read_text(encoding="utf-8")
    hostile = judged.dataset.samples[7]
    assert hostile.path not in text
    assert hostile.type not in text
    assert "<i>cam</i>" not in text
    start = text.index('id="data">') + len('id="data">')
    data = json.loads(text[start : text.index("</script>", start)])
    assert images_of(data)[7]["file"] == hostile.path


def test_each_picture_is_stored_once(judged: Page) -> None:
    text = judged.path.read_text(encoding="utf-8")
    data = re.search(r'id="data">(.*?)</script>', text)
    assert data is not None
    for image in images_of(json.loads(data[1])):
        assert text.count(image["jpeg"]) == 1


def test_size_and_number_are_said_and_the_same_input_gives_the_same_page(
    judged: Page, tmp_path: Path, caplog: Any
) -> None:
    path = tmp_path / "report.html"
    with caplog.at_level(logging.INFO):
        write_html(path, judged.report, judged.dataset.images_root)
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    assert f"8 images, {size}" in caplog.text
    assert f"8 images, {size}" in path.read_text(encoding="utf-8")
    assert path.read_bytes() == judged.path.read_bytes()


def test_a_real_report_shows_its_numbers(judged: Page, tmp_path: Path) -> None:
    report = evaluate(judged.dataset, judged.predictions, "all", resamples=100)
    write_html(tmp_path / "report.html", report, judged.dataset.images_root)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{report.runs['detector'].metrics['auc']['value']:.3f}" in text
    assert "peak distance mean, px" in text
    assert "<small>Mean distance from the peak to the nearest true box" in text
    assert "optimistic" in text  # the threshold is chosen on these very images


def test_a_report_of_few_metrics_has_a_page(
    tmp_path: Path, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    dataset = Dataset((make_sample(1),), ("defect",))
    report = evaluate(dataset, {"a": [make_prediction(1)]}, "all", metrics=("froc",), resamples=100)
    write_html(tmp_path / "r.html", report, None)
    assert "1 images" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_no_images_at_all(tmp_path: Path, make_report: Callable[..., EvaluationReport]) -> None:
    sets = {"a": PredictionSet(PredictionHeader("p"))}
    write_html(tmp_path / "r.html", make_report(Dataset((), ("defect",)), sets), None)
    assert "0 images" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_images_that_have_moved_are_said(
    tmp_path: Path,
    make_sample: MakeSample,
    make_prediction: MakePrediction,
    make_report: Callable[..., EvaluationReport],
) -> None:
    sets = {"a": PredictionSet(PredictionHeader("p"), (make_prediction(1),))}
    write_html(tmp_path / "r.html", make_report(Dataset((make_sample(1),), ("defect",)), sets), tmp_path / "gone")
    assert "gone does not exist" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_side_too_small_is_refused_and_nothing_is_written(judged: Page, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="thumbnail side 8"):
        write_html(tmp_path / "r.html", judged.report, None, thumbnail_side=8)
    assert list(tmp_path.iterdir()) == []


def test_maps_alone_are_drawn_by_the_curve_that_the_report_gives(
    tmp_path: Path, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    """Boxes are cut from maps where validation says, for the figure in the table and for the curve alike."""
    samples = tuple(make_sample(i, [(40, 40, 60, 60)] if i % 2 else []) for i in range(1, 9))
    dataset = Dataset(samples, ("defect",), None, Splits(0, "", (), (1, 2, 3, 4), (5, 6, 7, 8)))
    heatmap = np.zeros((5, 5), dtype=np.float32)
    heatmap[2, 2] = 1
    sets = {
        split: {"m": [make_prediction(s.image_id, heatmap=heatmap, peak=(50, 50)) for s in dataset.split(split)]}
        for split in ("val", "test")
    }
    report = evaluate(dataset, sets["test"], validation=sets["val"], resamples=100)
    curve = curves_of(report.judged["m"]).froc["centre_within_15px"]
    section = report.runs["m"].metrics["froc"]["centre_within_15px"]
    assert section["lesion_fraction_at"]["2.0"] == curve.at(2.0) == 1.0
    write_html(tmp_path / "r.html", report, None)
    assert "true boxes found over false boxes" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_remark_that_asks_ends_as_a_question(tmp_path: Path, make_report: Callable[..., EvaluationReport]) -> None:
    report = make_report(Dataset((), ("defect",)), {"a": PredictionSet(PredictionHeader("p"))})
    remarks = ("transposed?", "no good images")
    write_html(tmp_path / "r.html", replace(report, data=replace(report.data, remarks=remarks)), None)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "transposed?<" in text
    assert "no good images.<" in text


def test_a_name_at_the_head_of_a_column_may_go_on_in_the_next_line() -> None:
    template = template_environment().from_string("{{ name|breakable }}")
    assert template.render(name="a_b/<c>.d\x1b-") == "a_<wbr>b/<wbr>&lt;c&gt;.<wbr>d\\x1b-<wbr>"
