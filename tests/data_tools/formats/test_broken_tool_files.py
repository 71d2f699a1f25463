"""Whatever happens to the files of annotation tools: claims with finite boxes, or an InputError."""

import json
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_tools.core.errors import InputError
from data_tools.formats import createml, cvat, darwin, datumaro, labelbox, supervisely
from data_tools.formats.claims import Claim
from data_tools.formats.labelstudio import labelstudio
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.tables import rle_table
from data_tools.formats.via import via

Reader = Callable[[Path, Findings], Iterator[Claim]]
READERS: dict[str, Reader] = {
    "cvat": cvat.claims_of,
    "via": via.claims_of,
    "labelstudio": labelstudio.claims_of,
    "supervisely": supervisely.claims_of,
    "datumaro": datumaro.claims_of,
    "darwin": darwin.claims_of,
    "createml": createml.claims_of,
    "labelbox": labelbox.claims_of,
    "rle": lambda path, findings: rle_table.claims_of(path, findings, ReadOptions(), lambda _: (48, 64)),
}
RECTANGLE = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 5, "rectanglelabels": ["s"]}
BRUSH = {"rle": [0, 0, 48, 0, 57, 206, 64, 0], "brushlabels": ["s"]}
SIZED = {"original_width": 64, "original_height": 48}
VIA3 = {
    "project": {},
    "attribute": {"1": {"aname": "class", "options": {"0": "s"}}},
    "file": {"1": {"fname": "a.jpg", "src": "a.jpg"}},
    "view": {"1": {"fid_list": [1]}},
    "metadata": {"1_x": {"vid": "1", "z": [], "xy": [2, 1, 2, 3, 4], "av": {"1": "0"}}},
}
WHOLE = [
    (
        "cvat",
        "a.xml",
        '<annotations><version>1.1</version><image id="0" name="a.jpg" width="64" height="48">'
        '<box label="s" xtl="1" ytl="2" xbr="3" ybr="4" rotation="5"/><polygon label="s" points="1,2;3,4;5,7"/>'
        '<mask label="s" rle="1,2,1,2" left="1" top="2" width="3" height="2"/><tag label="s"/></image></annotations>',
    ),
    (
        "via",
        "a.json",
        json.dumps(
            {
                "a9": {
                    "filename": "a.jpg",
                    "regions": [
                        {
                            "shape_attributes": {"name": "ellipse", "cx": 1, "cy": 2, "rx": 3, "ry": 4, "theta": 1},
                            "region_attributes": {"class": {"s": True}},
                        }
                    ],
                    "file_attributes": {"quality": "ok"},
                }
            }
        ),
    ),
    ("via", "a.json", json.dumps(VIA3)),
    (
        "via",
        "a.csv",
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        'a.jpg,9,"{}",1,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":3,""height"":4}","{""class"":""s""}"\n',
    ),
    (
        "via",
        "a.csv",
        '# ATTRIBUTE = {"1":{"aname":"class","options":{"0":"s"}}}\n'
        "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
        '"1_x","[""a.jpg""]",0,"[]","[2,1,2,3,4]","{""1"":""0""}"\n',
    ),
    (
        "labelstudio",
        "a.json",
        json.dumps(
            [
                {
                    "id": 1,
                    "data": {"image": "/data/local-files/?d=a.jpg"},
                    "annotations": [{"result": [{"id": "r", "value": v, **SIZED} for v in (RECTANGLE, BRUSH)]}],
                }
            ]
        ),
    ),
    (
        "labelstudio",
        "a.json",
        json.dumps(
            [{"id": 1, "image": "a.jpg", "annotator": 1, "annotation_id": 2, "label": [{**RECTANGLE, **SIZED}]}]
        ),
    ),
    (
        "supervisely",
        "a.jpg.json",
        json.dumps(
            {
                "size": {"height": 48, "width": 64},
                "tags": [{"name": "s"}],
                "objects": [
                    {"classTitle": "s", "geometryType": "rectangle", "points": {"exterior": [[1, 2], [3, 4]]}},
                    {"classTitle": "s", "bitmap": {"origin": [1, 2], "data": "eJwDAAAAAAE="}},
                ],
            }
        ),
    ),
    (
        "datumaro",
        "a.json",
        json.dumps(
            {
                "categories": {"label": {"labels": [{"name": "s"}]}},
                "items": [
                    {
                        "id": "a",
                        "image": {"path": "a.jpg", "size": [48, 64]},
                        "annotations": [
                            {"type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4], "attributes": {"rotation": 5}},
                            {"type": "polygon", "label_id": 0, "points": [1, 2, 3, 4, 5, 7]},
                        ],
                    }
                ],
            }
        ),
    ),
    (
        "darwin",
        "a.json",
        json.dumps(
            {
                "version": "2.0",
                "item": {"name": "a.jpg", "path": "/x", "slots": [{"width": 64, "height": 48}]},
                "annotations": [
                    {"name": "s", "bounding_box": {"x": 1, "y": 2, "w": 3, "h": 4}, "inference": {"confidence": 1}},
                    {"name": "s", "polygon": {"paths": [[{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 7}]]}},
                    {"name": "s", "ellipse": {"angle": 1, "center": {"x": 9, "y": 9}, "radius": {"x": 3, "y": 4}}},
                    {"name": "s", "tag": {}},
                ],
            }
        ),
    ),
    (
        "labelbox",
        "a.ndjson",
        json.dumps(
            {
                "data_row": {"external_id": "a.jpg"},
                "media_attributes": {"height": 48, "width": 64},
                "projects": {
                    "p": {
                        "labels": [
                            {
                                "annotations": {
                                    "objects": [
                                        {"name": "s", "bounding_box": {"top": 1, "left": 2, "height": 3, "width": 4}},
                                        {
                                            "name": "s",
                                            "polygon": [{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 7}],
                                        },
                                    ],
                                    "classifications": [{"name": "q", "radio_answer": {"name": "ok"}}],
                                }
                            }
                        ]
                    }
                },
            }
        ),
    ),
    (
        "createml",
        "a.json",
        json.dumps(
            [
                {
                    "image": "a.jpg",
                    "annotations": [{"label": "s", "coordinates": {"x": 1, "y": 2, "width": 3, "height": 4}}],
                },
                {"imagefilename": "b.jpg", "annotation": []},
            ]
        ),
    ),
    ("rle", "a.csv", "ImageId_ClassId,EncodedPixels\na.jpg_1,1 20 49 20\na.jpg_2,\n"),
]
# what stands in place of a part of a file
VALUES = [
    *(b"0", b"-1", b"1e308", b"1e999", b"nan", b"NaN", b"Infinity", b"-0.0", b"9" * 400, b"9" * 5000),
    *(b"", b"null", b"[]", b"{}", b"[[]]", b'[{"a": 1}]', b'"\\ud800"', b"\xff", b"\0", b"../a", b"true"),
    *(b"<", b"&", b",", b'"', b"[" * 99_999, b"<a>" * 999, b"<!DOCTYPE a [<!ENTITY b 'c'>]>"),
]


def check(name: str, file: str, content: bytes) -> None:
    """Read a file with this content; only an InputError may come, and no box that is no box."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_bytes(content)
        try:
            claims = list(READERS[name](path, Findings()))
        except InputError:
            return
    for claim in claims:
        assert isinstance(claim.image, str)
        for shape in claim.shapes:
            assert shape.problem or all(map(isfinite, shape.box_xyxy))


@pytest.mark.parametrize(("name", "file", "whole"), WHOLE)
def test_the_whole_files_are_read(name: str, file: str, whole: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_text(whole)
    assert any(shape.type == "s" or name == "rle" for c in READERS[name](path, Findings()) for shape in c.shapes)


@pytest.mark.parametrize(("name", "file", "whole"), WHOLE)
@settings(max_examples=60)
@given(data=st.data())
@example(data=None)
def test_damaged_files(name: str, file: str, whole: str, data: st.DataObject | None) -> None:
    content = whole.encode()
    if data is None:
        for value in (b"", b"[" * 99_999, content[: len(content) // 2]):
            check(name, file, value)
        return
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 12)))
    kind = data.draw(st.sampled_from(["cut", "flip", "replace", "remove"]))
    if kind == "cut":
        content = content[:start]
    elif kind == "flip":
        content = (
            content[:start] + bytes(b ^ data.draw(st.integers(1, 255)) for b in content[start:end]) + content[end:]
        )
    elif kind == "replace":
        content = content[:start] + data.draw(st.sampled_from(VALUES)) + content[end:]
    else:
        content = content[:start] + content[end:]
    check(name, file, content)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["s", "a.jpg", "1", "rect", ""])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=6,
)


def paths_in(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The paths to all parts of a JSON value."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from paths_in(part, (*path, key))


@pytest.mark.parametrize(("name", "file", "whole"), [one for one in WHOLE if one[1].endswith(".json")])
@settings(max_examples=100)
@given(data=st.data())
def test_other_values_at_any_place(name: str, file: str, whole: str, data: st.DataObject) -> None:
    value = json.loads(whole)
    path = data.draw(st.sampled_from(list(paths_in(value))))
    other = data.draw(JSON)
    place = value
    for key in path[:-1]:
        place = place[key]
    if path:
        place[path[-1]] = other
    check(name, file, json.dumps(value if path else other).encode())
