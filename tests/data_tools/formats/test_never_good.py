"""However the files of a clean set are renamed, moved and encoded: no image with a defect becomes a good one."""

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.formats.registry import Findings, ReadOptions, formats

DEFECTS, GOOD = ("Größe 1", "0012", "crack_b"), ("0013", "Ok part", "crack_B2")
SIDES = (48, 64)

NAMES: dict[str, Callable[[str], str]] = {
    "as it is": lambda stem: stem,
    "upper case": str.upper,
    "lower case": str.lower,
    "decomposed": lambda stem: unicodedata.normalize("NFD", stem),
    "percent": quote,
    "label studio": lambda stem: f"9f3c1a2b-{stem}",
    "roboflow": lambda stem: f"{stem}_png.rf.0123456789abcdef0123456789abcdef",
    "no zeros": lambda stem: stem.lstrip("0"),
    "unknown": lambda stem: f"x{stem}",
    "another's": lambda stem: {"0012": "0013", "crack_b": "crack_B2"}.get(stem, stem),
    "gone": lambda stem: "",
}
inside_names = st.sampled_from(sorted(NAMES))
# a label file that is not there, or overwritten by another's, leaves nothing to be found
file_names = st.sampled_from(sorted(NAMES.keys() - {"gone", "another's"}))


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, object]:
    return {
        "format": draw(st.sampled_from(["yolo", "voc", "labelme", "coco", "csv"])),
        "labels": {stem: draw(file_names) for stem in (*DEFECTS, *GOOD)},
        "inside": {stem: draw(inside_names) for stem in (*DEFECTS, *GOOD)},
        "images": {
            stem: draw(st.sampled_from(["as it is", "as it is", "label studio", "decomposed"])) for stem in DEFECTS
        },
        "suffix": draw(st.sampled_from([".png", ".PNG", ".bmp", ""])),
        "folder": draw(st.sampled_from(["images", "images/train", "defect_dataset/images", "Images"])),
        "unlabelled": draw(st.booleans()),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])),
    }


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pixels") / "a.png"
    Image.fromarray(np.full(SIDES, 90, dtype=np.uint8)).save(path)
    return path


@settings(max_examples=150)
@given(layouts())
def test_no_image_with_a_defect_becomes_good(pixels: Path, layout: dict) -> None:
    with TemporaryDirectory() as name:
        source = Path(name) / "defects"
        truth = {}
        for stem in (*DEFECTS, *GOOD):
            named = NAMES[layout["images"].get(stem, "as it is")](stem)
            path = source / layout["folder"] / f"{named}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pixels, path)
            truth[path.relative_to(source).as_posix()] = stem
        write(source, layout)
        try:
            samples = list(formats()[layout["format"]].read([source], ReadOptions(), Findings()))
        except InputError:
            return
    statuses = {truth[sample.path]: (sample.status, sample.evidence) for sample in samples}
    assert not [stem for stem in DEFECTS if statuses.get(stem, ("", ""))[0] == "good"], statuses
    assert all(evidence for status, evidence in statuses.values() if status == "good")


def test_the_clean_sets_are_read_right(pixels: Path) -> None:
    for name in ("yolo", "voc", "labelme", "coco", "csv"):
        with TemporaryDirectory() as folder:
            source = Path(folder) / "defects"
            (source / "images").mkdir(parents=True)
            for stem in (*DEFECTS, *GOOD):
                shutil.copyfile(pixels, source / "images" / f"{stem}.png")
            same = dict.fromkeys((*DEFECTS, *GOOD), "as it is")
            write(source, {"format": name, "labels": same, "inside": same, "suffix": ".png", "encoding": "utf-8"})
            samples = list(formats()[name].read([source], ReadOptions(), Findings()))
        statuses = {Path(sample.path).stem: sample.status for sample in samples}
        assert statuses == dict.fromkeys(DEFECTS, "boxed") | dict.fromkeys(GOOD, "good"), name


def write(source: Path, layout: dict) -> None:
    """Annotations of the set; good images have an empty one."""
    files: dict[str, str] = {}
    rows, images, annotations = ["image,type,x1,y1,x2,y2"], [], []
    for i, stem in enumerate((*DEFECTS, *GOOD), start=1):
        own, inside = NAMES[layout["labels"][stem]](stem), NAMES[layout["inside"][stem]](stem)
        named = f"{inside}{layout['suffix']}" if inside else ""
        if layout["format"] == "yolo" and own:
            files[f"labels/{own}.txt"] = "0 0.5 0.5 0.25 0.5\n" if stem in DEFECTS else ""
        elif layout["format"] == "voc" and own:
            box = "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>20</xmax><ymax>20</ymax></bndbox>"
            files[f"Annotations/{own}.xml"] = (
                f"<annotation><filename>{named}</filename>"
                f"{f'<object><name>s</name>{box}</object>' if stem in DEFECTS else ''}</annotation>"
            )
        elif layout["format"] == "labelme" and own:
            shapes = [{"label": "s", "points": [[5, 5], [20, 20]], "shape_type": "rectangle"}]
            value = {"shapes": shapes if stem in DEFECTS else [], "imagePath": named}
            files[f"json/{own}.json"] = json.dumps(value, ensure_ascii=False)
        elif named:
            rows.append(f"{named},s,5,5,20,20" if stem in DEFECTS else f"{named},good,,,,")
            images.append({"id": i, "file_name": named})
            if stem in DEFECTS:
                annotations.append({"id": i, "image_id": i, "category_id": 1, "bbox": [5, 5, 15, 15], "area": 225})
    if layout["format"] == "csv":
        files["a.csv"] = "\n".join(rows)
    if layout["format"] == "coco":
        value = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "s"}]}
        files["a.json"] = json.dumps(value, ensure_ascii=False)
    for name, text in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(layout["encoding"]))
