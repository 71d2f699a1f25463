from pathlib import Path

import numpy as np
from PIL import Image

from data_tools.report import overlays
from data_tools.report.prediction_overlays import overlay_path, with_overlays


def test_each_image_is_drawn_and_none_is_called_good(tmp_path: Path, make_sample, make_prediction, monkeypatch) -> None:
    said: list[str] = []
    text = overlays._Sheet.text

    def noted(self, x, y, words, room, **style):  # type: ignore[no-untyped-def]
        said.append(words)
        text(self, x, y, words, room, **style)

    monkeypatch.setattr(overlays._Sheet, "text", noted)
    samples = [make_sample(i) for i in (1, 2)]
    made = [make_prediction(i, 0.25, [(10, 10, 30, 30)], [0.5], (20, 20)) for i in (1, 2)]
    drawn = with_overlays(lambda *_: made, tmp_path / "o", "detect")
    assert drawn(samples, lambda _: np.zeros((100, 100), np.uint8)) == made
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["000001_1.png", "000002_2.png"]
    assert np.asarray(Image.open(tmp_path / "o" / "000001_1.png")).std() > 0
    assert "score 0.250" in said
    assert "good" not in said
    flagged = with_overlays(lambda *_: made[:1], tmp_path / "f", "detect", 0.25)
    flagged(samples[:1], lambda _: np.zeros((100, 100), np.uint8))
    assert "score 0.250 flagged" in said


def test_a_name_stays_in_the_folder(tmp_path: Path, make_sample) -> None:
    sample = make_sample(7)
    object.__setattr__(sample, "path", "../a b/" + "ü" * 300 + ".png")
    assert overlay_path(tmp_path, sample) == tmp_path / f"000007_{'ü' * 60}.png"
