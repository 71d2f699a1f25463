"""What masks say, whatever they are written in: it is read right, or the image is listed, or the set is refused."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.formats.masks.mask import read
from data_tools.formats.masks.mask_reading import MaskReading, choose_reading, reading_by_names, with_values_said
from data_tools.formats.masks.mask_values import COLOUR, read_codes, stats_of
from data_tools.formats.registry import Findings, ReadOptions

SIZE = (40, 50)
BOX = [10.0, 12.0, 24.0, 30.0]


def region(number: int = 1) -> np.ndarray:
    pixels = np.zeros(SIZE, dtype=np.int64)
    if number:
        pixels[12:30, 10:24] = number
    return pixels


def reading_of(*masks: np.ndarray) -> str:
    return choose_reading([stats_of(mask.astype(np.int64), mask.max() > 255) for mask in masks]).describe()


@pytest.mark.parametrize(
    ("masks", "described"),
    [
        ([region(0), region(1), region(1)], "masks: two values (1), background 0"),
        ([region(0), region(60)], "masks: two values (60), background 0"),
        ([region(0), region(255)], "masks: two values (255), background 0"),
        ([region(0), region(65535)], "masks: two values (65535), background 0"),
        ([255 - region(0), 255 - region(255)], "masks: two values (0), background 255"),
        ([region(0), region(1), region(2), region(3)], "masks: one type a value (1, 2, 3), background 0"),
        ([region(0), region(COLOUR + 0xFA3253)], "masks: two values (#fa3253), background 0"),
        ([region(0)], "masks: two values (any), background 0"),
        ([*[region(255)] * 3, region(128)], "masks: one type a value (128, 255), background 0"),
    ],
)
def test_readings(masks: list[np.ndarray], described: str) -> None:
    assert reading_of(*masks) == described


def test_soft_edges_and_instances() -> None:
    soft = region(255)
    soft[11, 10:24] = 90
    soft[30, 10:24] = 200
    assert "soft edges" in reading_of(region(0), soft)
    assert "dark on light" in reading_of(255 - region(0), 255 - soft)
    two = region(1)
    two[33:38, 30:40] = 2
    assert "one defect a value" in reading_of(region(0), region(1), two)
    far = region(1)
    far[33:38, 30:40] = 1
    assert "one type a value" in reading_of(far, region(2))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([region(0) + 7, region(0) + 7], "the value 7 alone"),
        (
            [np.add.outer(np.arange(40), np.arange(50)) * 2 % 256],
            "neither types nor soft edges|pictures of many gray levels",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(masks: list[np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message):
        reading_of(*masks)


def blob(width: float) -> np.ndarray:
    """A map of probabilities in 0..255 whose values fall off from pixel to pixel."""
    y, x = np.mgrid[:40, :50]
    return np.round(255 * np.exp(-((x - 20) ** 2 + (y - 18) ** 2) / width)).astype(np.int64)


@pytest.mark.parametrize(
    "masks", [[blob(40), region(0)], [blob(20), region(0), region(0)], [blob(40) * 257, region(0)]]
)
def test_graded_masks_are_neither_types_nor_instances(masks: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match="run into each other"):
        reading_of(*masks)


def test_a_graded_mask_among_empty_ones_or_instances_is_refused_alone() -> None:
    two = region(1)
    two[33:38, 30:40] = 2
    for others in ([region(0)], [region(0), region(1), two]):
        reading = choose_reading([stats_of(mask, False) for mask in (*others, blob(400))])
        assert np.unique(reading.numbers(others[-1])).size == np.unique(others[-1]).size
        with pytest.raises(InputError, match="neither background"):
            reading.numbers(blob(400))


def test_types_that_touch_are_types() -> None:
    split = region(1)
    split[12:30, 17:24] = 2
    assert "one type a value" in reading_of(split, region(2), region(0))


def test_a_pale_value_among_soft_masks_is_no_background() -> None:
    """A flat 100 that is no edge of white: listed with its values, never empty."""
    soft = region(255)
    rng = np.random.default_rng(0)
    soft[11] = rng.integers(0, 255, 50)
    many = [np.where(region(255) > 0, 255 - rng.integers(0, 20, SIZE), rng.integers(0, 20, SIZE)) for _ in range(3)]
    reading = choose_reading([stats_of(one, False) for one in many])
    assert reading.kind == "soft edges"
    with pytest.raises(InputError, match=r"neither background nor defect|neither black nor white"):
        reading.numbers(region(100))


def test_framed_masks_are_not_inverted_ones() -> None:
    """A white frame of 2 pixels around 40 x 50 has 344 of 2000: what it encloses is no defect for that."""
    framed = [region(255), region(0)]
    for mask in framed:
        mask[:2], mask[-2:], mask[:, :2], mask[:, -2:] = 255, 255, 255, 255
    with pytest.raises(InputError, match="255 holds most of the images' borders, but less than half of the pixels"):
        reading_of(*framed)


def test_a_pale_area_beside_a_white_one_is_not_cut_away() -> None:
    """Types as gray values saved as JPEG look like soft edges: 5 x 5 pixels of 80 are no background; 3 x 3 may be."""
    rng = np.random.default_rng(0)
    many = [np.where(region(255) > 0, 255 - rng.integers(0, 20, SIZE), rng.integers(0, 20, SIZE)) for _ in range(3)]
    reading = choose_reading([stats_of(one, False) for one in many])
    assert reading.kind == "soft edges"
    beside, speck = region(255), region(255)
    beside[12:17, 30:35] = 80
    speck[2:5, 2:5] = 80
    with pytest.raises(InputError, match="gray areas of 25 pixels"):
        reading.numbers(beside)
    assert reading.numbers(speck).sum() == 18 * 14


ENCODINGS = ("255", "1", "60", "inverted", "16 bit", "palette", "rgb", "colour", "alpha", "1 bit", "soft", "float")
PLACES = (
    "beside",
    "masks",
    "ground_truth",
    "suffix _mask",
    "suffix _GT",
    "suffix _label",
    "Label",
    "folder of its own",
)


def save_mask(path: Path, mask: np.ndarray, encoding: str) -> Path:
    """Write a mask of 0 and 1 as one of `ENCODINGS`; where it lies in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    white = (mask * 255).astype(np.uint8)
    if encoding == "palette":
        image = Image.fromarray(mask.astype(np.uint8), mode="P")
        image.putpalette([0, 0, 0, 200, 30, 30] + [9, 9, 9] * 254)
    elif encoding == "rgb":
        image = Image.fromarray(np.stack([white] * 3, axis=-1))
    elif encoding == "colour":
        image = Image.fromarray(np.stack([mask * 250, mask * 50, mask * 83], axis=-1).astype(np.uint8))
    elif encoding == "alpha":
        image = Image.fromarray(np.stack([np.full(SIZE, 9)] * 3 + [white], axis=-1).astype(np.uint8), mode="RGBA")
    elif encoding == "1 bit":
        image = Image.fromarray(mask.astype(bool))
    elif encoding == "16 bit":
        image = Image.fromarray((mask * 65535).astype(np.uint16))
    elif encoding == "float":
        image, path = Image.fromarray(mask.astype(np.float32)), path.with_suffix(".tif")
    elif encoding == "soft":
        noise = np.random.default_rng(int(mask.sum())).integers(0, 12, SIZE)
        image = Image.fromarray(np.where(mask > 0, 255 - noise, noise).astype(np.uint8))
    else:
        image = Image.fromarray(
            {"1": mask, "60": mask * 60, "inverted": 255 - white, "255": white}[encoding].astype(np.uint8)
        )
    image.save(path)
    return path


def mask_path(root: Path, stem: str, place: str) -> Path:
    folder = root / "set"
    return {
        "beside": folder / f"{stem}.png",
        "masks": root / "masks" / "set" / f"{stem}.png",
        "ground_truth": folder / "ground_truth" / f"{stem}.png",
        "Label": folder / "Label" / f"{stem}_label.png",
        "folder of its own": root / "masks" / "set" / stem / "0.png",
        "suffix _mask": folder / f"{stem}_mask.png",
        "suffix _GT": folder / f"{stem}_GT.png",
        "suffix _label": folder / f"{stem}_label.png",
    }[place]


@given(
    encoding=st.sampled_from(ENCODINGS),
    place=st.sampled_from(PLACES),
    defects=st.lists(st.booleans(), min_size=4, max_size=8),
    upper=st.booleans(),
)
@settings(max_examples=60)
def test_no_way_of_writing_makes_a_good_image_of_a_defect(
    encoding: str, place: str, defects: list[bool], upper: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("masks")
    rng = np.random.default_rng(3)
    for number, defect in enumerate(defects):
        stem = f"Img{number}"
        (root / "set").mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, SIZE, dtype=np.uint8)).save(root / "set" / f"{stem}.jpg")
        name = stem.upper() if upper and place != "beside" else stem
        save_mask(mask_path(root, name, place), region(int(defect)), encoding)
    findings = Findings()
    try:
        samples = list(read([root], ReadOptions(), findings))
    except InputError:
        assert not any(defects) or all(defects)  # nothing to compare with: what is background cannot be told
        return
    for sample in samples:
        defect = defects[int(Path(sample.path).stem[3:])]
        assert sample.is_defect == defect, (encoding, place, findings.notes)
        if defect:
            assert sample.boxes_xyxy.tolist() == [BOX]
        else:
            assert sample.evidence == "empty mask"
    listed = {Path(reject.image).stem.lower() for reject in findings.rejects}
    assert len(samples) + len(listed) >= len(defects)
    if any(defects) and not all(defects):
        assert len(samples) == len(defects), (encoding, place, [r.reason for r in findings.rejects])


def test_codes_of_files(tmp_path: Path) -> None:
    for encoding in ENCODINGS:
        path = save_mask(tmp_path / f"{ENCODINGS.index(encoding)}.png", region(), encoding)
        codes, deep = read_codes(path)
        assert codes.shape == SIZE
        assert deep == (encoding == "16 bit")
        if encoding not in ("soft", "inverted"):
            assert set(np.unique(codes[region() == 0]).tolist()) == {0}, encoding
            assert len(np.unique(codes[region() > 0])) == 1, encoding
    pages = [Image.fromarray(region().astype(np.uint8))] * 2
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match="holds 2 pages"):
        read_codes(tmp_path / "pages.tif")


def test_every_combination_is_read(tmp_path: Path) -> None:
    """All encodings in the commonest place, all places in the commonest encoding."""
    pairs = [(encoding, "masks") for encoding in ENCODINGS] + [("255", place) for place in PLACES]
    for number, (encoding, place) in enumerate(pairs):
        root = tmp_path / str(number)
        (root / "set").mkdir(parents=True)
        for stem, defect in zip("abc", (0, 1, 0), strict=True):
            pixels = np.random.default_rng(ord(stem)).integers(0, 255, SIZE, dtype=np.uint8)
            Image.fromarray(pixels).save(root / "set" / f"{stem}.jpg")
            save_mask(mask_path(root, stem, place), region(defect), encoding)
        samples = {Path(s.path).stem: s for s in read([root], ReadOptions(), Findings())}
        assert [samples[stem].status for stem in "abc"] == ["good", "boxed", "good"], (encoding, place)
        assert samples["b"].boxes_xyxy.tolist() == [BOX]


def test_published_layouts(tmp_path: Path) -> None:
    """KolektorSDD2, DAGM with its list in both forms, AITEX, VisA as published, LOCO with several masks an image."""

    def image(name: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(len(name)).integers(0, 255, SIZE, dtype=np.uint8)).save(path)

    for name, defect in (("ksdd2/train/10301", 1), ("ksdd2/train/10302", 0)):
        image(f"{name}.png")
        save_mask(tmp_path / f"{name}_GT.png", region(defect), "255")
    for name in ("dagm/Class1/Train/0576.PNG", "dagm/Class1/Train/0577.PNG", "dagm/Class2/Test/0001.PNG"):
        image(name)
    save_mask(tmp_path / "dagm/Class1/Train/Label/0576_label.PNG", region(), "255")
    (tmp_path / "dagm/Class1/Train/Label/Labels.txt").write_text(
        "1\n1\t0576.PNG\t1\t0576_label.PNG\n2\t0577.PNG\t0\t0\n"
    )
    for name in ("Class1/Train/0001", "Class1/Train/0002", "Class2/Test/0001"):
        image(f"dagm5/{name}.PNG")
    save_mask(tmp_path / "dagm5/Class1/Train/Label/0001_label.PNG", region(), "255")
    (tmp_path / "dagm5/Class1/Train/Label/Labels.txt").write_text(
        "1\r\n1\t1\t0001.PNG\t1\t0001_label.PNG\r\n2\t0\t0002.PNG\t0\t0\r\n"
    )
    image("aitex/NODefect_images/2306881-210020u/0000_000_00.png")
    image("aitex/Defect_images/0001_002_00.png")
    save_mask(tmp_path / "aitex/Mask_images/0001_002_00_mask.png", region(), "255")
    image("visa/candle/Data/Images/Normal/0000.JPG")
    image("visa/candle/Data/Images/Anomaly/000.JPG")
    save_mask(tmp_path / "visa/candle/Data/Masks/Anomaly/000.png", region(3), "1")
    expected = {
        "ksdd2": {"10301": "boxed", "10302": "good"},
        "dagm": {"0576": "boxed", "0577": "good"},  # of Class2 nothing is known
        "dagm5": {"0001": "boxed", "0002": "good"},
        "aitex": {"0000_000_00": "good", "0001_002_00": "boxed"},
        "visa": {"0000": "good", "000": "boxed"},
    }
    for name, statuses in expected.items():
        samples = list(read([tmp_path / name], ReadOptions(), Findings()))
        assert {Path(s.path).stem: s.status for s in samples} == statuses
        assert {s.type for s in samples if s.is_defect} == {"defect"}


def test_pairs_of_splits_and_cases() -> None:
    from data_tools.formats.images.mask_places import pair_masks

    root = Path("/set")
    names = ["train/images/0.jpg", "test/images/0.jpg", "train/masks/0.png", "test/masks/0.png", "test/masks/9.png"]
    pairing = pair_masks([root / name for name in names], root)
    assert [[mask.as_posix() for mask in masks] for masks in pairing.masks.values()] == [
        ["/set/train/masks/0.png"],
        ["/set/test/masks/0.png"],
    ]
    assert [path.as_posix() for path in pairing.unused] == ["/set/test/masks/9.png"]
    assert len(list(itertools.chain(*pairing.masks.values()))) == 2


def test_masks_apart_from_a_folder_of_defects_meet_no_good_image_and_no_type() -> None:
    from data_tools.formats.images.mask_places import pair_masks

    root = Path("/set")
    names = ["Defects/a.png", "good/b.png", "crack/c.png", *(f"masks/{name}_mask.png" for name in "abc")]
    pairing = pair_masks([root / name for name in names], root)
    assert [len(masks) for masks in pairing.masks.values()] == [1, 0, 0]
    assert [path.name for path in pairing.unused] == ["b_mask.png", "c_mask.png"]


def numbers_with(type_map: dict[str, str], *masks: np.ndarray) -> list[list[int]]:
    reading = with_values_said(choose_reading([stats_of(mask, False) for mask in masks], type_map), type_map)
    return [np.unique(reading.numbers(mask)).tolist() for mask in masks]


def test_values_that_are_said_to_be_good_or_background_are_no_areas_and_unjudged_ones_are_void() -> None:
    both = region(1) + np.roll(region(2), 25, axis=1)
    for name in ("good", "background", "OK"):
        assert numbers_with({"1": name}, region(1), both) == [[0], [0, 3]]
    for name in ("ignore", "false alarm"):
        with pytest.raises(InputError, match="nothing but void"):
            numbers_with({"255": name}, region(0), region(255))
        assert numbers_with({"1": name, "2": "pit"}, region(0), both) == [[0], [0, 3]]
    for type_map in ({"255": "good"}, {"255": "background"}):
        with pytest.raises(InputError, match="no other value than background"):
            numbers_with(type_map, region(0), region(255))
    assert numbers_with({"255": "scratch", "0": "good"}, region(0), region(255)) == [[0], [0, 1]]
    named = with_values_said(reading_by_names({1: "pit", 2: "glare"}), {"glare": "false alarm"})
    assert (named.values, named.void[-1]) == ((1,), 2)
    with pytest.raises(InputError, match="soft edges no value has a name"):
        with_values_said(MaskReading("soft edges", 0), {"255": "good"})
