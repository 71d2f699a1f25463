import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample, Splits, empty_boxes, empty_labels
from data_tools.files.dataset_folder import (
    Reject,
    data_hash,
    images_root_of,
    read_dataset,
    read_rejects,
    require_apart,
    split_of,
    write_dataset,
)


def make_dataset(root: Path | None = None) -> Dataset:
    samples = (
        Sample(
            1,
            "a/one.png",
            (40, 50),
            np.array([[5, 6, 15, 26], [0, 0, 50, 40.0]]),
            np.array([2, 1]),
            "boxed",
            "lot1",
            "scratch",
            ("scratch", "chipping"),
        ),
        Sample(2, "a/two.png", (40, 50), empty_boxes(), empty_labels(), "good", "lot2"),
        Sample(3, "b/three.png", (41, 50), empty_boxes(), empty_labels(), "unboxed", "lot3", "empty_pocket"),
    )
    return Dataset(samples, ("chipping", "scratch"), root, Splits(0, "auto", (1,), (2,), (3,)))


def test_round_trip_keeps_everything(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "elsewhere")
    write_dataset(tmp_path / "out", dataset, [Reject("f.csv", 3, "x", "zero area")])
    read = read_dataset(tmp_path / "out")
    assert read.categories == dataset.categories
    assert read.splits == dataset.splits
    assert read.images_root == (tmp_path / "elsewhere").resolve()
    for one, other in zip(dataset.samples, read.samples, strict=True):
        assert np.array_equal(one.boxes_xyxy, other.boxes_xyxy)
        assert np.array_equal(one.labels, other.labels)
        for name in ("image_id", "path", "size_hw", "status", "group", "type", "box_types"):
            assert getattr(one, name) == getattr(other, name)
    assert (tmp_path / "out" / "rejects.csv").read_text() == "source,line,image,reason\nf.csv,3,x,zero area\n"


def test_rejects_run_no_formula_in_a_spreadsheet_and_come_back_as_they_were(tmp_path: Path) -> None:
    rejects = (Reject("=f.csv", 3, "@x", "-bad"), Reject("f.csv", None, "'=y", "reason"))
    write_dataset(tmp_path, make_dataset(), rejects)
    assert (tmp_path / "rejects.csv").read_text().splitlines()[1] == "'=f.csv,3,'@x,'-bad"
    assert read_rejects(tmp_path) == rejects


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"id": 2, "file_name"', '"id": 2.9, "file_name"'),
        ('"category_id": 2', '"category_id": 1.9'),
        ('"image_id": 1', '"image_id": 1.2'),
        ('"height": 41', '"height": 41.5'),
        ('"id": 1, "name"', '"id": 1.9, "name"'),
    ],
)
def test_no_number_of_a_dataset_is_cut_to_a_whole_one(tmp_path: Path, old: str, new: str) -> None:
    write_dataset(tmp_path, make_dataset())
    path = tmp_path / "annotations.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=r"annotations\.json: .* must be a whole number"):
        read_dataset(tmp_path)


def test_pycocotools_loads_it_unchanged_with_derived_area(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    write_dataset(tmp_path, make_dataset())
    coco = COCO(str(tmp_path / "annotations.json"))
    assert sorted(coco.getAnnIds()) == [1, 2]
    assert [a["area"] for a in coco.loadAnns([1, 2])] == [200.0, 2000.0]
    assert len(coco.getImgIds()) == 3


def test_an_images_root_inside_moves_with_the_folder(tmp_path: Path) -> None:
    (tmp_path / "one" / "images").mkdir(parents=True)
    write_dataset(tmp_path / "one", make_dataset(tmp_path / "one" / "images"))
    (tmp_path / "one").rename(tmp_path / "two")
    assert read_dataset(tmp_path / "two").images_root == (tmp_path / "two" / "images").resolve()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda v: v["images"][0].pop("width"), r"image id 1 .*: key 'width' is missing"),
        (lambda v: v["annotations"][0].pop("category_id"), r"image id \d+ .*: key 'category_id' is missing"),
        (lambda v: v["annotations"][0].pop("bbox"), "annotation id 1: bbox must be four numbers, not None"),
        (lambda v: v["annotations"][0].update(bbox=[1, 2]), r"annotation id 1: bbox .* not \[1, 2\]"),
        (lambda v: v["annotations"][0].update(bbox=[1, 2, "3", True]), "annotation id 1: bbox"),
        (lambda v: v["annotations"][0].update(bbox=[1, 2, 10**400, 4]), "annotation id 1: bbox must be four numbers"),
        (lambda v: v["images"][0].update(height=10**400), "height must be a whole number"),
        (lambda v: v["annotations"][0].update(id=0), "annotation id 0"),
        (lambda v: v["annotations"][0].update(image_id=9), "unknown image ids"),
        (lambda v: v["annotations"][0].update(bbox=[1, 1, 0, 5]), "no area"),
        (lambda v: v["annotations"][0].update(bbox=[1, 1, 1e9, 5]), "outside"),
        (lambda v: v["annotations"][0].update(bbox=[float("nan"), 1, 1, 5]), "not finite"),
        (lambda v: v["images"][1].update(id=1), "stands twice"),
        (lambda v: v["images"][1].update(status="fine"), "status"),
        (lambda v: v["categories"][0].update(id=7), "category ids"),
        (
            lambda v: v["images"][1].pop("status"),
            r"image 2 \(.*\) has no annotation and no 'status'.*data_tools\.convert",
        ),
        (lambda v: v["images"][2].update(status=None), "no annotation and no 'status'"),
        (lambda v: v["annotations"][1].update(iscrowd=1), r"annotation id 2 is iscrowd.*data_tools\.convert"),
    ],
)
def test_a_broken_file_is_a_clear_error(tmp_path: Path, edit, message: str) -> None:
    write_dataset(tmp_path, make_dataset())
    path = tmp_path / "annotations.json"
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match=message) as caught:
        read_dataset(tmp_path)
    assert "annotations.json" in str(caught.value)


@pytest.mark.parametrize("name", ["annotations.json", "splits.json"])
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    write_dataset(tmp_path, make_dataset())
    (tmp_path / name).write_text("[1, 2]")
    with pytest.raises(InputError, match=f"{name}: not a JSON object"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(("name", "key"), [("annotations.json", "images"), ("splits.json", "test")])
def test_a_key_stands_once(tmp_path: Path, name: str, key: str) -> None:
    """The last one counted without a word."""
    write_dataset(tmp_path, make_dataset())
    path = tmp_path / name
    path.write_text(path.read_text().replace(f'"{key}"', f'"{key}": [], "{key}"', 1))
    with pytest.raises(InputError, match=rf"{name}: .* the key '{key}' stands twice"):
        read_dataset(tmp_path)


def test_a_missing_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data_tools\.convert"):
        read_dataset(tmp_path / "nowhere")


def test_an_all_negative_dataset_and_an_empty_one_work(tmp_path: Path) -> None:
    good = make_dataset().samples[1]
    write_dataset(tmp_path, Dataset((good,), ("defect",)))
    assert read_dataset(tmp_path).samples[0].boxes_xyxy.shape == (0, 4)
    write_dataset(tmp_path, Dataset((), ("defect",)))
    assert read_dataset(tmp_path).samples == ()


def test_data_hash_sees_the_splits(tmp_path: Path) -> None:
    dataset = make_dataset()
    write_dataset(tmp_path, dataset)
    before = data_hash(read_dataset(tmp_path))
    write_dataset(tmp_path, replace(dataset, splits=Splits(0, "auto", (2,), (1,), (3,))))
    assert data_hash(read_dataset(tmp_path)) != before


def test_a_split_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    dataset = make_dataset()
    assert [sample.image_id for sample in split_of(dataset, tmp_path, "val")] == [2]
    assert len(split_of(dataset, tmp_path, "all")) == 3
    unsplit = replace(dataset, splits=None)
    with pytest.raises(InputError, match=str(tmp_path)):
        split_of(unsplit, tmp_path, "test")
    empty = replace(dataset, splits=Splits(0, "none", (1, 2), (3,), ()))
    with pytest.raises(InputError, match="test split has no images"):
        split_of(empty, tmp_path, "test")


def test_the_hash_is_of_what_is_learned_and_judged(squares: Path, tmp_path: Path) -> None:
    """Moving the folder or its images, or another JSON layout, changes nothing; a box, a type or a group does."""
    before = data_hash(read_dataset(squares))
    path = squares / "annotations.json"
    value = json.loads(path.read_text())
    value["info"]["images_root"] = "/somewhere/else"
    value["images"][1]["evidence"] = "folder 'good'"
    path.write_text(json.dumps(value, indent=3, sort_keys=True))
    assert data_hash(read_dataset(squares)) == before
    squares.rename(tmp_path / "moved")
    assert data_hash(read_dataset(tmp_path / "moved")) == before
    for change in (
        lambda v: v["annotations"][0]["bbox"].__setitem__(2, 15.0),
        lambda v: v["images"][0].__setitem__("group", "other"),
        lambda v: v["images"][0].__setitem__("type", "other"),
        lambda v: v["images"][0].__setitem__("file_name", "other.png"),
        lambda v: v["categories"][0].__setitem__("name", "other"),
    ):
        changed = json.loads(json.dumps(value))
        change(changed)
        (tmp_path / "moved" / "annotations.json").write_text(json.dumps(changed))
        assert data_hash(read_dataset(tmp_path / "moved")) != before


def test_images_that_have_moved_are_named(squares: Path, tmp_path: Path) -> None:
    (squares / "images").rename(tmp_path / "elsewhere")
    dataset = read_dataset(squares)
    with pytest.raises(InputError, match="--images DIR"):
        images_root_of(dataset, squares)
    assert images_root_of(read_dataset(squares, tmp_path / "elsewhere"), squares) == tmp_path / "elsewhere"


@pytest.mark.parametrize("lacking", ["null", "NaN"])
def test_what_a_table_lacks_is_no_name(tmp_path: Path, lacking: str) -> None:
    """As pandas writes it: all images would be of one group, None, and of the type None."""
    write_dataset(tmp_path, make_dataset())
    path = tmp_path / "annotations.json"
    value = json.loads(path.read_text())
    for one in (*value["images"], *value["annotations"]):
        one |= {key: json.loads(lacking) for key in ("group", "type", "evidence") if key in one}
    value["images"][0]["status"] = json.loads(lacking)  # which its annotations tell
    path.write_text(json.dumps(value))
    samples = read_dataset(tmp_path).samples
    assert [s.status for s in samples] == ["boxed", "good", "unboxed"]
    assert [s.group for s in samples] == ["1", "2", "3"]
    assert [s.type for s in samples] == ["defect", "good", "defect"]
    assert samples[0].box_types == ("defect", "defect")


def test_an_annotation_is_evidence_without_a_status(tmp_path: Path) -> None:
    write_dataset(tmp_path, make_dataset())
    path = tmp_path / "annotations.json"
    value = json.loads(path.read_text())
    annotated = {one["image_id"] for one in value["annotations"]}
    for image in value["images"]:
        if image["id"] in annotated:
            del image["status"]
    path.write_text(json.dumps(value))
    assert [s.status for s in read_dataset(tmp_path).samples] == [s.status for s in make_dataset().samples]


def test_an_output_replaces_no_image_and_no_file_of_a_dataset(squares: Path, tmp_path: Path) -> None:
    dataset = read_dataset(squares)
    (tmp_path / "link.png").symlink_to(squares / "images" / "1.png")
    for out in (squares / "images" / "1.png", tmp_path / "link.png", squares / "annotations.json"):
        with pytest.raises(InputError, match=r"--html .*: is what the command reads"):
            require_apart(dataset, out, "--html")
    for name in ("report.html", "images/report.html"):
        (squares / name).write_text("")
        require_apart(dataset, squares / name, "--html")
