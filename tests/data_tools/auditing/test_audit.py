import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.audit import main
from data_tools.auditing.review import Suspect, read_review, write_review
from data_tools.convert import main as convert
from data_tools.core.records import (
    BOXED,
    GOOD,
    Dataset,
    PredictionHeader,
    PredictionSet,
    Sample,
    empty_boxes,
    empty_labels,
)
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import write_predictions
from data_tools.splitting.deal import make_splits

Build = Callable[..., Path]


def build(folder: Path, n: int = 60, brighten_defects: int = 0, wide_defects: int = 0, seed: int = 0) -> Path:
    """A dataset of noise images, every third a defect, two images a group."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    samples = []
    for i in range(1, n + 1):
        defect = i % 3 == 0
        size = (40, 50 + (wide_defects if defect else 0))
        pixels = rng.integers(60, 180, size) + (brighten_defects if defect else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / f"{i}.png")
        boxes = np.array([[5.0, 5, 15, 15]]) if defect else empty_boxes()
        labels = np.ones(1, dtype=np.int64) if defect else empty_labels()
        status = BOXED if defect else GOOD
        samples.append(
            Sample(i, f"{i}.png", size, boxes, labels, status, f"L{(i + 1) // 2}", "scratch" if defect else GOOD)
        )
    splits = make_splits(samples, (0.6, 0.2, 0.2), group_by="lot")
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    return folder


def test_a_sound_dataset_is_safe(tmp_path: Path, capsys) -> None:
    assert main([str(build(tmp_path / "d")), "--labels", "no"]) == 0
    out = capsys.readouterr().out
    assert "safe to train: no unsafe finding" in out.splitlines()[0]
    assert "60 images" not in out.splitlines()[0]
    assert "20 boxed" in out


def test_brightness_is_a_warning_and_size_is_unsafe(tmp_path: Path, capsys) -> None:
    assert main([str(build(tmp_path / "bright", brighten_defects=60)), "--labels", "no"]) == 0
    assert "warning: mean gray value alone predicts the label with AUC" in capsys.readouterr().out
    assert main([str(build(tmp_path / "wide", wide_defects=10)), "--labels", "no"]) == 2
    assert "unsafe: image size (height x width) alone predicts the label" in capsys.readouterr().out


def test_unreadable_and_missized_images_are_unsafe(tmp_path: Path, capsys) -> None:
    folder = build(tmp_path / "d")
    (folder / "images" / "7.png").write_bytes(b"not an image")
    Image.fromarray(np.zeros((9, 9), dtype=np.uint8)).save(folder / "images" / "8.png")
    assert main([str(folder), "--labels", "no"]) == 2
    out = capsys.readouterr().out
    assert "1 images are not readable" in out
    assert "7.png" in out
    assert "8.png is 9 x 9 (height x width), annotated as 40 x 50" in out


def test_copies_across_splits_are_unsafe(tmp_path: Path, capsys) -> None:
    folder = build(tmp_path / "d")
    dataset = read_dataset(folder)
    train, test = dataset.split("train")[0], next(s for s in dataset.split("test") if s.size_hw == (40, 50))
    (folder / "images" / test.path).write_bytes((folder / "images" / train.path).read_bytes())
    assert main([str(folder), "--labels", "no"]) == 2
    assert "near-duplicates stand in different splits: 1 pairs" in capsys.readouterr().out


def test_a_random_split_of_the_tiles_leaks_and_the_grouped_one_does_not(shared_data: Path, tmp_path, capsys) -> None:
    source = tmp_path / "source"
    for folder, count in (("MT_Blowhole", 78), ("MT_Crack", 30), ("MT_Free", 100)):
        (source / folder / "Imgs").mkdir(parents=True)
        for image in sorted((shared_data / "magnetic_tile" / folder / "Imgs").glob("*.jpg"))[:count]:
            for file in (image, image.with_suffix(".png")):
                shutil.copyfile(file, source / folder / "Imgs" / file.name)
    for name, group_by, status in (("random", "none", 2), ("grouped", "auto", 0)):
        out = str(tmp_path / name)
        assert convert([str(source), "--format", "mask", "--out", out, "--group-by", group_by]) == 0
        capsys.readouterr()
        assert main([out, "--labels", "no"]) == status
        text = capsys.readouterr().out
        assert ("near-duplicates stand in different splits" in text) == (status == 2)


def test_the_token_that_gives_the_real_defects_away_is_named(shared_data: Path, tmp_path: Path, capsys) -> None:
    """Good ids by the documented facts: they start with the same kind of lot, and none holds APG_ITIS."""
    files = sorted(map(str, (shared_data / "nexperia_defect_areas").glob("*.csv")))
    assert convert([*files, "--size", "267,275", "--out", str(tmp_path / "d"), "--split", "none"]) == 0
    defects = read_dataset(tmp_path / "d").samples
    rng = np.random.default_rng(0)
    lots = sorted({s.group for s in defects})
    good = [
        Sample(
            len(defects) + i,
            f"{lot}_{rng.integers(1, 30)}-H20_{i}_{rng.integers(1, 9)}",
            (267, 275),
            empty_boxes(),
            empty_labels(),
            GOOD,
            lot,
        )
        for i, lot in enumerate(rng.choice(lots, 4 * len(defects)).tolist(), start=1)
    ]
    samples = (*defects, *good)
    write_dataset(tmp_path / "both", Dataset(samples, ("defect",), None, make_splits(samples, group_by="auto: lot")))
    capsys.readouterr()
    assert main([str(tmp_path / "both")]) == 0  # a name is seen by no network: a warning
    out = capsys.readouterr().out
    assert "APG_ITIS' alone predicts the label with AUC" in out
    assert "no images at hand" in out


def test_a_review_is_carried_out_with_its_history(tmp_path: Path, capsys) -> None:
    folder, reviewed = build(tmp_path / "d"), tmp_path / "reviewed.csv"
    rows = [
        (1, "1.png", "good", "defect"),
        (2, "2.png", "good", "exclude"),
        (3, "3.png", "boxed", "good"),
        (4, "4.png", "good", ""),
        (6, "6.png", "boxed", "defect"),
    ]
    with reviewed.open("w", newline="") as file:
        csv.writer(file).writerows([("image_id", "file_name", "status", "decision"), *rows])
    out = tmp_path / "d2"
    assert main([str(folder), "--apply", str(reviewed), "--out", str(out), "--reviewer", "R. Viewer"]) == 0
    after = {s.image_id: s for s in read_dataset(out).samples}
    assert (after[1].status, after[3].status, after[4].status, after[6].status) == ("unboxed", GOOD, GOOD, BOXED)
    assert 2 not in after
    assert len(after) == 59
    assert sum(len(read_dataset(out).split(name)) for name in ("train", "val", "test")) == 59
    history = list(csv.DictReader((out / "history.csv").open(newline="")))
    assert [(row["image_id"], row["decision"], row["who"]) for row in history] == [
        ("1", "defect", "R. Viewer"),
        ("2", "exclude", "R. Viewer"),
        ("3", "good", "R. Viewer"),
    ]
    assert main([str(out), "--apply", str(reviewed), "--out", str(tmp_path / "d3")]) == 2  # the labels have changed
    assert "line 2" in capsys.readouterr().err
    assert not (tmp_path / "d3").exists()


def test_the_page_needs_nothing_else_and_escapes_names(tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    assert main([str(build(tmp_path / "a<b>", brighten_defects=60)), "--labels", "no", "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "a&lt;b&gt;" in text
    assert "a<b>" not in text
    assert "http://" not in text
    assert "https://" not in text


def write_fold(path: Path, folder: Path, ids: range, make_prediction, wrong: int) -> str:
    """Scores that agree with the labels, but for the image `wrong`."""
    by_id = {s.image_id: s for s in read_dataset(folder).samples}
    scores = {i: (0.9 if by_id[i].is_defect != (i == wrong) else 0.1) + i / 1000 for i in ids}
    predictions = tuple(make_prediction(i, score, size_hw=by_id[i].size_hw) for i, score in scores.items())
    write_predictions(path, PredictionSet(PredictionHeader("fold", {}, "", "test"), predictions))
    return str(path)


def test_scores_from_outside_judge_the_labels(tmp_path: Path, make_prediction, capsys) -> None:
    folder, review = build(tmp_path / "d"), tmp_path / "review.csv"
    folds = [
        write_fold(tmp_path / f"{start}.jsonl", folder, range(start, start + 30), make_prediction, wrong=7)
        for start in (1, 31)
    ]
    assert main([str(folder), "--scores", *folds, "--review", str(review), "--suspects", "5"]) == 0
    assert "7.png is good, good" in capsys.readouterr().out
    rows = list(csv.DictReader(review.open(newline="")))
    assert (rows[0]["image_id"], rows[0]["suggested"], len(rows)) == ("7", "defect", 5)
    for files, message in (
        (folds[:1], "30 images have no score, such as image 31"),
        ([*folds, folds[0]], "image 1 was scored by an earlier file"),
    ):
        assert main([str(folder), "--scores", *files]) == 2
        assert message in capsys.readouterr().err


def test_anchors_come_from_the_detectors_configuration(tmp_path: Path, capsys) -> None:
    folder, config = build(tmp_path / "d"), tmp_path / "detector.yaml"
    config.write_text("model:\n  anchors:\n    scales: [40.0]\n    ratios: [1.0]\n")
    for arguments in (["--detector", str(config)], ["--anchors.scales", "[40.0]", "--anchors.ratios", "[1.0]"]):
        assert main([str(folder), "--labels", "no", *arguments]) == 0
        assert "no anchor reaches 100.0% of the boxes" in capsys.readouterr().out
    assert main([str(folder), "--labels", "no"]) == 0
    assert "no anchor reaches 0.0% of the boxes" in capsys.readouterr().out


def test_a_configuration_s_base_counts(tmp_path: Path, capsys) -> None:
    folder, config = build(tmp_path / "d"), tmp_path / "detector.yaml"
    (tmp_path / "below.yaml").write_text("model: {anchors: {scales: [40.0], ratios: [1.0]}}")
    for text, share in (
        ("base: below.yaml", 100),
        ("base: below.yaml\nmodel: {anchors: {scales: [2.0]}}", 0),
        ("base: standard", 0),
    ):
        config.write_text(text)
        assert main([str(folder), "--labels", "no", "--detector", str(config)]) == 0
        assert f"no anchor reaches {share}.0% of the boxes" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--detector", "--apply", "--scores", "--predictions"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, flag: str, capsys) -> None:
    folder, pipe = build(tmp_path / "d"), tmp_path / "pipe"
    os.mkfifo(pipe)
    more = {"--apply": ["--out", str(tmp_path / "o")], "--predictions": ["--validation", str(pipe)]}
    against = ["--against", str(folder)] if flag == "--predictions" else []
    assert main([str(folder), "--labels", "no", flag, str(pipe), *more.get(flag, []), *against]) == 2
    assert str(pipe) in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "model: [1]",
        "a: &a [1]\nb: *a",
        "model: {anchors: {stride: 3}}",
        "model:\n  anchors:\n    scales: wide",
        "{",
        "model: {anchors: {scales: []}}",
    ],
)
def test_a_configuration_without_usable_anchors_is_refused(tmp_path: Path, text: str, capsys) -> None:
    folder, config = build(tmp_path / "d"), tmp_path / "detector.yaml"
    config.write_text(text)
    assert main([str(folder), "--labels", "no", "--detector", str(config)]) == 2
    err = capsys.readouterr().err
    assert "--detector" in err or "model.anchors.scales must" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--reviewer", "R"], "--reviewer says who decided; give --apply"),
        (["--apply", "r.csv", "--out", "o", "--crop", "60"], "give it without --crop"),
        (["--apply", "r.csv", "--out", "o", "--labels", "yes"], "give it without --labels"),
        (["--apply", "r.csv", "--out", "o", "--suspects", "5"], "give it without --suspects"),
        (["--detector", "d.yaml", "--anchors.scales", "[8]"], "--anchors or --detector"),
        (["--anchors", "d.yaml"], "--anchors is a group; give its settings one by one"),
    ],
)
def test_flags_without_effect_are_refused(tmp_path: Path, flags: list[str], words: str, capsys) -> None:
    assert main([str(build(tmp_path / "d")), *flags]) == 2
    assert words in capsys.readouterr().err


def test_images_that_have_moved_are_asked_for(tmp_path: Path, capsys) -> None:
    folder = build(tmp_path / "d")
    (folder / "images").rename(tmp_path / "elsewhere")
    assert main([str(folder), "--labels", "no"]) == 2
    assert f"{folder}: its images are not in" in (err := capsys.readouterr().err)
    assert "--images DIR" in err
    assert main([str(folder), "--labels", "no", "--images", str(tmp_path / "elsewhere")]) == 0


def test_what_a_crop_would_cut_is_told(tmp_path: Path, capsys) -> None:
    """Boxes at 5..15 of 40 x 50 pixels: a crop of 30 begins at row 5 and column 10, one of 40 at column 5."""
    folder = build(tmp_path / "d")
    for crop_px, cut in (("30", 20), ("40", 0)):
        assert main([str(folder), "--labels", "no", "--crop", crop_px]) == 0
        out = capsys.readouterr().out
        assert f"the central crop would cut {cut} of 20 boxes" in out
        assert ("train on whole images" in out) == bool(cut)
    assert main([str(folder), "--crop", "0"]) == 2


def test_a_list_of_names_that_a_spreadsheet_would_run_is_defused_and_read_again(tmp_path: Path) -> None:
    sample = Sample(1, "=1+1.png", (40, 50), empty_boxes(), empty_labels(), GOOD, "g", GOOD)
    dataset = Dataset((sample,), ("defect",))
    write_review(tmp_path / "r.csv", (Suspect(sample, "defect", 0.9, "@reason"),))
    _, row = csv.reader((tmp_path / "r.csv").open(newline=""))
    assert (row[1], row[6]) == ("'=1+1.png", "'@reason")
    text = (tmp_path / "r.csv").read_text()
    (tmp_path / "r.csv").write_text(text.rstrip().removesuffix(",") + ",defect\n")
    (decision,) = read_review(tmp_path / "r.csv", dataset)
    assert decision.image_id == 1
