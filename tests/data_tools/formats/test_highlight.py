from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from data_tools.formats.choice import choose_format

BOXES = [(20, 15, 60, 40), (90, 70, 140, 100)]


def original(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(130, 12, (120, 160)).clip(0, 255).astype(np.uint8)


def marked(pixels: np.ndarray, width: int = 2, boxes=BOXES, red: tuple[int, int, int] = (255, 0, 0)) -> Image.Image:
    copy = Image.fromarray(pixels).convert("RGB")
    for x1, y1, x2, y2 in boxes:
        style = {"outline": red, "width": width} if width else {"fill": red}
        ImageDraw.Draw(copy).rectangle([x1, y1, x2 - 1, y2 - 1], **style)  # type: ignore[arg-type]
    return copy


def put(path: Path, image: Image.Image | np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [0, 1, 2, 3])
@pytest.mark.parametrize("red", [(255, 0, 0), (220, 30, 40)])
def test_lossless_copies_give_the_exact_boxes(tmp_path: Path, read, width: int, red: tuple[int, int, int]) -> None:
    put(tmp_path / "a.png", original())
    put(tmp_path / "a_marked.png", marked(original(), width, red=red))
    samples, findings = read("highlight", tmp_path)
    assert samples["a.png"].boxes_xyxy.tolist() == [list(map(float, box)) for box in BOXES]
    assert not findings.rejects


@pytest.mark.parametrize("width", [0, 2, 3])
@pytest.mark.parametrize(("quality", "subsampling"), [(75, 2), (75, 0), (90, 2), (95, 2)])
@pytest.mark.parametrize("shift", [0, 1])
def test_jpeg_copies_give_the_boxes_within_a_pixel(
    tmp_path: Path, read, width: int, quality: int, subsampling: int, shift: int
) -> None:
    boxes = [tuple(value + shift for value in box) for box in BOXES]
    put(tmp_path / "a.bmp", original())
    put(tmp_path / "marked" / "a.jpg", marked(original(), width, boxes), quality=quality, subsampling=subsampling)
    samples, _ = read("highlight", tmp_path)
    assert np.abs(samples["a.bmp"].boxes_xyxy - np.array(boxes)).max() <= 1


@pytest.mark.parametrize(
    ("image", "copy"),
    [
        ("crack/a.png", "crack/a-highlight.png"),
        ("crack/a.png", "crack/marked/a.png"),
        ("crack/a.bmp", "crack/a.png"),
        ("original/crack/a.png", "red/crack/a.png"),
        ("crack/x/a.png", "crack/y/a.png"),
        ("crack/gray/a.png", "crack/highlighted images/a_marked.jpg"),
    ],
)
def test_where_copies_lie(tmp_path: Path, read, image: str, copy: str) -> None:
    put(tmp_path / image, original())
    put(tmp_path / copy, marked(original()))
    chosen, why = choose_format([tmp_path], "auto")
    assert (chosen.name, Path(copy).name in why) == ("highlight", True)
    samples, findings = read("highlight", tmp_path)
    assert list(samples) == [image]
    assert len(samples[image].boxes_xyxy) == 2
    assert not findings.rejects


def test_what_is_not_converted_is_listed(tmp_path: Path, read) -> None:
    put(tmp_path / "good" / "g.png", original())
    for name in ("nothing", "none", "small", "cut", "size", "colored"):
        put(tmp_path / f"{name}.png", original())
    put(tmp_path / "nothing_marked.png", marked(original(), boxes=[]))
    put(tmp_path / "small_marked.png", marked(original(), 0, [(5, 5, 30, 30), (50, 50, 52, 52)]))
    put(tmp_path / "cut_marked.png", marked(original()))
    (tmp_path / "cut_marked.png").write_bytes((tmp_path / "cut_marked.png").read_bytes()[:900])
    put(tmp_path / "size_marked.png", marked(original()[:50]))
    put(tmp_path / "lost_marked.png", marked(original()))
    put(tmp_path / "colored.png", marked(original(), 2, [(5, 5, 9, 9)]))
    put(tmp_path / "colored_marked.png", marked(original(), 2, [(5, 5, 9, 9), (30, 30, 50, 50)]))
    samples, findings = read("highlight", tmp_path)
    assert {name: s.status for name, s in samples.items()} == {
        "good/g.png": "good",
        "small.png": "boxed",
        "colored.png": "boxed",
    }
    assert samples["colored.png"].boxes_xyxy.tolist() == [[30, 30, 50, 50]]
    assert {Path(r.source).name for r in findings.rejects} == {
        "nothing.png",
        "none.png",
        "small.png",
        "cut_marked.png",
        "size.png",
        "lost_marked.png",
    }


def test_many_images_are_read_in_order_by_several_processes(tmp_path: Path, read) -> None:
    for i in range(80):
        put(tmp_path / f"{i:03d}.png", original()[:40, :50])
        put(tmp_path / f"{i:03d}_marked.png", marked(original()[:40, :50], 2, [(5, 5, 10 + i % 30, 20)]))
    samples, _ = read("highlight", tmp_path)
    assert list(samples) == [f"{i:03d}.png" for i in range(80)]
    assert [s.boxes_xyxy[0, 2] for s in samples.values()] == [10 + i % 30 for i in range(80)]


@pytest.mark.parametrize("tint", [(0, 0, 0), (60, 20, -10), (-110, -115, -125)], ids=["gray", "brown", "dark"])
def test_a_photo_in_colours_is_no_copy_of_its_mask(tmp_path: Path, tint: tuple[int, int, int]) -> None:
    for name, areas in (("0", 255), ("1", 255), ("empty", 0)):
        photo = np.stack([original()[:40, :50]] * 3, axis=-1) // 2 + 100
        photo = (photo + np.array(tint)).clip(0, 255).astype(np.uint8)
        photo[5:20, 5:20] = (120, 20, 30)
        put(tmp_path / "images" / f"{name}.jpg", photo)
        put(tmp_path / "masks" / f"{name}.png", np.pad(np.full((15, 15), areas, np.uint8), ((5, 20), (5, 30))))
    assert choose_format([tmp_path], "auto")[0].name == "mask"
