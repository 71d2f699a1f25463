"""Cards of the page: what is said of each approach is seen whole, however many there are."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data_tools.core.records import PredictionHeader, PredictionSet
from data_tools.report.html import write_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OUTSIDE = """all => all.filter(one => {
    const card = one.closest('.card').getBoundingClientRect(), own = one.getBoundingClientRect();
    return own.right > card.right || own.bottom > card.bottom || own.left < card.left;
}).map(one => one.textContent)"""


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_value_of_a_card_is_seen(
    judged: Any, make_report: Callable[..., Any], browser: "Browser", tmp_path: Path, count: int, width: int
) -> None:
    """Scores such as 0.123 and distances such as 14.1 px."""
    given = next(iter(judged.predictions.values())).predictions
    found = tuple(replace(one, score=one.score + 0.0234) for one in given)
    sets = {f"run {number}": PredictionSet(PredictionHeader("p"), found) for number in range(count)}
    path = tmp_path / "report.html"
    write_html(path, make_report(judged.dataset, sets, {"operating_point": {"threshold": 0.5}}), None)
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.goto(path.as_uri())
    tab.evaluate("document.getElementById('images').scrollIntoView()")
    tab.wait_for_selector(".card")
    assert tab.locator(".item").first.locator(".said").count() == count
    assert tab.eval_on_selector_all(".card .said, .card .meta", OUTSIDE) == []
    tab.close()
