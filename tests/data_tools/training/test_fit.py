"""The fit loop on a tiny regression: budget, best checkpoint, exact resume, broken losses, SIGTERM, full disk."""

import json
import logging
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.checkpoint_files import write_checksums
from data_tools.loading.batch import Batch
from data_tools.loading.dataset import DefectDataset, make_loader
from data_tools.loading.samplers import BalancedSampler
from data_tools.training import checkpoint
from data_tools.training.checkpoint import load_tensors
from data_tools.training.fit import FitResult, fit
from data_tools.training.fit_config import FitConfig
from data_tools.training.interrupt import Stopped
from data_tools.training.metrics_file import read_lines

CONFIG = FitConfig(mixed_precision="no", epochs=3, batch_size=2, lr=0.01, warmup_steps=2, positive_share=None)


class Tiny(nn.Module):
    """Dropout makes a step depend on torch's random numbers, batch norm on what came before."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.head = nn.Linear(4, 1)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(images).mean(dim=(2, 3)))[:, 0]
        return out


class Killed(BaseException):
    """What SIGKILL does to the process, for the purpose of a test: nothing after it runs."""


@pytest.fixture
def run(
    tmp_path: Path, make_sample: Callable[..., Sample], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FitResult]:
    monkeypatch.setattr("data_tools.training.fit.draw_curves", lambda *_: None)  # see test_curves
    samples = [make_sample(i, [[1, 1, 5, 5]] if i % 2 else [], size_hw=(8, 8)) for i in range(1, 11)]
    for sample in samples:
        pixels = np.random.default_rng(sample.image_id).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / sample.path)

    def build(
        folder: str,
        resume: bool = False,
        config: FitConfig = CONFIG,
        on_step: Callable[[int], None] | None = None,
        scores: list[float | None] | None = None,
        errors: list[float | None] | None = None,
        nan_at: int | None = None,
        killed_in_validation: int | None = None,
        asked_in_validation: int | None = None,
        model: nn.Module | None = None,
        look: Callable[[nn.Module], None] | None = None,
    ) -> FitResult:
        torch.manual_seed(5)
        sampler = BalancedSampler([s.is_defect for s in samples], config.positive_share, 0, (), config.batch_size)
        loader = make_loader(DefectDataset(samples, tmp_path), sampler, config.batch_size, config.workers)
        steps, epochs = [0], [0]

        def loss(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            steps[0] += 1
            if on_step is not None:
                on_step(steps[0])
            factor = float("nan") if steps[0] == nan_at else 1.0
            logits = model(batch.images)
            return {"bce": factor * nn.functional.binary_cross_entropy_with_logits(logits, batch.defect)}

        def validate(model: nn.Module) -> dict[str, float | None]:
            epochs[0] += 1
            if look is not None:
                look(model)
            if epochs[0] == killed_in_validation:
                raise Killed
            if epochs[0] == asked_in_validation:
                os.kill(os.getpid(), signal.SIGTERM)
            weight = float(sum(p.sum() for p in model.parameters()))
            validation = {"score": weight if scores is None else scores[epochs[0] - 1]}
            return validation | ({} if errors is None else {"score_error": errors[epochs[0] - 1]})

        (tmp_path / folder).mkdir(exist_ok=True)
        return fit(model or Tiny(), loader, loss, validate, "score", config, tmp_path / folder, resume)

    return build


def contents(folder: Path) -> dict[str, Any]:
    """Everything a run leaves that does not depend on the clock."""
    tensors = {
        f"{part}/{name}.{key}": value.tolist()
        for part, names in (("last", ("model", "average", "optimizer", "random")), ("best", ("model",)))
        for name in names
        for key, value in load_tensors(folder / part, name).items()
    }
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return tensors | {"lines": [(line["step"], line["lr"], line["losses"], line["validation"]) for line in lines]}


@pytest.mark.parametrize("kill_at", [1, 2, 4, 5, 6, 9, 11, 15])
@pytest.mark.parametrize("every_step", [True, False])
def test_a_killed_and_resumed_run_ends_bit_identical(
    run: Callable[..., FitResult], tmp_path: Path, kill_at: int, every_step: bool
) -> None:
    config = replace(CONFIG, checkpoint_minutes=0.0 if every_step else 99.0)
    run("whole", config=config)

    def kill(step: int) -> None:
        if step == kill_at:
            raise Killed

    with pytest.raises(Killed):
        run("cut", config=config, on_step=kill)
    (tmp_path / "cut" / "metrics.jsonl").open("a").close()
    result = run("cut", resume=True, config=config)
    assert result.epochs == 3
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


@pytest.mark.parametrize("kill_at", [5, 9])
def test_a_scaled_loss_goes_on_with_its_scale(
    run: Callable[..., FitResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_at: int
) -> None:
    """As in fp16 on a GPU; here the scale doubles after each two steps, and gradients are cut as they are scaled."""

    class Scaled(Accelerator):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)

    monkeypatch.setattr("data_tools.training.fit.Accelerator", Scaled)
    test_a_killed_and_resumed_run_ends_bit_identical(run, tmp_path, kill_at, every_step=True)
    last = tmp_path / "cut" / "last"
    kept = load_tensors(last, "optimizer")
    assert kept["scaler.scale"] == 4.0 * 2 ** (15 // 2)
    save_file(kept | {"scaler.scale": torch.tensor(-1.0)}, last / "optimizer.safetensors")
    write_checksums(last)
    with pytest.raises(InputError, match=r"'scaler\.scale' is out of its range"):
        run("cut", resume=True)


def test_validation_and_the_model_afterwards_compute_in_float32(run: Callable[..., FitResult]) -> None:
    """As whoever loads the run, whatever precision it is trained in."""
    images, model, exact = torch.rand(2, 3, 8, 8), Tiny(), []

    @torch.inference_mode()
    def look(at: nn.Module) -> None:
        exact.append(torch.equal(at(images), Tiny.forward(at, images)))  # type: ignore[arg-type]

    run("run", config=replace(CONFIG, mixed_precision="bf16"), model=model, look=look)
    look(model.eval())
    assert exact == [True] * 4


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_killed_between_the_last_step_of_an_epoch_and_its_line(
    run: Callable[..., FitResult], tmp_path: Path, epoch: int
) -> None:
    """No step is left for the resumed process, whose line must be the same all the same."""
    config = replace(CONFIG, checkpoint_minutes=0.0)
    run("whole", config=config)
    with pytest.raises(Killed):
        run("cut", config=config, killed_in_validation=epoch)
    run("cut", resume=True, config=config)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_killed_between_a_checkpoint_and_its_picture(
    run: Callable[..., FitResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    """After the last epoch too, where none is left whose end would draw it."""
    drawn: list[int] = []

    def draw(metrics: Path, *_: object) -> None:
        drawn.append(len(read_lines(metrics)))
        if len(drawn) == epoch:
            raise Killed

    monkeypatch.setattr("data_tools.training.fit.draw_curves", draw)
    with pytest.raises(Killed):
        run("cut")
    run("cut", resume=True)
    assert drawn == [*range(1, epoch + 1), *range(epoch, 4)]


def test_lines_the_checkpoint_does_not_know_are_written_again(run: Callable[..., FitResult], tmp_path: Path) -> None:
    """Killed after the line of an epoch was written and before its checkpoint was."""
    run("whole")

    def kill(step: int) -> None:
        if step == 7:
            raise Killed

    with pytest.raises(Killed):
        run("cut", on_step=kill)
    with (tmp_path / "cut" / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2}\n')
    run("cut", resume=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_workers_change_nothing(run: Callable[..., FitResult], tmp_path: Path) -> None:
    run("none")
    run("two", config=replace(CONFIG, workers=2))
    assert contents(tmp_path / "two") == contents(tmp_path / "none")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("at", [7, 10])
def test_a_request_to_stop_saves_and_says_how_to_go_on(
    run: Callable[..., FitResult], tmp_path: Path, number: signal.Signals, at: int
) -> None:
    def ask(step: int) -> None:
        if step == at:
            os.kill(os.getpid(), number)

    with pytest.raises(Stopped, match=f"after step {at}; go on with --run .* --resume"):
        run("cut", on_step=ask)
    run("whole")
    result = run("cut", resume=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert len(result.resumed) == 1


def test_a_request_in_the_last_validation_is_heard(run: Callable[..., FitResult], tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="after step 15"):
        run("cut", asked_in_validation=3)
    assert run("cut", resume=True).epochs == 3


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["state.json", "model", "average", "optimizer", "random", "metrics"])
def test_a_damaged_checkpoint_is_refused_and_nothing_written(
    run: Callable[..., FitResult], tmp_path: Path, name: str
) -> None:
    run("cut", scores=[1.0, 0.0, 0.0])
    folder = tmp_path / "cut"
    path = folder / "metrics.jsonl" if name == "metrics" else folder / "last" / name
    path = path if path.suffix else path.with_suffix(".safetensors")
    path.write_bytes(b"\xff\xfe")
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b"{}\n")
    before = snapshot(folder)
    with pytest.raises(InputError, match=path.name.replace(".", "[.]")):
        run("cut", resume=True, config=replace(CONFIG, epochs=4))
    assert snapshot(folder) == before


def test_a_damaged_best_is_made_anew_where_last_is_of_its_epoch(run: Callable[..., FitResult], tmp_path: Path) -> None:
    run("good", scores=[0.0, 0.0, 1.0])
    whole = contents(tmp_path / "good")
    (tmp_path / "good" / "best" / "model.safetensors").write_bytes(b"")
    assert run("good", resume=True).best_epoch == 3
    assert contents(tmp_path / "good") == whole
    run("lost", scores=[1.0, 0.0, 0.0])
    (tmp_path / "lost" / "best" / "model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"best/model\.safetensors: does not match its checksum"):
        run("lost", resume=True)


def test_a_best_of_another_epoch_is_refused(run: Callable[..., FitResult], tmp_path: Path) -> None:
    for name, scores in (("one", [1.0, 0.0, 0.0]), ("two", [0.0, 1.0, 0.0])):
        run(name, scores=scores)
    shutil.rmtree(tmp_path / "one" / "best")
    shutil.copytree(tmp_path / "two" / "best", tmp_path / "one" / "best")
    with pytest.raises(InputError, match="'epoch' must be one of 1, 4, not 2"):
        run("one", resume=True)


def test_a_full_disk_leaves_the_checkpoint_before(
    run: Callable[..., FitResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("run", config=replace(CONFIG, epochs=1))
    before = contents(tmp_path / "run")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        run("run", resume=True)
    assert {k: v for k, v in contents(tmp_path / "run").items() if k != "lines"} == {
        k: v for k, v in before.items() if k != "lines"
    }


def test_a_broken_loss_names_images_and_losses_and_keeps_the_checkpoint(
    run: Callable[..., FitResult], tmp_path: Path
) -> None:
    with pytest.raises(FloatingPointError, match=r"bce nan\. The batch was: image \d+ \(\d+\.png\) boxes \[") as info:
        run("run", nan_at=5)
    assert str(info.value).count("image ") == 2
    with pytest.raises(FloatingPointError):
        run("run", nan_at=7)
    assert (tmp_path / "run" / "last" / "model.safetensors").exists()


def test_the_best_epoch_is_kept_and_loaded(run: Callable[..., FitResult], tmp_path: Path) -> None:
    result = run("run", scores=[-0.5, 0.0, -0.2])
    assert (result.best_epoch, result.best) == (2, {"score": 0.0})
    assert json.loads((tmp_path / "run" / "best" / "state.json").read_text()) == {"epoch": 2, "score": 0.0}


@pytest.mark.parametrize(
    ("scores", "errors", "top", "kept"),
    [
        ([0.5, 0.9, 0.8, 0.85], [0.0, 0.1, 0.0, 0.0], 2, 4),  # the last within one error of the highest
        ([0.5, 0.9, 0.8125, 0.7], [9.0, 0.0875, 9.0, 9.0], 2, 3),  # the highest's error counts, its edge included
        ([0.9, 0.5, 0.95, 0.9], [0.5, 0.5, 0.01, 0.5], 3, 3),  # a higher one raises the bar
        ([0.9, 0.8, 0.7, 0.9], [None, None, None, None], 1, 4),  # without an error the last of the highest
        ([None, None, 0.1, None], [None, None, 0.5, None], 3, 3),  # an undefined one is never kept after a defined one
        ([None, None, None, None], [None, None, None, None], 0, 4),  # nothing to choose by
        ([-2.0, -1.0, -3.0, -1.5], [0.0, 0.6, 0.0, 0.0], 2, 4),
    ],
)
def test_the_last_epoch_within_one_standard_error_of_the_highest_is_kept(
    run: Callable[..., FitResult],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    scores: list[float | None],
    errors: list[float | None],
    top: int,
    kept: int,
) -> None:
    config = replace(CONFIG, epochs=4)
    with caplog.at_level(logging.INFO):
        result = run("run", config=config, scores=scores, errors=errors)
    why = f"after epoch {top}" if top else "because validation was never defined"
    assert caplog.messages[-1].startswith(f"kept epoch {kept} of 4: the last")
    assert caplog.messages[-1].endswith(why)
    assert (result.top_epoch, result.best_epoch, result.best["score"]) == (top, kept, scores[kept - 1])
    for epochs in range(1, 4):  # a run that is stopped and resumed chooses the same
        folder = f"cut after {epochs}"
        run(folder, config=replace(config, epochs=epochs), scores=scores, errors=errors)
        rest = [None if one is None else one[epochs:] for one in (scores, errors)]
        resumed = run(folder, resume=True, config=config, scores=rest[0], errors=rest[1])
        assert (resumed.top_epoch, resumed.best_epoch, resumed.best) == (top, kept, result.best)
    kept_state = json.loads((tmp_path / "run" / "best" / "state.json").read_text())
    assert kept_state == {"epoch": kept, **result.best}


def test_patience_stops_early(run: Callable[..., FitResult]) -> None:
    assert run("run", config=replace(CONFIG, epochs=9, patience=2), scores=[1, 0, 0, 2, 3, 4, 5, 6, 7]).epochs == 3


def test_patience_counts_from_the_highest_epoch_not_from_the_one_kept(run: Callable[..., FitResult]) -> None:
    config = replace(CONFIG, epochs=9, patience=3)
    result = run("run", config=config, scores=[1.0, 0.9, 0.9, 0.9, 2.0], errors=[0.2] * 5)
    assert (result.epochs, result.top_epoch, result.best_epoch) == (4, 1, 4)


def test_a_spent_budget_ends_with_a_validated_checkpoint_and_says_what_was_not_done(
    run: Callable[..., FitResult], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        result = run("run", config=replace(CONFIG, epochs=1000, max_minutes=0.01))
    assert re.search(r"fit\.max_minutes 0\.01 ended the run after \d+ of 5000 steps", caplog.text)
    assert 1 <= result.epochs < 1000
    assert result.minutes < 0.1
    assert (tmp_path / "run" / "best" / "model.safetensors").exists()


def test_a_budget_of_minutes_that_is_spent_stays_so_when_resumed(
    run: Callable[..., FitResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 steps of 10 s and a validation of 60 s: of 165 s too few are left for another one, in a new process too."""
    now = [0.0]

    class Slow(list[float | None]):
        def __getitem__(self, place: Any) -> Any:
            now[0] += 60.0
            return 0.5

    def step(_: int) -> None:
        now[0] += 10.0

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    config = replace(CONFIG, epochs=9, max_minutes=2.75)
    for resume in (False, True):
        assert run("run", resume, config, on_step=step, scores=Slow()).epochs == 1
