import base64
import hashlib
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.judging.evaluate import Entry, evaluate
from data_tools.report.html import write_html

Page = Any  # as conftest.py makes it
MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


def test_the_page_is_whole_and_loads_nothing(judged: Page) -> None:
    text = judged.path.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)
    assert "@import" not in text
    assert text.count("<script") == 2
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
    assert data["images"][7]["file"] == hostile.path


def test_each_picture_is_stored_once(judged: Page) -> None:
    text = judged.path.read_text(encoding="utf-8")
    data = re.search(r'id="data">(.*?)</script>', text)
    assert data is not None
    for image in json.loads(data[1])["images"]:
        assert text.count(image["jpeg"]) == 1


def test_size_and_number_are_said_and_the_same_input_gives_the_same_page(
    judged: Page, tmp_path: Path, caplog: Any
) -> None:
    path = tmp_path / "report.html"
    with caplog.at_level(logging.INFO):
        write_html(path, judged.report, judged.dataset, judged.predictions, "all")
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    assert f"8 images, {size}" in caplog.text
    assert f"8 images, {size}" in path.read_text(encoding="utf-8")
    assert path.read_bytes() == judged.path.read_bytes()


def test_a_real_report_shows_its_numbers(judged: Page, tmp_path: Path) -> None:
    entries = [Entry(label, predictions) for label, predictions in judged.predictions.items()]
    report = evaluate(judged.dataset, "all", entries)
    write_html(tmp_path / "report.html", report, judged.dataset, judged.predictions, "all")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{report['runs']['detector']['metrics']['auc']['value']:.3f}" in text
    assert "peak distance mean, px" in text
    assert "optimistic" in text  # the threshold is chosen on these very images


@pytest.mark.parametrize("report", [{}, {"runs": {}, "verdict": None}, {"runs": {"a": {"metrics": None}}}])
def test_absent_keys_are_tolerated(
    tmp_path: Path, make_sample: MakeSample, make_prediction: MakePrediction, report: dict[str, Any]
) -> None:
    sets = {"a": PredictionSet(PredictionHeader("p"), (make_prediction(1),))}
    write_html(tmp_path / "r.html", report, Dataset((make_sample(1),), ("defect",)), sets, "all")
    assert "1 images" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_no_images_at_all(tmp_path: Path) -> None:
    sets = {"a": PredictionSet(PredictionHeader("p"))}
    write_html(tmp_path / "r.html", {}, Dataset((), ("defect",)), sets, "all")
    assert "0 images" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_images_that_have_moved_are_said(
    tmp_path: Path, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    sets = {"a": PredictionSet(PredictionHeader("p"), (make_prediction(1),))}
    dataset = Dataset((make_sample(1),), ("defect",), tmp_path / "gone")
    write_html(tmp_path / "r.html", {}, dataset, sets, "all")
    assert "gone does not exist" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_side_too_small_is_refused_and_nothing_is_written(judged: Page, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="thumbnail side 8"):
        write_html(tmp_path / "r.html", {}, judged.dataset, judged.predictions, "all", thumbnail_side=8)
    assert list(tmp_path.iterdir()) == []
