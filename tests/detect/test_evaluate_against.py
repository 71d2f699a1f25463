"""detect.evaluate --against: what changed since an earlier report, and the exit status of a CI of models."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import data_tools
from data_tools.core.records import Dataset, PredictionHeader, PredictionSet, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import read_predictions, write_predictions
from detect import evaluate

GROUPS = 20


@pytest.fixture
def folder(tmp_path: Path, make_sample, make_prediction) -> Path:
    """160 test images of 20 groups, every second with a box, and predictions that are mostly right."""
    rng = np.random.default_rng(0)
    samples = [make_sample(i, [(20, 20, 40, 40)] if i % 2 else [], group=f"g{i % GROUPS}") for i in range(1, 201)]
    splits = Splits(0, "", (1, 2), tuple(range(3, 41)), tuple(range(41, 201)))
    write_dataset(tmp_path / "data", Dataset(tuple(samples), ("defect",), None, splits))
    for split in ("val", "test"):
        predictions = []
        for i in splits.ids(split):
            x, y = rng.uniform(18, 26, 2)
            score = float(np.clip(0.35 + 0.3 * (i % 2) + rng.normal(0, 0.12), 0, 1))
            predictions.append(make_prediction(i, score, [(x, y, x + 20, y + 20)], [score], (x + 10, y + 10)))
        write_predictions(tmp_path / f"then_{split}.jsonl", PredictionSet(PredictionHeader("m"), tuple(predictions)))
    return tmp_path


def worsen(folder: Path, name: str, spread: float, shift: float = 0.0) -> None:
    """Predictions whose scores have noise added, and whose boxes and peaks are moved."""
    rng = np.random.default_rng(1)
    for split in ("val", "test"):
        told = read_predictions(folder / f"then_{split}.jsonl")
        worse = []
        for p in told.predictions:
            score = float(np.clip(p.score + rng.normal(0, spread), 0, 1))
            assert p.peak_xy is not None
            peak = (min(p.peak_xy[0] + shift, 79), p.peak_xy[1])
            boxes = p.boxes_xyxy + np.array([shift, 0, shift, 0])
            worse.append(replace(p, score=score, box_scores=np.array([score]), peak_xy=peak, boxes_xyxy=boxes))
        write_predictions(folder / f"{name}_{split}.jsonl", replace(told, predictions=tuple(worse)))


def run(folder: Path, name: str, *more: str) -> int:
    files = ["--predictions", f"{folder}/{name}_test.jsonl", "--validation", f"{folder}/{name}_val.jsonl"]
    return evaluate.main([*files, "--data", f"{folder}/data", "--resamples", "200", *more])


@pytest.fixture
def old(folder: Path) -> Path:
    assert run(folder, "then", "--out", f"{folder}/old.json") == 0
    return folder / "old.json"


def against(folder: Path, old: Path, name: str, *more: str) -> tuple[int, dict]:
    status = run(folder, name, "--against", str(old), "--out", f"{folder}/new.json", *more)
    return status, json.loads((folder / "new.json").read_text())["against"]


def test_the_same_predictions_have_not_changed(folder: Path, old: Path, capsys) -> None:
    status, found = against(folder, old, "then")
    assert status == 0
    assert len(found["changes"]) == 13
    assert all(row["difference"] == 0 and row["paired"] and row["p_value"] == 1 for row in found["changes"])
    assert found["remarks"] == []
    out = capsys.readouterr().out
    assert "no figure is shown to be worse" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 110


def test_a_worse_model_ends_in_status_1(folder: Path, old: Path, capsys) -> None:
    worsen(folder, "worse", 0.3)
    status, found = against(folder, old, "worse", "--html", f"{folder}/new.html")
    assert status == 1
    changed = {row["metric"]: row["change"] for row in found["changes"]}
    assert changed["auc"] == "worse"
    assert "worse" not in (changed["peak_distance"], changed["hit_rate"])  # the peaks are the same
    assert found["regressed"]
    out = capsys.readouterr().out
    assert "worse than then" in out
    assert ", AUC 0." in " ".join(out.split())
    page = (folder / "new.html").read_text()
    assert 'id="changes"' in page
    assert "Worse than then" in page


def test_moved_peaks_are_found_and_better_scores_are_said(folder: Path, old: Path) -> None:
    worsen(folder, "moved", 0.0, shift=15)
    status, found = against(folder, old, "moved")
    assert status == 1
    changed = {row["metric"]: row["change"] for row in found["changes"]}
    assert changed["hit_rate"] == changed["peak_distance"] == "worse"
    assert changed["auc"] == "no change shown"
    run(folder, "moved", "--out", str(old))
    status, found = against(folder, old, "then")
    assert status == 0
    assert "better than then" in found["verdict"]


def test_a_little_noise_is_no_regression(folder: Path, old: Path) -> None:
    worsen(folder, "noisy", 0.01)
    status, found = against(folder, old, "noisy")
    assert status == 0
    assert any(row["difference"] for row in found["changes"])


def test_without_the_predictions_of_then_the_intervals_are_compared(folder: Path, old: Path) -> None:
    worsen(folder, "worse", 0.6)
    written = (folder / "then_test.jsonl").read_text()
    (folder / "then_test.jsonl").write_text(written.replace('"producer": "m"', '"producer": "n"'))
    status, found = against(folder, old, "worse")
    assert status == 1
    assert not any(row["paired"] for row in found["changes"])
    assert "then_test.jsonl is not at hand as it was then" in found["remarks"][1]
    assert any("median" in remark and "no interval" in remark for remark in found["remarks"])
    auc = next(row for row in found["changes"] if row["metric"] == "auc")
    assert "as if independent" in auc["test"]
    assert run(folder, "then", "--against", str(old)) == 0


def test_predictions_that_moved_with_their_report_are_found(folder: Path, old: Path) -> None:
    (folder / "kept").mkdir()
    for name in ("old.json", "then_test.jsonl", "then_val.jsonl"):
        (folder / name).rename(folder / "kept" / name)
    worsen_from = folder / "kept"
    for split in ("val", "test"):
        (folder / f"now_{split}.jsonl").write_bytes((worsen_from / f"then_{split}.jsonl").read_bytes())
    status, found = against(folder, folder / "kept" / "old.json", "now")
    assert status == 0
    assert all(row["paired"] for row in found["changes"])


def test_other_images_are_refused(folder: Path, old: Path, capsys) -> None:
    data = read_dataset(folder / "data")
    first = data.samples[60]
    relabelled = tuple(replace(s, group="another") if s is first else s for s in data.samples)
    write_dataset(folder / "data", replace(data, samples=relabelled))
    assert run(folder, "then", "--against", str(old)) == 2
    assert "old.json: is of other images (n_groups 20 then, 21 now)" in capsys.readouterr().err
    swapped = tuple(replace(s, boxes_xyxy=s.boxes_xyxy + 1) if s is first else s for s in data.samples)
    write_dataset(folder / "data", replace(data, samples=swapped))
    assert run(folder, "then", "--against", str(old)) == 2
    assert "'truth_sha256' is of other images, or of other labels" in capsys.readouterr().err
    value = json.loads(old.read_text())
    value["data"]["split"] = "val"
    old.write_text(json.dumps(value))
    assert run(folder, "then", "--against", str(old)) == 2
    assert "'split' is 'val', but 'test' is judged now" in capsys.readouterr().err


def test_a_report_of_an_earlier_version_is_compared_by_intervals(folder: Path, old: Path) -> None:
    value = json.loads(old.read_text())
    for part in (value["data"], *value["runs"].values()):
        for key in ("truth_sha256", "remarks", "source", "n_groups", "approach"):
            part.pop(key, None)
    old.write_text(json.dumps(value))
    status, found = against(folder, old, "then")
    assert status == 0
    assert not any(row["paired"] for row in found["changes"])
    assert "says neither which images nor which predictions" in found["remarks"][0]


def test_a_figure_that_comes_out_otherwise_is_remarked(folder: Path, old: Path) -> None:
    value = json.loads(old.read_text())
    next(iter(value["runs"].values()))["metrics"]["auc"]["value"] -= 0.001
    old.write_text(json.dumps(value))
    _, found = against(folder, old, "then")
    assert any("AUC was" in remark and "compared as judged now" in remark for remark in found["remarks"])


def test_what_is_on_one_side_alone_is_said(folder: Path, old: Path) -> None:
    assert run(folder, "then", "--metric", "auc", "--out", str(old)) == 0
    (folder / "then_val.jsonl").rename(folder / "gone_val.jsonl")
    (folder / "then_test.jsonl").rename(folder / "gone_test.jsonl")
    _, found = against(folder, old, "gone")
    (paired,) = {row["paired"] for row in found["changes"]}
    assert not paired
    assert {row["metric"] for row in found["changes"]} <= {"auc", "average_precision", *RATES}
    assert "gone_test: hit rate (0 px) is not compared: it is not defined, or was not judged, then" in found["remarks"]
    assert "gone_test is compared with then_test, the only approach then" in found["remarks"]


RATES = ("operating_point.tpr", "operating_point.fpr")


def test_approaches_are_matched_by_name(folder: Path, old: Path, capsys) -> None:
    files = ["--predictions", f"{folder}/then_test.jsonl", f"{folder}/then_val.jsonl"]
    files = [files[0], files[1], files[1]]
    common = ["--data", f"{folder}/data", "--resamples", "200", "--metric", "auc"]
    assert evaluate.main([*files, *common, "--approaches", "a", "b", "--out", str(old)]) == 0
    assert evaluate.main([*files, *common, "--approaches", "c", "d", "--against", str(old)]) == 2
    assert "holds 'a', 'b', and judged now are 'c', 'd'" in capsys.readouterr().err
    assert evaluate.main([*files, *common, "--approaches", "a", "d", "--against", str(old)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"remark: d is not in {old}" in out
    assert "remark: b was not judged now" in out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda v: v.pop("data"), "key 'data' is missing"),
        (lambda v: v.update(schema=9), "'schema' must be one of 1, not 9"),
        (lambda v: v["data"].update(n_good="x"), "data: 'n_good' must be an integer"),
        (lambda v: v.update(runs={}), "'runs' is empty"),
        (lambda v: v["runs"]["then_test"].update(metrics=3), "runs, then_test: 'metrics' must be an object"),
        (lambda v: v["runs"]["then_test"]["metrics"]["auc"].update(value="high"), "'value' must be a finite number"),
        (lambda v: v["runs"]["then_test"]["source"]["validation"].update(sha256=1), "'sha256' must be text"),
    ],
)
def test_a_damaged_report_is_named_with_its_key(folder: Path, old: Path, capsys, damage, words: str) -> None:
    value = json.loads(old.read_text())
    damage(value)
    old.write_text(json.dumps(value))
    assert run(folder, "then", "--against", str(old)) == 2
    err = capsys.readouterr().err
    assert "old.json" in err
    assert words in err


def test_what_is_no_report_is_refused(folder: Path, old: Path, capsys) -> None:
    for content, words in (("{", "not readable as JSON"), ("[]", "not a JSON object"), ('{"a": NaN}', "no number of")):
        old.write_text(content)
        assert run(folder, "then", "--against", str(old)) == 2
        assert words in capsys.readouterr().err
    assert run(folder, "then", "--against", str(folder / "none.json")) == 2
    assert "none.json" in capsys.readouterr().err


def test_an_interval_without_its_value_is_refused(folder: Path, old: Path, capsys) -> None:
    value = json.loads(old.read_text())
    value["runs"]["then_test"]["metrics"]["auc"]["ci95"] = [0.1, 0.2]
    value["runs"]["then_test"]["source"] = {}
    old.write_text(json.dumps(value))
    assert run(folder, "then", "--against", str(old)) == 2
    assert "auc: 'ci95' must be two numbers with the value" in capsys.readouterr().err


def test_the_old_report_is_not_overwritten(folder: Path, old: Path, capsys) -> None:
    before = old.read_bytes()
    for flag in ("--out", "--html"):
        assert run(folder, "then", "--against", str(old), flag, str(old)) == 2
        assert "is what the command reads" in capsys.readouterr().err
    assert old.read_bytes() == before


def test_seeds_of_an_approach_are_compared_as_one(folder: Path, old: Path) -> None:
    """Two seeds then, one now; with and without the predictions of then."""
    worsen(folder, "worse", 0.3)
    both = [f"{folder}/then_test.jsonl", f"{folder}/worse_test.jsonl"]
    common = ["--data", f"{folder}/data", "--resamples", "200", "--metric", "auc"]
    words = ["--predictions", *both, "--approaches", "m", "m", *common, "--out", str(old)]
    assert evaluate.main(words) == 0
    values = []
    for name in ("then", "now"):
        (folder / f"{name}_test.jsonl").write_bytes((folder / "then_test.jsonl").read_bytes())
        words = ["--predictions", f"{folder}/{name}_test.jsonl", "--approaches", "m", "--against", str(old), *common]
        assert evaluate.main([*words, "--out", f"{folder}/new.json"]) == 0
        found = json.loads((folder / "new.json").read_text())["against"]
        auc = next(row for row in found["changes"] if row["metric"] == "auc")
        values.append((auc["paired"], auc["old"], auc["difference"]))
        (folder / "worse_test.jsonl").unlink(missing_ok=True)
    assert [paired for paired, _, _ in values] == [True, False]
    assert values[0][1:] == pytest.approx(values[1][1:])
    assert values[0][2] > 0.05


def test_from_python(folder: Path, old: Path) -> None:
    worsen(folder, "worse", 0.3)
    files = {name: f"{folder}/worse_{name}.jsonl" for name in ("test", "val")}
    common = {"validation": {"m": files["val"]}, "metrics": ("auc",), "resamples": 200}
    report = data_tools.evaluate(folder / "data", {"m": files["test"]}, against=old, **common)
    assert report.against is not None
    assert report.against.regressed
    assert next(one.metric for one in report.against.changes if one.change == "worse") == "auc"
    assert data_tools.evaluate(folder / "data", {"m": files["test"]}, **common).against is None


def test_figures_behind_a_threshold_of_another_rule_are_not_compared_by_intervals(folder: Path, old: Path) -> None:
    (folder / "then_test.jsonl").rename(folder / "same_test.jsonl")
    (folder / "then_val.jsonl").rename(folder / "same_val.jsonl")
    status, by_the_same = against(folder, old, "same")
    assert status == 0
    assert {"operating_point.fpr", "end_to_end.hit_rate"} <= {row["metric"] for row in by_the_same["changes"]}
    status, found = against(folder, old, "same", "--escape_rate", "0.3")
    assert status == 0
    compared = {row["metric"] for row in found["changes"]}
    assert "auc" in compared
    assert not [name for name in compared if name.startswith(("operating_point", "end_to_end"))]
    assert sum("another rule chose the threshold then" in remark for remark in found["remarks"]) == 5


def test_a_name_of_then_that_would_break_the_table_is_refused(folder: Path, old: Path, capsys) -> None:
    report = json.loads(old.read_text())
    report["runs"] = dict.fromkeys(["\x1b[2J\ud800"], report["runs"]["then_test"])
    old.write_text(json.dumps(report))
    assert run(folder, "then", "--against", str(old)) == 2
    assert "old.json: 'runs': '\\x1b[2J" in capsys.readouterr().err


def test_texts_of_then_neither_steer_the_terminal_nor_end_the_page(folder: Path, old: Path, capsys) -> None:
    report = json.loads(old.read_text())
    report["engines"] = {"box_map": "\x1b[2J\nforged \ud800"}
    report["runs"]["then_test"]["source"]["predictions"]["path"] = "gone\n\x1b[2J\ud800.jsonl"
    report["runs"]["then_test"]["source"]["predictions"]["sha256"] = "0" * 64
    old.write_text(json.dumps(report))
    assert run(folder, "then", "--against", str(old), "--html", str(folder / "new.html")) == 0
    out = capsys.readouterr().out
    assert "\\nforged" in out
    assert "\x1b" not in out
    assert "gone\\n" in (folder / "new.html").read_text()
