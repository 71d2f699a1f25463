import csv
import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from data_tools.report.label_cost import overtakes, sentence, to_csv, to_text
from data_tools.report.label_cost_figure import label_cost_figure

BASE = "classify"


def figure(value: float | None, spread: float | None = None) -> dict:
    return {"value": value, "ci95": None if value is None or spread is None else [value - spread, value + spread]}


def a_point(count: int, hit_rate: float, difference: float | None = None, half: float = 0.1) -> dict:
    against = (
        {}
        if difference is None
        else {
            metric: {"difference": difference, "ci95": [difference - half, difference + half], "n": 40}
            for metric in ("auc", "hit_rate")
        }
    )
    return {
        "boxed_images": count,
        "boxes": count + 1,
        "state": "done",
        "auc": figure(0.9, 0.05),
        "ap50": figure(hit_rate),
        "hit_rate": figure(hit_rate, 0.08),
        "mean_px": 12.3,
        "minutes": 1.5,
        "against": {BASE: against},
    }


def summary(points: list[dict]) -> dict:
    levels = {"auc": figure(0.85, 0.05), "ap50": figure(0.1), "hit_rate": figure(0.5, 0.1), "runs": ["c"]}
    return {"points": points, "baselines": {BASE: levels}, "sentences": ["said."], "notes": ["noted."]}


def test_where_the_detector_overtakes() -> None:
    points = [a_point(5, 0.4, -0.2), a_point(10, 0.5, 0.05), a_point(25, 0.7, 0.2), a_point(50, 0.8, 0.3)]
    assert overtakes(points, BASE, "hit_rate") == (points[1], points[2])
    said = sentence(points, BASE, "hit_rate")
    assert said.startswith("hit rate: the detector overtakes classify at 25 boxed images (difference +0.200, paired 95")
    assert said.endswith("+0.100..+0.300, 40 images); ahead by point estimate from 10")


def test_a_lead_that_is_lost_again_does_not_count() -> None:
    points = [a_point(5, 0.9, 0.4), a_point(10, 0.4, -0.1), a_point(25, 0.7, 0.2)]
    assert overtakes(points, BASE, "auc") == (points[2], points[2])
    points = [*points, a_point(50, 0.5, 0.02)]
    assert overtakes(points, BASE, "auc") == (points[2], None)
    assert "spans 0, so overtaking is not shown within the range" in sentence(points, BASE, "auc")
    points = [*points, a_point(100, 0.5, -0.02)]
    assert overtakes(points, BASE, "auc") == (None, None)
    assert sentence(points, BASE, "auc").startswith("AUC: not within the range; the detector does not overtake")
    assert "at 100 boxed images" in sentence(points, BASE, "auc")


def test_nothing_to_compare() -> None:
    assert sentence([a_point(5, 0.4)], BASE, "auc") == "AUC: not compared with classify"
    assert sentence([], BASE, "auc") == "AUC: not compared with classify"
    assert "at 1 boxed image (" in sentence([a_point(1, 0.4, 0.5)], BASE, "hit_rate")


def test_table_and_csv_show_every_number_of_boxes() -> None:
    points = [a_point(5, 0.4, -0.2), {"boxed_images": 10, "boxes": 11, "state": "diverged"}, a_point(25, 0.7)]
    text = to_text(summary(points))
    lines = text.splitlines()
    assert lines[0].split("  ")[0] == "boxed images"
    assert "0.400 (0.320..0.480)" in lines[2]
    assert "-0.200 (-0.300..-0.100)" in lines[2]
    assert lines[3].split() == ["10", "11", "diverged"]
    assert lines[4].endswith("n/a")
    assert lines[5].startswith("classify")
    assert lines[-1] == "noted."
    rows = list(csv.DictReader(io.StringIO(to_csv(summary(points)))))
    assert [row["boxed_images"] for row in rows] == ["5", "10", "25"]
    assert float(rows[0]["hit_rate_minus_classify_low"]) == pytest.approx(-0.3)
    assert rows[0]["ap50_low"] == rows[1]["auc"] == rows[2]["auc_minus_classify"] == ""


def test_the_figure_names_what_it_shows() -> None:
    drawn = summary([a_point(5, 0.4, -0.2), a_point(10, 0.6, 0.05), a_point(100, 0.8, 0.2)])
    svg = label_cost_figure(drawn, "svg")
    text = " ".join("".join(one.itertext()) for one in ElementTree.fromstring(svg).iter())
    for word in ("AUC", "box AP50", "hit rate", "training images with boxes", "classify (95 % CI)", "100"):
        assert word in text
    assert label_cost_figure(drawn, "svg") == svg
    picture = Image.open(io.BytesIO(label_cost_figure(drawn, "png", dpi=50)))
    assert picture.size[0] > 400


def test_a_figure_of_nothing_finished() -> None:
    assert label_cost_figure(summary([{"boxed_images": 5, "boxes": 5, "state": "diverged"}]), "svg")
