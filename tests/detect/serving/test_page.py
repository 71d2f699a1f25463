"""The page to drop images on, in a real, headless Chromium."""

import base64
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from detect.serving.running import Server, listening
from detect.serving.service import Service
from tests.browser import launched
from tests.detect.serving.conftest import png

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DROP = """([name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type: "image/png" }));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        document.getElementById("drop").dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true }));
    }
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    yield from launched()


@pytest.fixture
def page(browser: "Browser", make_service: Callable[..., Service]) -> Iterator["Page"]:
    """The page of a running service; at the end nothing was complained of and nothing fetched from elsewhere."""
    complaints: list[str] = []
    fetched: list[str] = []
    with listening("127.0.0.1", 0) as at:
        server = Server(make_service(max_bytes=3000), grace_s=0)
        thread = threading.Thread(target=server.run, args=([at],))
        thread.start()
        address = f"http://127.0.0.1:{at.getsockname()[1]}/"
        context = browser.new_context()
        tab = context.new_page()
        tab.set_default_timeout(5000)
        tab.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: fetched.append(request.url))
        tab.goto(address)
        yield tab
        context.close()
        server.handle_exit(signal.SIGTERM, None)
        thread.join(10)
        assert not thread.is_alive()
    assert [one for one in complaints if "Failed to load resource" not in one] == []  # refusals
    assert [url for url in fetched if not url.startswith((address, "data:"))] == []


def results(page: "Page", count: int) -> list[str]:
    """The results' texts, once there are so many."""
    page.wait_for_function("count => document.querySelectorAll('article').length >= count", arg=count)
    return [one.inner_text() for one in page.locator("article").all()]


def test_a_dropped_image_is_answered_with_its_picture(page: "Page") -> None:
    page.evaluate(DROP, ["<b>a.png", base64.b64encode(png(204)).decode()])
    (text,) = results(page, 1)
    assert "<b>a.png" in text  # as text, not as markup
    assert "defect, score 0.8000" in text
    assert "0.800\t1\t30.0\t20.0\t60.0\t40.0" in text
    image = page.locator("article img")
    page.wait_for_function("() => document.querySelector('article img').complete")
    assert image.evaluate("one => [one.naturalWidth, one.naturalHeight]") == [60, 40]
    assert "peak lies at x 45, y 30" in (image.get_attribute("alt") or "")
    assert page.inner_text("#state") == "done"


def test_several_chosen_by_keyboard_and_refusals_among_them(page: "Page") -> None:
    page.on("filechooser", lambda _: None)  # or the first one may come before anybody listens
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "files"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(
        [
            {"name": "good.png", "mimeType": "image/png", "buffer": png(51)},
            {"name": "text.png", "mimeType": "image/png", "buffer": b"hello"},
            {"name": "large.png", "mimeType": "image/png", "buffer": bytes(5000)},
        ]
    )
    large, text, good = results(page, 3)  # newest first
    assert "good, score 0.2000" in good
    assert "not a readable image" in text
    assert "larger than the 3,000 bytes" in large
    assert page.locator("[role=alert]").count() == 2


def test_a_service_that_is_gone_is_said(page: "Page") -> None:
    page.route("**/predict*", lambda route: route.abort())
    page.locator("#files").set_input_files([{"name": "a.png", "mimeType": "image/png", "buffer": png(51)}])
    (text,) = results(page, 1)
    assert "the service does not answer" in text
