"""The picture of a run and its event files, from a metrics.jsonl with gaps."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.training.curves import draw_curves
from data_tools.training.event_files import require_tensorboard, write_events


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.jsonl"
    lines = [
        {
            "epoch": epoch,
            "step": 10 * epoch,
            "lr": 1e-3 / epoch,
            "images_per_s": 20.0,
            "losses": {"rpn": 1.0 / epoch, "box": 0.5},
            "validation": {"auc": None, "ap50": 0.1 * epoch, "selection": 0.1 * epoch, "selection_error": None},
        }
        for epoch in (1, 2, 3)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_curves_mark_the_kept_epoch(metrics: Path, tmp_path: Path) -> None:
    draw_curves(metrics, "selection", 2, tmp_path / "kept.png")
    draw_curves(metrics, "selection", 0, tmp_path / "none.png")
    kept, none = (np.asarray(Image.open(tmp_path / name)) for name in ("kept.png", "none.png"))
    assert kept.shape == none.shape
    assert (kept != none).any()


def test_names_and_marks_lie_beside_the_curves_and_a_first_epoch_shows(
    metrics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    drawn: list[Figure] = []
    saved = Figure.savefig

    def keep(figure: Figure, *args: object, **kwargs: object) -> None:
        drawn.append(figure)
        saved(figure, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", keep)
    metrics.write_text(metrics.read_text().splitlines()[0] + "\n")
    draw_curves(metrics, "selection", 1, tmp_path / "curves.png")
    losses, validation, _ = drawn[0].axes
    for axes in (losses, validation):
        legend = axes.get_legend()
        assert legend is not None
        assert legend.get_window_extent().x0 >= axes.get_window_extent().x1
        assert all(line.get_marker() == "." for line in axes.lines if len(line.get_xdata()) == 1)  # type: ignore[arg-type]
    assert losses.texts[0].get_window_extent().y0 >= losses.get_window_extent().y1
    names = {text.get_text() for text in validation.get_legend().texts}  # type: ignore[union-attr]
    assert names == {"ap50", "selection (picks the epoch)"}  # neither the AUC nor the error is known


def test_no_line_no_picture(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").touch()
    draw_curves(tmp_path / "metrics.jsonl", "selection", 0, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_event_files_hold_each_epoch_once_however_often_they_are_written(metrics: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):
        write_events(metrics, tmp_path / "tensorboard")
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(one.step, round(one.value, 3)) for one in events.Scalars("validation/ap50")] == [
        (10, 0.1),
        (20, 0.2),
        (30, 0.3),
    ]
    assert "validation/auc" not in events.Tags()["scalars"]


def test_event_files_without_their_package_say_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from an index by this project's name, which anybody might take there."""
    monkeypatch.setattr("data_tools.training.event_files.find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"pip install tensorboard, or '\.\[tensorboard\]' here$"):
        require_tensorboard()
