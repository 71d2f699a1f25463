import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_tools.convert import main as convert
from data_tools.core.records import BOXED, GOOD, UNBOXED, Dataset, Sample, Splits, empty_boxes, empty_labels
from data_tools.export import main
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.formats.registry import Findings, ReadOptions, formats

SIZE = (267, 275)
NAMES = ("a.png", "scratch/b.png", "good/c d.png", "x/ümläut.jpg", "y/b.png")


def side(length: int) -> st.SearchStrategy[tuple[float, float]]:
    whole = st.tuples(st.integers(0, length - 1), st.integers(1, length)).map(
        lambda p: (p[0], min(length, p[0] + p[1]))
    )
    broken = st.tuples(st.floats(0, length - 2), st.floats(0.5, 1.9)).map(lambda p: (p[0], p[0] + p[1]))
    return st.one_of(whole, broken)


BOXES = st.lists(st.tuples(side(SIZE[1]), side(SIZE[0])), max_size=4)


def dataset(boxes: list[list[tuple[tuple[float, float], tuple[float, float]]]]) -> Dataset:
    samples = []
    for i, (name, found) in enumerate(zip(NAMES, boxes, strict=True), start=1):
        corners = np.unique(np.array([[x1, y1, x2, y2] for (x1, x2), (y1, y2) in found]).reshape(-1, 4), axis=0)
        corners = corners[(corners[:, 2:] > 1).any(axis=1)]  # else they could be shares of the image
        types = tuple(("scratch", "lead glue & <more>")[k % 2] for k in range(len(corners)))
        status, kind = (BOXED, types[0]) if types else ((UNBOXED, "flip") if i == 5 else (GOOD, GOOD))
        samples.append(Sample(i, name, SIZE, corners, np.ones(len(corners)), status, "g", kind, types))
    return Dataset(tuple(samples), ("defect",))


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "csv", "labelstudio", "cvat"])
@settings(max_examples=25)
@given(boxes=st.lists(BOXES, min_size=5, max_size=5))
def test_what_is_written_is_read_back(name: str, boxes: list) -> None:
    written = dataset(boxes)
    with TemporaryDirectory() as folder:
        target = Path(folder) / f"a{formats()[name].written_suffix}"
        if not formats()[name].written_suffix:
            target.mkdir()
        write = formats()[name].write
        assert write is not None
        write(written, target)
        findings = Findings()
        found = {s.path: s for s in formats()[name].read([target], ReadOptions(size_hw=SIZE), findings)}
    assert not findings.rejects
    if name == "yolo":  # without images it knows the names without suffix, in images/
        found = {
            f"{path.removeprefix('images/')}{Path(n).suffix}": s
            for path, s in found.items()
            for n in NAMES
            if Path(n).with_suffix("") == Path(path.removeprefix("images/"))
        }
    kept = [s for s in written.samples if s.status != UNBOXED or name not in ("voc", "yolo")]
    assert sorted(found) == sorted(s.path for s in kept)
    for sample in kept:
        back = found[sample.path]
        assert back.boxes_xyxy == pytest.approx(sample.boxes_xyxy, abs=1e-6)
        assert (back.status, back.type, back.box_types) == (sample.status, sample.type, sample.box_types)


@pytest.mark.parametrize(("name", "evidence"), [("labelstudio", "empty annotation"), ("cvat", "without shapes")])
def test_good_images_come_back_from_review_with_their_evidence(
    data: Path, tmp_path: Path, name: str, evidence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"tasks{formats()[name].written_suffix}"
    assert main([str(data), "--format", name, "--out", str(out)]) == 0
    assert ("labelling interface" in capsys.readouterr().out) == (name == "labelstudio")
    again = ["--images", str(tmp_path / "photos"), "--out", str(tmp_path / "again"), "--group-by", "none"]
    assert convert([str(out), *again]) == 0
    before, after = (
        {s.path: (s.status, s.type, s.box_types, s.boxes_xyxy.round(9).tolist()) for s in read_dataset(folder).samples}
        for folder in (data, tmp_path / "again")
    )
    assert after == before
    proofs = {s.status: s.evidence for s in read_dataset(tmp_path / "again").samples}
    assert evidence in proofs[GOOD]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dataset folder with images, one of them unboxed."""
    rows = ["image,type,x1,y1,x2,y2"]
    for name in ("scratch/1.png", "chip/1.png", "good/2.png", "scratch/3.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full(SIZE, 9, dtype=np.uint8)).save(path)
        rows.append(f"{name},{name.split('/')[0]}" + (",,,," if name > "good" and "1" not in name else ",5,6,50,60"))
    (tmp_path / "a.csv").write_text("\n".join(rows))
    flags = ["--images", str(tmp_path / "photos"), "--out", str(tmp_path / "data"), "--group-by", "none"]
    assert convert([str(tmp_path / "a.csv"), *flags]) == 0
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["voc", "yolo"])
def test_copied_images_make_a_folder_that_converts_back(
    data: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reviewed"
    assert main([str(data), "--format", name, "--out", str(out), "--copy"]) == 0
    shown = capsys.readouterr().out
    assert "3 images, 2 boxes" in shown
    assert "left out: 1 defects without a box" in shown
    assert "scratch/3.png" in shown
    assert convert([str(out), "--out", str(tmp_path / "again"), "--group-by", "none"]) == 0
    boxed = {s.path: s.boxes_xyxy.tolist() for s in read_dataset(tmp_path / "again").samples if s.status == BOXED}
    assert set(boxed) == {"images/scratch/1.png", "images/chip/1.png"}
    assert not (out / "images" / "scratch" / "3.png").exists()
    assert np.array(list(boxed.values())) == pytest.approx(np.array([[[5, 6, 50, 60]]] * 2))


def test_only_free_places_are_written_to(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    for name, out, word in (
        ("voc", tmp_path / "mine", "not an empty folder"),
        ("coco", data / "annotations.json", "lies in the dataset"),
        ("coco", tmp_path / "mine", ".json"),
        ("csv", tmp_path / "a.txt", ".csv"),
    ):
        assert main([str(data), "--format", name, "--out", str(out)]) == 2
        assert word in capsys.readouterr().err
    assert main([str(data), "--format", "csv", "--out", str(tmp_path / "b.csv"), "--copy"]) == 2
    assert main([str(tmp_path), "--format", "csv", "--out", str(tmp_path / "b.csv")]) == 2
    assert main([str(data), "--format", "mask", "--out", str(tmp_path / "b")]) == 2
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_names_that_differ_in_their_suffix_alone_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = tuple(
        Sample(i, name, SIZE, empty_boxes(), empty_labels(), GOOD, "g") for i, name in enumerate(("a.png", "a.jpg"), 1)
    )
    write_dataset(tmp_path / "data", Dataset(samples, ("defect",)))
    assert main([str(tmp_path / "data"), "--format", "yolo", "--out", str(tmp_path / "out")]) == 2
    assert "a.jpg and a.png" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["voc", "yolo"])
@pytest.mark.parametrize(
    "name", ["../../evil.png", "/nowhere/evil.png", "a/../../../evil.png", "..\\evil.png", "C:/evil.png"]
)
def test_nothing_is_written_outside_the_place_that_was_given(
    tmp_path: Path, form: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = (
        Sample(1, "ok.png", SIZE, empty_boxes(), empty_labels(), GOOD, "g"),
        Sample(2, name, SIZE, empty_boxes(), empty_labels(), GOOD, "g"),
    )
    (tmp_path / "a" / "b").mkdir(parents=True)
    write_dataset(tmp_path / "a" / "b" / "data", Dataset(samples, ("defect",)))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert main([str(tmp_path / "a" / "b" / "data"), "--format", form, "--out", str(tmp_path / "a" / "b" / "o")]) == 2
    assert "a file name must be relative" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not Path("/nowhere").exists()


def test_a_type_that_a_spreadsheet_would_run_is_defused_and_converts_back(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "image,type,x1,y1,x2,y2,image_width,image_height\na,=HYPERLINK(1),1,1,9,9,80,60\nb,-dent,1,1,9,9,80,60\n"
    )
    for source, folder in (("a.csv", "one"), ("out.csv", "two")):
        assert convert([str(tmp_path / source), "--split", "none", "--out", str(tmp_path / folder)]) == 0
        assert [s.type for s in read_dataset(tmp_path / folder).samples] == ["=HYPERLINK(1)", "-dent"]
        if folder == "one":
            assert main([str(tmp_path / folder), "--format", "csv", "--out", str(tmp_path / "out.csv")]) == 0
    assert "a,80,60,'=HYPERLINK(1),1" in (tmp_path / "out.csv").read_text()
    assert "b,80,60,'-dent,1" in (tmp_path / "out.csv").read_text()


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    """A dataset with splits: scratches in train, a dent first in test, nothing in validation."""
    types = (("scratch",), ("scratch",), ("dent", "scratch"), ())
    samples = []
    for i, own in enumerate(types, start=1):
        boxes, labels = np.array([[k, 1, k + 5, 9] for k in range(len(own))]).reshape(-1, 4), np.ones(len(own))
        status, kind = (BOXED, own[0]) if own else (GOOD, GOOD)
        samples.append(Sample(i, f"part ({i}).png", (20, 30), boxes, labels, status, "g", kind, own))
    splits = Splits(0, "none", (1, 2), (), (3, 4))
    write_dataset(tmp_path / "parted", Dataset(tuple(samples), ("defect",), None, splits))
    return tmp_path / "parted"


def exported(data: Path, out: Path, form: str, split: str) -> Path:
    assert main([str(data), "--format", form, "--out", str(out), "--split", split]) == 0
    return out


def test_classes_have_one_number_in_all_splits(parted: Path, tmp_path: Path) -> None:
    train, test = (exported(parted, tmp_path / split, "yolo", split) for split in ("train", "test"))
    descriptions = [yaml.safe_load((out / "data.yaml").read_text()) for out in (train, test)]
    assert [one["names"] for one in descriptions] == [{0: "dent", 1: "scratch"}] * 2
    assert (train / "labels" / "part (1).txt").read_text().startswith("1 ")
    assert (train / "classes.txt").read_text() == (test / "classes.txt").read_text() == "dent\nscratch\n"


def test_yolo_never_validates_on_training_images(parted: Path, tmp_path: Path) -> None:
    out = exported(parted, tmp_path / "all", "yolo", "all")
    description = yaml.safe_load((out / "data.yaml").read_text())
    assert (description["train"], description.get("val"), description["test"]) == ("train.txt", None, "test.txt")
    assert (out / "test.txt").read_text() == "./images/part (3).png\n./images/part (4).png\n"
    assert (out / "data.yaml").read_text().startswith("# not both train and val are here")
    for split in ("train", "test"):
        named = yaml.safe_load((exported(parted, tmp_path / split, "yolo", split) / "data.yaml").read_text())
        assert {key: named[key] for key in named if key in ("train", "val", "test")} == {split: "images"}
    (parted / "splits.json").unlink()
    named = yaml.safe_load((exported(parted, tmp_path / "whole", "yolo", "all") / "data.yaml").read_text())
    assert (named["train"], "val" in named) == ("images", False)


def test_coco_files_of_two_splits_can_be_joined(parted: Path, tmp_path: Path) -> None:
    values = [
        json.loads(exported(parted, tmp_path / f"{split}.json", "coco", split).read_text())
        for split in ("train", "test")
    ]
    assert [[one["id"] for one in value["annotations"]] for value in values] == [[1, 2], [3, 4]]
    assert [[image["id"] for image in value["images"]] for value in values] == [[1, 2], [3, 4]]
    assert values[0]["categories"] == values[1]["categories"]


@pytest.mark.parametrize("form", ["csv", "voc", "cvat", "labelstudio"])
def test_other_formats_write_the_split_alone(parted: Path, tmp_path: Path, form: str, capsys) -> None:
    out = exported(parted, tmp_path / f"train{formats()[form].written_suffix}", form, "train")
    assert "2 images, 2 boxes" in capsys.readouterr().out.replace("<Label", "")
    text = "".join(path.read_text() for path in ([out] if out.is_file() else sorted(out.rglob("*.xml"))))
    assert "dent" not in text
    assert "scratch" in text


def test_one_labelling_interface_for_all_splits(parted: Path, tmp_path: Path, capsys) -> None:
    shown = []
    for split in ("train", "test"):
        exported(parted, tmp_path / f"{split}.json", "labelstudio", split)
        shown.append(capsys.readouterr().out.partition("labelling interface")[2])
    assert shown[0] == shown[1]
    assert 'value="dent"' in shown[0]
