"""KITTI labels."""

from pathlib import Path

from data_tools.formats.choice import choose_format

LINE = "{} 0.00 0 -1.57 {} -1 -1 -1 -1000 -1000 -1000 -10"


def test_boxes_good_images_and_what_is_not_judged(tmp_path: Path, read, save) -> None:
    texts = {
        "train/label_2/1.txt": LINE.format("pit", "10.00 20.00 40.50 50.00") + "\n",
        "train/label_2/2.txt": "",
        "test/label_2/1.txt": LINE.format("DontCare", "10 20 40 50"),
        "test/label_2/2.txt": LINE.format("pit", "10 20 40 50") + " 0.87\n",
        "test/label_2/3.txt": "pit 0 0 0 10 20 40\n" + LINE.format("pit", "10 20 nan 50"),
    }
    for name, text in texts.items():
        save(tmp_path / name.replace("label_2", "image_2").replace("txt", "png"))
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert choose_format([tmp_path], "auto")[0].name == "kitti"
    samples, findings = read("kitti", tmp_path)
    assert samples["train/image_2/1.png"].boxes_xyxy.tolist() == [[10, 20, 40.5, 50]]
    assert samples["train/image_2/1.png"].box_types == ("pit",)
    assert samples["train/image_2/2.png"].status == "good"
    assert [*samples] == ["train/image_2/1.png", "train/image_2/2.png"]
    reasons = [(Path(r.source).name, r.line, r.reason.split(":")[0]) for r in findings.rejects]
    assert ("1.txt", 1, "type 'DontCare'") in reasons
    assert ("2.txt", 1, "score 0.87") in reasons
    assert any(r.reason.startswith("no line of a type") for r in findings.rejects)


def test_corners_and_lines_that_are_none(tmp_path: Path, read) -> None:
    lines = [LINE.format("pit", "10 20 39 49"), "pit 0 0 0 10 20 40", LINE.format("pit", "1 2 x 9"), ""]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    samples, findings = read("kitti", tmp_path, size_hw=(60, 80), corners="inclusive")
    assert samples["a"].boxes_xyxy.tolist() == [[10, 20, 40, 50]]
    assert [r.line for r in findings.rejects] == [2, 3]
