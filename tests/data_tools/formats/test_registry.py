from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.registry import Findings, ReadOptions, formats


def test_each_format_is_recognised_and_says_why(shared_data: Path) -> None:
    chosen, why = choose_format([shared_data / "nexperia_defect_areas"], "auto")
    assert chosen.name == "nexperia"
    assert "id,class,rectangle" in why
    chosen, why = choose_format([shared_data / "magnetic_tile"], "auto")
    assert chosen.name == "mask"
    assert "has the mask" in why


def test_unknown_names_and_sources_list_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nexperia, csv, mask"):
        choose_format([tmp_path], "excel")
    with pytest.raises(InputError, match="no format recognises"):
        choose_format([tmp_path], "auto")


def test_an_ambiguous_source_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "scratch.csv").write_text("a,scratch,rectangle,1,2,3,4\n")
    for name in ("x/a.jpg", "x/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((9, 9), dtype=np.uint8)).save(tmp_path / name)
    with pytest.raises(InputError, match=r"could be nexperia .* or mask"):
        choose_format([tmp_path], "auto")


def test_corners_have_a_documented_default() -> None:
    corners = {name: one.corners for name, one in formats().items()}
    assert [name for name, one in corners.items() if one == "inclusive"] == ["nexperia", "voc", "supervisely"]
    assert [name for name, one in corners.items() if one == "none"] == ["mask", "mvtec", "highlight", "rle", "records"]
    assert [name for name, one in corners.items() if one == "exclusive"] == [
        "csv",
        "yolo",
        "labelme",
        "deeppcb",
        "coco",
        "via",
        "cvat",
        "labelstudio",
        "datumaro",
        "groundtruth",
        "darwin",
        "labelbox",
        "createml",
        "kitti",
        "dota",
        "json",
    ]


def test_every_layout_is_recognised_as_one_format(tmp_path: Path, save) -> None:
    texts = {
        "csv": ("a.csv", "filename,class,xmin,ymin,xmax,ymax\n"),
        "voc": ("Annotations/a.xml", "<annotation></annotation>"),
        "yolo": ("labels/a.txt", "0 0.5 0.5 0.25 1\n"),
        "labelme": ("a.json", '{"shapes": [], "imagePath": "a.png"}'),
        "deeppcb": ("labels/a.txt", "1,2,30,40,3\n"),
        "coco": ("annotations/a.json", '{"images": [], "annotations": [], "categories": []}'),
    }
    for name, (path, text) in texts.items():
        save(tmp_path / name / "images" / "a.png")
        save(tmp_path / name / "images" / "b.jpg")
        (tmp_path / name / path).parent.mkdir(exist_ok=True)
        (tmp_path / name / path).write_text(text)
        for source in (tmp_path / name, tmp_path / name / path):
            chosen, why = choose_format([source], "auto")
            assert (chosen.name, Path(path).name in why) == (name, True)


def test_a_source_that_nothing_recognises_is_described(tmp_path: Path, save) -> None:
    save(tmp_path / "a_mask2.png")
    (tmp_path / "b.xml").write_text("<?xml version='1.0'?><!-- x --><CamVid><item/></CamVid>")
    (tmp_path / "c.csv").write_text("ImageId;Score\na;1\n")
    (tmp_path / "d.json").write_text('{"settings": {"depth": 3}}')
    (tmp_path / "e.txt").write_text("\n0 5 6 20 30\n")
    with pytest.raises(InputError) as raised:
        choose_format([tmp_path], "auto")
    for seen in ("a_mask2.png", "<CamVid>", "ImageId, Score", "keys settings, depth", "0 5 6 20 30"):
        assert seen in str(raised.value)


def test_the_first_file_of_a_kind_does_not_decide(tmp_path: Path) -> None:
    (tmp_path / "a_config.json").write_text("{}")
    (tmp_path / "b.json").write_text('{"shapes": [], "imagePath": "a.png"}')
    assert choose_format([tmp_path], "auto")[0].name == "labelme"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"corners": "Inclusive"}, "corners must be inclusive or exclusive, not Inclusive"),
        ({"unlabelled": "Good"}, "unlabelled must be reject or good, not Good"),
        ({"templates": "bad"}, "templates must be ignore or good"),
        ({"min_area": 0}, "min_area must be a whole number of at least 1, not 0"),
        ({"min_area": "10"}, "min_area must be a whole number"),
        ({"merge_distance": -1}, "merge_distance must be a whole number of at least 0"),
        ({"size_hw": (267,)}, "size_hw must be height and width"),
        ({"size_hw": (0, 275)}, "size_hw must be a whole number of at least 1"),
        ({"columns": "image,x1,y1,x2,y2"}, "columns must be a list of names"),
        ({"type_map": {1: "scratch"}}, "type_map must give names new names"),
        ({"type_map": {"scratch": None}}, "type_map must give names new names"),
        ({"type_map": {"A": "x", "a": "y"}}, "two new names for 'a'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        ReadOptions(**options)


def test_types_are_renamed_whatever_their_case() -> None:
    given = {"Scratch": "dent"}
    options, findings = ReadOptions(type_map=given), Findings()
    assert [options.renamed(name, findings) for name in ("scratch", "SCRATCH", "chip")] == ["dent", "dent", "chip"]
    assert findings.types == {"scratch", "SCRATCH", "chip"}
    assert given == {"Scratch": "dent"}
