"""The page in a real, headless Chromium. Nothing is installed here: what is missing is named."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data_tools.auditing.review import corrected, read_review
from data_tools.core.printable import printable
from data_tools.core.records import BOXED
from data_tools.judging.judge_predictions import evaluate
from data_tools.metrics.operating_point import Costs
from data_tools.report import pictures_beside
from data_tools.report.html import write_html
from data_tools.report.outcomes import image_outcomes, thresholds_of
from data_tools.report.overlays import heat_colours

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator
    from playwright.sync_api import Page as Tab

Page = Any  # as conftest.py makes it


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[Callable[..., "Tab"]]:
    """Opens a page from disk in a fresh context; at the end nothing was complained of and nothing was fetched."""
    complaints: list[str] = []
    fetched: list[str] = []
    contexts = []

    def build(page: Page, hash_: str = "", width: int = 1280, height: int = 900) -> "Tab":
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(5000)
        tab.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: fetched.append(request.url))
        tab.goto(page.path.as_uri() + hash_)
        tab.evaluate("document.getElementById('images').scrollIntoView()")
        tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # cards are made
        return tab

    yield build
    for context in contexts:
        context.close()
    assert complaints == []
    outside = [url for url in fetched if not url.startswith(("data:", "blob:"))]
    assert all(re.match(r"file:.*/report\.(html(#|$)|images/\d+\.jpg$)", url) for url in outside), outside


def ids(tab: "Tab") -> list[int]:
    return [int(value) for value in tab.eval_on_selector_all("#grid .item", "all => all.map(one => one.dataset.image)")]


def card(tab: "Tab", image_id: int) -> "Locator":
    return tab.locator(f".item[data-image='{image_id}'] .card")


def counts(tab: "Tab", run: int) -> str:
    return tab.locator("#threshold-panels .outcome").nth(run).inner_text()


def shown_outcomes(tab: "Tab") -> dict[int, str]:
    script = """all => all.map(item => [item.dataset.image,
        Array.from(item.querySelectorAll('.tag'), tag => tag.textContent).sort().join()])"""
    labels = tab.eval_on_selector_all("#grid .item", script)
    return {int(number): text for number, text in labels}


def test_every_image_is_there_with_the_outcomes_told_by_hand(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged)
    assert shown_outcomes(tab) == {number: ",".join(sorted(names)) for number, names in judged.outcomes.items()}
    assert tab.inner_text("#count") == "8 of 8 images"
    assert "no difference shown" in tab.inner_text(".verdict")
    assert tab.locator("#curves figure svg").count() == 4


def test_the_scripts_find_the_same_outcomes_as_python(
    make_large: Callable[[int], Page], open_page: Callable[..., "Tab"]
) -> None:
    page = make_large(150)
    images = image_outcomes(page.report.judged, thresholds_of(page.report))
    wanted = {image.sample.image_id: ",".join(sorted(image.outcomes)) for image in images}
    assert len(set(",".join(wanted.values()).split(","))) == 9  # every outcome occurs
    assert shown_outcomes(open_page(page, height=8000)) == wanted


def test_hostile_names_stay_text(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    hostile, label = judged.dataset.samples[7], list(judged.predictions)[1]
    assert "</script>" in hostile.path
    tab = open_page(judged, "#image=8")
    head = tab.inner_text("#viewer h3")
    assert head == f"8 · {printable(hostile.path)}"
    assert hostile.type in tab.inner_text("#viewer")
    assert label in tab.inner_text("#viewer .panels")
    assert tab.title().startswith("Defect localization")
    assert tab.locator("img[src='x']").count() == 0


def test_filters_narrow_and_clear_widens(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged)
    tab.select_option("#outcome", "off target")
    assert sorted(ids(tab)) == [5, 8]
    tab.select_option("#by", "0")
    assert ids(tab) == []
    tab.select_option("#outcome", "escape")
    assert ids(tab) == [6]
    tab.click("#clear")
    tab.select_option("#status", "good")
    assert sorted(ids(tab)) == [1, 2]
    tab.click("#clear")
    tab.select_option("#type", judged.dataset.samples[7].type)
    assert ids(tab) == [8]
    tab.click("#clear")
    tab.fill("#find", "LOT1")
    assert sorted(ids(tab)) == [1, 3, 5, 7]
    assert tab.inner_text("#count") == "4 of 8 images"


def test_orders(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged)
    assert ids(tab)[:5] == [6, 8, 5, 4, 3]  # no peak, 50, 40, 5 px, hit
    tab.select_option("#order", "score")
    assert ids(tab)[:3] == [8, 3, 7]
    tab.select_option("#order", "-score")
    assert ids(tab)[:2] == [1, 6]
    tab.select_option("#order", "disagreement")
    assert set(ids(tab)[:2]) == {2, 6}  # one flags, one passes
    tab.select_option("#order", "id")
    assert ids(tab) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_slider_moves_the_counts_and_the_gallery(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged)
    assert counts(tab, 0).startswith("1 escape of 6 (16.7 %), 0 overkills of 2 (0.0 %)")
    assert counts(tab, 1).startswith("0 escapes of 6 (0.0 %), 1 overkill of 2 (50.0 %)")
    slider = tab.locator("#threshold-panels input[type=range]").first
    slider.focus()
    slider.press("Home")
    assert counts(tab, 0).startswith("0 escapes of 6 (0.0 %), 2 overkills of 2 (100.0 %)")
    slider.press("End")
    assert counts(tab, 0).startswith("6 escapes of 6 (100.0 %), 0 overkills of 2 (0.0 %)")
    exact = tab.locator("#threshold-panels input[type=number]").first
    exact.fill("0.7")  # as high as image 5, which is flagged
    exact.press("Enter")
    assert counts(tab, 0).startswith("2 escapes of 6 (33.3 %), 0 overkills")
    assert "located within 15 px: 4 of 5" in counts(tab, 0)
    tab.locator("#threshold-panels .count").first.click()
    assert sorted(ids(tab)) == [6, 7]
    tab.locator("#threshold-panels button", has_text="Reset").first.click()
    assert counts(tab, 0).startswith("1 escape of 6")
    assert ids(tab) == [6]


def test_marks_lie_where_the_boxes_and_peaks_are(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged, "#image=8")
    panels = tab.locator("#viewer .panel")
    assert panels.count() == 3
    other = panels.nth(2)
    assert other.locator("svg").get_attribute("viewBox") == "0 0 120 90"
    edges = other.locator("rect.truth").evaluate(
        "r => { const w = r.getAttribute('stroke-width') / 2, n = (k) => Number(r.getAttribute(k));"
        " return [n('x') + w, n('y') + w, n('x') + n('width') - w, n('y') + n('height') - w]; }"
    )
    assert edges == pytest.approx(judged.dataset.samples[7].boxes_xyxy[0].tolist())  # the frame's inner edge is the box
    assert "translate(100 15)" in str(other.locator("path.peak").get_attribute("transform"))
    line = other.locator("line.line").evaluate("l => ['x1','y1','x2','y2'].map(k => Number(l.getAttribute(k)))")
    assert line == [100, 15, 50, 20]
    assert "50.2 px" in other.inner_text()  # hypot(50, 5)
    assert panels.nth(1).locator("rect.found").count() == 2  # the weaker one is still a fifth as certain as the best


def test_the_heat_map_has_the_right_place_and_colour(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged, "#image=8&heat=60")
    pixels = tab.evaluate("""() => {
        const data = document.querySelector('#viewer canvas').getContext('2d').getImageData(0, 0, 120, 90).data;
        const at = (x, y) => Array.from(data.slice(4 * (120 * y + x), 4 * (120 * y + x) + 4));
        return [at(110, 5), at(5, 85), at(80, 5)];
    }""")
    assert pixels[0] == pytest.approx([*heat_colours()[255].tolist(), 0.6 * 255], abs=2)  # beyond the hot cell's centre
    assert pixels[1][3] == 0
    assert pixels[2][3] == pytest.approx(0.6 * 0.5125 * 255, abs=2)  # half a pixel past midway between two centres


def test_switches_hide_what_they_name(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged, "#image=8")
    marks = {
        "true box": "rect.truth",
        "predicted boxes": "rect.found",
        "peaks": "path.peak",
        "distance line": "line.line",
    }
    for name, selector in {**marks, "heat map": "canvas.heat"}.items():
        selector = f"#viewer {selector}"
        assert tab.locator(selector).count() > 0
        tab.uncheck(f"#viewer label:has-text('{name}') input")
        assert tab.locator(selector).count() == 0
        tab.check(f"#viewer label:has-text('{name}') input")
    tab.uncheck("#viewer label:has-text('detector') input")
    assert tab.locator("#viewer .panel").count() == 2
    tab.locator("#viewer input[type=range]").fill("0")
    pixel = "document.querySelector('#viewer canvas').getContext('2d').getImageData(110, 5, 1, 1).data[3]"
    assert tab.evaluate(pixel) == 0


def test_the_keyboard_alone_suffices(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged, "#order=id")
    card(tab, 3).focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_selector(".item[data-image='4'] .card:focus")
    tab.keyboard.press("Enter")
    assert tab.inner_text("#viewer h3").startswith("4 ")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#viewer h3").startswith("6 ")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("h")
    assert tab.locator("#viewer canvas").count() == 0
    tab.keyboard.press("r")
    assert tab.locator("#viewer [aria-pressed=true]").count() == 1
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".item[data-image='5'] .card:focus")
    assert not tab.locator("#viewer").is_visible()


def test_a_link_reopens_the_same_view(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged)
    tab.select_option("#outcome", "disagreement")
    tab.select_option("#by", "1")
    tab.select_option("#outcome", "off target")
    exact = tab.locator("#threshold-panels input[type=number]").nth(1)
    exact.fill("0.625")
    exact.press("Enter")
    card(tab, 5).click()
    tab.uncheck("#viewer label:has-text('peaks') input")
    tab.locator("#viewer input[type=range]").fill("35")
    tab.wait_for_timeout(400)  # the address follows a slider a little later
    assert "heat=35" in tab.url
    again = open_page(judged, "#" + tab.url.split("#")[1])
    assert again.inner_text("#viewer h3").startswith("5 ")
    assert again.locator("#viewer path.peak").count() == 0
    assert again.input_value("#viewer input[type=range]") == "35"
    assert counts(again, 1) == counts(tab, 1)
    again.keyboard.press("Escape")
    assert again.input_value("#outcome") == "off target"
    assert again.input_value("#by") == "1"
    assert sorted(ids(again)) == [5, 8]


@pytest.mark.parametrize("hash_", ["#image=999&type=none&order=x&heat=NaN&threshold0=abc&layers=&hidden=9", "#images"])
def test_a_link_that_fits_nothing_shows_the_whole_page(
    judged: Page, open_page: Callable[..., "Tab"], hash_: str
) -> None:
    tab = open_page(judged, hash_)
    assert len(ids(tab)) == 8
    assert not tab.locator("#viewer").is_visible()
    assert counts(tab, 0).startswith("1 escape of 6")


def test_the_review_list_is_exported_applied_and_remembered(
    judged: Page, open_page: Callable[..., "Tab"], tmp_path: Path
) -> None:
    tab = open_page(judged, "#image=8")
    tab.click("#viewer button:has-text('Send to review')")
    tab.select_option("#viewer select[aria-label^='decision']", "exclude")
    tab.keyboard.press("Escape")
    card(tab, 2).click()
    tab.keyboard.press("r")
    tab.keyboard.press("Escape")
    with tab.expect_download() as download:
        tab.click("#export")
    text = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename == "review.csv"
    assert text.splitlines()[0] == "image_id,file_name,status,type,suggested,confidence,reason,decision"
    first, second = csv.DictReader(io.StringIO(text))
    reason = f"overkill, disagreement; detector score 0.2 passed; {list(judged.predictions)[1]} score 0.7 flagged"
    assert first == {
        "image_id": "2",
        "file_name": "2.png",
        "status": "good",
        "type": "good",
        "suggested": "defect",
        "confidence": "0.5",
        "reason": reason,
        "decision": "",
    }
    assert (second["file_name"], second["type"]) == (judged.dataset.samples[7].path, judged.dataset.samples[7].type)
    assert (second["suggested"], second["confidence"], second["decision"]) == ("defect", "1", "exclude")
    reviewed = tmp_path / "reviewed.csv"
    download.value.save_as(reviewed)
    assert [(d.image_id, d.decision) for d in read_review(reviewed, judged.dataset)] == [(8, "exclude")]
    after = corrected(judged.dataset, read_review(reviewed, judged.dataset))
    assert [s.image_id for s in after.samples] == [1, 2, 3, 4, 5, 6, 7]
    tab.reload()
    assert tab.inner_text("#review-count") == "2 to review"
    tab.click("#empty-review")
    assert tab.locator("#export").is_disabled()


def test_a_phone_never_scrolls_sideways(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged, width=360, height=740)
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    card(tab, 8).click()
    assert tab.evaluate("document.getElementById('viewer').scrollWidth") <= 360
    assert tab.locator("#viewer .panel").count() == 3


@pytest.mark.parametrize("width", [360, 1280])
def test_a_long_name_of_a_type_leaves_room_for_its_figures(
    judged: Page, tmp_path: Path, open_page: Callable[..., "Tab"], width: int
) -> None:
    longer = [replace(s, type="scratch_" * 20) if s.status == BOXED else s for s in judged.dataset.samples]
    dataset = replace(judged.dataset, samples=tuple(longer))
    page = replace(judged, path=tmp_path / "report.html")
    write_html(page.path, evaluate(dataset, judged.predictions, "all", resamples=100), judged.dataset.images_root)
    tab = open_page(page, width=width)
    name = tab.locator("#breakdown th[scope=row]", has_text="scratch_").first
    assert name.evaluate("e => e.offsetWidth") < 0.5 * width


def test_paper_shows_the_cards_in_the_flow(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged)
    tab.emulate_media(media="print")
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tab.evaluate("Promise.all(Array.from(document.querySelectorAll('#grid img'), img => img.decode()))")
    places: Any = tab.eval_on_selector_all("#grid .item", "all => all.map(i => [i.offsetLeft, i.offsetTop].join())")
    assert len(set(places)) == 8
    assert not tab.locator("#filters").is_visible()
    assert counts(tab, 0).startswith("1 escape of 6")
    assert tab.eval_on_selector_all("#grid img", "all => all.every(img => img.complete && img.naturalWidth === 120)")
    assert len(tab.pdf()) > 10_000


def test_thousands_of_images_keep_few_cards(make_large: Callable[[int], Page], open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(make_large(2000), "#order=id")
    assert tab.inner_text("#count") == "2000 of 2000 images"
    assert "boxes only" in tab.inner_text("#images")
    assert 0 < len(ids(tab)) < 100
    tab.evaluate("document.getElementById('grid').scrollIntoView(false)")
    tab.wait_for_selector(".item[data-image='2000']")
    assert len(ids(tab)) < 100


def test_the_long_table_is_folded_searched_and_open_on_paper(
    judged: Page, tmp_path: Path, open_page: Callable[..., "Tab"]
) -> None:
    report = evaluate(judged.dataset, judged.predictions, "all", resamples=100)
    page = replace(judged, path=tmp_path / "report.html")
    write_html(page.path, report, judged.dataset.images_root)
    tab = open_page(page)
    assert not tab.locator("#table").is_visible()
    assert tab.locator("#summary tbody tr").count() == 6
    tab.focus("#table-fold > summary")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    tab.keyboard.type("diagonal")  # stands in the meaning; the label says it, too
    rows = tab.locator("#table tbody tr:visible")
    assert rows.count() == 1
    assert "as a share of the image's diagonal" in rows.first.inner_text()
    assert tab.inner_text("#row-count").startswith("1 of ")
    tab.fill("#find-row", "")
    assert rows.count() > 40
    meanings = tab.eval_on_selector_all(
        "#table tbody tr", "all => all.map(r => r.querySelector('th small')?.textContent)"
    )
    assert all(meaning and meaning.endswith(".") for meaning in meanings)
    tab.click("#table-fold > summary")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("#table").is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not tab.locator("#table").is_visible()
    tab.click("nav a[href='#table']")
    assert tab.locator("#table").is_visible()


def test_the_slider_shows_the_money_and_what_is_useless(
    judged: Page, tmp_path: Path, open_page: Callable[..., "Tab"]
) -> None:
    priced = {label: replace(run, rule=Costs(10, 1)) for label, run in judged.report.judged.items()}
    page = replace(judged, path=tmp_path / "report.html")
    write_html(page.path, replace(judged.report, judged=priced), judged.dataset.images_root)
    tab = open_page(page)
    assert "cost 1.25 an image, 10 in all" in counts(tab, 0)  # one escape in eight images
    exact = tab.locator("#threshold-panels input[type=number]").first
    for threshold, cost, words in (("0.05", "0.25", "flags every good image"), ("2", "7.5", "flags no image")):
        exact.fill(threshold)
        exact.press("Enter")
        assert f"cost {cost} an image" in counts(tab, 0)
        assert words in tab.inner_text("#threshold-panels .useless")
    exact.fill("0.25")
    exact.press("Enter")
    assert tab.locator("#threshold-panels .useless").count() == 0
    assert "cost" not in counts(open_page(judged), 0)


def test_pictures_beside_the_page_show_from_disk(
    judged: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Callable[..., "Tab"]
) -> None:
    monkeypatch.setattr(pictures_beside, "MOST_EMBEDDED", 7)
    page = replace(judged, path=tmp_path / "report.html")
    write_html(page.path, judged.report, judged.dataset.images_root)
    assert len(list((tmp_path / "report.images").glob("*.jpg"))) == 8
    tab = open_page(page)
    tab.evaluate("Promise.all(Array.from(document.querySelectorAll('#grid img'), img => img.decode()))")
    script = (
        "all => all.map(img => [img.naturalWidth, img.naturalHeight, img.loading, img.src.split('/').at(-2)].join())"
    )
    assert tab.eval_on_selector_all("#grid img", script) == ["120,90,lazy,report.images"] * 8
    card(tab, 8).click()
    tab.evaluate("document.querySelector('#viewer .panel img').decode()")
    assert "report.images" in tab.inner_text("footer")


def test_controls_have_names(judged: Page, open_page: Callable[..., "Tab"]) -> None:
    tab = open_page(judged, "#image=8")
    nameless = tab.eval_on_selector_all(
        "button, select, input",
        """all => all.filter(one => !(
        one.getAttribute('aria-label') || one.textContent.trim() ||
        (one.labels && one.labels.length && one.labels[0].textContent.trim()))).map(one => one.outerHTML)""",
    )
    assert nameless == []
