from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.xml_tree import read_xml

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def xml(path: Path, name: str, *boxes: tuple[float, ...], size: tuple[int, int] = (60, 80)) -> Path:
    objects = "\n".join(f"<object><name>scratch</name>{BOX.format(*box)}</object>" for box in boxes)
    sides = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>\n<filename>{name}</filename>{sides}\n{objects}\n</annotation>")
    return path


def test_corners_count_from_1_and_belong_to_the_box(tmp_path: Path, read, save) -> None:
    save(tmp_path / "JPEGImages" / "a.jpg")
    save(tmp_path / "JPEGImages" / "b.jpg")
    save(tmp_path / "JPEGImages" / "c.jpg")
    xml(tmp_path / "Annotations" / "a.xml", "a.jpg", (1, 1, 80, 60), (5, 6, 5, 9))
    xml(tmp_path / "Annotations" / "b.xml", "b.jpg")
    for source in (tmp_path, tmp_path / "Annotations"):
        samples, findings = read("voc", source)
        assert samples["JPEGImages/a.jpg"].boxes_xyxy.tolist() == [[0, 0, 80, 60], [4, 5, 5, 9]]
        assert samples["JPEGImages/b.jpg"].status == "good"
        assert [r.image for r in findings.rejects] == ["JPEGImages/c.jpg"]
    samples, findings = read("voc", tmp_path, corners="exclusive")
    assert samples["JPEGImages/a.jpg"].boxes_xyxy.tolist() == [[1, 1, 80, 60]]
    assert findings.rejects[0].line == 4


def test_a_corner_0_is_the_edge(tmp_path: Path, read) -> None:
    xml(tmp_path / "a.xml", "a.jpg", (0, 0, 20, 30), (0, 5, 20, 81))
    samples, findings = read("voc", tmp_path)
    assert samples["a.jpg"].boxes_xyxy.tolist() == [[0, 0, 20, 30], [0, 4, 20, 60]]
    assert "give --corners exclusive" in findings.mended[0].reason


def test_boxes_without_images_and_what_is_refused(tmp_path: Path, read) -> None:
    xml(tmp_path / "a.xml", "a.jpg", (2, 3, 9, 9))
    xml(tmp_path / "b.xml", "../b.jpg", (0, 3, 9, 9))
    xml(tmp_path / "c.xml", "c.jpg", (9, 3, 5, 9), (1, 1, 1e9, 2), (1, 1, "nan", 2))
    (tmp_path / "d.xml").write_text("<annotation><object>")
    (tmp_path / "e.xml").write_text("<other/>")
    (tmp_path / "f.xml").write_text("<annotation><size><width>9</width><height>9</height></size><object/></annotation>")
    samples, findings = read("voc", tmp_path)
    assert {name: sample.status for name, sample in samples.items()} == {
        "a.jpg": "boxed",
        "c.jpg": "boxed",
        "f": "unboxed",
    }
    assert samples["c.jpg"].boxes_xyxy.tolist() == [[4, 2, 9, 9]]  # its corners were swapped
    assert samples["a.jpg"].size_hw == (60, 80)
    assert {(Path(r.source).stem, r.line) for r in findings.rejects} == {
        ("b", 3),
        ("c", 5),
        ("c", 4),
        ("d", None),
        ("e", None),
        ("f", 1),
    }


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ("<Background>1</Background><Crack>0</Crack><Spalling>0</Spalling>", False),
        ("<Background>0</Background><Crack>1</Crack><Spalling>0</Spalling>", True),
        ("<Background>1</Background><Crack>1</Crack><Spalling>0</Spalling>", True),
        ("<background>1</background>", True),  # may be the number of a surface
    ],
)
def test_background_among_flags_of_classes(tmp_path: Path, read, flags: str, kept: bool) -> None:
    path = xml(tmp_path / "a.xml", "a.jpg", (2, 3, 9, 9))
    tools = "<truncated>0</truncated><difficult>0</difficult>"
    path.write_text(path.read_text().replace("</object>", f"{tools}<Defect>{flags}</Defect></object>"))
    samples, findings = read("voc", tmp_path)
    assert (bool(samples), bool(findings.rejects)) == (kept, not kept)


def test_a_size_that_is_not_the_images_is_refused(tmp_path: Path, read, save) -> None:
    save(tmp_path / "a.jpg")
    xml(tmp_path / "a.xml", "a.jpg", (2, 3, 9, 9), size=(80, 60))
    samples, findings = read("voc", tmp_path)
    assert not samples
    assert "annotated as 60 x 80 pixels, but the image has 80 x 60" in findings.rejects[0].reason
    xml(tmp_path / "a.xml", "a.jpg", (2, 3, 9, 9), size=(0, 0))  # some tools do not know it
    assert set(read("voc", tmp_path)[0]) == {"a.jpg"}


def test_entities_and_deep_nesting_are_refused(tmp_path: Path) -> None:
    lines = ["<!DOCTYPE lolz [", '<!ENTITY lol "lol">']
    lines += [f'<!ENTITY lol{i} "{f"&lol{i - 1 or chr(0)[:0]};" * 10}">' for i in range(1, 9)]
    path = tmp_path / "bomb.xml"
    path.write_text("\n".join([*lines, "]>", "<annotation>&lol8;</annotation>"]))
    with pytest.raises(InputError, match=r"bomb\.xml, line 1: a document type"):
        read_xml(path)
    path.write_text("<a>" * 100_000)
    with pytest.raises(InputError, match="nested too deeply"):
        read_xml(path)
    path.write_bytes('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"))
    with pytest.raises(InputError, match="document type"):
        read_xml(path)


def test_encodings_that_the_file_declares_or_not(tmp_path: Path, read, save) -> None:
    for name, encoding, head in (
        ("a", "gbk", '<?xml version="1.0" encoding="GBK"?>'),
        ("b", "gbk", ""),
        ("c", "utf-16", '<?xml version="1.0" encoding="utf-16"?>'),
    ):
        save(tmp_path / f"{name}.png")
        text = xml(tmp_path / f"{name}.xml", f"{name}.png", (5, 5, 20, 20)).read_text().replace("scratch", "划痕")
        (tmp_path / f"{name}.xml").write_bytes((head + text).encode(encoding))
    samples, findings = read("voc", tmp_path)
    assert {name: s.type for name, s in samples.items()} == dict.fromkeys(("a.png", "b.png", "c.png"), "划痕")
    assert not findings.rejects


def test_a_box_that_a_file_has_twice_is_kept_and_one_of_two_files_is_not(tmp_path: Path, read) -> None:
    xml(tmp_path / "one" / "a.xml", "a.png", (5, 5, 20, 20), (5, 5, 20, 20))
    samples, findings = read("voc", tmp_path)
    assert len(samples["a.png"].boxes_xyxy) == 2
    assert "both kept" in findings.mended[0].reason
    xml(tmp_path / "two" / "a.xml", "a.png", (5, 5, 20, 20))
    samples, findings = read("voc", tmp_path)
    assert len(samples["a.png"].boxes_xyxy) == 2
    assert [r.reason for r in findings.rejects] == ["duplicate of another box"]


def test_annotations_in_a_types_folder_are_of_the_images_in_the_same(tmp_path: Path, read, save) -> None:
    for folder in ("images/pit", "images/dent", "turned/pit_turned"):
        save(tmp_path / folder / "1.jpg")
    for i, kind in enumerate(("dent", "pit")):
        xml(tmp_path / "Annotations" / kind / "1.xml", "1.jpg", (1 + i, 2, 30, 40))
    samples, findings = read("voc", tmp_path)
    assert {name: s.boxes_xyxy[0, 0] for name, s in samples.items()} == {"images/dent/1.jpg": 0, "images/pit/1.jpg": 1}
    assert [r.image for r in findings.rejects] == ["turned/pit_turned/1.jpg"]


def test_a_second_folder_of_annotations_is_said(tmp_path: Path, read, save) -> None:
    save(tmp_path / "images/a.jpg")
    xml(tmp_path / "Annotations/a.xml", "a.jpg", (5, 5, 20, 20))
    xml(tmp_path / "Annotations_bak/a.xml", "a.jpg", (40, 5, 60, 20))
    samples, findings = read("voc", tmp_path)
    assert len(samples["images/a.jpg"].boxes_xyxy) == 2
    (change,) = findings.mended
    assert (Path(change.source).parent.name, change.image) == ("Annotations_bak", "images/a.jpg")
    assert "joined; where one of them is older" in change.reason
