import json
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.runs import SERIES_MARK, Run, approaches_of, newest_runs, read_run


def make_run(root: Path, name: str, approach: str, seed: int, backbone: str = "resnet18") -> Run:
    folder = root / name
    folder.mkdir()
    manifest = {"approach": approach, "finished": "2025-01-01T00:00:00", "data": "d", "data_hash": "h"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    config = f"run: {folder}\ndata: d\nmodel:\n  backbone: {backbone}\nfit:\n  seed: {seed}\n  epochs: 3\n"
    (folder / "config.yaml").write_text(config)
    return read_run(folder)


@pytest.mark.parametrize("labels", [("d0", "d1", "c0", "d2")])
def test_runs_that_differ_by_the_seed_are_one_approach(tmp_path: Path, labels: tuple[str, ...]) -> None:
    runs = [
        make_run(tmp_path, "d0", "detect", 0),
        make_run(tmp_path, "d1", "detect", 1),
        make_run(tmp_path, "c0", "classify", 0),
        make_run(tmp_path, "d2", "detect", 0, "resnet50"),
    ]
    assert approaches_of(runs, labels) == ["detect", "detect", "c0", "d2"]


def test_two_groups_of_one_kind_keep_apart(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, f"{b}{s}", "detect", s, b) for b in ("a", "b") for s in (0, 1)]
    assert approaches_of(runs, ["a0", "a1", "b0", "b1"]) == ["a0 and seeds"] * 2 + ["b0 and seeds"] * 2


def test_without_settings_a_run_stands_alone(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, f"d{s}", "detect", s) for s in (0, 1)]
    (runs[0].folder / "config.yaml").write_text("- not a mapping")
    (runs[1].folder / "config.yaml").unlink()
    assert approaches_of(runs, ["d0", "d1"]) == ["d0", "d1"]


def test_runs_of_a_series_are_not_taken_for_the_newest(tmp_path: Path) -> None:
    for name in ("cell", "alone"):
        (make_run(tmp_path, name, "classify", 0).folder / "predictions").mkdir()
        (tmp_path / name / "predictions" / "test.jsonl").touch()
    (tmp_path / "cell" / SERIES_MARK).write_text("{}")
    assert [run.folder.name for run in newest_runs(tmp_path)] == ["alone"]
    (tmp_path / "alone" / SERIES_MARK).write_text("{}")
    with pytest.raises(InputError, match="no finished run"):
        newest_runs(tmp_path)


def test_a_run_says_what_an_image_took(tmp_path: Path) -> None:
    run = make_run(tmp_path, "timed", "detect", 0)
    assert run.milliseconds == {}
    path = run.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"predicting": {"test": {"seconds": 2.5, "images": 200}}}))
    assert read_run(run.folder).milliseconds == {"test": 12.5}
    path.write_text(json.dumps(manifest | {"predicting": {"test": {"seconds": 2.5, "images": 0}}}))
    assert read_run(run.folder).milliseconds == {}
    path.write_text(json.dumps(manifest | {"predicting": {"test": {"seconds": "quick", "images": 200}}}))
    with pytest.raises(InputError, match="seconds"):
        read_run(run.folder)
