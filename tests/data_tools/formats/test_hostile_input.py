"""Whatever is thrown at a reader: samples with every loss listed, or an InputError, hence exit 2 and one message."""

import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_tools.convert import main
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset
from data_tools.files.coco_samples import to_coco
from data_tools.files.dataset_folder import read_dataset
from data_tools.formats.registry import Findings, ReadOptions, formats

FILES = {
    "nexperia": "scratch.csv",
    "csv": "areas.csv",
    "voc": "a.xml",
    "yolo": "a.txt",
    "labelme": "a.json",
    "deeppcb": "a.txt",
    "coco": "a.json",
    "via": "a.json",
    "cvat": "a.xml",
    "labelstudio": "a.json",
    "supervisely": "a.json",
    "datumaro": "a.json",
    "rle": "a.csv",
}
WHOLE = {
    "nexperia": b"a,scratch,rectangle,1,2,9,9\n",
    "csv": b"image,type,x1,y1,x2,y2\na,scratch,1,2,9,9\n",
    "voc": b"<annotation><filename>a</filename><object><name>s</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax>"
    b"<ymax>5</ymax></bndbox></object></annotation>",
    "yolo": b"0 0.5 0.5 0.25 0.25\n",
    "labelme": b'{"shapes": [{"label": "s", "points": [[1, 2], [9, 9]], "shape_type": "rectangle"}], "imagePath": "a"}',
    "deeppcb": b"1,2,9,9,1\n",
    "coco": b'{"images": [{"id": 1, "file_name": "a", "height": 60, "width": 80}], "categories": [{"id": 1, "name": '
    b'"s"}], "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9], "area": 81}]}',
    "via": b'{"a": {"filename": "a", "regions": [{"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 9, '
    b'"height": 9}, "region_attributes": {"class": "s"}}]}}',
    "cvat": b'<annotations><image id="0" name="a" width="80" height="60"><box label="s" xtl="1" ytl="2" xbr="9" ybr="9"'
    b"/></image></annotations>",
    "labelstudio": b'[{"data": {"image": "a"}, "annotations": [{"result": [{"original_width": 80, "original_height": '
    b'60, "value": {"x": 10, "y": 20, "width": 9, "height": 9, "rectanglelabels": ["s"]}}]}]}]',
    "supervisely": b'{"size": {"height": 60, "width": 80}, "objects": [{"classTitle": "s", "geometryType": '
    b'"rectangle", "points": {"exterior": [[1, 2], [9, 9]]}}]}',
    "datumaro": b'{"categories": {"label": {"labels": [{"name": "s"}]}}, "items": [{"id": "a", "image": {"path": "a", '
    b'"size": [60, 80]}, "annotations": [{"type": "bbox", "label_id": 0, "bbox": [1, 2, 9, 9]}]}]}',
    "rle": b"ImageId,ClassId,EncodedPixels\na,s,1 20 61 20\n",
}
VALUES = [
    b"0",
    b"-1",
    b"1e308",
    b"1e999",
    b"nan",
    b"NaN",
    b"Infinity",
    b"-0.0",
    b"9" * 400,
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"\\ud800"',
    b"\xff",
    b"\0",
    b"../a",
    b"/etc/passwd",
    b"C:\\a",
    b"a\nb",
    b"\xe2\x80\xae",
    b"<",
    b"&",
    b",",
    b'"',
    b"[" * 999,
]


def convert(folder: Path, name: str, *flags: str) -> int:
    """Exit status of the conversion of folder/in to folder/out, with the result checked."""
    status = main([str(folder / "in"), "--format", name, "--out", str(folder / "out"), "--group-by", "none", *flags])
    assert status in (0, 2)
    assert sorted(path.name for path in folder.iterdir()) == (["in", "out"] if status == 0 else ["in"])
    if status == 0:
        read_dataset(folder / "out")
        with (folder / "out" / "rejects.csv").open(encoding="utf-8", newline="") as file:
            assert all(row["source"] and row["reason"] for row in csv.DictReader(file))
    return status


def attempt(folder: Path, name: str, size_hw: tuple[int, int] | None = (60, 80)) -> None:
    """Read folder/in, and build what the command would write."""
    findings = Findings()
    try:
        samples = list(formats()[name].read([folder / "in"], ReadOptions(size_hw=size_hw), findings))
    except InputError as error:
        assert str(folder) in str(error)
        return
    numbered = tuple(replace(sample, image_id=i) for i, sample in enumerate(samples, start=1))
    json.dumps(to_coco(Dataset(numbered, ("defect",)), None), allow_nan=False, ensure_ascii=False).encode("utf-8")
    for entry in findings.rejects + findings.mended:
        assert entry.reason
        f"{entry.source} {entry.image} {entry.reason}".encode()


def throw(name: str, content: bytes, size_hw: tuple[int, int] | None = (60, 80)) -> None:
    """Attempt to read a folder with this one file."""
    with TemporaryDirectory() as folder:
        put(Path(folder), name, content)
        attempt(Path(folder), name, size_hw)


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / "in").mkdir()
    (folder / "in" / FILES[name]).write_bytes(content)


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_whole_file_converts(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, WHOLE[name])
    assert convert(tmp_path, name, "--size", "60,80", "--strict") == 0


@pytest.mark.parametrize("name", sorted(FILES))
@settings(max_examples=60)
@given(content=st.binary(max_size=200), whole=st.booleans())
def test_random_bytes(name: str, content: bytes, whole: bool) -> None:
    throw(name, (WHOLE[name] if whole else b"") + content)


@pytest.mark.parametrize("name", sorted(FILES))
@settings(max_examples=100)
@given(data=st.data())
def test_odd_values_anywhere(name: str, data: st.DataObject) -> None:
    content = WHOLE[name]
    start = data.draw(st.integers(0, len(content) - 1))
    stop = data.draw(st.integers(start, min(len(content), start + 12)))
    content = content[:start] + data.draw(st.sampled_from(VALUES)) + content[stop:]
    throw(name, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 100) | st.floats() | st.text(max_size=5) | st.sampled_from(["a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "file_name",
                    "image_id",
                    "bbox",
                    "category_id",
                    "name",
                    "height",
                    "width",
                    "points",
                    "label",
                    "segmentation",
                    "area",
                    "iscrowd",
                    "type",
                    "status",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4), st.lists(JSON, max_size=3), st.booleans())
def test_any_json_values(images: list, annotations: list, categories: list, known: bool) -> None:
    first = json.loads(WHOLE["coco"])
    value = {"images": images, "annotations": annotations, "categories": categories}
    if known:
        value = {key: first[key] + rest for key, rest in value.items()}
    throw("coco", json.dumps(value).encode(), None)
    shapes = {"shapes": annotations, "imagePath": "a", "imageHeight": 60, "imageWidth": 80}
    throw("labelme", json.dumps(shapes).encode(), None)


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(["0", "1", "9", "-1", "1e308", "1e999", "nan", "79", "80", "80.5", "81", "", "x"]),
        min_size=4,
        max_size=4,
    )
)
def test_any_corners(corners: list[str]) -> None:
    tags = dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
    xml = "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags.items())
    text = f"<annotation><object><name>s</name><bndbox>{xml}</bndbox></object></annotation>"
    for name, content in (
        ("csv", f"image,type,x1,y1,x2,y2\na,s,{','.join(corners)}\n"),
        ("deeppcb", f"{','.join(corners)},1\n"),
        ("yolo", f"0 {' '.join(corners)}\n"),
        ("voc", text),
    ):
        throw(name, content.encode())


@pytest.mark.parametrize("name", sorted(formats()))
def test_recognisers_survive_anything(tmp_path: Path, name: str) -> None:
    recognise = formats()[name].recognise
    folder = tmp_path / "mess"
    folder.mkdir()
    for i, suffix in enumerate((".csv", ".xml", ".json", ".txt", ".png", ".jpg", ".yaml")):
        (folder / f"empty{suffix}").write_bytes(b"")
        (folder / f"noise{suffix}").write_bytes(np.random.default_rng(i).bytes(500))
    os.mkfifo(folder / "pipe.csv")
    (folder / "broken.xml").symlink_to(tmp_path / "nowhere")
    (folder / "loop").symlink_to(folder)
    assert recognise(folder) is None
    for path in sorted(folder.iterdir()):
        assert not path.is_file() or recognise(path) is None
    assert recognise(tmp_path / "nowhere") is None


@pytest.mark.parametrize("name", ["csv", "voc", "labelme", "coco"])
def test_names_and_links_never_leave_the_images(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    source, images = tmp_path / "in", tmp_path / "in" / "images"
    images.mkdir(parents=True)
    pixels = Image.fromarray(np.zeros((60, 80), dtype=np.uint8))
    pixels.save(images / "a.png")
    pixels.save(tmp_path / "secret.png")
    (images / "link.png").symlink_to(tmp_path / "secret.png")
    for wanted in ("../../secret.png", "link.png", str(tmp_path / "secret.png"), "a\0.png"):
        content = WHOLE[name].replace(b"\na,", f"\n{wanted},".encode()).replace(b'e": "a"', f'e": "{wanted}"'.encode())
        content = content.replace(b'imagePath": "a"', f'imagePath": "{wanted}"'.encode())
        (source / FILES[name]).write_bytes(content.replace(b"e>a<", f"e>{wanted}<".encode()))
        out = tmp_path / "out"
        status = main([str(source), "--format", name, "--images", str(images), "--out", str(out), "--copy"])
        assert "Traceback" not in capsys.readouterr().err
        own_name = wanted == "link.png" and name in ("voc", "labelme")  # a.xml and a.json speak of a.png then
        assert status == (0 if own_name else 2)
        assert out.exists() == own_name
        if own_name:
            assert [path.name for path in (out / "images").iterdir()] == ["a.png"]
            shutil.rmtree(out)


@pytest.mark.parametrize("name", ["mask", "mvtec", "highlight"])
def test_image_folders_with_broken_and_oddly_named_files(tmp_path: Path, name: str) -> None:
    source = tmp_path / "in"
    gray, white = np.zeros((40, 50), dtype=np.uint8), np.zeros((40, 50), dtype=np.uint8)
    white[5:20, 5:20] = 255
    red = np.zeros((40, 50, 3), dtype=np.uint8)
    red[5:20, 5:20, 0] = 255
    place, copy, pixels = {
        "mask": ("crack/{}.jpg", "crack/{}.png", white),
        "mvtec": ("test/crack/{}.png", "ground_truth/crack/{}_mask.png", white),
        "highlight": ("crack/{}.png", "crack/{}_marked.png", red),
    }[name]
    for stem in ("whole", "odd \n name", "umläut ☃", "broken", "cut", os.fsdecode(b"bytes\xff")):
        for pattern, content in ((place, gray), (copy, pixels)):
            path = source / pattern.format(stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(content).save(path)
    (source / place.format("broken")).write_bytes(b"broken")
    whole = (source / copy.format("cut")).read_bytes()
    (source / copy.format("cut")).write_bytes(whole[: len(whole) // 2])
    assert convert(tmp_path, name) == 0
    dataset = read_dataset(tmp_path / "out")
    assert {Path(sample.path).stem for sample in dataset.samples} == {"whole", "umläut ☃"}
    assert main([str(source), "--format", name, "--out", str(tmp_path / "strict"), "--strict"]) == 2
    assert not (tmp_path / "strict").exists()
