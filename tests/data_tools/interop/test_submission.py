from pathlib import Path

import pytest

from data_tools.core.records import Dataset, PredictionHeader, PredictionSet
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.predictions import write_predictions
from data_tools.interop.submission import submission_id
from data_tools.submission import main


@pytest.fixture
def put(tmp_path: Path, make_prediction):
    """Write a PredictionSet of scores by file name."""
    from dataclasses import replace

    def build(scores: dict[str, float]) -> str:
        predictions = tuple(
            replace(make_prediction(i, score), file_name=name) for i, (name, score) in enumerate(scores.items(), 1)
        )
        write_predictions(tmp_path / "p.jsonl", PredictionSet(PredictionHeader("anyone"), predictions))
        return str(tmp_path / "p.jsonl")

    return build


def test_scores_go_out_as_they_are_under_ids_without_extension(tmp_path: Path, put) -> None:
    source = put({"test/all_tests/a.jpg": 0.25, "b.1-x.BMP": 1.0, "c": -3.5e-7})
    assert main(["--predictions", source, "--out", str(tmp_path / "s.csv")]) == 0
    assert (tmp_path / "s.csv").read_text() == "id,defect_score\na,0.25\nb.1-x,1.0\nc,-3.5e-07\n"


def test_labels_need_a_threshold(tmp_path: Path, put, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--predictions", put({"a.jpg": 0.25, "b.jpg": 0.3}), "--out", str(tmp_path / "s.csv")]
    assert main([*flags, "--columns", "id,label"]) == 2
    assert "--threshold" in capsys.readouterr().err
    assert main([*flags, "--columns", "id,label", "--threshold", "0.3"]) == 0
    assert (tmp_path / "s.csv").read_text() == "id,label\na,0\nb,1\n"
    assert main([*flags, "--threshold", "0.3"]) == 2


def test_a_split_is_of_a_dataset(tmp_path: Path, put, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--predictions", put({"a.jpg": 0.25, "b.jpg": 0.3}), "--out", str(tmp_path / "s.csv")]
    assert main([*flags, "--split", "test"]) == 2
    assert "--split test: is a part of --data DATASET" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"a.jpg": 0.0, "b.jpg": 1.0}, "every score is 0 or 1"),
        ({"x/a.jpg": 0.1, "y/a.bmp": 0.2}, "'a' stands for several images: x/a.jpg, y/a.bmp"),
        ({"a,b.jpg": 0.1}, "cannot be an id"),
        ({"=1+1.jpg": 0.1}, "cannot be an id"),
        ({"-dent.jpg": 0.1}, "cannot be an id"),
        ({}, "no predictions"),
    ],
)
def test_what_a_contest_would_rank_wrongly_is_refused(
    tmp_path: Path, put, capsys: pytest.CaptureFixture[str], scores: dict[str, float], message: str
) -> None:
    assert main(["--predictions", put(scores), "--out", str(tmp_path / "s.csv")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()


def test_ids_are_checked_against_the_expected_ones(tmp_path: Path, put, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--predictions", put({"a.jpg": 0.25, "b.jpg": 0.3}), "--out", str(tmp_path / "s.csv")]
    ids = tmp_path / "ids.csv"
    for text, message in (
        ("id,x\na,1\nb,2\nc,3\n", "1 ids missing that"),
        ("a\n", "1 ids not expected"),
        ("a\nb\n", ""),
    ):
        ids.write_text(text)
        assert main([*flags, "--ids", str(ids)]) == (2 if message else 0)
        assert message in capsys.readouterr().err
    assert main([*flags, "--ids", str(ids), "--data", str(tmp_path)]) == 2
    assert main([*flags, "--ids", str(tmp_path / "none.csv")]) == 2


def test_the_ids_are_never_written_over(tmp_path: Path, put, capsys: pytest.CaptureFixture[str]) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text("a\nb\n")
    assert main(["--predictions", put({"a.jpg": 0.25, "b.jpg": 0.3}), "--out", str(ids), "--ids", str(ids)]) == 2
    assert "is what the command reads" in capsys.readouterr().err
    assert ids.read_text() == "a\nb\n"


def test_predictions_of_another_numbering_are_refused(
    tmp_path: Path, put, make_sample, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "ds", Dataset((make_sample(1), make_sample(2)), ("defect",)))
    flags = ["--out", str(tmp_path / "s.csv"), "--data", str(tmp_path / "ds"), "--split", "all"]
    assert main(["--predictions", put({"1.png": 0.25, "2.png": 0.3}), *flags]) == 0
    assert main(["--predictions", put({"2.png": 0.25, "1.png": 0.3}), *flags]) == 2
    assert "image 1 is 2.png in the predictions, but 1.png in the dataset" in capsys.readouterr().err


def test_only_image_suffixes_are_cut() -> None:
    assert [submission_id(name) for name in ("x/a.b.png", "a.b", "a", "x\\a.jpeg")] == ["a.b", "a.b", "a", "a"]
