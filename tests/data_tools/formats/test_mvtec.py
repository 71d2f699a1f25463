from pathlib import Path

import numpy as np

from data_tools.formats.choice import choose_format

SIZE = (40, 60)


def mask() -> np.ndarray:
    pixels = np.zeros(SIZE, dtype=np.uint8)
    pixels[5:15, 10:30] = 255
    return pixels


def build(folder: Path, save) -> None:
    save(folder / "train" / "good" / "000.png", SIZE)
    save(folder / "test" / "good" / "000.png", SIZE)
    save(folder / "test" / "crack" / "000.png", SIZE)
    save(folder / "test" / "crack" / "001.png", SIZE)
    save(folder / "test" / "crack" / "002.png", SIZE)
    save(folder / "test" / "crack" / "003.png", SIZE)
    save(folder / "ground_truth" / "crack" / "000_mask.png", mask())
    save(folder / "ground_truth" / "crack" / "001_mask.png", np.zeros(SIZE, dtype=np.uint8))
    (folder / "ground_truth" / "crack" / "003_mask.png").write_bytes(b"broken")


def test_the_three_folders(tmp_path: Path, read, save) -> None:
    build(tmp_path, save)
    save(tmp_path / "picture.png", SIZE)
    samples, findings = read("mvtec", tmp_path)
    assert samples["test/crack/000.png"].boxes_xyxy.tolist() == [[10, 5, 30, 15]]
    assert {name: (s.status, s.type) for name, s in samples.items()} == {
        "train/good/000.png": ("good", "good"),
        "test/good/000.png": ("good", "good"),
        "test/crack/000.png": ("boxed", "crack"),
        "test/crack/001.png": ("unboxed", "crack"),
        "test/crack/002.png": ("unboxed", "crack"),
    }
    assert [Path(r.source).name for r in findings.rejects] == ["picture.png", "003_mask.png"]


def test_several_categories_and_recognition(tmp_path: Path, read, save) -> None:
    build(tmp_path / "bottle", save)
    build(tmp_path / "cable", save)
    assert choose_format([tmp_path], "auto")[0].name == "mvtec"
    assert choose_format([tmp_path / "cable"], "auto")[0].name == "mvtec"
    assert len(read("mvtec", tmp_path)[0]) == 10
    build(tmp_path / "wrapped/archive/bottle", save)
    assert choose_format([tmp_path / "wrapped"], "auto")[0].name == "mvtec"


def test_views_below_the_types_are_no_types(tmp_path: Path, read, save) -> None:
    for view in ("background", "view"):
        save(tmp_path / f"train/good/{view}/0.png", SIZE)
        save(tmp_path / f"test/ablation/{view}/1.png", SIZE)
        save(tmp_path / f"ground_truth/ablation/{view}/1.png", mask())
    save(tmp_path / "test/NG/pit/2.png", SIZE)
    save(tmp_path / "test/good/crack/3.png", SIZE)  # good, or a type?
    save(tmp_path / "test/good/review/4.png", SIZE)
    samples, _ = read("mvtec", tmp_path)
    assert {name: (s.status, s.type) for name, s in samples.items()} == {
        **{f"train/good/{view}/0.png": ("good", "good") for view in ("background", "view")},
        **{f"test/ablation/{view}/1.png": ("boxed", "ablation") for view in ("background", "view")},
        "test/NG/pit/2.png": ("unboxed", "pit"),
        "test/good/crack/3.png": ("unboxed", "crack"),
        "test/good/review/4.png": ("unboxed", "review"),
    }


def test_a_type_is_good_only_where_its_folder_says_nothing_else(tmp_path: Path, read, save) -> None:
    for kind in ("good", "Good_lot_7", "good_contact", "ok_mark_missing", "perfect_circle_missing", "not_ok"):
        save(tmp_path / "test" / kind / "0.png", SIZE)
    save(tmp_path / "train" / "ok" / "0.png", SIZE)
    save(tmp_path / "ground_truth" / "ok_mark_missing" / "0_mask.png", mask())
    samples, _ = read("mvtec", tmp_path)
    assert {name.split("/")[1]: (s.status, s.type) for name, s in samples.items()} == {
        "ok": ("good", "good"),
        "good": ("good", "good"),
        "Good_lot_7": ("good", "good"),
        "good_contact": ("unboxed", "good_contact"),
        "ok_mark_missing": ("boxed", "ok_mark_missing"),
        "perfect_circle_missing": ("unboxed", "perfect_circle_missing"),
        "not_ok": ("unboxed", "defect"),
    }


def test_a_folder_of_defects_without_a_type_counts_before_an_empty_mask(tmp_path: Path, read, save) -> None:
    save(tmp_path / "train" / "good" / "0.png", SIZE)
    for name in "01":
        save(tmp_path / "test" / "bad" / f"{name}.png", SIZE)
    save(tmp_path / "ground_truth" / "bad" / "0.png", np.zeros(SIZE, dtype=np.uint8))
    save(tmp_path / "ground_truth" / "bad" / "1.png", mask())
    samples, _ = read("mvtec", tmp_path)
    assert [samples[f"test/bad/{name}.png"].status for name in "01"] == ["unboxed", "boxed"]


def test_a_folder_that_leaves_open_what_it_shows_is_no_type(tmp_path: Path, read, save) -> None:
    save(tmp_path / "train" / "good" / "0.png", SIZE)
    for kind in ("false_alarm", "unknown", "crack"):
        save(tmp_path / "test" / kind / "0.png", SIZE)
    samples, findings = read("mvtec", tmp_path)
    assert sorted(name.split("/")[1] for name in samples) == ["crack", "good"]
    assert [r.reason.split("'")[1] for r in findings.rejects] == ["false_alarm", "unknown"]
    samples, _ = read("mvtec", tmp_path, type_map={"false_alarm": "good"})
    assert samples["test/false_alarm/0.png"].status == "good"


def test_an_image_right_in_a_part_of_the_split_is_of_no_type(tmp_path: Path, read, save) -> None:
    can = tmp_path / "can"
    for name in ("train/good/0.png", "test_public/bad/0.png", "test_private/0.png", "test/1.png", "test/2.png"):
        save(can / name, SIZE)
    for name, pixels in (("bad/0_mask.png", mask()), ("1_mask.png", mask()), ("2_mask.png", mask() * 0)):
        save(can / "ground_truth" / name, pixels)
    samples, findings = read("mvtec", tmp_path)
    assert {name: (s.status, s.type) for name, s in samples.items()} == {
        "can/train/good/0.png": ("good", "good"),
        "can/test_public/bad/0.png": ("boxed", "defect"),
        "can/test/1.png": ("boxed", "defect"),
        "can/test/2.png": ("good", "good"),
    }
    assert [r.image for r in findings.rejects] == ["can/test_private/0.png"]


def test_tables_beside_are_listed_as_not_read(tmp_path: Path, read, save) -> None:
    build(tmp_path, save)
    for name in ("meta.json", "labels/types.csv", "readme.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("image,label\n")
    listed = [Path(r.source).name for r in read("mvtec", tmp_path)[1].rejects]
    assert listed == ["003_mask.png", "meta.json", "types.csv"]
