import hashlib
import json
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.runs import (
    SERIES_MARK,
    Run,
    approaches_of,
    is_exchanged,
    newest_runs,
    read_run,
    require_predictions_of,
    require_seal,
    require_tables_place,
    sealed,
)


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


def test_a_manifest_that_was_changed_since_is_refused_and_an_older_one_is_taken(tmp_path: Path) -> None:
    path, manifest = tmp_path / "manifest.json", {"score_rule": "best", "threshold": 0.25, "checksums": {"a": "b"}}
    whole = sealed(manifest)
    assert sealed(whole) == whole
    for value in (whole, dict(reversed(whole.items())), manifest, {"score_rule": "best"}):
        path.write_text(json.dumps(value, indent=3))
        require_seal(tmp_path)
    for changed in ({"threshold": 0.35}, {"more": 1}, {"checksums": whole["checksums"] | {"a": "c"}}):
        path.write_text(json.dumps(whole | changed))
        with pytest.raises(InputError, match=r"manifest\.json: does not match its own checksum"):
            require_seal(tmp_path)


def test_a_file_is_not_called_another_by_a_manifest_that_was_changed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    digest = hashlib.sha256(b"one").hexdigest()
    (tmp_path / "manifest.json").write_text(json.dumps(sealed({"checksums": {"a": digest}})))
    assert not is_exchanged(tmp_path, "a")
    (tmp_path / "a").write_text("two")
    assert is_exchanged(tmp_path, "a")
    (tmp_path / "a").write_text("one")
    damaged = (tmp_path / "manifest.json").read_text().replace(digest, digest[::-1])
    (tmp_path / "manifest.json").write_text(damaged)
    with pytest.raises(InputError, match=r"manifest\.json: does not match its own checksum"):
        is_exchanged(tmp_path, "a")


def test_predictions_that_are_not_the_run_s_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path, "d", "detect", 0)
    run.predictions("val").parent.mkdir()
    run.predictions("val").write_text("a")
    require_predictions_of(run, "val")  # no checksum
    manifest = json.loads((run.folder / "manifest.json").read_text())
    checksums = {"predictions/val.jsonl": hashlib.sha256(b"a").hexdigest(), "predictions/test.jsonl": "absent"}
    (run.folder / "manifest.json").write_text(json.dumps(manifest | {"checksums": checksums}))
    for split in ("train", "val", "test"):
        require_predictions_of(run, split)
    run.predictions("val").write_text("b")
    with pytest.raises(InputError, match=r"predictions/val\.jsonl: does not match .*detect\.train --run .* --resume"):
        require_predictions_of(run, "val")


@pytest.mark.parametrize("cell", ["cell", "approach/seed0", "fold/approach/seed0"])
def test_tables_go_over_those_of_a_series_and_over_nobody_else_s(cell: str, tmp_path: Path) -> None:
    require_tables_place(tmp_path / "new", ["t.json"], "--out")
    (tmp_path / "t.json").write_text("mine")
    require_tables_place(tmp_path, ["t.csv"], "--out")
    with pytest.raises(InputError, match=r"--out .*: t\.json lies where a table goes"):
        require_tables_place(tmp_path, ["t.csv", "t.json"], "--out")
    (tmp_path / cell).mkdir(parents=True)
    (tmp_path / cell / SERIES_MARK).write_text("{}")
    require_tables_place(tmp_path, ["t.json"], "--out")
