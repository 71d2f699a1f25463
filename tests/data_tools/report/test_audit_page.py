"""The audit page in a real, headless Chromium: thumbnails, decisions, and the list that it saves."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from data_tools.auditing.audit import Audit
from data_tools.auditing.doctor import examine
from data_tools.auditing.findings import UNSAFE, Finding
from data_tools.auditing.review import COLUMNS, Suspect, corrected, read_review
from data_tools.core.anchors import AnchorConfig
from data_tools.core.records import BOXED, Dataset
from data_tools.report.audit_page import write_audit_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "</script><b onmouseover=alert(1)>, \"x'.png"


@dataclass(frozen=True)
class Made:
    path: Path
    dataset: Dataset


@pytest.fixture
def made(make_sample, tmp_path: Path) -> Made:
    """Three doubtful images; the second has a name full of markup and no file, the third a type with a long name."""
    boxed = replace(make_sample(3, [(10, 20, 30, 40)]), type="scratch_" * 20)
    samples = [make_sample(1), replace(make_sample(2), path=HOSTILE), boxed]
    for name in ("1.png", "3.png"):
        Image.fromarray(np.full((100, 100), 120, dtype=np.uint8)).save(tmp_path / name)
    dataset = Dataset(tuple(samples), ("defect",), tmp_path, None)
    checkup, findings = examine(dataset, None, AnchorConfig())
    findings.append(Finding(UNSAFE, "leaks", "a pair", "split anew", (1, 3)))
    suspects = tuple(
        Suspect(s, "good" if s.status == BOXED else "defect", 0.1 * s.image_id, "odd, it seems") for s in samples
    )
    write_audit_page(tmp_path / "audit.html", "a set", dataset, Audit(checkup, tuple(findings), (), suspects, 0.9))
    return Made(tmp_path / "audit.html", dataset)


def test_decisions_are_saved_as_a_list_that_can_be_applied(made: Made, browser: "Browser", tmp_path: Path) -> None:
    context = browser.new_context(accept_downloads=True)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(made.path.as_uri())
    assert tab.inner_text("#count") == "0 of 3 decided"
    tab.select_option("select[aria-label='decision for image 2']", "exclude")
    tab.select_option("select[aria-label='decision for image 3']", "good")
    assert tab.inner_text("#count") == "2 of 3 decided"
    assert tab.locator(".card.decided").count() == 2
    with tab.expect_download() as download:
        tab.click("#save")
    reviewed = tmp_path / "reviewed.csv"
    download.value.save_as(reviewed)
    context.close()
    assert complaints == []
    assert download.value.suggested_filename == "review.csv"
    rows = list(csv.DictReader(reviewed.open(newline="", encoding="utf-8")))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["file_name"], row["confidence"], row["decision"]) for row in rows] == [
        ("1.png", "0.1000", ""),
        (HOSTILE, "0.2000", "exclude"),
        ("3.png", "0.3000", "good"),
    ]
    after = corrected(made.dataset, read_review(reviewed, made.dataset))
    assert [(s.image_id, s.status) for s in after.samples] == [(1, "good"), (3, "good")]


def test_decisions_outlive_the_tab(made: Made, browser: "Browser") -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(made.path.as_uri())
    tab.select_option("select[aria-label='decision for image 2']", "exclude")
    tab.close()
    again = context.new_page()
    again.goto(made.path.as_uri())
    for _ in range(50):  # what one tab stores reaches another a moment later
        if again.inner_text("#count") == "1 of 3 decided":
            break
        again.wait_for_timeout(100)
        again.reload()
    assert again.inner_text("#count") == "1 of 3 decided"
    assert again.input_value("select[aria-label='decision for image 2']") == "exclude"
    again.evaluate("rows => localStorage.setItem('audit a set', rows)", "no list at all")
    again.reload()
    assert again.inner_text("#count") == "0 of 3 decided"
    context.close()


def test_it_fits_a_phone_and_shows_what_it_has(made: Made, browser: "Browser") -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    tab = context.new_page()
    tab.goto(made.path.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.locator(".finding.unsafe .together img").count() == 2
    assert tab.locator(".card").count() == 3
    assert tab.locator(".card img").count() == 2
    assert tab.locator("b[onmouseover]").count() == 0
    height = tab.locator(".plots figure").first.locator("text").all_text_contents()
    assert height == ["20", "", ""]  # of one box: no scale from 20 to 20
    context.close()
