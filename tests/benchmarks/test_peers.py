"""The peers' training: budget, batches, records and cells; and the figures of a step."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CalledProcessError

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from data_tools.commands.configurations import resolve
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, PredictionHeader, PredictionSet, Sample, Splits
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import write_predictions
from data_tools.files.runs import SERIES_MARK
from detect.compare_detectors import __main__ as compare_detectors
from detect.compare_detectors.budget import budget_of, settings_of
from detect.compare_detectors.cells import Cell, is_finished, plan
from detect.compare_detectors.torchvision_peer import BACKBONE, BoxedImages, ShapeBatches
from detect.compare_detectors.training import Recipe, to_prediction, train_for, train_stably
from tests.benchmarks import bench_step
from tests.benchmarks.bench_step import Times, summarise

MakeSample = Callable[..., Sample]


def _line(loss_factor: float) -> Recipe:
    network = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    return Recipe(
        network,
        DataLoader(torch.ones(4, 1), batch_size=2),
        lambda batch: loss_factor * network(batch).square().mean(),
        optimizer,
        lambda progress, _: 0.1 * (1 - progress),
        lambda *_: [],
        lambda batch: 5e6 * len(batch),
    )


def test_training_stops_with_its_budget_and_learns() -> None:
    torch.manual_seed(0)
    recipe = _line(1.0)
    before = recipe.loss(torch.ones(2, 1)).item()
    spent = train_for(recipe, 25.0)  # a batch has 10 megapixels
    assert (spent.steps, spent.epochs, spent.megapixels) == (3, 1.5, 30.0)
    assert recipe.loss(torch.ones(2, 1)).item() < before
    assert 0 <= recipe.optimizer.param_groups[0]["lr"] <= 0.1


def test_training_stops_at_a_loss_that_is_not_finite() -> None:
    with pytest.raises(FloatingPointError, match="the loss is nan after 0 steps"):
        train_for(_line(float("nan")), 5.0)


def test_too_few_images_for_a_batch_are_refused() -> None:
    """There the loader gives no batch, and a budget of them is never spent."""
    recipe = replace(
        _line(1.0), loader=DataLoader(torch.ones(3, 1), 4, drop_last=True), settings={"images": 3, "batch_size": 4}
    )
    with pytest.raises(InputError, match="3 images that the recipe learns from do not fill its batch of 4"):
        train_for(recipe, 25.0)


def test_a_recipe_that_diverges_begins_again_at_half_of_its_rate() -> None:
    tried = []

    def build(share: float) -> Recipe:
        tried.append(share)
        return _line(1.0 if share < 0.5 else float("nan"))

    _, spent = train_stably(build, 25.0)
    assert (tried, spent.steps) == ([1.0, 0.5, 0.25], 3)
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        train_stably(lambda share: _line(float("nan")), 25.0, tries=2)


def test_a_training_that_fails_leaves_the_others_of_the_comparison_to_go_on(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def run(cell: Cell) -> None:
        tried.append((cell.approach, cell.seed))
        if cell.seed == 0:
            raise CalledProcessError(1, "peer")
        record = {"result": {"training_minutes": 1.0, "steps": 7}, "finished": "now", "approach": cell.approach}
        write_json(cell.folder / "manifest.json", record)
        write_json(cell.folder / SERIES_MARK, dict(cell.identity))
        for split in ("val", "test"):
            predictions = [
                to_prediction(sample, sample.boxes_xyxy, np.ones(len(sample.labels)), sample.labels)
                for sample in read_dataset(squares).split(split)
            ]
            header = PredictionHeader(cell.approach, {}, "last", split)
            write_predictions(cell.folder / "predictions" / f"{split}.jsonl", PredictionSet(header, tuple(predictions)))

    monkeypatch.setattr(compare_detectors, "run", run)
    out = tmp_path / "out"
    words = ["--data", str(squares), "--out", str(out), "--approaches", "torchvision,torchvision_224", "--seeds", "0,1"]
    words += ["--megapixels", "1"]
    assert compare_detectors.main([*words, "--resamples", "20"]) == 1
    assert tried == [(a, seed) for seed in (0, 1) for a in ("torchvision", "torchvision_224")]
    assert caplog.text.count("failed with status 1") == 2
    table = (out / "comparison.md").read_text()
    assert "Not trained, or failed: torchvision seed 0 on data; torchvision_224 seed 0 on data." in table
    assert json.loads((out / "comparison.json").read_text())["approaches"]["torchvision"]["auc"]["values"] == [1.0]
    assert compare_detectors.main([*words, "--resamples", "20", "--table"]) == 0
    shutil.copytree(squares, tmp_path / "again")
    assert compare_detectors.main([*words, "--data", str(squares), str(tmp_path / "again")]) == 2  # before any training
    assert len(tried) == 4


def test_a_detectors_answer_becomes_a_record(make_sample: MakeSample) -> None:
    sample = make_sample(size_hw=(50, 100))
    boxes = np.array([[0.0, 0, 10, 10], [90, 40, 110, 60]])
    prediction = to_prediction(sample, boxes, np.array([0.2, 0.7]), np.array([1, 1]))
    assert prediction.score == 0.7
    assert prediction.boxes_xyxy[1].tolist() == [90, 40, 100, 50]
    assert prediction.peak_xy == (95, 45)
    nothing = to_prediction(sample, np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))
    assert (nothing.score, nothing.peak_xy) == (0.0, None)


def test_the_reference_leaves_out_images_without_a_valid_box(tmp_path: Path, make_sample: MakeSample) -> None:
    boxed = make_sample(2, [[10, 20, 30, 40]])
    samples = [make_sample(1), boxed, make_sample(3, [[5, 5, 6, 40]]), make_sample(4, status="unboxed")]
    for sample in samples:
        Image.new("L", (100, 100), 51).save(tmp_path / sample.path)
    kept = BoxedImages(samples, tmp_path)
    assert [sample.image_id for sample in kept.samples] == [2]
    assert len(BoxedImages(samples, tmp_path, keep_empty=True)) == 4
    torch.manual_seed(0)
    seen = {tuple(kept[0][1]["boxes"][0].tolist()) for _ in range(20)}
    assert seen == {(10, 20, 30, 40), (70, 20, 90, 40)}
    image, target = kept[0]
    assert image.shape == (3, 100, 100)
    assert float(image.max()) == pytest.approx(0.2)
    assert target["labels"].tolist() == [1]
    assert boxed.boxes_xyxy.tolist() == [[10, 20, 30, 40]]


def test_the_reference_starts_from_the_backbone_of_light() -> None:
    light = resolve("standard", "detect")
    assert light["model"]["backbone"] == BACKBONE


def test_batches_hold_images_of_one_shape() -> None:
    sizes = [(100, 100)] * 5 + [(100, 300)] * 4 + [(300, 100)] * 2
    batches = list(ShapeBatches(sizes, 2))
    assert len(batches) == len(ShapeBatches(sizes, 2)) == 5
    assert all(len(batch) == 2 for batch in batches)
    assert all(sizes[a] == sizes[b] for a, b in batches)


SETTINGS = {"ours": ("--recipe", "quick"), "baseline": ("--recipe", "quick")}


def test_pixels_of_our_trainings_by_hand(make_sample: MakeSample) -> None:
    fit = {"batch_size": 4, "epochs": 3, "steps": None}
    samples = [make_sample(i, size_hw=(100, 200)) for i in range(1, 10)]
    whole = budget_of({"input": {"max_pixels": None}, "fit": fit}, samples)
    assert (whole.pixels_a_step, whole.steps, whole.epoch_steps) == (80_000, 6, 2)
    assert whole.megapixels == pytest.approx(0.48)
    assert whole.flags(0.25) == ("--fit.steps", "3", "--fit.epoch_steps", "2", "--fit.max_minutes", "null")
    assert whole.flags(0.01)[:4] == ("--fit.steps", "1", "--fit.epoch_steps", "1")
    windows = {"side_px": 50, "seen_px": 100, "share": 0.25}
    assert budget_of({"input": {"slices": windows}, "fit": fit}, samples).pixels_a_step == 4 * (15_000 + 2_500)


def test_cells_are_planned_by_seed_and_guarded(squares: Path, tmp_path: Path) -> None:
    datasets, out = {squares: read_dataset(squares)}, tmp_path / "out"
    cells = plan(["ours", "torchvision"], [0, 1], datasets, None, out, SETTINGS)
    order = [(cell.approach, cell.seed) for cell in cells]
    assert order == [("ours", 0), ("torchvision", 0), ("ours", 1), ("torchvision", 1)]
    assert cells[2].command[0] == "detect.train"
    own = settings_of(cells[0].command)
    assert {cell.identity["megapixels"] for cell in cells} == {
        round(own["fit"]["steps"] * own["fit"]["batch_size"] * 64 * 64 / 1e6, 3)
    }
    assert not is_finished(cells[0])
    cells[0].folder.mkdir(parents=True)
    (cells[0].folder / "cell.json").write_text(json.dumps(cells[0].identity), encoding="utf-8")
    (cells[0].folder / "manifest.json").write_text('{"finished": "2024-01-01"}', encoding="utf-8")
    assert is_finished(cells[0])
    longer = plan(["ours"], [0], datasets, 20.0, out, SETTINGS)
    with pytest.raises(InputError, match="other data, budget or settings"):
        is_finished(longer[0])
    with pytest.raises(InputError, match="yolo"):
        plan(["yolo"], [0], datasets, 1.0, out, SETTINGS)
    with pytest.raises(InputError, match="refused"):
        plan(["ours"], [0], datasets, 1.0, out, {"ours": ("--config", "nowhere.yaml")})


def test_folds_have_cells_of_their_own(tmp_path: Path) -> None:
    folds = [tmp_path / name for name in ("fold_1", "fold_2", "other/fold_1")]
    nothing = Dataset((), ("defect",), None, Splits(0, "none", (), (), ()))
    for fold in folds:
        fold.mkdir(parents=True)
        write_dataset(fold, nothing)
    out, peers = tmp_path / "out", ["torchvision", "torchvision_224"]
    cells = plan(peers, [0], dict.fromkeys(folds[:2], nothing), 1.0, out, {})
    order = [(cell.approach, cell.folder) for cell in cells]
    assert order == [(a, out / f / a / "seed0") for f in ("fold_1", "fold_2") for a in peers]
    assert str(cells[2]) == "torchvision seed 0 on fold_2"
    # a fold that was trained alone is taken up
    assert plan(peers[:1], [0], {folds[1]: nothing}, 1.0, out / "fold_2", {})[0] == cells[2]
    with pytest.raises(InputError, match="two of the folders have one name"):
        plan(peers, [0], {folds[0]: nothing, folds[2]: nothing}, 1.0, out, {})


def test_the_steps_ratio_and_the_share_of_loading() -> None:
    result = summarise(Times(loading=[0.1, 0.1, 0.1], ours=[1.0, 2.0, 1.0], theirs=[2.0, 2.0, 5.0]))
    assert result["ratio"]["value"] == 0.5
    assert result["data_share"]["value"] == pytest.approx(0.3 / 4.0)
    assert result["ratio"]["ci95"][0] <= 0.5 <= result["ratio"]["ci95"][1]


def test_steps_of_both_loops_are_timed_side_by_side(squares: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_step.main(["--data", str(squares), "--steps", "2", "--batch", "2", "--side", "64"]) in (0, 1)
    assert "processor seconds a step: ours" in capsys.readouterr().out
