"""How large the page of a whole contest is, and how long its frames take while it is scrolled in headless Chromium.

python -m tests.benchmarks.bench_page                 # 41,000 images, five boxes and a map of 17 x 18 cells each
python -m tests.benchmarks.bench_page --images 5000

Frames are timed by the clock, which other work lengthens, and by the time of the page's own thread, which it does not.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from data_tools.core.records import (
    BOXED,
    GOOD,
    UNBOXED,
    Dataset,
    Prediction,
    PredictionHeader,
    PredictionSet,
    Sample,
    empty_boxes,
)
from data_tools.report.html import write_html
from tests.browser import launched
from tests.data_tools.report.conftest import SIZE_HW, report_of

_FRAMES = 60
_SCROLL = """async ([frames, step]) => { const times = []; let last = performance.now();
  for (let i = 0; i < frames; i += 1) { scrollBy(0, step); await new Promise(requestAnimationFrame);
    const now = performance.now(); times.push(now - last); last = now; } return times; }"""


def write_page(path: Path, count: int) -> None:
    """The page of two made-up approaches, without pictures."""
    rng = np.random.default_rng(1)
    samples, detections, maps = [], [], []
    for number in range(1, count + 1):
        status = (GOOD, BOXED, UNBOXED)[int(rng.choice(3, p=(0.8, 0.15, 0.05)))]
        x, y = rng.integers(0, 60, 2)
        true = np.array([[x, y, x + 20, y + 15]], dtype=float) if status == BOXED else empty_boxes()
        name, kind = f"lot{number // 40}/dev_{number:06d}.png", GOOD if status == GOOD else f"type{number % 5}"
        labels = np.ones(len(true), dtype=int)
        samples.append(Sample(number, name, SIZE_HW, true, labels, status, f"lot{number // 40}", kind))
        corners, score = rng.uniform(0, 50, (5, 2)), float(rng.random())
        scores = np.sort(rng.uniform(0.2, 1, 5))[::-1] * score
        boxes, peak = np.concatenate([corners, corners + 15], axis=1), (corners[0] + 7).tolist()
        detections.append(Prediction(number, name, SIZE_HW, score, boxes, scores, np.ones(5, dtype=int), tuple(peak)))
        none, cells = (empty_boxes(), np.zeros(0), np.zeros(0, dtype=int)), rng.random((17, 18)).astype(np.float32)
        maps.append(Prediction(number, name, SIZE_HW, float(rng.random()), *none, (20.0, 30.0), cells))
    sets = {"detector": detections, "baseline": maps}
    predictions = {name: PredictionSet(PredictionHeader(name), tuple(one)) for name, one in sets.items()}
    dataset = Dataset(tuple(samples), ("defect",))
    write_html(path, report_of(dataset, predictions, {"operating_point": {"threshold": 0.4}}), None)


def scroll(path: Path) -> None:
    """Open the page and scroll through its images; one line a speed."""
    for browser in launched():
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(120_000)
        began = time.perf_counter()
        page.goto(path.as_uri())
        page.evaluate("document.getElementById('grid').scrollIntoView()")
        page.wait_for_selector("#grid .item", state="attached")
        print(f"  opened in {time.perf_counter() - began:.2f} s")
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def busy(session=session) -> float:  # type: ignore[no-untyped-def]
            metrics = session.send("Performance.getMetrics")["metrics"]
            return next(one["value"] for one in metrics if one["name"] == "TaskDuration")

        for step in (300, 3000):
            page.evaluate(_SCROLL, [_FRAMES, step])
            before = busy()
            times = page.evaluate(_SCROLL, [_FRAMES, step])
            own = 1000 * (busy() - before) / _FRAMES
            print(
                f"  {step} px a frame: median {np.median(times):.0f} ms, p95 {np.quantile(times, 0.95):.0f} ms by the "
                f"clock, {own:.1f} ms of the page's thread"
            )


def main() -> None:
    """Write the page, then scroll it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=41_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        began = time.perf_counter()
        write_page(path, arguments.images)
        print(f"{arguments.images} images: {path.stat().st_size / 1e6:.1f} MB ({time.perf_counter() - began:.0f} s)")
        scroll(path)


if __name__ == "__main__":
    main()
