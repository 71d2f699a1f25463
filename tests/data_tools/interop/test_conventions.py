"""Boxes, points and maps in another convention are recognised where they are read."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools import import_predictions
from data_tools.core.records import Dataset, Prediction
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.predictions import read_predictions

WIDTH, HEIGHT = 200, 120
BOXES = {f"{name}.png": (20.0 + 30 * i, 30.0 + 10 * i, 24.0, 18.0) for i, name in enumerate("abcd")}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, make_sample, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four images with a box each, and a good one, e.png."""
    samples = []
    for i, name in enumerate((*BOXES, "e.png"), 1):
        x, y, w, h = BOXES.get(name, (0, 0, 0, 0))
        samples.append(make_sample(i, [(x, y, x + w, y + h)] if w else [], (HEIGHT, WIDTH)))
        object.__setattr__(samples[-1], "path", name)
    write_dataset(tmp_path / "ds", Dataset(tuple(samples), ("defect",)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(source: str) -> int:
    return import_predictions.main([source, "--data", "ds", "--split", "all", "--out", "out.jsonl"])


def results(change) -> None:
    entries = [
        {"image_id": name, "category_id": 1, "score": 0.9, "bbox": [float(v) for v in change(*box)]}
        for name, box in BOXES.items()
    ]
    Path("r.json").write_text(json.dumps(entries))


def imported(source: str) -> dict[str, Prediction]:
    assert run(source) == 0
    return {p.file_name: p for p in read_predictions(Path("out.jsonl")).predictions}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y, w, h: (x / WIDTH, y / HEIGHT, w / WIDTH, h / HEIGHT), "shares of the image"),
        (lambda x, y, w, h: (x, y, x + w, y + h), "corners x1, y1, x2, y2"),
        (lambda x, y, w, h: (x + 300, y, w, h), "of another image size? They reach to 2.2 widths"),
        (lambda x, y, w, h: (y, x + 60, h, w), "x and y swapped?"),
        (lambda x, y, w, h: (-90, y, w, h), "wholly outside"),
    ],
)
def test_boxes_in_another_convention_are_refused(change, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    results(change)
    assert run("r.json") == 2
    assert words in capsys.readouterr().err
    assert not Path("out.jsonl").exists()


def test_a_box_that_sticks_out_is_cut_and_one_at_the_border_stays(caplog: pytest.LogCaptureFixture) -> None:
    results(lambda x, y, w, h: (WIDTH - 10, y, w, h) if x == 20 else (x, y, w, h))
    with caplog.at_level("INFO"):
        assert imported("r.json")["a.png"].boxes_xyxy.tolist() == [[190, 30, 200, 48]]
    assert "1 boxes reached beyond their image and were cut" in caplog.text
    results(lambda x, y, w, h: (WIDTH, y, 0, h) if x == 20 else (x, y, w, h))
    assert imported("r.json")["a.png"].boxes_xyxy.tolist() == [[200, 30, 200, 48]]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,0.1,0.3\nb,0.9,0.2\n", "shares of the image"),
        ("a,40,150\nb,30,20\n", "outside the 200 x 120 image; x and y swapped?"),
    ],
)
def test_points_in_another_convention_are_refused(rows: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.csv").write_text(f"id,x,y\n{rows}")
    assert run("p.csv") == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"image_id": "a", "category_id": 1.9, "bbox": [1, 2, 30, 4], "score": 1}]', "category_id 1.9"),
        ('[{"image_id": "a", "category_id": "1", "bbox": [1, 2, 30, 4], "score": 1}]', "category_id '1'"),
        ('[{"image_id": 1.9, "category_id": 1, "bbox": [1, 2, 30, 4], "score": 1}]', "no image '1.9'"),
        ('[{"image_id": "a", "category_id": 1, "bbox": "1234", "score": 1}]', "bbox must be"),
        ('[{"image_id": "a", "category_id": 1, "bbox": [1, 2, 30, true], "score": 1}]', "not a number"),
        ('[{"image_id": "a", "category_id": 1, "bbox": [1, 2, 30, 4], "score": "high"}]', "high"),
        ('[{"image_id": "a", "category_id": 1, "bbox": [1, 2, 30, 4], "score": "1_0"}]', "score '1_0' is not a number"),
        ('[{"image_id": "a", "category_id": 1, "bbox": ["1_0", 2, 3, 4], "score": 1}]', "bbox '1_0' is not a number"),
        ('[{"image_id": "a", "category_id": 1, "bbox": [1, 2, 30, 4], "score": null}]', "score None is not a number"),
        ('[{"image_id": "a", "file_name": 3, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]', "file_name 3"),
    ],
)
def test_entries_that_would_be_cut_or_misread_are_refused(
    text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("r.json").write_text(text)
    assert run("r.json") == 2
    assert words in capsys.readouterr().err


def test_scores_as_text_and_a_byte_order_mark_are_read() -> None:
    text = '[{"image_id": 1, "category_id": 1, "bbox": ["10", 2, 30, 4], "score": "0.75"}]'
    for encoding in ("utf-8-sig", "utf-16"):
        Path("r.json").write_text(text, encoding=encoding)
        assert imported("r.json")["a.png"].score == 0.75


def save_maps(change, names=BOXES) -> None:
    Path("maps").mkdir(exist_ok=True)
    for name in names:
        heatmap = np.zeros((HEIGHT, WIDTH))
        x, y, w, h = BOXES[name]
        heatmap[int(y + h / 2), int(x + w / 2)] = 1.0
        np.save(f"maps/{Path(name).stem}.npy", change(heatmap))


def test_a_map_on_its_side_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for change in (lambda m: m.T, lambda m: m.T[::4, ::4]):
        save_maps(change)
        assert run("maps") == 2
        assert "maps/a.npy: " in (said := capsys.readouterr().err)
        assert "transposed" in said


def test_maps_of_other_proportions_are_remarked(caplog: pytest.LogCaptureFixture) -> None:
    save_maps(lambda m: m[:, 40:160])
    with caplog.at_level("INFO"):
        imported("maps")
    assert "4 maps have other proportions than their image (a.npy, b.npy, c.npy, ...)" in caplog.text


@pytest.mark.parametrize("scale", [1e-300, 1e-45, 1e-8, 1.0, 1e39, 1e300])
def test_maps_keep_their_peaks_at_any_scale(scale: float) -> None:
    save_maps(lambda m: m * scale)
    predictions = imported("maps")
    assert predictions["a.png"].peak_xy == (32.5, 39.5)
    assert predictions["a.png"].score == scale
    assert predictions["a.png"].heatmap.argmax() == 39 * WIDTH + 32  # type: ignore[union-attr]


def test_maps_below_zero_keep_their_peaks() -> None:
    save_maps(lambda m: m - 500.0)
    predictions = imported("maps")
    assert predictions["a.png"].peak_xy == (32.5, 39.5)
    assert predictions["e.png"].score == -500.0  # nothing is said of it, so it is below the lowest


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.inf, "1 maps hold an infinite value"),
        (-np.inf, "1 maps hold an infinite value"),
        (np.nan, "1 maps hold NaN"),
    ],
)
def test_what_is_not_finite_abstains_is_named_and_never_lowers_a_score(
    value: float, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    save_maps(lambda m: m)
    heatmap = np.load("maps/a.npy")
    heatmap[3] = value
    np.save("maps/a.npy", heatmap)
    with caplog.at_level("INFO"):
        predictions = imported("maps")
    assert f"{words}, so they have no peak: a.npy" in caplog.text
    assert "flat" not in caplog.text
    assert predictions["a.png"].peak_xy is None
    assert predictions["a.png"].score >= predictions["b.png"].score
    assert (predictions["a.png"].score > predictions["b.png"].score) == (value == np.inf)


def test_pictures_are_read_as_values_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    gray = np.zeros((12, 20), dtype=np.uint8)
    gray[3, 4] = 200
    Path("maps").mkdir()
    Image.fromarray(gray.astype(np.float32) / 1e6).save("maps/a.tiff")
    Image.fromarray(np.dstack([gray] * 3)).save("maps/b.png")
    Image.fromarray(gray.astype(np.uint16) * 300).save("maps/c.TIF")
    predictions = imported("maps")
    assert [predictions[f"{name}.png"].peak_xy for name in "abc"] == [(45.0, 35.0)] * 3
    assert [predictions[f"{name}.png"].score for name in "bc"] == [200, 60000]
    coloured = np.dstack([gray, gray * 0, gray])
    for save, words in (
        (lambda: Image.fromarray(coloured).save("maps/d.png"), "maps/d.png: a map must be gray; colours"),
        (lambda: Image.fromarray(gray).convert("P").save("maps/d.png"), "mode is P"),
        (lambda: Path("maps/d.png").write_bytes(Path("maps/b.png").read_bytes()[:50]), "d.png: not readable"),
        (lambda: Path("maps/d.npy").write_bytes(b""), "maps/d.npy: an empty file, damaged"),
        (lambda: np.save("maps/d.npy", np.zeros((3, 4, 3))), "two axes"),
        (lambda: np.save("maps/b.npy", gray), "a second map of b.png"),
        (lambda: Path("maps/d.png").symlink_to("nowhere"), "maps/d.png: a link that leads nowhere"),
    ):
        save()
        assert run("maps") == 2, words
        assert words in capsys.readouterr().err
        for rest in ("maps/d.png", "maps/d.npy", "maps/b.npy"):
            Path(rest).unlink(missing_ok=True)
    Image.fromarray(gray).save("maps/d.tif", save_all=True, append_images=[Image.fromarray(gray)])
    assert run("maps") == 2
    assert "holds 2 images" in capsys.readouterr().err


def test_files_that_are_no_maps_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    save_maps(lambda m: m)
    Path("maps/readme.txt").write_text("")
    np.save("maps/other.npy", np.eye(3))
    with caplog.at_level("INFO"):
        imported("maps")
    assert "2 files are no map of an image and were left out: other.npy, readme.txt" in caplog.text
