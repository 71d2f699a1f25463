"""What the data decide: hand-made facts, and the command line around them."""

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import classify
import classify.plan
import classify.train
import detect
import detect.plan
import detect.train
from classify import recipe as classify_recipe
from data_tools.commands.configurations import resolve
from data_tools.commands.planned import planned_settings
from data_tools.commands.planning import _to_time
from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, SPLIT_NAMES, Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.run_config import read_values, write_settings
from data_tools.loading.layout import Layout
from data_tools.training.recipe import Effort, Facts, RecipeName, decide_budget, look_at, most_pixels
from detect import recipe as detect_recipe
from detect.recipe import _decide_size

EFFORT = Effort("quickstart", 224 * 224, 500, 4, 8)
FACTS = Facts(
    images=1000,
    good=500,
    boxed=500,
    unboxed=0,
    sizes_hw=np.full((1000, 2), 448),
    boxes_hw=np.full((500, 2), 16.0),
    boxes_image=np.arange(500),
    types={"scratch": 500},
    validation=100,
    layout=Layout(0.0, {}),
)


def sized(size: int | tuple[int, int], side: float, boxes: int = 9) -> Facts:
    """Nine images of that height and width, and square boxes, at most one in each."""
    return replace(
        FACTS, sizes_hw=np.full((9, 2), size), boxes_hw=np.full((boxes, 2), side), boxes_image=np.arange(boxes)
    )


def decided(facts: Facts, effort: Effort = EFFORT) -> dict[str, object]:
    size = _decide_size(facts, effort)
    return {one.key: one.value for one in (*size, *decide_budget(facts, effort, size[0].value))}


def test_images_that_show_their_defects_are_seen_whole() -> None:
    """448 px squeezed to 224 show 16 px at 8; larger defects need fewer pixels, down to half of the budget."""
    assert decided(FACTS)["input.max_pixels"] == 224 * 224
    assert decided(sized(448, 40.0))["input.max_pixels"] == round((448 * 16 / 40) ** 2)
    assert decided(sized(448, 400.0))["input.max_pixels"] == 224 * 224 // 2
    assert decided(sized(448, 1.0, boxes=0))["input.max_pixels"] == 224 * 224


def test_a_small_image_keeps_its_pixels() -> None:
    small = sized(200, 100.0)
    assert decided(small)["input.max_pixels"] == 224 * 224


def test_an_image_hardly_larger_than_the_budget_keeps_its_pixels_in_fewer_steps() -> None:
    nearly = replace(sized(270, 12.0), images=400)
    decisions = decided(nearly)
    assert decisions["input.max_pixels"] == 270 * 270
    assert decisions["fit.steps"] == 340  # 500 * 224 * 224 / (270 * 270) is 344; four passes are 200
    assert decided(replace(nearly, images=2000))["fit.steps"] == 1000  # four passes
    assert decided(sized(270, 40.0))["input.max_pixels"] == 224 * 224 // 2
    assert decided(sized(270, 1.0, boxes=0))["input.max_pixels"] == 270 * 270
    beyond = decided(replace(nearly, sizes_hw=np.full((9, 2), 275)))  # 1.507 times the budget
    assert (beyond["input.max_pixels"], beyond["fit.steps"]) == (224 * 224, 500)


def test_a_small_defect_in_a_large_image_is_seen_in_windows() -> None:
    """30 px in 4,000: seen at 8, a window of 224 spans 840 px."""
    large = sized(4000, 30.0)
    assert decided(large)["input.slices.side_px"] == 840
    assert decided(large)["input.slices.seen_px"] == 224


def test_a_whole_image_that_shows_nearly_as_much_as_its_windows_has_its_say() -> None:
    """Boxes of 8 px keep their size in windows of 224; squeezed to 224, 430 px show 0.52 and 460 px 0.49 of it."""
    for side, scores in ((430, "mean"), (460, "highest")):
        assert decided(sized(side, 8.0))["input.slices.side_px"] == 224
        assert decided(sized(side, 8.0))["input.slices.scores"] == scores


@pytest.mark.parametrize(("side", "box", "advised"), [(300, 2.0, True), (300, 4.0, False), (4000, 2.0, True)])
def test_how_to_enlarge_defects_of_a_pixel_or_two_is_said(side: int, box: float, advised: bool) -> None:
    """Whole or in windows, images are never enlarged unasked; 224 / 4 is 56."""
    reasons = " ".join(one.reason for one in _decide_size(sized(side, box), EFFORT))
    assert ("--input.slices.side_px 56 --input.slices.seen_px 224 shows them 4 times as large" in reasons) == advised


def test_larger_images_whose_boxes_would_be_hidden_decide_for_windows_among_many_small_ones() -> None:
    """Two of nine boxes are 16 px in images of 4,000 px, 0.9 px squeezed to 224; in windows of 448 px they span 8."""
    mixed = sized(64, 16.0)
    mixed.sizes_hw[:2] = 4000
    values = decided(mixed)
    assert (values["input.slices.side_px"], values["input.slices.scores"]) == (448, "highest")
    assert detect_recipe._looks(mixed, 448, 0.0) == pytest.approx(1 + 4 / 3 * (2 * (4000 / 448) ** 2 + 7) / 9)
    reasons = {one.key: one.reason for one in _decide_size(mixed, EFFORT)}
    assert reasons["input.slices.side_px"] == (
        "22% of the boxes lie in 2 larger images, half of which have 16,000,000 pixels, and are below 8 px in these "
        "squeezed whole"
    )
    assert "half of the images have 4,096 pixels" in reasons["input.max_pixels"]
    given = {"input.slices.side_px": None}
    assert [one.key for one in _decide_size(mixed, EFFORT, given)] == ["input.max_pixels"]
    seldom = replace(sized(64, 16.0, boxes=18), sizes_hw=np.full((18, 2), 64))
    seldom.sizes_hw[0] = 4000  # one of eighteen boxes is less than the smallest tenth
    assert "input.slices.side_px" not in decided(seldom)


def test_nothing_is_pasted_into_images_of_many_windows(squares: Path) -> None:
    """64 x 64 px have 1.8 windows of 48 px and 4 of 32; of images of 128 x 128 px there are 16 of these."""
    data = read_dataset(squares)
    for side in (48, 32):
        assert detect.plan(data, "quick", {"input.slices.side_px": side}).values()["paste.jitter"] == 1.0
    facts = replace(FACTS, sizes_hw=np.full((9, 2), 128))
    (decision,) = detect_recipe._decide_pasting(facts, {}, 128**2 / 32**2)
    assert (decision.key, decision.value) == ("paste.share", 0.0)
    assert decision.reason == "16 windows an image show defects in many places as they are"
    assert detect_recipe._decide_pasting(facts, {"paste.share": 0.5}, 16)[0].key == "paste.jitter"


def test_long_images_that_lie_and_stand_come_in_smaller_batches() -> None:
    """Of 50 x 1,000 and 1,000 x 50 px each takes 1,000 x 1,000, twenty times its own; of 100 x 400 px four times."""
    strips, mild = np.full((9, 2), (50, 1000)), np.full((9, 2), (100, 400))
    assert replace(FACTS, sizes_hw=strips).padding(10**6) == 1.0
    strips[:4], mild[:4] = (1000, 50), (400, 100)
    assert replace(FACTS, sizes_hw=strips).padding(10**6) == pytest.approx(20.0)
    assert replace(FACTS, sizes_hw=strips).padding(500) == pytest.approx(20.0)
    for sizes, batch in ((strips, 1), (mild, 8)):
        first, *_ = decide_budget(replace(FACTS, sizes_hw=sizes), EFFORT, EFFORT.pixels)
        assert (first.key, first.value) == ("fit.batch_size", batch)
        assert ("lie and stand" in first.reason) == (batch == 1)
    assert decide_budget(replace(FACTS, sizes_hw=strips), EFFORT, 500, given={"fit.batch_size": 4})[0].value == 4


def test_an_image_of_many_boxes_may_keep_twice_as_many(squares: Path) -> None:
    """25 boxes in an image are half of the 50 that are kept anyway; for 300, 600 are kept of 1,200 proposals."""
    assert FACTS.most_boxes == 1
    assert sized(64, 8.0, boxes=0).most_boxes == 0
    usual = replace(FACTS, boxes_image=np.repeat([0, 7], [25, 5]))
    assert detect_recipe._decide_boxes(usual) == ()
    crowded = [
        (one.key, one.value) for one in detect_recipe._decide_boxes(replace(usual, boxes_image=np.zeros(300, int)))
    ]
    assert crowded == [("model.prediction.detections", 600), ("model.sampling.proposals", 1200)]
    few = [(one.key, one.value) for one in detect_recipe._decide_boxes(replace(usual, boxes_image=np.zeros(30, int)))]
    assert few == [("model.prediction.detections", 60), ("model.sampling.proposals", 200)]
    assert "model.prediction.detections" not in detect.plan(read_dataset(squares)).values()


@pytest.mark.parametrize(
    ("types", "value", "why"),
    [
        ({"a": 9, "b": 2}, 0.0, "1 type with 5 training images or more"),
        ({"a": 9, "b": 5, "c": 1}, 0.25, "2 types with 5 training images or more, so that to tell types teaches"),
    ],
)
def test_types_are_told_where_two_have_enough_images(types: dict[str, int], value: float, why: str) -> None:
    decision = detect_recipe._decide_types(replace(FACTS, types=types))
    assert decision.value == value
    assert decision.reason.startswith(why)


def test_a_strip_has_the_windows_that_lie_along_it() -> None:
    """Of 4,000 x 40 px, 14.3 windows of 280 px, not the 2.0 of as many pixels; of 4,000 x 560 px twice as many."""
    for size_hw, windows in (((4000, 40), 4000 / 280), ((40, 4000), 4000 / 280), ((4000, 560), 2 * 4000 / 280)):
        facts = replace(FACTS, sizes_hw=np.full((9, 2), size_hw))
        assert facts.windows(280) == pytest.approx(windows)
        assert detect_recipe._looks(facts, 280, 0.0) == pytest.approx(1 + 4 / 3 * windows)
    assert replace(FACTS, sizes_hw=np.full((9, 2), 20)).windows(280) == 1.0


def test_steps_pass_four_times_through_the_images_if_four_times_the_steps_are_enough() -> None:
    assert decided(FACTS)["fit.steps"] == 500
    assert decided(replace(FACTS, images=3000))["fit.steps"] == 1500
    assert decided(replace(FACTS, images=10**6))["fit.steps"] == 2000
    assert decided(replace(FACTS, images=16))["fit.steps"] == 200  # a hundred passes are the most
    assert (decided(replace(FACTS, images=3))["fit.batch_size"], decided(replace(FACTS, images=3))["fit.steps"]) == (
        3,
        100,
    )


@pytest.mark.parametrize(
    ("approach", "effort"), [("detect", detect_recipe.EFFORTS), ("classify", classify_recipe.EFFORTS)]
)
def test_the_embedded_defaults_are_the_budget_of_the_synthetic_set(
    approach: str, effort: dict[RecipeName, Effort]
) -> None:
    sizes_hw = np.full((1050, 2), (267, 275))
    synthetic = replace(FACTS, images=1050, good=630, boxed=403, unboxed=17, validation=224, sizes_hw=sizes_hw)
    pixels = most_pixels(synthetic, effort["quick"])
    values = {one.key: one.value for one in decide_budget(synthetic, effort["quick"], pixels)}
    given = resolve("quickstart", approach)
    assert given["input"]["max_pixels"] == pixels
    assert (values["fit.steps"], values["fit.epoch_steps"]) == (given["fit"]["steps"], given["fit"]["epoch_steps"])


def test_validation_sees_at_most_three_images_for_ten_of_training() -> None:
    assert decided(FACTS)["fit.epoch_steps"] == 50  # 1,200 / 100 would be twelve; ten at most
    assert decided(replace(FACTS, validation=300))["fit.epoch_steps"] == 125
    assert decided(replace(FACTS, validation=10**5))["fit.epoch_steps"] == 167


def test_the_plan_is_what_is_trained_and_may_be_overridden(
    squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(squares), "--recipe", "quick", "--fit.lr", "0.25", "--print_config"]
    assert detect.train.main(words) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    plan = detect.plan(read_dataset(squares), "quick")
    for key, value in plan.values().items():
        place = shown
        for part in key.split("."):
            place = place[part]
        assert place == value, key
    assert shown["fit"]["lr"] == 0.25
    assert planned_settings(detect.Settings, plan, "detect").fit.steps == plan.values()["fit.steps"]
    assert detect.train.main([*words, "--fit.epochs", "2"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["fit"]["steps"] is None


SMALL = {
    "model.backbone": "simple_cnn",
    "model.weights": "none",
    "input.size_hw": "[64, 64]",
    "fit.steps": "2",
    "fit.mixed_precision": "no",
}


@pytest.mark.parametrize(
    ("main", "of_model"),
    [(detect.train.main, {"model.frozen_to_stride": "0", "model.fpn_channels": "16"}), (classify.train.main, {})],
)
def test_a_run_says_why_its_settings_are_what_they_are(
    squares: Path, tmp_path: Path, main: Callable[[list[str]], int], of_model: dict[str, str]
) -> None:
    run = tmp_path / "run"
    words = ["--data", str(squares), "--run", str(run), "--recipe", "quick"]
    words += [word for key, value in (SMALL | of_model).items() for word in (f"--{key}", value)]
    assert main(words) == 0
    lines = (run / "config.yaml").read_text().splitlines()
    said = [line for line in lines if line.startswith("#")]
    assert lines[: len(said)] == said
    assert said[0].startswith("# recipe quick on top of the configuration 'quickstart'")
    assert any(line.split()[1] == "fit.batch_size" and "12 training images" in line for line in said)
    assert not any("fit.steps" in line for line in said)  # given, and so not decided
    assert main([*words, "--resume"]) == 0
    assert (run / "config.yaml").read_text().splitlines() == lines
    other = tmp_path / "other"
    assert main(["--config", str(run / "config.yaml"), "--run", str(other)]) == 0
    assert "#" not in (other / "config.yaml").read_text()


def test_reasons_of_hostile_folders_stay_comments(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_settings(tmp_path / "run", detect.Settings(), Path("data"), reasons="a\n  b\u2028model: {}\x1b[2J\rc: 1")
    assert read_values(tmp_path / "run" / "config.yaml")["model"]["backbone"] == detect.Settings().model.backbone


def test_recipe_and_configuration_exclude_each_other(squares: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detect.train.main(["--data", str(squares), "--recipe", "quick", "--config", "standard"]) == 2
    assert "leave out --config" in capsys.readouterr().err
    assert detect.train.main(["--data", str(squares), "--recipe", "fast"]) == 2
    assert "thorough" in capsys.readouterr().err


@pytest.mark.parametrize("main", [detect.plan.main, classify.plan.main])
def test_planning_prints_decisions_with_reasons_and_trains_nothing(
    main: Callable[[list[str]], int], squares: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(squares.rglob("*"))
    assert main([str(squares), "--no_time"]) == 0
    shown = capsys.readouterr().out
    assert "input.max_pixels" in shown
    assert "12 training images" in shown
    assert sorted(squares.rglob("*")) == before
    assert main(["nowhere"]) == 2


@pytest.mark.parametrize("main", [detect.plan.main, classify.plan.main])
def test_the_command_that_planning_prints_trains_what_was_planned(
    main: Callable[[list[str]], int], squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved, data = tmp_path / "my images", tmp_path / "my data"
    shutil.copytree(squares, data)
    shutil.move(data / "images", moved)
    assert main([str(data), "--images", str(moved), "--recipe", "quick", "--no_time"]) == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[-1].removeprefix("train: "))
    assert words[3:] == ["--data", str(data), "--recipe", "quick", "--run", "RUN", "--images", str(moved)]


@pytest.mark.parametrize(
    ("plan", "train", "status", "splits", "why"),
    [
        (detect.plan.main, detect.train.main, GOOD, "train val", "no image with a box"),
        (detect.plan.main, detect.train.main, None, "train", "the val split needs images with boxes"),
        (classify.plan.main, classify.train.main, BOXED, "train val", "the train split has no good images"),
        (classify.plan.main, classify.train.main, None, "train", "the val split is empty"),
    ],
)
def test_what_cannot_be_trained_is_not_planned(
    plan: Callable[[list[str]], int],
    train: Callable[[list[str]], int],
    status: str | None,
    splits: str,
    why: str,
    squares: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither printed as a decision, nor as the settings that a comparison of hours starts from."""
    whole = read_dataset(squares)
    assert whole.splits is not None
    kept = {one.image_id for one in whole.samples if status in (None, one.status)}
    parts = [[i for i in whole.splits.ids(name) if i in kept and name in splits] for name in SPLIT_NAMES]
    write_dataset(tmp_path / "data", replace(whole, splits=Splits(0, "none", *map(tuple, parts))))
    for main, words in ((plan, ["--no_time"]), (train, ["--data", "--print_config"])):
        assert main([*words[:-1], str(tmp_path / "data"), words[-1]]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert why in shown.err


def test_the_baselines_plan_does_not_see_boxes(squares: Path) -> None:
    data = read_dataset(squares)
    boxed = [replace(one, boxes_xyxy=one.boxes_xyxy * [0.1, 0.1, 1, 1]) for one in data.samples if one.is_defect]
    other = replace(data, samples=(*boxed, *(one for one in data.samples if not one.is_defect)))
    assert classify.plan(data) == classify.plan(other)


def test_no_test_image_decides(squares: Path) -> None:
    data = read_dataset(squares)
    assert data.splits is not None
    without = replace(data, splits=replace(data.splits, test=()))
    assert detect.plan(data) == detect.plan(without)


def test_facts_of_a_dataset(squares: Path, make_sample: Callable[..., Sample]) -> None:
    data: Dataset = read_dataset(squares)
    facts = look_at(data, squares / "images")
    assert (facts.images, facts.good, facts.boxed, facts.unboxed, facts.validation) == (12, 6, 6, 0, 6)
    assert (facts.pixels, facts.small_side) == (64 * 64, 16.0)
    assert json.dumps(dict(facts.types)) == '{"scratch": 6}'


SPACIOUS = {"input.max_pixels": None}, {"input.size_hw": [4000, 4000]}, {"input.reference": "on"}


def test_what_is_given_is_not_decided_and_the_rest_goes_with_it(squares: Path) -> None:
    data = read_dataset(squares)
    given = {"input.slices.side_px": 48, "fit.steps": 30, "fit.lr": 0.1}
    values = detect.plan(data, "quick", given).values()
    assert not set(given) & set(values)
    assert (values["input.reference"], values["input.slices.seen_px"]) == ("off", 48)
    assert values["model.prediction.views"] == [1.0]
    assert (values["fit.epoch_steps"], values["fit.warmup_steps"]) == (10, 3)
    assert values["paste.jitter"] == 1.0
    assert not {"paste.share", "paste.jitter"} & set(detect.plan(data, "quick", {"paste.share": 0.0}).values())
    for plan in (detect.plan, classify.plan):
        assert "input.max_pixels" not in plan(data, "quick", {"input.size_hw": [32, 32]}).values()
        counted = plan(data, "quick", {"fit.epochs": 10, "fit.batch_size": 3}).values()
        assert counted["fit.warmup_steps"] == 4  # a tenth of 10 epochs of 12 / 3 steps
        assert not {"fit.steps", "fit.epoch_steps", "fit.batch_size"} & set(counted)


@pytest.mark.parametrize("given", [*SPACIOUS, {"input.slices.side_px": None}])
def test_windows_are_not_decided_beside_what_they_contradict(given: dict[str, Any]) -> None:
    large = sized(4000, 30.0)
    effort = detect_recipe.EFFORTS["quick"]
    assert any(one.key == "input.slices.side_px" for one in detect_recipe._decide_size(large, effort, {}))
    assert [one.key for one in detect_recipe._decide_size(large, effort, given)] == ["input.max_pixels"]
    (side,) = (
        one.value
        for one in detect_recipe._decide_size(large, effort, {"input.slices.seen_px": 112})
        if one.key == "input.slices.side_px"
    )
    assert side == 420


def test_a_share_of_the_images_has_its_own_facts(devices: Path) -> None:
    data, given = read_dataset(devices), {"fit.train_share": 0.15}
    assert detect.plan(data, "quick").values()["input.reference"] == "on"
    facts = look_at(data, devices / "images", given)
    assert 0 < facts.good < 8
    assert detect.plan(data, "quick", given).values()["input.reference"] == "off"
    height, width = facts.sizes_hw[0]
    assert look_at(data, devices / "images", {"input.preprocess.crop_px": 20}).sizes_hw[0].tolist() == [
        height - 40,
        width - 40,
    ]
    with pytest.raises(InputError, match="crop_px 200"):
        look_at(data, devices / "images", {"input.preprocess.crop_px": 200})


def test_a_command_line_decides_beside_its_own_flags(squares: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(squares), "--recipe", "quick", "--input.slices.side_px", "48", "--print_config"]
    assert detect.train.main(words) == 0
    shown = yaml.safe_load(capsys.readouterr().out)["input"]
    assert (shown["reference"], shown["slices"]["side_px"], shown["slices"]["seen_px"]) == ("off", 48, 48)


@pytest.mark.parametrize(
    ("sides", "timed"), [([267] * 40, 16), ([3000] * 3, 1), ([64, 64, 3000, 64], 3), ([2000, 9], 1), ([64], 1), ([], 0)]
)
def test_planning_times_no_more_images_than_four_megapixels(
    sides: list[int], timed: int, make_sample: Callable[..., Sample]
) -> None:
    """Up to the image with which four megapixels are reached, of 16 at most."""
    samples = [make_sample(i, [], (side, side)) for i, side in enumerate(sides, start=1)]
    assert len(_to_time(samples)) == timed
