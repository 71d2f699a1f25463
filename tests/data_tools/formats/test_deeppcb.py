from pathlib import Path

from data_tools.formats.registry import formats


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_pairs_from_a_list_file(tmp_path: Path, read, save) -> None:
    for name in ("00041000_test", "00041000_temp", "00041001_test"):
        save(tmp_path / "group00041" / "00041" / f"{name}.jpg", (64, 64))
    put(tmp_path / "group00041/00041_not/00041000.txt", "1,2,11,12,1\n5 6 25 26 3\n")
    put(tmp_path / "group00041/00041_not/00041001.txt", "")
    lines = [
        "group00041/00041/00041000.jpg group00041/00041_not/00041000.txt",
        "group00041/00041/00041001.jpg group00041/00041_not/00041001.txt",
        "group00041/00041/00041002.jpg group00041/00041_not/00041000.txt",
        "group00041/00041/00041001.jpg ../00041_not/00041000.txt",
        "group00041/00041/00041001.jpg group00041/00041_not/nowhere.txt",
        "group00041/00041/00041000.jpg group00041/00041_not/00041000.txt",
    ]
    put(tmp_path / "trainval.txt", "\n".join(lines))
    samples, findings = read("deeppcb", tmp_path)
    boxed = samples["group00041/00041/00041000_test.jpg"]
    assert boxed.boxes_xyxy.tolist() == [[1, 2, 11, 12], [5, 6, 25, 26]]
    assert boxed.box_types == ("open", "mousebite")
    assert set(samples) == {"group00041/00041/00041000_test.jpg"}  # of 00041001 two annotations cannot be read
    assert sorted(r.line or 0 for r in findings.rejects) == [0, 1, 1, 2, 2, 4, 5]
    assert findings.warnings["templates (_temp), which are no inspected images: left out"] == 1


def test_pairs_by_name_and_wrong_lines(tmp_path: Path, read, save) -> None:
    save(tmp_path / "a.png", (64, 64))
    save(tmp_path / "b.png", (64, 64))
    put(tmp_path / "a.txt", "1,2,11,12,bent\n1,2,3,4\n1,2,x,4,1\n1,2,3,4,0\n9,9,5,12,2\n1,2,199,12,2\n")
    samples, findings = read("deeppcb", tmp_path, corners="inclusive")
    assert samples["a.png"].boxes_xyxy.tolist() == [[1, 2, 12, 13], [5, 9, 10, 13]]
    assert samples["a.png"].type == "bent"
    assert [r.line for r in findings.rejects] == [2, 3, 4, 6, None]


def test_sizes_in_place_of_the_second_corner_are_another_format(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", "5 6 20 30 1\n")
    assert formats()["deeppcb"].recognise(tmp_path) is not None
    put(tmp_path / "b.txt", "40 20 20 20 1\n")
    assert formats()["deeppcb"].recognise(tmp_path) is None


def test_the_class_first_in_pixels_is_another_format(tmp_path: Path, read, save) -> None:
    save(tmp_path / "a.png", (64, 64))
    put(tmp_path / "a.txt", "0 5 6 20 30\n")
    assert formats()["deeppcb"].recognise(tmp_path) is None
    samples, findings = read("deeppcb", tmp_path)
    assert samples["a.png"].status == "unboxed"
    assert "class first" in findings.rejects[0].reason
