"""The rules that hold for all formats, on claims made by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.registry import Findings, ReadOptions

SIZE = (60, 80)
BOX = Shape("scratch", (10, 10, 30, 40))
Join = Callable[..., tuple[dict[str, Sample], Findings]]


@pytest.fixture
def join(tmp_path: Path, save) -> Join:
    """Samples of claims about the images of these names."""

    def build(images: Sequence[str], *claims: Claim, lost: str = "", **more: str) -> tuple[dict[str, Sample], Findings]:
        for name in images:
            save(tmp_path / name, SIZE)
        findings = Findings()
        if lost:
            findings.lose(tmp_path / lost, "a link that leads nowhere")
        options = ReadOptions(unlabelled=more.pop("unlabelled", "reject"))
        samples = list(samples_from_claims(claims, [tmp_path], options, findings, **more))
        return {sample.path: sample for sample in samples}, findings

    return build


def claim(image: str, *shapes: Shape, source: str = "a.json", **more: object) -> Claim:
    return Claim(Path(source), image, shapes=shapes, **more)  # type: ignore[arg-type]


def test_claims_about_one_image_are_joined(join: Join) -> None:
    dent = Shape("dent", (10, 10, 30, 40))
    samples, findings = join(["a.png"], claim("a.png", BOX), claim("a.png", BOX, dent, source="b.json"))
    assert samples["a.png"].box_types == ("scratch", "dent")
    assert [(r.source, r.reason) for r in findings.rejects] == [("b.json", "duplicate of another box")]


def test_one_says_good_and_another_has_a_box(join: Join) -> None:
    samples, findings = join(["a.png"], claim("a.png", good="empty file"), claim("a.png", BOX, source="b.json"))
    assert samples["a.png"].status == "boxed"
    assert "annotated in another" in findings.mended[0].reason
    by_absence = claim("a.png", good="listed", by_absence=True)
    assert not join(["a.png"], by_absence, claim("a.png", BOX, source="b.json"))[1].mended


def test_a_refused_box_leaves_a_defect_and_the_good_boxes(join: Join) -> None:
    outside = Shape("dent", (200, 10, 230, 40), line=7)
    samples, findings = join(["a.png", "b.png"], claim("a.png", BOX, outside), claim("b.png", outside))
    assert {name: (s.status, s.type) for name, s in samples.items()} == {
        "a.png": ("boxed", "scratch"),
        "b.png": ("unboxed", "dent"),
    }
    assert [r.line for r in findings.rejects] == [7, 7]


def test_many_boxes_over_the_edge_are_warned_of(join: Join) -> None:
    """Five of twenty, as boxes of larger images have them; four, or five of twenty-one, may be drawn so by hand."""
    inside = [Shape("pit", (x, 10, x + 3, 20)) for x in range(17)]
    over = [Shape("pit", (x, 40, x + 10, 70)) for x in (10, 20, 30)] + [Shape("pit", (x, 70, 90, 90)) for x in (10, 20)]

    def warned(*shapes: Shape) -> list[int]:
        findings = join(["a.png"], claim("a.png", *shapes))[1]
        return [count for text, count in findings.warnings.items() if "reach over the edges" in text]

    assert warned(*inside[:15], *over) == [5]
    assert warned(*inside[:16], *over) == []
    assert warned(*over[1:]) == []


def test_boxes_around_good_things_are_evidence_and_no_defects(join: Join) -> None:
    fine = Shape("OK", (1, 1, 9, 9))
    samples, findings = join(["a.png", "b.png"], claim("a.png", fine), claim("b.png", fine, BOX))
    assert (samples["a.png"].status, samples["a.png"].evidence) == ("good", "box of class 'OK'")
    assert samples["b.png"].box_types == ("scratch",)
    assert sum("good things" in r.reason for r in findings.mended) == 2
    assert join(["a.png"], claim("a.png", Shape("ok_mark_missing", (1, 1, 9, 9))))[0]["a.png"].status == "boxed"


@pytest.mark.parametrize(
    "about",
    [
        claim("a.png", problem="5 fields instead of 6"),
        claim("a.png", BOX, declared_hw=(600, 800)),
        claim("9f3c1a2b-a.png", BOX),
    ],
)
def test_an_annotation_that_cannot_be_used_keeps_its_image_from_being_good(join: Join, about: Claim) -> None:
    samples, findings = join(["a.png"], claim("a.png", good="empty file"), about)
    assert not samples
    assert any("could not be used" in r.reason for r in findings.rejects)


def test_a_lost_file_keeps_its_image_from_being_good(join: Join) -> None:
    images = ["good/a.png", "good/b.png", "good/c.png"]
    samples, findings = join(images, claim("good/c.png", BOX), lost="a.json")
    assert {name: s.status for name, s in samples.items()} == {"good/b.png": "good", "good/c.png": "boxed"}
    assert samples["good/b.png"].evidence == "folder 'good'"
    assert [r.reason for r in findings.rejects][1].endswith("a.json cannot be read")


def test_images_without_annotation(join: Join) -> None:
    images = ["x/a.png", "x/b.png", "y/c.png"]
    known = claim("x/a.png", BOX)
    assert set(join(images, known)[0]) == {"x/a.png"}
    by_option = join(images, known, unlabelled="good")[0]
    assert by_option["y/c.png"].evidence == "--unlabelled good"
    by_convention = join(images, known, background="no label file")[0]
    assert {name: s.evidence for name, s in by_convention.items()} == {"x/a.png": "", "x/b.png": "no label file"}
    assert set(join(images, known, claim("gone.png", BOX), background="no label file")[0]) == {"x/a.png"}


def test_no_claim_that_meets_an_image_is_an_error(join: Join) -> None:
    with pytest.raises(InputError, match=r"no annotation meets an image .*image not found"):
        join(["good/a.png"], claim("b.png", BOX))


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("images/Größe.PNG", "gro\u0308ße.png"),
        ("images/a b.png", "a%20b.png"),
        ("images/foto.png", "9f3c1a2b-foto.png"),
        ("images/9f3c1a2b-foto.png", "foto.png"),
        ("images/foto.png", "foto_png.rf.0123456789abcdef0123456789abcdef.jpg"),
        ("images/0007.png", "7"),
        ("images/foto.png", "foto.bmp"),
        ("images/foto.png", "data\\set\\FOTO.png"),
    ],
)
def test_names_that_differ_are_matched_and_listed(join: Join, image: str, name: str) -> None:
    samples, findings = join([image, "images/other.png"], claim(name, BOX))
    assert set(samples) == {image}
    assert any("matched" in r.reason for r in findings.mended)


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (["A.png", "B.png"], ["20240103-A.png"]),  # a date is no hash
        (["foto.png"], ["9f3c1a2b-foto.png", "0f3c1a2b-foto.png"]),
        (["foto.png"], [f"foto_png.rf.{digit * 32}.jpg" for digit in "01"]),
        (["x/img_1.png", "x/IMG_1.png"], ["Img_1.png"]),
        (["a_png.rf.0123456789abcdef0123456789abcdef.png"], ["a.png"]),  # may be flipped
    ],
)
def test_names_that_could_mean_something_else_are_refused(join: Join, images: list[str], names: list[str]) -> None:
    with pytest.raises(InputError):
        join(images, *(claim(name, BOX) for name in names))


def test_a_file_named_after_a_folder_is_of_the_image_in_it(join: Join) -> None:
    """Of two images of one name; a file that is named after both folders, or none, leaves it open."""
    images = ["images/train2017/a.png", "images/val2017/a.png"]
    files = [claim("a.png", BOX, source="instances_train2017.json"), claim("a.png", good="empty", source="val2017.csv")]
    samples, findings = join(images, *files)
    assert {name: s.status for name, s in samples.items()} == dict(zip(images, ("boxed", "good"), strict=True))
    assert not findings.rejects
    for source in ("train2017_val2017.json", "all.json"):
        known = claim("images/val2017/a.png", good="empty")
        samples, findings = join(images, claim("a.png", BOX, source=source), known)
        assert not samples
        assert "several images of this name" in findings.rejects[0].reason


def test_the_own_name_counts_before_a_stale_one(join: Join) -> None:
    first = claim("a.png", BOX, own_name="a-flip", source="a-flip.xml")
    second = claim("a.png", Shape("dent", (1, 1, 9, 9)), own_name="a", source="a.xml")
    samples, findings = join(["a.png", "a-flip.png"], first, second)
    assert {name: s.type for name, s in samples.items()} == {"a-flip.png": "scratch", "a.png": "dent"}
    assert "own name counts" in findings.mended[0].reason


def test_a_file_whose_boxes_all_lie_in_0_to_1_gives_shares(join: Join) -> None:
    shares = [claim("a.png", Shape("s", (0.1, 0.2, 0.5, 0.6))), claim("b.png", Shape("s", (0, 0, 1, 1)))]
    samples, findings = join(["a.png", "b.png"], *shares)
    assert samples["a.png"].boxes_xyxy == pytest.approx(np.array([[8, 12, 40, 36]]))
    assert samples["b.png"].boxes_xyxy.tolist() == [[0, 0, 80, 60]]
    assert len(findings.mended) == 2


def test_the_folder_contradicts_an_empty_annotation(join: Join) -> None:
    samples, _ = join(["defect/a.png", "good/b.png"], *(claim(name, good="empty file") for name in ("a", "b")))
    assert {name: s.status for name, s in samples.items()} == {"defect/a.png": "unboxed", "good/b.png": "good"}
