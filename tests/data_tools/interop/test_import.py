"""Foreign predictions in, checked at the edge, and ours out again."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools import export_predictions, import_predictions
from data_tools.core.records import Dataset, Prediction, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import read_predictions

SIZE = (50, 80)


@pytest.fixture
def data(tmp_path: Path, make_sample) -> Path:
    """Three test images, of which the first two share a file name, and one training image."""
    paths = ("good/p001.png", "bad/p001.png", "bad/p002.png", "bad/p003.png")
    samples = []
    for i, path in enumerate(paths, start=1):
        sample = make_sample(i, [] if i == 1 else [(10, 10, 30, 30)], SIZE)
        object.__setattr__(sample, "path", path)
        samples.append(sample)
    write_dataset(tmp_path / "data", Dataset(tuple(samples), ("defect",), None, Splits(0, "", (4,), (), (1, 2, 3))))
    return tmp_path / "data"


def run(data: Path, source: Path, *more: str) -> int:
    return import_predictions.main([str(source), "--data", str(data), "--out", str(data / "out.jsonl"), *more])


def imported(data: Path, source: Path, *more: str) -> tuple[Prediction, ...]:
    assert run(data, source, *more) == 0
    return read_predictions(data / "out.jsonl").predictions


def write(path: Path, value: object) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def result(image_id: object = 2, bbox: object = (10, 10, 20, 20), score: object = 0.8, category_id: object = 1) -> dict:
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, "score": score}


def test_coco_results(data: Path, tmp_path: Path, capsys) -> None:
    source = write(
        tmp_path / "r.json", [result(), result(score=0.9, bbox=[70, 40, 20, 20]), result("bad/p002.png"), result(4)]
    )
    first, second, third = imported(data, source, "--producer", "yolo")
    assert (first.score, first.peak_xy, len(first.boxes_xyxy)) == (0.0, None, 0)
    assert (second.score, second.peak_xy) == (0.9, (75.0, 45.0))
    assert second.boxes_xyxy.tolist() == [[10, 10, 30, 30], [70, 40, 80, 50]]
    assert third.peak_xy == (20.0, 20.0)
    assert read_predictions(data / "out.jsonl").header.producer == "yolo"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{", "not readable as JSON"),
        ("[" * 100_000, "not readable as JSON"),
        ({"annotations": []}, "a list of detections"),
        ([[]], "entry 0: a detection is an object"),
        ([result(4)], "says nothing"),
        ([result(), {"image_id": 2}], "entry 1: key 'bbox' is missing"),
        ([result(99)], "no image with the id 99"),
        ([result("p001")], "2 images are called 'p001'"),
        ([result("../etc")], "no image"),
        ([result(True)], "no image"),
        ([result(bbox=[1, 2, 3])], "bbox must be"),
        ([result(bbox=[1, 2, -3, 4])], "bbox must be"),
        ([result(bbox=[1, 2, 1e999, 4])], "not finite"),
        ([result(score=float("nan"))], "score is not finite"),
        ([result(score="high")], "entry 0"),
        ([result(category_id=0)], "classes 1..1"),
        ([result(category_id=7)], "classes 1..1"),
    ],
)
def test_bad_coco_results_are_refused_by_name(data: Path, tmp_path: Path, capsys, value, words: str) -> None:
    assert run(data, write(tmp_path / "r.json", value)) == 2
    assert words in capsys.readouterr().err
    assert not (data / "out.jsonl").exists()


def test_points_keep_the_best_of_each_image(data: Path, tmp_path: Path) -> None:
    source = write(
        tmp_path / "p.csv", "\ufefffile_name,x,y,score\r\nbad/p001.png,20,20,0.3\r\n2,25,20,0.7\r\ngood/p001,,,0.1\r\n"
    )
    first, second, third = imported(data, source)
    assert (first.score, first.peak_xy) == (0.1, None)
    assert (second.score, second.peak_xy) == (0.7, (25.0, 20.0))
    assert third.score < 0.1


def test_points_without_header_or_score(data: Path, tmp_path: Path) -> None:
    first, second, _ = imported(data, write(tmp_path / "p.csv", "2,20,20\n"))
    assert (first.score, second.score) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty table"),
        ("id,x\n1,2\n", "the header needs"),
        ("2,20\n", "line 1: 2 columns"),
        ("id,x,y\n2,20,far\n", "line 2: y is 'far'"),
        ("id,x,y\n2,20,nan\n", "line 2: y is not finite"),
        ("id,x,y,score\n2,20,20,0.9\n3,20,20,\n", "line 3: a point without a score"),
        ("id,x,y,score\n2,20,20,0.9\n2,30,30\n", "line 3: a point without a score"),
        ("2,20,20,0.9\n3,20,20\n", "line 2: a point without a score"),
        ("id,x,y,score\n2,20,20,n/a\n", "line 2: score is 'n/a'"),
        ("id,x,y,certainty\n2,20,20,0.9\n", "line 1: no column is the score, and what certainty means is not known"),
        ("id,x,y,\n2,20,20,0.9\n", "(column 4, without a name)"),
        ("id,x,y,score,conf\n2,20,20,0.9,0.1\n", "line 1: score, conf all mean the score"),
        ("id,x,y,score,score\n2,20,20,0.9,0.1\n", "line 1: score, score all mean the score"),
        ("id,image_id,x,y\n1,2,20,20\n", "line 1: id, image_id all mean the id"),
        ("image_id,class,x,y,w,h,score\n2,1,20,20,4,4,0.9\n", "w, h beside x and y is a table of boxes"),
        ("id,x,y,x_max,y_max\n2,20,20,30,30\n", "x_max, y_max beside x and y is a table of boxes"),
        ("id,xmin,ymin,xmax,ymax,score\n2,20,20,30,30,0.9\n", "xmin, ymin, xmax, ymax is a table of boxes"),
        ("id,x,y,score\n2,20,20,1_0\n", "line 2: score is '1_0', not a number"),
        ("id,x,y\n2,1_0,20\n", "line 2: x is '1_0', not a number"),
        ("2,20,20,4,4,0.9\n", "line 1: 6 columns, but a table without a header holds id, x, y, score"),
        ("id,x,y\n2,20,20,0.9\n", "line 1: the header names 3 columns, but a row has 4"),
        ("id;x;y\n2;1,100;20\n", "line 2: x is '1,100', which may be thousands or a decimal"),
        ("id,x,y\n2,20,51\n", "outside the 80 x 50 image"),
        ("id,x,y\nnowhere,2,2\n", "line 2: no image 'nowhere'"),
        ("id,x,y\n" + "9" * 5000 + ",2,2\n", "line 2: no image"),
    ],
)
def test_bad_points_are_refused_by_line(data: Path, tmp_path: Path, capsys, text: str, words: str) -> None:
    assert run(data, write(tmp_path / "p.csv", text)) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("p.jsonl", "is it a PredictionSet already"),
        ("p.parquet", "is it a PredictionSet already"),
        ("p.txt", "neither a folder of maps, COCO results (.json) nor points (.csv)"),
        ("labels/a.txt", "boxes of all images come in one file of COCO results"),
    ],
)
def test_other_files_are_told_what_is_taken(data: Path, tmp_path: Path, capsys, name: str, words: str) -> None:
    source = tmp_path / name
    source.parent.mkdir(exist_ok=True)
    source.write_text("0 0.5 0.5 0.1 0.1 0.9\n")
    assert run(data, source.parent if "/" in name else source) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("score", [-0.5, -1e17, -1e300])
def test_an_image_without_results_scores_below_all_others(data: Path, tmp_path: Path, score: float) -> None:
    scores = [one.score for one in imported(data, write(tmp_path / "p.csv", f"id,x,y,score\n2,20,20,{score}\n"))]
    assert scores[0] == scores[2] < scores[1]


def test_the_numbers_of_classes_are_told(data: Path, tmp_path: Path, caplog) -> None:
    """Another tool may number them otherwise, which nothing in its results shows."""
    source = write(tmp_path / "r.json", [result(category_id=2)])
    dataset = read_dataset(data)
    write_dataset(tmp_path / "two", replace(dataset, categories=("pit", "scratch")))
    with caplog.at_level("INFO"):
        assert run(tmp_path / "two", source) == 0
    assert "  category_id read as the dataset numbers its classes: 1 pit, 2 scratch" in caplog.messages


@pytest.mark.parametrize("name", ["confidence", "Conf", "probability", "Anomaly Score", "defect_score"])
def test_usual_names_of_a_score(data: Path, tmp_path: Path, name: str) -> None:
    first, second, third = imported(data, write(tmp_path / "p.csv", f"Image ID,x,y,{name}\n1,,,0.1\n2,20,20,0.7\n"))
    assert (first.score, second.score, second.peak_xy, third.score) == (0.1, 0.7, (20.0, 20.0), 0.0)
    scores = write(tmp_path / "s.csv", f"id,{name}\n1,0.2\n2,0.9\n3,-1\n")
    assert [p.score for p in imported(data, tmp_path / "p.csv", "--scores", str(scores))] == [0.2, 0.9, -1.0]


@pytest.mark.parametrize(
    "text", ["id;x;y;score\n2;20,5;30;0,9\n", "2;20,5;30,0;0,9", "id\tx\ty\tscore\n2\t20.5\t30\t0.9\n"]
)
def test_tables_as_spreadsheets_write_them(data: Path, tmp_path: Path, text: str) -> None:
    _, second, _ = imported(data, write(tmp_path / "p.csv", text))
    assert (second.score, second.peak_xy) == (0.9, (20.5, 30.0))


def test_columns_that_are_not_read_are_told(data: Path, tmp_path: Path, caplog) -> None:
    points = write(tmp_path / "p.csv", "id,x,y,score,comment,\n2,20,20,0.7,faint,\n")
    scores = write(tmp_path / "s.csv", "id,score,x,y,lot\n1,0.2,1,1,A\n2,0.9,2,2,A\n3,0.1,3,3,B\n")
    with caplog.at_level("INFO"):
        assert run(data, points, "--scores", str(scores)) == 0
    told = [record.getMessage() for record in caplog.records]
    assert "  columns that are not read: comment" in told
    assert f"  {scores}: columns that are not read: lot" in told


def test_a_table_of_scores_without_scores_is_refused(data: Path, tmp_path: Path, capsys) -> None:
    points = write(tmp_path / "p.csv", "2,20,20\n")
    for text, words in (("1\n2\n3\n", "line 1: 1 columns, but 2"), ("id,score\n1,\n2,1\n3,1\n", "score is ''")):
        assert run(data, points, "--scores", str(write(tmp_path / "s.csv", text))) == 2
        assert words in capsys.readouterr().err


def test_a_key_twice_in_a_result_is_refused(data: Path, tmp_path: Path, capsys) -> None:
    text = '[{"image_id": 2, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.1, "score": 0.9}]'
    assert run(data, write(tmp_path / "r.json", text)) == 2
    assert "the key 'score' stands twice" in capsys.readouterr().err


def test_maps_by_path_name_or_id(data: Path, tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    (maps / "bad").mkdir(parents=True)
    heatmap = np.zeros((5, 8), dtype=np.float64)
    heatmap[2, 1] = 4.0
    np.save(maps / "bad" / "p001.npy", heatmap[None])
    Image.fromarray((heatmap * 10000).astype(np.uint16)).save(maps / "p002.png")
    np.save(maps / "1.npy", np.ones((3, 3)))
    first, second, third = imported(data, maps)
    assert (first.peak_xy, first.score) == (None, 1.0)
    assert (second.peak_xy, second.score) == ((15.0, 25.0), 4.0)
    assert (third.peak_xy, third.score) == ((15.0, 25.0), 40000.0)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2, 3)), "two axes"),
        (np.zeros(4), "two axes"),
        (np.array([["a"]]), "real numbers"),
        (np.array([[{}]], dtype=object), "real numbers"),
    ],
)
def test_what_is_no_map_is_refused(data: Path, tmp_path: Path, capsys, array: np.ndarray, words: str) -> None:
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / "p002.npy", array, allow_pickle=True)
    assert run(data, tmp_path / "maps") == 2
    assert words in capsys.readouterr().err


def test_one_map_for_two_images_and_none_at_all_are_refused(data: Path, tmp_path: Path, capsys) -> None:
    maps = tmp_path / "maps"
    maps.mkdir()
    assert run(data, maps) == 2
    assert "no map" in capsys.readouterr().err
    np.save(maps / "p001.npy", np.eye(3))
    assert run(data, maps) == 2
    assert "p001.npy: 2 images are called 'p001'" in capsys.readouterr().err


def test_scores_from_a_table(data: Path, tmp_path: Path, capsys) -> None:
    points = write(tmp_path / "p.csv", "2,20,20\n")
    scores = write(tmp_path / "s.csv", "id,score\n1,0.2\n2,0.9\n3,-1\n")
    assert [p.score for p in imported(data, points, "--scores", str(scores))] == [0.2, 0.9, -1.0]
    write(scores, "id,score\n1,0.2\n1,0.3\n")
    assert run(data, points, "--scores", str(scores)) == 2
    assert "line 3: a second score" in capsys.readouterr().err
    write(scores, "id,score\n1,0.2\n")
    assert run(data, points, "--scores", str(scores)) == 2
    assert "2 images have no score" in capsys.readouterr().err


def test_silence_is_an_error_on_demand(data: Path, tmp_path: Path, capsys) -> None:
    assert run(data, write(tmp_path / "p.csv", "2,20,20\n"), "--missing", "error") == 2
    assert "says nothing of 2 images" in capsys.readouterr().err


def test_unknown_kinds_of_source(data: Path, tmp_path: Path, capsys) -> None:
    assert run(data, tmp_path / "absent") == 2
    assert run(data, write(tmp_path / "x.txt", "")) == 2
    assert "--format" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_out_and_in_again(data: Path, tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / "r.json", [result(score=0.25), result(3, [5.5, 6.25, 7, 8], 0.5)])
    before = imported(data, source)
    out = tmp_path / f"again.{suffix}"
    assert export_predictions.main([str(data / "out.jsonl"), "--out", str(out)]) == 0
    after = imported(data, out)
    assert [p.peak_xy for p in after] == [p.peak_xy for p in before]
    assert [p.score for p in after] == [p.score for p in before]
    if suffix == "json":
        assert [p.boxes_xyxy.tolist() for p in after] == [p.boxes_xyxy.tolist() for p in before]


def test_export_asks_for_a_known_suffix(data: Path, tmp_path: Path, capsys) -> None:
    imported(data, write(tmp_path / "r.json", [result()]))
    assert export_predictions.main([str(data / "out.jsonl"), "--out", str(tmp_path / "x.txt")]) == 2
    assert "--format" in capsys.readouterr().err


def test_our_own_files_come_back_where_numbers_are_names_of_other_images(tmp_path: Path, make_sample) -> None:
    """The images are called by each other's ids, so that only the file name beside an id tells which is meant."""
    samples = [make_sample(i, [(10, 10, 30, 30)], SIZE) for i in (1, 2)]
    for sample, path in zip(samples, ("2.png", "1.png"), strict=True):
        object.__setattr__(sample, "path", path)
    write_dataset(tmp_path / "data", Dataset(tuple(samples), ("defect",), None, Splits(0, "", (), (), (1, 2))))
    source = write(tmp_path / "r.json", [result("1.png", (1, 2, 3, 4))])
    before = imported(tmp_path / "data", source)
    assert [len(p.box_scores) for p in before] == [0, 1]
    for suffix in ("json", "csv"):
        out = tmp_path / f"again.{suffix}"
        assert export_predictions.main([str(tmp_path / "data" / "out.jsonl"), "--out", str(out)]) == 0
        assert [p.peak_xy for p in imported(tmp_path / "data", out)] == [None, (2.5, 4.0)]


def test_a_place_that_cannot_be_written_is_found_before_the_source_is_read(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "x.jsonl", tmp_path / "out.txt"):
        assert import_predictions.main([str(tmp_path / "absent.json"), "--data", str(data), "--out", str(out)]) == 2
        assert f"--out {out}" in capsys.readouterr().err


def test_what_is_exported_of_a_part_of_a_split_is_said(data: Path, tmp_path: Path, capsys) -> None:
    """Of the test images 1, 2 and 3 the last two are left out of the file."""
    imported(data, write(tmp_path / "r.json", [result()]))
    lines = (data / "out.jsonl").read_text().splitlines()
    for count, warned in ((4, ""), (2, "2 images of the split test have no prediction (ids 2, 3)")):
        (data / "out.jsonl").write_text("\n".join(lines[:count]) + "\n")
        capsys.readouterr()
        flags = ["--data", str(data), "--out", str(tmp_path / "x.csv")]
        assert export_predictions.main([str(data / "out.jsonl"), *flags]) == 0
        err = capsys.readouterr().err
        assert warned in err
        assert bool(warned) == ("WARNING" in err)
