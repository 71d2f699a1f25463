from pathlib import Path

from data_tools.formats.choice import choose_format

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def test_tables_below_a_folder_without_any_are_read_each_for_its_own_folder(tmp_path: Path, read, save) -> None:
    for i, part in enumerate(("train", "valid")):
        save(tmp_path / part / "a.png")
        (tmp_path / part / "_annotations.csv").write_text(f"{HEADER}a.png,80,60,pit,{i},5,20,30\n")
    assert choose_format([tmp_path], "auto")[0].name == "csv"
    samples, findings = read("csv", tmp_path)
    assert {name: s.boxes_xyxy[0, 0] for name, s in samples.items()} == {"train/a.png": 0, "valid/a.png": 1}
    assert not findings.rejects


def test_a_contests_form_for_predictions_is_no_table_of_boxes(tmp_path: Path, read, save) -> None:
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "test" / "b.png")
    (tmp_path / "train.csv").write_text(f"{HEADER}a.png,80,60,pit,1,5,20,30\n")
    (tmp_path / "sample_submission.csv").write_text(f"{HEADER}b.png,80,60,pit,1,5,20,30\n")
    samples, findings = read("csv", tmp_path)
    assert list(samples) == ["train/a.png"]
    assert [Path(r.source).name for r in findings.rejects] == ["sample_submission.csv", "b.png"]
    assert "test/b.png" in read("csv", tmp_path / "sample_submission.csv", images=tmp_path)[0]


def test_a_contests_form_of_run_lengths_is_left_out_too(tmp_path: Path, read, save) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    for name, image in (("train", "a"), ("sampleSubmission", "b")):
        (tmp_path / f"{name}.csv").write_text(f"ImageId,ClassId,EncodedPixels\n{image}.png,1,61 30 121 30\n")
    samples, findings = read("rle", tmp_path)
    assert list(samples) == ["a.png"]
    assert [Path(r.source).name for r in findings.rejects] == ["sampleSubmission.csv", "b.png"]
